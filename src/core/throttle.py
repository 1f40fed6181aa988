"""How often a door may be tried: one atomic statement a try, counted before anything costly is done.

Counting happens outside the caller's transaction, so that a refused attempt is counted although it is rolled back.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.db import connection
from django.utils.crypto import salted_hmac

from core.errors import TooManyAttempts
from core.models import ThrottleCounter


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `amount` tries of `door` within each window of `seconds`."""

    door: str
    amount: int
    seconds: int


_COUNT = """
    INSERT INTO core_throttlecounter AS counter (key, "window", hits, expires_at) VALUES (%s, %s, 1, %s)
    ON CONFLICT (key) DO UPDATE SET
        hits = CASE WHEN counter."window" = excluded."window" THEN counter.hits + 1 ELSE 1 END,
        "window" = excluded."window",
        expires_at = excluded.expires_at
    RETURNING hits
"""


def count_attempt(tries: Iterable[tuple[Limit, str]], *, now: datetime) -> None:
    """Count one try against each (limit, subject), narrowest first; raise TooManyAttempts at the first that is used up.

    What comes after it is not counted: otherwise one address could use up the limits of an account for everybody. Every
    try is one upsert that counts and reads in the same statement, so parallel tries cannot slip past each other
    on either database. Must be called outside a transaction.
    """
    if not settings.RATE_LIMITS:
        return
    assert not connection.in_atomic_block or settings.TESTING, "a roll-back would forget the attempt"
    for limit, subject in tries:
        if wait := _count(limit, subject, now):
            raise TooManyAttempts(wait)


def _count(limit: Limit, subject: str, now: datetime) -> int:
    """Return 0 where the try is within the limit, else the seconds until the next window."""
    window, passed = divmod(int(now.timestamp()), limit.seconds)
    ends_at = datetime.fromtimestamp((window + 1) * limit.seconds, tz=UTC)
    key = salted_hmac(f"throttle:{limit.door}", f"{limit.seconds}:{subject}", algorithm="sha256").hexdigest()
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [key, window, ends_at])
        hits: int = cursor.fetchone()[0]
    return 0 if hits <= limit.amount else limit.seconds - passed


def forget_expired_attempts(*, now: datetime) -> int:
    """Delete counters whose window is over; returns how many."""
    deleted, _ = ThrottleCounter.objects.filter(expires_at__lt=now).delete()
    return deleted
