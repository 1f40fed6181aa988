"""How fresh our copy of a hospital is, in one word and in the sentences that belong to it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.actor import Actor
from core.errors import NotAllowed
from federation.models import Feed, Hospital
from federation.permissions import may_manage_hospitals, visible_hospitals
from federation.schemas import Freshness, HospitalFreshnessOut
from federation.service.breaker import seconds_closed_to

# Of a copy that is not renewed by the clock; of any other, twice the time between two copies.
STALE_AFTER = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class FeedState:
    """What administrators see of fetching from one hospital; `error` and `failures` are since the last success.

    `kept_away_until` is set while the breaker keeps calls away, `due_at` where the hospital is copied by the clock.
    """

    status: Freshness
    fetched_at: datetime | None
    attempted_at: datetime | None
    record_count: int
    failures: int
    error: str | None
    kept_away_until: datetime | None
    due_at: datetime | None


def describe_feeds(*, actor: Actor, hospital_ids: Iterable[UUID], now: datetime) -> dict[UUID, FeedState]:
    """Return the state of each hospital's feed, in one query; for administrators. Raises NotAllowed."""
    if not may_manage_hospitals(actor):
        raise NotAllowed("Administrators see how hospitals are reached.")
    hospitals = visible_hospitals(actor).filter(pk__in=set(hospital_ids)).select_related("feed")
    return {hospital.pk: _state(hospital, now) for hospital in hospitals}


def freshness_of(hospital: Hospital, *, now: datetime) -> Freshness:
    """Return how fresh the last good copy is; `failed` says that the newest attempt did not succeed."""
    feed = hospital.feed
    if feed.failures:
        return "failed"
    if feed.fetched_at is None:
        return "never"
    minutes = hospital.sync_every_minutes
    limit = timedelta(minutes=2 * minutes) if minutes else STALE_AFTER
    return "stale" if now - feed.fetched_at > limit else "fresh"


def is_kept_away(feed: Feed, *, now: datetime) -> bool:
    """Tell whether the breaker keeps calls away from the hospital now."""
    return seconds_closed_to(feed, now=now) > 0


def publish_freshness(hospital: Hospital, *, now: datetime, unreached: str | None = None) -> HospitalFreshnessOut:
    """Publish how fresh a hospital's records are; `unreached` says why it was asked in vain just now."""
    feed = hospital.feed
    return HospitalFreshnessOut(
        id=hospital.pk,
        name=hospital.name,
        status="failed" if unreached else freshness_of(hospital, now=now),
        fetched_at=feed.fetched_at,
        record_count=feed.record_count,
        error=unreached or _error(feed),
    )


def count_complete(states: Iterable[Freshness]) -> str:
    """Return how many hospitals are there as they are now, such as `17 of 20`: a copy that is stale does not count."""
    words = list(states)
    return f"{words.count('fresh')} of {len(words)}"


def _state(hospital: Hospital, now: datetime) -> FeedState:
    feed = hospital.feed
    return FeedState(
        status=freshness_of(hospital, now=now),
        fetched_at=feed.fetched_at,
        attempted_at=feed.attempted_at,
        record_count=feed.record_count,
        failures=feed.failures,
        error=_error(feed),
        kept_away_until=feed.opens_until if is_kept_away(feed, now=now) else None,
        due_at=feed.due_at,
    )


def _error(feed: Feed) -> str | None:
    return (feed.error_detail or "The last attempt failed.") if feed.failures else None
