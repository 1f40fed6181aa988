"""Core's endpoints: jobs and reports."""

from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone
from ninja import Query, Router, Status

from core import jobs, reports
from core.idempotency import answer_once
from core.jobs import JobFilters, JobOut
from core.pagination import PageIn, with_next_link
from core.reports import ReportIn, ReportOut, ReportRequestedOut
from core.wire import SignedInRequest

router = Router(tags=["jobs and reports"], by_alias=True)


@router.get("/jobs/", response=list[JobOut])
def list_jobs(
    request: SignedInRequest, response: HttpResponse, filters: Query[JobFilters], page: Query[PageIn]
) -> list[JobOut]:
    """List the long work you asked for; administrators see everybody's."""
    found = jobs.list_jobs(actor=request.auth, filters=filters, page=page)
    return with_next_link(request, response, found)


@router.get("/jobs/{uuid:job_id}/", response=JobOut)
def get_job(request: SignedInRequest, job_id: UUID) -> JobOut:
    """Read how far a job is, or how it ended."""
    return jobs.get_job(actor=request.auth, job_id=job_id)


@router.post("/jobs/{uuid:job_id}/cancel/", response=JobOut)
def cancel_job(request: SignedInRequest, job_id: UUID) -> JobOut:
    """Stop a job: at once while it waits, else as soon as it notices; 409 when it has ended."""
    return jobs.cancel_job(actor=request.auth, job_id=job_id, now=timezone.now())


@router.get("/reports/", response=list[ReportOut])
def list_reports(request: SignedInRequest, response: HttpResponse, page: Query[PageIn]) -> list[ReportOut]:
    """List the reports you asked for within a day; administrators see everybody's."""
    found = reports.list_reports(actor=request.auth, page=page, now=timezone.now())
    return with_next_link(request, response, found)


@router.post("/reports/", response={202: ReportRequestedOut})
def create_report(request: SignedInRequest, body: ReportIn) -> HttpResponse | Status:
    """Ask for a report: of their own calendar for doctors, of the clinic for administrators; a job writes it."""
    return answer_once(
        request,
        lambda: reports.create_report(actor=request.auth, body=body, now=timezone.now()),
        status=202,
        count=lambda: reports.count_request(actor=request.auth, now=timezone.now()),
    )


@router.get("/reports/{uuid:report_id}/", response=ReportOut)
def get_report(request: SignedInRequest, report_id: UUID) -> ReportOut:
    """Read how a report stands; 404 a day after it was written."""
    return reports.get_report(actor=request.auth, report_id=report_id, now=timezone.now())


_FILE = {"description": "The file.", "content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}}}


@router.get("/reports/{uuid:report_id}/download/", response={200: None}, openapi_extra={"responses": {200: _FILE}})
def download_report(request: SignedInRequest, report_id: UUID) -> StreamingHttpResponse:
    """Download a report; 409 (`not_ready`) until its job is done, 404 a day after."""
    file = reports.open_report(actor=request.auth, report_id=report_id, now=timezone.now())
    response = StreamingHttpResponse(file.content, content_type=file.content_type)
    response["Content-Disposition"] = f'attachment; filename="{file.name}"'
    response["Content-Length"] = str(file.size)
    return response
