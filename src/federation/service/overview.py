"""Hospitals as pages need them: found by name, how complete their copies are together, and renewed while one waits."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.actor import Actor
from core.audit import Subject, audited_call
from core.errors import NotAllowed
from core.pagination import Page, PageIn, paginate
from core.text import search_key
from federation.models import Hospital
from federation.permissions import may_read_combined, rule_for_record, visible_hospitals
from federation.schemas import Freshness, HospitalDetailOut, HospitalFreshnessOut, HospitalOut
from federation.service.breaker import seconds_closed_to
from federation.service.freshness import count_complete, publish_freshness
from federation.service.hospitals import publish_hospital
from federation.service.live import copy_in_time

# What needs somebody's eye comes first.
_ORDER: tuple[Freshness, ...] = ("failed", "never", "stale", "fresh")


@dataclass(frozen=True, slots=True)
class Completeness:
    """How many hospitals are there as they are now, such as `17 of 20`, and each one; what is not fresh comes first."""

    complete: str
    hospitals: list[HospitalFreshnessOut]

    @property
    def never_copied(self) -> int:
        """How many of them have no good copy yet."""
        return sum(hospital.fetched_at is None for hospital in self.hospitals)


@dataclass(frozen=True, slots=True)
class Renewal:
    """What became of asking hospitals: how many were asked, and the names of those that did not answer in time."""

    asked: int
    unreached: list[str]


def find_hospitals(*, actor: Actor, q: str, page: PageIn, now: datetime) -> Page[HospitalDetailOut | HospitalOut]:
    """Return one page of the hospitals whose name or location holds every word of `q`, newest first.

    Hospitals are some thousands at most, so their names are folded here: both databases find alike. Administrators see
    where they are reached. Raises Invalid for a cursor of another search.
    """
    rows = visible_hospitals(actor)
    if words := search_key(q).split():
        named = rows.values_list("pk", "name", "location")
        found = [pk for pk, *texts in named if all(word in search_key(*texts) for word in words)]
        rows = rows.filter(pk__in=found)
    scope = f"hospitals:{actor.user_id}:{q}"
    return paginate(rows.select_related("feed"), page=page, scope=scope).map(
        lambda hospitals: [publish_hospital(actor, each, now=now) for each in hospitals]
    )


def name_hospitals(*, actor: Actor) -> list[HospitalOut]:
    """Return every hospital in use by its name, for choosing one; one query."""
    rows = visible_hospitals(actor).order_by("name", "pk").values("id", "name", "location")
    return [HospitalOut(**row) for row in rows]


def get_completeness(*, actor: Actor, now: datetime) -> Completeness:
    """Return how fresh each hospital's copy is, without asking any; for doctors and administrators, else NotAllowed."""
    _require_combined(actor)
    hospitals = [publish_freshness(each, now=now) for each in _with_feeds(actor)]
    hospitals.sort(key=lambda each: (_ORDER.index(each.status), each.name, each.id))
    return Completeness(count_complete(each.status for each in hospitals), hospitals)


def renew_copies(*, actor: Actor, live: bool, now: datetime) -> Renewal:
    """Copy the hospitals that were never copied, with `live` every hospital, and wait for them: 8 seconds in all.

    Those that the breaker protects are not asked. What they answer is stored as by a sync; one that does not answer
    in time may still be stored later. For doctors and administrators; must be called outside a transaction. Raises
    NotAllowed.
    """
    with audited_call(actor, "hospital.renew") as act:
        _require_combined(actor)
        asked = {
            each.pk: each.name
            for each in _with_feeds(actor)
            if (live or each.feed.fetched_at is None) and not seconds_closed_to(each.feed, now=now)
        }
        act.about(*_about(actor, asked))
        unreached = copy_in_time(list(asked), now=now)
    return Renewal(len(asked), sorted(asked[hospital_id] for hospital_id in unreached))


def _require_combined(actor: Actor) -> None:
    if not may_read_combined(actor):
        raise NotAllowed("Doctors and administrators read the combined records.")


def _with_feeds(actor: Actor) -> list[Hospital]:
    return list(visible_hospitals(actor).select_related("feed").order_by("pk"))


def _about(actor: Actor, hospital_ids: Iterable[UUID]) -> list[Subject]:
    return [Subject("hospital", hospital_id, rule_for_record(actor)) for hospital_id in hospital_ids]
