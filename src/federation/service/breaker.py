"""Leaving a hospital alone that does not answer: after five failures in a row, for a time that doubles.

When the time is over one copy may try (a hospital has one copy at a time): its success closes the breaker, its failure
opens it again for twice as long. A hospital that asks to be left alone (`Retry-After`) is, whatever it failed before.
"""

from datetime import datetime, timedelta

from core.http import OutboundError
from federation.models import Feed

FAILURES = 5
FIRST_PAUSE = timedelta(seconds=60)
LONGEST_PAUSE = timedelta(minutes=30)
LONGEST_RETRY_AFTER = timedelta(hours=1)


def seconds_closed_to(feed: Feed, *, now: datetime) -> float:
    """Return for how many seconds the hospital is left alone, 0 where it may be asked."""
    return max(0.0, (feed.opens_until - now).total_seconds()) if feed.opens_until else 0.0


def note_success(feed: Feed) -> None:
    """Close the breaker. Saves nothing."""
    feed.failures, feed.error_code, feed.error_detail, feed.opens_until = 0, "", "", None


def note_failure(feed: Feed, failure: OutboundError, *, now: datetime) -> None:
    """Count a failure, and open the breaker where it is one too many. Saves nothing."""
    feed.failures += 1
    feed.error_code, feed.error_detail = failure.code[:32], failure.detail[:255]
    pause = timedelta(0)
    if feed.failures >= FAILURES:
        # Bounded before it is doubled: failures are counted for years.
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(feed.failures - FAILURES, 10))
    if failure.retry_after is not None:
        pause = max(pause, min(LONGEST_RETRY_AFTER, timedelta(seconds=max(0.0, failure.retry_after))))
    feed.opens_until = now + pause if pause else None
