"""The reaper: whatever a dead worker or a lost ring left behind goes on."""

from datetime import datetime, timedelta

from django.db.models import F, Q

from core.jobs.bell import ring
from core.jobs.lease import MOST_ATTEMPTS, claimable, lease_length
from core.models import Job, Worker

# Bells rung at a time; the rest waits for the next time.
_MOST_RINGS = 500
_FORGET_WORKERS_AFTER = timedelta(days=1)


def reap(now: datetime) -> int:
    """Ring again for jobs that may begin and were not heard for the length of a lease; returns for how many.

    A job whose worker vanished is claimed by whoever hears the ring; at its last attempt it dies here, and one that was
    asked to stop is cancelled. Repeating is safe, also at once and in several processes.
    """
    lost = Job.objects.filter(state=Job.State.RUNNING, lease_until__lte=now)
    ended = {"lease_until": None, "finished_at": now}
    lost.filter(cancel_asked_at__isnull=False).update(state=Job.State.CANCELLED, **ended)
    lost.filter(attempt__gte=MOST_ATTEMPTS).update(
        state=Job.State.DEAD, error_code="worker_lost", error_detail="Its workers vanished, five times.", **ended
    )
    Worker.objects.filter(beat_at__lt=now - _FORGET_WORKERS_AFTER).delete()
    unheard = Job.objects.filter(claimable(now)).filter(Q(rung_at=None) | Q(rung_at__lte=now - lease_length()))
    rung = 0
    # Who waits before a full lane has no ring and comes last: it is rung for when somebody leaves.
    longest_first = unheard.order_by(F("rung_at").asc(nulls_last=True), "pk")
    for job_id in list(longest_first.values_list("pk", flat=True)[:_MOST_RINGS]):
        if unheard.filter(pk=job_id).update(rung_at=now):  # else another process was quicker
            ring(job_id, at=now, now=now)
            rung += 1
    return rung
