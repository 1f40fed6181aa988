"""Reports as files: asked for, watched while a job writes them, downloaded for a day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from core import reports
from core.actor import Actor
from core.audit import record_refusal
from core.errors import Conflict, Invalid, TooManyAttempts
from core.reports import ReportOut
from portal.forms.reports import ReportRequestForm, last_month
from portal.fragments import page_or_fragment
from portal.frame import frame_for
from portal.jobs import JobView, view_jobs
from portal.paging import asked_page, first_page, pager
from portal.session import PortalRequest, signed_in
from portal.wording import REPORT_KINDS


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A report in words, and the job that writes it; None where that is forgotten already."""

    report: ReportOut
    title: str
    writing: JobView | None
    is_ready: bool


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def list_reports(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Show the reports of the last day and ask for another one; while one is written, htmx asks for the list again."""
    now = timezone.now()
    if request.method != "POST":
        form = ReportRequestForm(initial=last_month(timezone.localdate(now)))
        return _render_reports(request, actor, form, now=now)
    form = ReportRequestForm(request.POST)
    if not form.is_valid():
        return _render_reports(request, actor, form, now=now, status=422)
    try:
        reports.count_request(actor=actor, now=now)
        reports.create_report(actor=actor, body=form.body(), now=now)
    except Invalid as refusal:
        record_refusal(refusal)
        form.refuse_fields(refusal.errors)
        return _render_reports(request, actor, form, now=now, status=refusal.status)
    except TooManyAttempts as refusal:
        record_refusal(refusal)
        form.add_error(None, f"Five reports an hour are enough for everybody. {refusal.detail}")
        response = _render_reports(request, actor, form, now=now, status=refusal.status)
        response["Retry-After"] = str(refusal.retry_after)
        return response
    messages.success(request, "The report is being written. It stands first in the list below.")
    return redirect("portal:reports")


@require_safe
@signed_in
def download_report(request: PortalRequest, actor: Actor, *, report_id: UUID) -> HttpResponse | StreamingHttpResponse:
    """Send a report's file, part by part; one that is not written yet leads back to the list that says so."""
    try:
        file = reports.open_report(actor=actor, report_id=report_id, now=timezone.now())
    except Conflict as refusal:
        record_refusal(refusal)
        messages.warning(request, "This report is not ready yet.")
        return redirect("portal:reports")
    response = StreamingHttpResponse(file.content, content_type=file.content_type)
    response["Content-Disposition"] = f'attachment; filename="{file.name}"'
    response["Content-Length"] = str(file.size)
    return response


def _render_reports(
    request: PortalRequest,
    actor: Actor,
    form: ReportRequestForm,
    *,
    now: datetime,
    status: int = 200,
) -> HttpResponse:
    try:
        found = reports.list_reports(actor=actor, page=asked_page(request), now=now)
    except Invalid as refusal:
        record_refusal(refusal)
        return redirect(first_page(request, {}))
    rows = _rows(found.items, actor, now)
    jobs = [row.writing for row in rows if row.writing and not row.is_ready]
    context = {
        "frame": frame_for(request, actor),
        "form": form,
        "rows": rows,
        "is_live": any(job.is_live for job in jobs),
        "is_followed": any(job.is_followed for job in jobs),
        "sees_all": actor.is_admin,
        "pager": pager(request, {}, found),
        "here": request.get_full_path(),
    }
    return render(request, page_or_fragment(request, "portal/reports/list.html", "results"), context, status=status)


def _rows(found: Iterable[ReportOut], actor: Actor, now: datetime) -> list[ReportRow]:
    listed = list(found)
    writing = view_jobs((report.job for report in listed if report.job), actor=actor, now=now)
    by_job = {view.job.id: view for view in writing}
    return [
        ReportRow(
            report=report,
            title=REPORT_KINDS.get(report.kind, report.kind),
            writing=by_job.get(report.job.id) if report.job else None,
            is_ready=report.ready_at is not None,
        )
        for report in listed
    ]
