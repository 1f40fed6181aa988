"""Looking at jobs, and stopping them."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from core.actor import Actor
from core.audit import Subject, audited
from core.errors import Conflict, NotFound
from core.jobs.permissions import visible_jobs
from core.jobs.schemas import JobErrorOut, JobFilters, JobOut, ProgressOut
from core.models import Job
from core.pagination import Page, PageIn, paginate

# How long a job that has ended can be looked up.
KEPT_FOR = timedelta(days=30)


def list_jobs(*, actor: Actor, filters: JobFilters, page: PageIn) -> Page[JobOut]:
    """Return one page of the actor's jobs, newest first; administrators see everybody's. Jobs name no patients."""
    rows = visible_jobs(actor).filter(**filters.model_dump(exclude_none=True))
    scope = f"jobs:{actor.user_id}:{filters.model_dump_json()}"
    return paginate(rows, page=page, scope=scope).map(lambda found: [_publish(job) for job in found])


def get_job(*, actor: Actor, job_id: UUID) -> JobOut:
    """Return a job; raises NotFound where it is not the actor's."""
    job = visible_jobs(actor).filter(pk=job_id).first()
    if job is None:
        raise NotFound
    return _publish(job)


def cancel_job(*, actor: Actor, job_id: UUID, now: datetime) -> JobOut:
    """Stop a job: at once while it waits, else as soon as it notices; asking twice is safe.

    Raises NotFound where it is not the actor's, and Conflict (`already_ended`) where it has ended.
    """
    with audited(actor, "job.cancel", Subject("job", job_id)):
        job = visible_jobs(actor).select_for_update().filter(pk=job_id).first()
        if job is None:
            raise NotFound
        if job.state not in Job.LIVE:
            raise Conflict("This job has ended already.", code="already_ended")
        if job.state == Job.State.QUEUED:
            job.state, job.finished_at = Job.State.CANCELLED, now
        job.cancel_asked_at = job.cancel_asked_at or now
        job.save(update_fields=["state", "finished_at", "cancel_asked_at"])
    return _publish(job)


def find_job(job_id: UUID) -> JobOut | None:
    """Return a job for a page of another context, which has asked its own permission; None where it is forgotten."""
    return find_jobs([job_id]).get(job_id)


def find_jobs(job_ids: Collection[UUID]) -> dict[UUID, JobOut]:
    """Return several jobs in one query, as `find_job`."""
    return {job.pk: _publish(job) for job in Job.objects.filter(pk__in=job_ids)}


def find_live_job(key: str) -> JobOut | None:
    """Return the job that waits or runs under a key, as `find_job`; None where there is none."""
    job = Job.objects.filter(key=key, state__in=Job.LIVE).first()
    return _publish(job) if job else None


def forget_old_jobs(*, now: datetime) -> int:
    """Delete jobs that ended more than 30 days ago; returns how many."""
    deleted, _ = Job.objects.filter(finished_at__lt=now - KEPT_FOR).delete()
    return deleted


def _publish(job: Job) -> JobOut:
    return JobOut(
        id=job.pk,
        kind=job.kind,
        state=job.state,  # type: ignore[arg-type]  # the column's choices are these words
        progress=ProgressOut(done=job.progress_done, total=job.progress_total, message=job.progress_message),
        result=job.result,
        error=JobErrorOut(code=job.error_code, detail=job.error_detail) if job.error_code else None,
        attempt=job.attempt,
        cancel_asked=job.state == Job.State.RUNNING and job.cancel_asked_at is not None,
        requested_by=job.requested_by,
        created_at=job.created_at,
        run_after=job.run_after,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )
