"""Writing a report's file: part by part, each with its event, under the fence of the job."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core.actor import Actor
from core.audit import Subject, audited
from core.errors import NotAllowed
from core.exports import csv_lines
from core.jobs import GiveUp, Run
from core.models import Report, ReportPart
from core.reports.kinds import ReportKind, ReportRows, find_kind

JOB = "core.report"
# How long a report is kept, from its last byte.
LIFETIME = timedelta(hours=24)
# A part ends with the line that reaches one of these: it is held in memory, and its event names whom it is about.
_PART_BYTES, _PART_LINES = 1024 * 1024, 5000
_TELL_EVERY = 500  # lines


@dataclass(slots=True)
class _Part:
    """A stretch of the file while it grows."""

    content: bytearray = field(default_factory=bytearray)
    lines: int = 0
    subjects: dict[UUID, Subject] = field(default_factory=dict)

    @property
    def is_full(self) -> bool:
        return len(self.content) >= _PART_BYTES or self.lines >= _PART_LINES


def write_report(run: Run) -> dict[str, Any]:
    """Write the report that the job names, from its first byte, with the requester's rights of now.

    An earlier attempt's parts are thrown away. Raises GiveUp for a report that is there no more, NotAllowed for a
    requester who may not have it any more, and what `Run` raises.
    """
    report = Report.objects.filter(pk=run.args["report"]).first()
    kind = find_kind(report.kind) if report else None
    if report is None or kind is None:
        raise GiveUp("expired", "The report expired before it was written.")
    if report.ready_at is not None:  # written by an attempt that could not say so any more
        return {"report": report.pk, "rows": report.row_count}
    actor = kind.actor_of(report.requested_by)
    found = _begin(run, report, kind, actor)
    size, rows = 0, -1  # the first line holds the columns
    for number, part in enumerate(_parts(run, found)):
        with audited(actor, "report.generate", Subject("report", report.pk), *part.subjects.values()):
            run.fence()
            subjects = [[each.kind, str(each.id), each.rule] for each in part.subjects.values()]
            ReportPart.objects.create(report=report, number=number, content=bytes(part.content), subjects=subjects)
        size, rows = size + len(part.content), rows + part.lines
    with transaction.atomic():
        run.fence()
        now = timezone.now()
        Report.objects.filter(pk=report.pk).update(row_count=rows, size=size, ready_at=now, expires_at=now + LIFETIME)
    return {"report": report.pk, "rows": rows}


def _begin(run: Run, report: Report, kind: ReportKind, actor: Actor) -> ReportRows:
    """Judge the requester, clear the place, and settle which rows there are."""
    with transaction.atomic():
        run.fence()
        if not kind.may_have(actor=actor, scope=report.scope):
            with audited(actor, "report.generate", Subject("report", report.pk)):
                raise NotAllowed("Who asked for the report may not have it any more.")
        ReportPart.objects.filter(report=report).delete()
    return kind.find_rows(actor=actor, scope=report.scope, since=report.since, until=report.until)


def _parts(run: Run, found: ReportRows) -> Iterator[_Part]:
    """Yield the file in parts; says how far it is in between."""
    part = _Part()

    def cells() -> Iterator[tuple[Any, ...]]:
        for row in found.rows:
            part.subjects[row.subject.id] = row.subject
            yield row.cells

    for done, line in enumerate(csv_lines(found.columns, cells())):
        part.content += line
        part.lines += 1
        if done % _TELL_EVERY == 0:
            run.progress(done, found.total)
        if part.is_full:
            yield part
            part = _Part()
    if part.lines:
        yield part
    run.progress(found.total, found.total)
