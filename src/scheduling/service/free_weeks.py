"""A week of free time, doctor by doctor: what somebody who books chooses from."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import care.permissions
import care.service
from care.schemas import BookingTerms, DoctorCard
from core.actor import Actor
from core.errors import Invalid, NotAllowed
from scheduling.clock import first_instant
from scheduling.models import Schedule
from scheduling.permissions import may_work_with_appointments
from scheduling.schemas import SlotOut
from scheduling.service.free_time import find_free_slots, publish_slot

WEEK = 7
# How far behind an empty week the next free time is looked for.
_LOOK_AHEAD = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class FreeDay:
    """A local date of a doctor, and what is free on it, in order; it may be nothing."""

    day: date
    slots: list[SlotOut]


@dataclass(frozen=True, slots=True)
class FreeWeek:
    """Seven local dates of a doctor. `next_free` is the first free time after them, told where they have none."""

    doctor: BookingTerms
    days: list[FreeDay]
    next_free: SlotOut | None

    @property
    def first_free(self) -> SlotOut | None:
        """The first free time of the week, else the next one after it; None where there is none for a month."""
        return next((slot for day in self.days for slot in day.slots), self.next_free)


def list_bookable_doctors(*, actor: Actor, now: datetime) -> list[DoctorCard]:
    """Return the doctors who take appointments and whose hours have not ended, by name; two queries.

    Raises NotAllowed for who books none.
    """
    _require_booking(actor)
    ends_after = now.date() - timedelta(days=1)
    with_hours = Schedule.objects.filter(
        doctor__in=care.permissions.bookable_doctors().values("pk"), deleted_at__isnull=True, last_on__gte=ends_after
    )
    cards = care.service.describe_doctors(with_hours.order_by().values_list("doctor_id", flat=True).distinct())
    return sorted(cards.values(), key=lambda card: (card.name, card.id))


def list_free_weeks(
    *, actor: Actor, doctor_ids: Collection[UUID], first_day: date | None, now: datetime
) -> list[FreeWeek]:
    """Return a week of each of these doctors, from the first day or from today on; who is free soonest comes first.

    Dates are local to each doctor. Ids that are nobody's are left out; who takes no appointments has nothing free. Nine
    queries at most, for any number of doctors. Raises NotAllowed, and Invalid for an unlikely date.
    """
    _require_booking(actor)
    if first_day is not None and not 2000 <= first_day.year < 2200:
        raise Invalid({"from": ["must lie between the years 2000 and 2200"]})
    terms = list(care.service.get_booking_terms(doctor_ids).values())
    weeks = [_Week(doctor, first_day, now) for doctor in terms]
    if not weeks:
        return []
    _fill(weeks, after=max(now, min(week.begins_at for week in weeks)), before=max(week.ends_at for week in weeks))
    full = [week for week in weeks if not any(week.slots.values())]
    _look_ahead(full, now=now)
    found = [week.publish() for week in weeks]
    return sorted(found, key=lambda week: (week.first_free is None, _soonest(week, now), week.doctor.name))


class _Week:
    """A week in the making."""

    def __init__(self, doctor: BookingTerms, first_day: date | None, now: datetime) -> None:
        zone = ZoneInfo(doctor.time_zone)
        self.doctor = doctor
        self.first = first_day or now.astimezone(zone).date()
        self.begins_at = first_instant(self.first, time.min, zone)
        self.ends_at = first_instant(self.first + timedelta(days=WEEK), time.min, zone)
        self.slots: dict[date, list[SlotOut]] = {self.first + timedelta(days=number): [] for number in range(WEEK)}
        self.next_free: SlotOut | None = None

    def publish(self) -> FreeWeek:
        return FreeWeek(self.doctor, [FreeDay(day, slots) for day, slots in self.slots.items()], self.next_free)


def _fill(weeks: list[_Week], *, after: datetime, before: datetime) -> None:
    by_doctor = {week.doctor.id: week for week in weeks}
    for slot in find_free_slots([week.doctor for week in weeks], after=after, before=max(after, before)):
        day = by_doctor[slot.doctor_id].slots.get(slot.day)
        if day is not None:
            day.append(publish_slot(slot))


def _look_ahead(weeks: list[_Week], *, now: datetime) -> None:
    """Find the first free time after the week of each of these doctors."""
    if not weeks:
        return
    by_doctor = {week.doctor.id: week for week in weeks}
    after = max(now, min(week.ends_at for week in weeks))
    for slot in find_free_slots([week.doctor for week in weeks], after=after, before=after + _LOOK_AHEAD):
        week = by_doctor[slot.doctor_id]
        if week.next_free is None and slot.starts_at >= week.ends_at:
            week.next_free = publish_slot(slot)


def _soonest(week: FreeWeek, now: datetime) -> datetime:
    return week.first_free.starts_at if week.first_free else now


def _require_booking(actor: Actor) -> None:
    if not may_work_with_appointments(actor):
        raise NotAllowed("Researchers and officials book no appointments.")
