"""Asking for reports, and looking at those that there are."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from core import jobs
from core.actor import Actor
from core.audit import Subject, audited
from core.errors import Invalid, NotAllowed, NotFound
from core.ids import new_id
from core.models import Report
from core.pagination import Page, PageIn, paginate
from core.reports.kinds import find_kind, require_reader
from core.reports.permissions import visible_reports
from core.reports.schemas import ReportIn, ReportOut, ReportRequestedOut
from core.reports.write import JOB, LIFETIME
from core.throttle import Limit, count_attempt

_REQUESTS = Limit("report", amount=5, seconds=3600)


def count_request(*, actor: Actor, now: datetime) -> None:
    """Count that somebody asks for a report, outside any transaction; raises TooManyAttempts after five an hour.

    Who may have none is not counted: `create_report` refuses them.
    """
    try:
        require_reader(actor)
    except NotAllowed:
        return
    count_attempt([(_REQUESTS, str(actor.user_id))], now=now)


def create_report(*, actor: Actor, body: ReportIn, now: datetime) -> ReportRequestedOut:
    """Ask for a report; a job writes it.

    Raises NotAllowed for who may have none of this kind, and Invalid for a kind that nobody offers or no period.
    """
    report_id = new_id()
    with audited(actor, "report.create", Subject("report", report_id)):
        kind = find_kind(body.kind)
        if kind is None:
            require_reader(actor)
            raise Invalid({"kind": ["is not known"]})
        scope = kind.scope_for(actor=actor)
        _require_period(body.from_, body.to)
        asked = jobs.submit(
            kind=JOB,
            key=f"report:{report_id}",
            args={"report": str(report_id)},
            requested_by=actor.account_id,
            now=now,
        )
        Report.objects.create(
            id=report_id,
            kind=body.kind,
            format=body.format,
            since=body.from_,
            until=body.to,
            scope=scope,
            requested_by=actor.account_id,
            job_id=asked,
            created_at=now,
            expires_at=now + LIFETIME,
        )
    return ReportRequestedOut(job=asked, report=report_id)


def list_reports(*, actor: Actor, page: PageIn, now: datetime) -> Page[ReportOut]:
    """Return one page of the actor's reports, newest first; administrators see everybody's. Raises NotAllowed.

    Says nothing of what stands in them, so it is not on record.
    """
    require_reader(actor)
    return paginate(visible_reports(actor, now), page=page, scope=f"reports:{actor.user_id}").map(_publish)


def get_report(*, actor: Actor, report_id: UUID, now: datetime) -> ReportOut:
    """Return how a report stands; raises NotAllowed, and NotFound for somebody else's or one that has expired."""
    require_reader(actor)
    report = visible_reports(actor, now).filter(pk=report_id).first()
    if report is None:
        raise NotFound
    return _publish([report])[0]


def forget_expired_reports(*, now: datetime) -> int:
    """Delete reports whose day is over, with their files; returns how many."""
    deleted, by_table = Report.objects.filter(expires_at__lte=now).delete()
    return by_table.get(Report._meta.label, 0) if deleted else 0


def _require_period(since: date | None, until: date | None) -> None:
    for name, day in (("from", since), ("to", until)):
        if day is not None and not 2000 <= day.year <= 2200:
            raise Invalid({name: ["must lie between the years 2000 and 2200"]})
    if since and until and until < since:
        raise Invalid({"to": ["must not lie before from"]})


def _publish(reports: Sequence[Report]) -> list[ReportOut]:
    writing = jobs.find_jobs([report.job_id for report in reports if report.job_id])
    return [
        ReportOut(
            id=report.pk,
            kind=report.kind,
            format=report.format,  # type: ignore[arg-type]  # only such formats are asked for
            from_=report.since,
            to=report.until,
            requested_by=report.requested_by,
            job=writing.get(report.job_id) if report.job_id else None,
            row_count=report.row_count,
            size=report.size,
            created_at=report.created_at,
            ready_at=report.ready_at,
            expires_at=report.expires_at,
        )
        for report in reports
    ]
