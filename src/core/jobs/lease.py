"""For how long a worker owns a job, and when a job may begin."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from core.models import Job

MOST_ATTEMPTS = 5
# A worker process that was silent for longer does not count.
SILENCE = timedelta(seconds=60)


def lease_length() -> timedelta:
    """Return for how long a worker owns a job without saying that it is still at work."""
    return timedelta(seconds=settings.JOB_LEASE_SECONDS)


def claimable(now: datetime) -> Q:
    """Return the condition of jobs that may begin: queued and due, or running on a lease that ran out."""
    due = Q(state=Job.State.QUEUED, run_after__lte=now)
    lost = Q(state=Job.State.RUNNING, lease_until__lte=now, attempt__lt=MOST_ATTEMPTS, cancel_asked_at=None)
    return due | lost
