"""One attempt at a job, from its claim to how it ends."""

import random
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from core.audit import record_refusal
from core.errors import Refusal
from core.jobs.attempt import Run
from core.jobs.bell import ring
from core.jobs.claim import claim, end_attempt
from core.jobs.kinds import Kind, find_kind
from core.jobs.lease import MOST_ATTEMPTS
from core.jobs.outcomes import Cancelled, GiveUp, LeaseLost, RunLater
from core.jobs.process import process_name
from core.models import Job

log = structlog.get_logger("polyclinic.jobs")

# Pauses between attempts, in seconds, before jitter takes up to half away: 5, 20, 80, 320.
_FIRST_PAUSE, _GROWTH = 5, 4
_jitter = random.SystemRandom()


def run_job(job_id: UUID) -> None:
    """Claim a job and do it, once; nothing where it is another's, not due, or ended. Never raises what a handler does.

    Writes how it ended: done, dead, cancelled, or queued again after a pause.
    """
    name = Job.objects.filter(pk=job_id, state__in=Job.LIVE).values_list("kind", flat=True).first()
    kind = find_kind(name) if name else None
    if kind is None:
        if name:
            log.warning("nobody here does this", job=str(job_id), kind=name)
        return
    job = claim(job_id, kind=kind, worker=process_name())
    if job is None:
        return
    run = Run(job.pk, job.kind, job.args, job.attempt, job.requested_by)
    try:
        changes = _attempt(run, kind)
    except (KeyboardInterrupt, SystemExit):  # told to stop at once, in the middle of it: another worker goes on
        _end(run, kind, {"state": Job.State.QUEUED, "run_after": timezone.now()})
        raise
    _end(run, kind, changes)


def _attempt(run: Run, kind: Kind) -> dict[str, Any]:
    """Call the handler and return the columns that say how it ended."""
    try:
        result = kind.handler(run)
    except (LeaseLost, Cancelled):
        # Which of them it was, and whether it still counts, the fence of the last write decides.
        return {"state": Job.State.CANCELLED}
    except GiveUp as failure:
        return _dead(failure.code, failure.detail)
    except Refusal as refusal:
        record_refusal(refusal)
        return _dead(refusal.code, refusal.detail)
    except RunLater as later:
        return _again(run, later.seconds, "later", later.detail)
    except Exception as failure:
        # The log keeps where it happened, without what the exception says: that may be what was read.
        log.error("job failed", job=str(run.job_id), kind=run.kind, attempt=run.attempt, exc_info=True)
        pause = _FIRST_PAUSE * _GROWTH ** (run.attempt - 1) * _jitter.uniform(0.5, 1)
        return _again(run, pause, "failed", f"Something unexpected happened ({type(failure).__name__}).")
    return {"state": Job.State.DONE, "result": result, "error_code": "", "error_detail": ""}


def _dead(code: str, detail: str) -> dict[str, Any]:
    return {"state": Job.State.DEAD, "error_code": code[:32], "error_detail": detail[:255]}


def _again(run: Run, pause: float, code: str, detail: str) -> dict[str, Any]:
    if run.attempt >= MOST_ATTEMPTS:
        return _dead(code, detail)
    due = timezone.now() + timedelta(seconds=pause)
    return {"state": Job.State.QUEUED, "run_after": due, "error_code": code[:32], "error_detail": detail[:255]}


def _end(run: Run, kind: Kind, changes: dict[str, Any]) -> None:
    """Write the end of an attempt, and ring for what may begin now; one that does not count any more is logged."""
    connection = transaction.get_connection()
    if not connection.in_atomic_block:  # one that failed while the handler worked would fail again
        connection.close_if_unusable_or_obsolete()
    now = timezone.now()
    due = changes.get("run_after")
    changes |= {"rung_at": due} if due else {"finished_at": now}
    counted, waiting = end_attempt(run.job_id, run.attempt, kind=kind, **changes)
    if not counted:
        log.warning("lease lost", job=str(run.job_id), kind=run.kind, attempt=run.attempt)
        return
    if due:
        ring(run.job_id, at=due, now=now)
    for job_id in waiting:
        ring(job_id, at=now, now=now)
