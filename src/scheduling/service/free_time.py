"""Free slots, computed when they are asked for: reads only, in a constant number of queries."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count

import care.permissions
import care.service
from care.schemas import BookingTerms
from core.actor import Actor
from core.errors import Invalid, NotAllowed, NotFound
from scheduling.clock import first_instant
from scheduling.models import Appointment, Schedule, TimeOff
from scheduling.permissions import may_see_free_time
from scheduling.schemas import DoctorSlotOut, SlotFilters, SlotOut, SlotSearch
from scheduling.slots import Hours, Interval, Slot, free_slots

DEFAULT_SPAN = timedelta(days=7)
# 31 local days; on the day the clocks go back one of them has more hours.
LONGEST_SPAN = timedelta(days=31, hours=3)


def list_free_slots(*, actor: Actor, doctor_id: UUID, filters: SlotFilters, now: datetime) -> list[SlotOut]:
    """Return a doctor's free slots in order of time; none where the doctor is not bookable.

    Dates are local to the doctor. Raises NotFound, and Invalid for a span that is empty or longer than 31 days.
    """
    _require_sight(actor)
    terms = care.service.get_booking_terms([doctor_id]).get(doctor_id)
    if terms is None:
        raise NotFound
    after, before = span(filters, ZoneInfo(terms.time_zone), now=now)
    return [publish_slot(slot) for slot in find_free_slots([terms], after=after, before=before)]


def search_free_slots(*, actor: Actor, search: SlotSearch, now: datetime) -> list[DoctorSlotOut]:
    """Return the first free slots over all bookable doctors, in order of time; at most `limit`.

    Dates are local to the clinic. Raises Invalid as `list_free_slots`.
    """
    _require_sight(actor)
    after, before = span(search, ZoneInfo(settings.TIME_ZONE), now=now)
    offering = Schedule.objects.filter(
        deleted_at__isnull=True,
        doctor__in=care.permissions.bookable_doctors(
            specialization=search.specialization, location=search.location
        ).values("pk"),
        first_on__lte=before.date() + timedelta(days=1),
        last_on__gte=after.date() - timedelta(days=1),
    )
    ids = set(offering.values_list("doctor_id", flat=True))
    terms = care.service.get_booking_terms(ids)
    book = read_book(terms.values(), after=after, before=before)
    found = book.first_free(after=after, before=before, limit=search.limit)
    return [
        DoctorSlotOut(
            **publish_slot(slot).model_dump(),
            doctor=slot.doctor_id,
            doctor_name=terms[slot.doctor_id].name,
            specialization=terms[slot.doctor_id].specialization,
            location=terms[slot.doctor_id].location,
        )
        for slot in found
    ]


@dataclass(frozen=True, slots=True)
class Book:
    """What free time is computed from, read once for some doctors and a span of time."""

    hours: list[Hours]
    busy: list[tuple[UUID, Interval]]
    booked_days: Counter[tuple[UUID, date]]
    caps: dict[UUID, int]

    def free(self, *, after: datetime, before: datetime) -> list[Slot]:
        """Return the free slots that begin in [after, before), in order of time."""
        return free_slots(
            self.hours,
            after=after,
            before=before,
            busy=self.busy,
            booked_days=self.booked_days,
            caps=self.caps,
        )

    def first_free(self, *, after: datetime, before: datetime, limit: int) -> list[Slot]:
        """Return the first `limit` of them, computing no more days than that takes."""
        found: list[Slot] = []
        while after < before and len(found) < limit:
            until = min(after + timedelta(days=1), before)
            found += self.free(after=after, before=until)
            after = until
        return found[:limit]


def _require_sight(actor: Actor) -> None:
    if not may_see_free_time(actor):
        raise NotAllowed("Officials work with counts alone.")


def find_free_slots(doctors: Collection[BookingTerms], *, after: datetime, before: datetime) -> list[Slot]:
    """Return the free slots of these doctors that begin in [after, before), in order of time; four queries."""
    return read_book(doctors, after=after, before=before).free(after=after, before=before)


def find_first_free_slots(
    doctors: Collection[BookingTerms], *, after: datetime, before: datetime, limit: int
) -> list[Slot]:
    """Return the first `limit` of them, computing no more days than that takes; four queries."""
    return read_book(doctors, after=after, before=before).first_free(after=after, before=before, limit=limit)


def read_book(doctors: Collection[BookingTerms], *, after: datetime, before: datetime) -> Book:
    """Read what takes and what offers these doctors' time between two instants; four queries, reads only."""
    ids = [doctor.id for doctor in doctors if doctor.bookable]
    margin = timedelta(days=1)
    schedules = Schedule.objects.filter(
        doctor_id__in=ids,
        deleted_at__isnull=True,
        first_on__lte=before.date() + margin,
        last_on__gte=after.date() - margin,
    )
    occupying = Appointment.objects.filter(doctor_id__in=ids).exclude(status=Appointment.Status.CANCELLED)
    appointments = occupying.filter(starts_at__lt=before + margin, ends_at__gt=after - margin)
    off = TimeOff.objects.filter(doctor_id__in=ids, starts_at__lt=before + margin, ends_at__gt=after - margin)
    busy = [
        (doctor_id, Interval(starts_at, ends_at))
        for rows in (appointments, off)
        for doctor_id, starts_at, ends_at in rows.values_list("doctor_id", "starts_at", "ends_at")
    ]
    days = occupying.filter(date__gte=after.date() - 2 * margin, date__lte=before.date() + 2 * margin)
    booked = {
        (doctor_id, day): count for doctor_id, day, count in days.values_list("doctor_id", "date").annotate(Count("pk"))
    }
    return Book(
        hours=[schedule.hours for schedule in schedules],
        busy=busy,
        booked_days=Counter(booked),
        caps={doctor.id: doctor.max_appointments_per_day for doctor in doctors},
    )


def span(filters: SlotFilters, zone: ZoneInfo, *, now: datetime) -> tuple[datetime, datetime]:
    """Return the instants between which slots may begin: never before now, and a date means its local midnight."""
    asked_from = instant(filters.from_, zone)
    after = max(now, asked_from) if asked_from else now
    before = instant(filters.to, zone) or after + DEFAULT_SPAN
    if asked_from and before <= asked_from:
        raise Invalid({"to": ["must lie after from"]})
    if before - after > LONGEST_SPAN:
        raise Invalid({"to": ["must lie within 31 days of from"]})
    return after, max(after, before)


def instant(value: date | datetime | None, zone: ZoneInfo) -> datetime | None:
    """Return the instant that a filter means; a date is its first moment in the zone. Raises Invalid out of range."""
    if value is None:
        return None
    if not 2000 <= value.year <= 2200:
        raise Invalid({"from": ["must lie between the years 2000 and 2200"]})
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return first_instant(value, time.min, zone)


def publish_slot(slot: Slot) -> SlotOut:
    """Publish a free half hour."""
    return SlotOut(
        schedule=slot.schedule_id,
        date=slot.day,
        appointment_time=f"{slot.local_time:%H:%M}",
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
    )
