"""Copying a hospital by a job: asked for, done, and looked at afterwards."""

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Prefetch
from django.utils import timezone

import identity.service
from core import jobs
from core.actor import SYSTEM, Actor
from core.audit import Subject, audited
from core.errors import NotAllowed
from core.http import BACKGROUND
from core.pagination import Page, PageIn, paginate
from federation.models import Hospital, SyncProblem, SyncRun
from federation.permissions import may_manage_hospitals
from federation.schemas import SyncOut, SyncProblemOut, SyncRequestedOut
from federation.service.breaker import LONGEST_RETRY_AFTER
from federation.service.hospitals import find_hospital
from federation.service.ingest import Copied, copy_hospital
from federation.service.ingest.runs import PASSING

KIND = "federation.sync_hospital"
AT_ONCE = 16
PROBLEMS_SHOWN = 100

# Pauses between attempts, in seconds, before jitter takes up to half away: 5, 15, 45, 135.
_FIRST_PAUSE, _GROWTH = 5, 3
_MISUNDERSTOOD = 500
_jitter = random.SystemRandom()


def request_sync(*, actor: Actor, hospital_id: UUID, now: datetime) -> SyncRequestedOut:
    """Have a job copy the hospital, or name the one that already does; one that waits begins now. Administrators only.

    Raises NotAllowed and NotFound.
    """
    with audited(actor, "hospital.sync", Subject("hospital", hospital_id)):
        if not may_manage_hospitals(actor):
            raise NotAllowed("Administrators have hospitals copied.")
        find_hospital(actor, hospital_id)
        job_id = submit_sync(hospital_id, requested_by=actor.user_id, now=now)
        jobs.hasten(job_id, now=now)
    return SyncRequestedOut(job=job_id)


def submit_sync(hospital_id: UUID, *, requested_by: UUID | None, now: datetime) -> UUID:
    """Submit the job in the caller's transaction; a hospital has one at a time."""
    return jobs.submit(
        kind=KIND, key=f"sync:{hospital_id}", args={"hospital": str(hospital_id)}, requested_by=requested_by, now=now
    )


def run_sync(job: jobs.Run) -> dict[str, Any]:
    """Copy the hospital of a job, with the rights that its requester has now; returns the run and its counts.

    What may pass is tried again later: RunLater. GiveUp and NotAllowed where trying again would not help.
    """
    actor = SYSTEM if job.requested_by is None else identity.service.actor_from_user_id(job.requested_by)
    if not may_manage_hospitals(actor):
        raise NotAllowed("Who asked for this does not manage hospitals any more.")
    try:
        copied = copy_hospital(hospital_id=UUID(job.args["hospital"]), limits=BACKGROUND, now=timezone.now(), job=job)
    except LookupError:
        raise jobs.GiveUp("not_found", "The hospital is not in use any more.") from None
    if copied.state == "complete" and copied.run is not None:
        return _count(copied.run)
    raise _not_yet(copied, attempt=job.attempt)


def list_syncs(*, actor: Actor, hospital_id: UUID, page: PageIn) -> Page[SyncOut]:
    """Return a page of the attempts to copy a hospital, newest first, each with its first hundred problems.

    Administrators only. Raises NotAllowed, NotFound, and Invalid for a cursor of another list.
    """
    if not may_manage_hospitals(actor):
        raise NotAllowed("Administrators see how hospitals were copied.")
    hospital: Hospital = find_hospital(actor, hospital_id)
    problems = Prefetch("problems", SyncProblem.objects.order_by("pk")[:PROBLEMS_SHOWN], to_attr="first_problems")
    runs = SyncRun.objects.filter(hospital=hospital).prefetch_related(problems)
    return paginate(runs, page=page, scope=f"syncs:{hospital.pk}:{actor.user_id}").map(
        lambda rows: [_publish(run) for run in rows]
    )


def _count(run: SyncRun) -> dict[str, Any]:
    return {
        "hospital": str(run.hospital_id),
        "run": str(run.pk),
        "read": run.records_read,
        "written": run.records_written,
        "removed": run.records_removed,
        "problems": run.problem_count,
    }


def _not_yet(copied: Copied, *, attempt: int) -> Exception:
    """Return how the job ends that has not copied its hospital: to be tried again, or for good."""
    failure = copied.failure
    if failure is None:
        away = copied.state == "kept_away"
        sentence = "The hospital is left alone for a while." if away else "Somebody else is copying the hospital."
        return jobs.RunLater(copied.wait or 1, sentence)
    if failure.code not in PASSING and (failure.status or 0) < _MISUNDERSTOOD:
        return jobs.GiveUp(failure.code, failure.detail)
    pause = _FIRST_PAUSE * _GROWTH ** (attempt - 1) * _jitter.uniform(0.5, 1)
    asked_for = min(failure.retry_after or 0, LONGEST_RETRY_AFTER / timedelta(seconds=1))
    return jobs.RunLater(max(pause, asked_for), failure.detail)


def _publish(run: SyncRun) -> SyncOut:
    return SyncOut(
        id=run.pk,
        job=run.job_id,
        state=run.state,  # type: ignore[arg-type]  # the column's choices are these
        pages=run.pages,
        records_read=run.records_read,
        records_written=run.records_written,
        records_removed=run.records_removed,
        problem_count=run.problem_count,
        problems=[
            SyncProblemOut(page=problem.page, code=problem.code, place=problem.place)
            for problem in run.first_problems  # type: ignore[attr-defined]  # prefetched by list_syncs
        ],
        error_code=run.error_code,
        error=run.error_detail,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )
