"""Handing a report out: judged once more, on record before each byte that it concerns."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.actor import Actor
from core.audit import Subject, audited
from core.errors import Conflict, NotAllowed, NotFound
from core.models import Report, ReportPart
from core.reports.kinds import find_kind, require_reader
from core.reports.permissions import visible_reports

CONTENT_TYPES = {"csv": "text/csv; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A file on its way out: what it is called, how many bytes it has, and the bytes, read while they are sent."""

    name: str
    content_type: str
    size: int
    content: Iterator[bytes]


def open_report(*, actor: Actor, report_id: UUID, now: datetime) -> ReportFile:
    """Return a report's file; every stretch of it is on record, with whom it is about, before it is sent.

    Raises NotAllowed for who takes no reports, or may not have this one any more, NotFound for somebody else's or one
    that has expired, and Conflict (`not_ready`) for one that is not written.
    """
    with audited(actor, "report.download", Subject("report", report_id)) as act:
        require_reader(actor)
        report = visible_reports(actor, now).filter(pk=report_id).first()
        if report is None:
            raise NotFound
        kind = find_kind(report.kind)
        if kind is None or not kind.may_have(actor=actor, scope=report.scope):
            raise NotAllowed("You may not have this report any more.")
        if report.ready_at is None:
            raise Conflict("This report is not ready; its job says how far it is.", code="not_ready")
        first, about = _read(report, actor, 0)
        act.about(*about)
    return ReportFile(
        name=f"{report.kind}-{report.created_at:%Y-%m-%d}.{report.format}",
        content_type=CONTENT_TYPES[report.format],
        size=report.size,
        content=_send(report, actor, first),
    )


def _send(report: Report, actor: Actor, first: bytes) -> Iterator[bytes]:
    yield first
    for number in range(1, ReportPart.objects.filter(report=report).count()):
        with audited(actor, "report.download", Subject("report", report.pk)) as act:
            content, about = _read(report, actor, number)
            act.about(*about)
        yield content


def _read(report: Report, actor: Actor, number: int) -> tuple[bytes, list[Subject]]:
    """Return a part and whom it is about; raises NotFound where it has expired meanwhile."""
    part = ReportPart.objects.filter(report=report, number=number).first()
    if part is None:
        raise NotFound
    is_theirs = actor.user_id == report.requested_by  # else only an administrator comes so far
    about = [Subject(kind, UUID(whom), rule if is_theirs else "admin") for kind, whom, rule in part.subjects]
    return bytes(part.content), about
