"""Asking for a job."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.jobs.bell import ring
from core.jobs.kinds import find_kind
from core.models import Job

# A live job may end between our finding its key taken and our looking for it; so often in a row it does not.
_TRIES = 5


def submit(
    *,
    kind: str,
    key: str,
    args: dict[str, str],
    requested_by: UUID | None,
    run_after: datetime | None = None,
    now: datetime,
) -> UUID:
    """Write a job in the caller's transaction and return its id; where the key names a live job, that one's.

    `args` are ids, never content. The doorbell rings when the transaction commits; the job begins no sooner than
    `run_after`. Repeating is safe. Raises LookupError for a kind that nobody does.
    """
    if find_kind(kind) is None:
        raise LookupError(f"nobody does {kind}")
    due = max(run_after or now, now)
    job = Job(kind=kind, key=key, args=args, requested_by=requested_by, run_after=due, rung_at=due, created_at=now)
    for _ in range(_TRIES):
        with transaction.atomic():
            Job.objects.bulk_create([job], ignore_conflicts=True)
            live = Job.objects.filter(key=key, state__in=Job.LIVE).values_list("pk", flat=True).first()
        if live == job.pk:
            transaction.on_commit(lambda: ring(job.pk, at=due, now=now))
        if live is not None:
            return live
    raise RuntimeError("the key's job came and went")


def hasten(job_id: UUID, *, now: datetime) -> None:
    """Have a job that waits for a later time begin now, in the caller's transaction; nothing where it does not wait."""
    waiting = Job.objects.filter(pk=job_id, state=Job.State.QUEUED, run_after__gt=now)
    if waiting.update(run_after=now, rung_at=now):
        transaction.on_commit(lambda: ring(job_id, at=now, now=now))
