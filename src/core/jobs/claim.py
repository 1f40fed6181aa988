"""Whose a job is: claimed by one conditional UPDATE, ended by another; and lanes that hold only so many of a kind.

Locks are taken in one order: lane, job.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from core.jobs.kinds import Kind
from core.jobs.lease import SILENCE, claimable, lease_length
from core.models import Job, Lane, Worker


def claim(job_id: UUID, *, kind: Kind, worker: str) -> Job | None:
    """Make the job this worker's and return it; None where it is another's, not due, ended, or its lane is full.

    One that finds its lane full waits with its ring unheard, for whoever leaves the lane next.
    """
    with transaction.atomic(durable=True):
        if kind.at_most is not None:
            _lock_lane(kind)
        now = timezone.now()
        if _room_in_lane(kind, now) < 1:
            Job.objects.filter(pk=job_id, state=Job.State.QUEUED).update(rung_at=None)
            return None
        claimed = Job.objects.filter(claimable(now), pk=job_id).update(
            state=Job.State.RUNNING,
            attempt=F("attempt") + 1,
            worker=worker,
            lease_until=now + lease_length(),
            started_at=now,
            rung_at=None,
        )
        return Job.objects.get(pk=job_id) if claimed else None


def end_attempt(job_id: UUID, attempt: int, *, kind: Kind, **changes: Any) -> tuple[bool, list[UUID]]:
    """Write how an attempt ended, fenced on it: whether it still counted, and which waiting jobs of its lane to ring.

    A job that shall be tried again but was asked to stop is cancelled instead.
    """
    with transaction.atomic(durable=True):
        if kind.at_most is not None:
            _lock_lane(kind)
        now = timezone.now()
        mine = Job.objects.filter(pk=job_id, attempt=attempt, state=Job.State.RUNNING)
        if changes["state"] == Job.State.QUEUED and mine.filter(cancel_asked_at__isnull=False).exists():
            changes = {"state": Job.State.CANCELLED, "finished_at": now}
        counted = bool(mine.update(lease_until=None, **changes))
        return counted, _let_in(kind, now) if counted else []


def _lock_lane(kind: Kind) -> None:
    """Lock the lane's row until the transaction ends; SQLite's transaction holds the only write lock anyway."""
    if Lane.objects.select_for_update().filter(pk=kind.name).first() is None:
        Lane.objects.bulk_create([Lane(kind=kind.name)], ignore_conflicts=True)
        Lane.objects.select_for_update().get(pk=kind.name)


def _room_in_lane(kind: Kind, now: datetime) -> int:
    """Return how many more jobs of the kind may begin; a job whose lease ran out does not count.

    A limited kind is long work: of the worker processes that live, one is always left to the others.
    """
    if kind.at_most is None:
        return 1
    running = Job.objects.filter(kind=kind.name, state=Job.State.RUNNING, lease_until__gt=now)
    alive = Worker.objects.filter(beat_at__gte=now - SILENCE).count()
    places = min(kind.at_most, max(1, alive - 1)) if alive else kind.at_most
    return places - running.count()


def _let_in(kind: Kind, now: datetime) -> list[UUID]:
    """Name as many waiting jobs as the lane has room for, oldest first, each once: their rings count from now."""
    if kind.at_most is None:
        return []
    waiting = Job.objects.filter(kind=kind.name, state=Job.State.QUEUED, run_after__lte=now, rung_at=None)
    chosen = list(waiting.order_by("pk").values_list("pk", flat=True)[: max(0, _room_in_lane(kind, now))])
    Job.objects.filter(pk__in=chosen).update(rung_at=now)
    return chosen
