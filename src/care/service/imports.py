"""Bringing in a whole directory or its patients from another system's export; safe to repeat."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TypeVar

from django.db import IntegrityError

from care.csv_source import BadRow, Body, SourceRow, SourceUnreadable
from care.models import Doctor, Patient
from care.permissions import may_import
from care.schemas import DoctorIn, PatientIn
from care.service.doctors import new_doctor
from care.service.patients import new_patient
from core.actor import Actor
from core.audit import Subject, audited
from core.errors import Invalid, NotAllowed

Table = TypeVar("Table", Patient, Doctor)

_BATCH = 500
_LINES_NAMED = 3


@dataclass
class Skipped:
    """How many rows were skipped for one reason, and the first few of their lines."""

    count: int = 0
    first_lines: list[int] = field(default_factory=list)


@dataclass
class ImportSummary:
    """What became of a source: every row is imported, already there, or skipped for a reason.

    `skipped` maps each reason to its rows; `notes` counts what imported rows said that has no place here; `broken_off`
    says in one line why the source could not be read to its end, if so.
    """

    imported: int = 0
    already_there: int = 0
    skipped: dict[str, Skipped] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)
    broken_off: str | None = None

    def skip(self, line: int, reason: str) -> None:
        """Count a row that was skipped."""
        rows = self.skipped.setdefault(reason, Skipped())
        rows.count += 1
        if len(rows.first_lines) < _LINES_NAMED:
            rows.first_lines.append(line)


def import_patients(*, actor: Actor, records: Iterable[SourceRow[PatientIn] | BadRow], now: datetime) -> ImportSummary:
    """Add the charts that are not here yet, kept by nobody: staff and administrators see them.

    A row whose `source_id` is here already changes nothing, also when people changed or deleted that chart since; so
    repeating is safe. Written in transactions of 500 rows; where the source breaks off, what came before stays. In
    memory are one batch and the ids. Raises NotAllowed for everybody but administrators and the system.
    """
    return _import(actor, records, Patient, lambda body: new_patient(body, created_by=None, now=now))


def import_doctors(*, actor: Actor, records: Iterable[SourceRow[DoctorIn] | BadRow], now: datetime) -> ImportSummary:
    """Add the directory entries that are not here yet, verified and without an account; else as `import_patients`."""
    return _import(actor, records, Doctor, lambda body: new_doctor(body, created_by=None, verified=True, now=now))


def _import(
    actor: Actor, records: Iterable[SourceRow[Body] | BadRow], table: type[Table], make: Callable[[Body], Table]
) -> ImportSummary:
    if not may_import(actor):
        raise NotAllowed("Only administrators import patients and doctors.")
    summary = ImportSummary()
    accepted = _accepted(records, make, summary)
    while batch := list(islice(accepted, _BATCH)):
        _write(actor, table, batch, summary)
    return summary


def _accepted(
    records: Iterable[SourceRow[Body] | BadRow], make: Callable[[Body], Table], summary: ImportSummary
) -> Iterator[tuple[Table, tuple[str, ...]]]:
    """Yield what can be stored, with its notes; the rest goes into the summary, as does where the source breaks off."""
    seen: set[str] = set()
    try:
        for record in records:
            if isinstance(record, BadRow):
                summary.skip(record.line, record.reason)
            elif record.source_id in seen:
                summary.skip(record.line, "Id: stands in the file before")
            else:
                try:
                    made = make(record.body)
                except Invalid as wrong:
                    summary.skip(
                        record.line, "; ".join(f"{name}: {' '.join(why)}" for name, why in wrong.errors.items())
                    )
                    continue
                seen.add(record.source_id)
                made.source_id = record.source_id
                yield made, record.notes
    except SourceUnreadable as broken:
        summary.broken_off = str(broken)


def _write(
    actor: Actor, table: type[Table], batch: list[tuple[Table, tuple[str, ...]]], summary: ImportSummary
) -> None:
    try:
        there = _insert_missing(actor, table, [made for made, _ in batch])
    except IntegrityError:
        # Another import of the same rows committed between our look and our insert; now they can be seen.
        there = _insert_missing(actor, table, [made for made, _ in batch])
    for made, notes in batch:
        if made.source_id in there:
            summary.already_there += 1
        else:
            summary.imported += 1
            summary.notes.update(notes)


def _insert_missing(actor: Actor, table: type[Table], rows: list[Table]) -> set[str | None]:
    """Insert those that are not in the table, all or none; returns the source ids that were there.

    No grants follow: a chart kept by nobody, with nobody's account and no care team, has none.
    """
    kind = "patient" if table is Patient else "doctor"
    with audited(actor, f"{kind}.import") as act:
        there = set(
            table.objects.filter(source_id__in=[row.source_id for row in rows]).values_list("source_id", flat=True)
        )
        missing = [row for row in rows if row.source_id not in there]
        table.objects.bulk_create(missing)
        act.about(*(Subject(kind, row.pk) for row in missing))
        return there
