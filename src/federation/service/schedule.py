"""Which hospitals the clock has copied, and when next."""

import random
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from federation.models import Feed
from federation.service.sync import submit_sync

# Of hospitals in one round; what is left over is still due in the next minute.
MOST_AT_ONCE = 500
# The share of the time between two copies by which one comes early or late, so that hospitals registered together,
# or that came back together, are not asked together for ever.
_JITTER = 0.1
_random = random.SystemRandom()


def submit_due_syncs(*, now: datetime) -> int:
    """Submit a job for each hospital whose copy is due, most overdue first; returns how many. Safe to repeat.

    Hospitals that the breaker keeps us away from wait.
    """
    return sum(_submit(feed, now=now) for feed in _find_due(now))


def _submit(feed: Feed, *, now: datetime) -> bool:
    """Submit one hospital's job and plan the next; False where another scheduler was quicker."""
    with transaction.atomic():
        # Locks are taken in one order: job, feed. A copy at work holds its job when it comes to the feed.
        submit_sync(feed.hospital_id, requested_by=None, now=now)
        next_time = now + _until_next(feed.hospital.sync_every_minutes or 0)
        planned = Feed.objects.filter(pk=feed.pk, due_at=feed.due_at).update(due_at=next_time)
        if not planned:
            transaction.set_rollback(True)
    return bool(planned)


def _find_due(now: datetime) -> list[Feed]:
    due = Feed.objects.filter(
        Q(opens_until=None) | Q(opens_until__lte=now),
        due_at__lte=now,
        hospital__deleted_at__isnull=True,
        hospital__sync_every_minutes__isnull=False,
    )
    return list(due.select_related("hospital").order_by("due_at")[:MOST_AT_ONCE])


def _until_next(minutes: int) -> timedelta:
    return timedelta(minutes=minutes) * _random.uniform(1 - _JITTER, 1 + _JITTER)
