"""Long work: what was asked for, how far it is, what came of it, and stopping it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

import federation.service
from core import jobs, reports
from core.actor import Actor
from core.audit import record_refusal
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.jobs import JobFilters, JobOut
from portal.addresses import address, read_id
from portal.fragments import page_or_fragment
from portal.frame import frame_for
from portal.jobs import view_jobs
from portal.paging import asked_page, first_page, pager
from portal.session import PortalRequest, signed_in
from portal.wording import JOB_STATES


@dataclass(frozen=True, slots=True)
class StateTab:
    """A way to the jobs of one state, or to all of them."""

    label: str
    href: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class ResultLink:
    """The way to what a job has made."""

    label: str
    href: str


@require_safe
@signed_in
def list_jobs(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Show the jobs the actor may see, newest first; while one of them is live, htmx asks for the list again."""
    state = request.GET.get("state", "")
    shown = state if state in JOB_STATES else ""
    filters = {"state": shown}
    try:
        found = jobs.list_jobs(
            actor=actor, filters=JobFilters.model_validate(filters if shown else {}), page=asked_page(request)
        )
    except Invalid as refusal:
        record_refusal(refusal)
        return redirect(first_page(request, filters))
    rows = view_jobs(found.items, actor=actor, now=timezone.now())
    context = {
        "frame": frame_for(request, actor),
        "rows": rows,
        "is_followed": any(row.is_followed for row in rows),
        "is_live": any(row.is_live for row in rows),
        "sees_all": actor.is_admin,
        "tabs": _tabs(shown),
        "pager": pager(request, filters, found),
        "here": request.get_full_path(),
    }
    return render(request, page_or_fragment(request, "portal/jobs/list.html", "results"), context)


@require_safe
@signed_in
def show_job(request: PortalRequest, actor: Actor, *, job_id: UUID) -> HttpResponse:
    """Show one job; while it is live, htmx asks for it again."""
    return _render_job(request, actor, job_id)


@require_POST
@signed_in
def cancel_job(request: PortalRequest, actor: Actor, *, job_id: UUID) -> HttpResponse:
    """Stop a job, at once while it waits, else as soon as it notices; then show it, or the list that asked for it."""
    try:
        stopped = jobs.cancel_job(actor=actor, job_id=job_id, now=timezone.now())
    except Conflict as refusal:
        record_refusal(refusal)
        return _render_job(request, actor, job_id, refused=refusal.detail, status=refusal.status)
    told = "The job will stop as soon as it notices." if stopped.cancel_asked else "The job is stopped."
    messages.success(request, told)
    if request.POST.get("back") == "reports":
        return redirect("portal:reports")
    return redirect("portal:jobs-one", job_id)


def _render_job(
    request: PortalRequest, actor: Actor, job_id: UUID, *, refused: str = "", status: int = 200
) -> HttpResponse:
    now = timezone.now()
    [view] = view_jobs([jobs.get_job(actor=actor, job_id=job_id)], actor=actor, now=now)
    context = {
        "frame": frame_for(request, actor),
        "view": view,
        "job": view.job,
        "result": _find_result(view.job, actor, now),
        "refused": refused,
    }
    return render(request, page_or_fragment(request, "portal/jobs/job.html", "job"), context, status=status)


def _find_result(job: JobOut, actor: Actor, now: datetime) -> ResultLink | None:
    """Return the way to what a job has made, as long as it is there and the actor may have it."""
    made = job.result or {}
    try:
        if report_id := read_id(made, "report"):
            reports.get_report(actor=actor, report_id=report_id, now=now)
            return ResultLink("Download the report", address("reports-download", report_id))
        if hospital_id := read_id(made, "hospital"):
            federation.service.get_hospital(actor=actor, hospital_id=hospital_id, now=now)
            return ResultLink("Open the hospital", address("hospitals-one", hospital_id))
    except (NotAllowed, NotFound):
        return None
    return None


def _tabs(shown: str) -> list[StateTab]:
    tabs = {"": "All", **JOB_STATES}
    return [StateTab(label, address("jobs", state=state), state == shown) for state, label in tabs.items()]
