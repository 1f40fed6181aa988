"""Records into the table: what is new or has changed is written, what is as it was gets the copy's mark."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from core.ids import new_id
from federation.connectors import FetchedRecord, Problem
from federation.models import PatientRecord, SyncRun
from federation.service.ingest.upsert import OF_EACH, upsert

BATCH = 500

# What the hospital says, as columns; a row is written again where one of them differs.
_SAID = OF_EACH[OF_EACH.index("name") :]


@dataclass
class Written:
    """What became of some records: how many rows are new or changed, and which records came twice."""

    count: int = 0
    problems: list[Problem] = field(default_factory=list)


def write_records(run: SyncRun, records: Sequence[FetchedRecord], *, now: datetime) -> Written:
    """Write a page's records in the caller's transaction, each row with the run that changed it.

    Of a patient who comes twice in one copy the first counts. A tombstone comes alive again. Records that were typed
    in are not read or touched.
    """
    written = Written()
    for start in range(0, len(records), BATCH):
        _write_batch(run, records[start : start + BATCH], written, now=now)
    return written


def sweep(run: SyncRun, *, now: datetime) -> int:
    """Make tombstones of the records that a complete copy did not have, in the caller's transaction; returns how many.

    Their run is the one that missed them.
    """
    missed = _rows(run).filter(removed_at__isnull=True, generation__lt=run.generation)
    return missed.update(removed_at=now, updated_at=now, run=run)


def count_records(run: SyncRun) -> int:
    """Return how many live records of the hospital there are in its copy."""
    return _rows(run).filter(removed_at__isnull=True).count()


def _write_batch(run: SyncRun, batch: Sequence[FetchedRecord], written: Written, *, now: datetime) -> None:
    known = _find_known(run, [record.patient_id for record in batch])
    changed: list[tuple[Any, ...]] = []
    same: list[UUID] = []
    taken: set[str] = set()
    for record in batch:
        row = known.get(record.patient_id)
        if record.patient_id in taken or (row and row.generation == run.generation):
            written.problems.append(Problem("duplicate_id", record.place))
            continue
        taken.add(record.patient_id)
        said = _said(record)
        if row and not row.is_removed and row.said == said:
            same.append(row.pk)
        else:
            person = PatientRecord.person_of(run.hospital_id, record.patient_id)
            changed.append((new_id(), record.patient_id, person, *said))
    upsert(_same_for_all(run, now=now), changed)
    if same:
        PatientRecord.objects.filter(pk__in=same).update(generation=run.generation)
    written.count += len(changed)


@dataclass(frozen=True, slots=True)
class _Known:
    pk: UUID
    generation: int
    is_removed: bool
    said: tuple[Any, ...]


def _find_known(run: SyncRun, patient_ids: list[str]) -> dict[str, _Known]:
    found = _rows(run).filter(patient_id__in=patient_ids)
    rows = found.values_list("patient_id", "pk", "generation", "removed_at", *_SAID)
    return {
        patient_id: _Known(pk, generation, removed_at is not None, tuple(said))
        for patient_id, pk, generation, removed_at, *said in rows
    }


def _said(record: FetchedRecord) -> tuple[Any, ...]:
    """Return the record as columns, in the order of `_SAID`."""
    key = PatientRecord.key_of(name=record.name, patient_id=record.patient_id, diagnosis=record.diagnosis)
    return (
        record.name,
        record.age,
        record.birth_date,
        record.deceased_on,
        record.is_deceased,
        record.gender,
        record.diagnosis,
        record.is_restricted,
        key,
    )


def _same_for_all(run: SyncRun, *, now: datetime) -> PatientRecord:
    return PatientRecord(
        hospital_id=run.hospital_id,
        origin=PatientRecord.Origin.SYNC,
        run=run,
        generation=run.generation,
        created_at=now,
        updated_at=now,
    )


def _rows(run: SyncRun) -> "QuerySet[PatientRecord]":
    return PatientRecord.objects.filter(hospital_id=run.hospital_id, origin=PatientRecord.Origin.SYNC)
