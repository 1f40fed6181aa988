"""Working hours and time off."""

from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce

import care.service
from care.calendar import LiveAppointments
from core.actor import Actor
from core.audit import Subject, audited
from core.contention import repeated_on_contention
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.pagination import Page, PageIn, paginate
from scheduling.clock import MIDNIGHT, exists
from scheduling.models import Appointment, Schedule, TimeOff
from scheduling.permissions import (
    may_schedule,
    may_work_with_schedules,
    visible_schedules,
    visible_time_off,
)
from scheduling.schemas import (
    ScheduleChangeIn,
    ScheduleFilters,
    ScheduleIn,
    ScheduleNestedIn,
    ScheduleOut,
    TimeOffIn,
    TimeOffOut,
)
from scheduling.service.locks import lock_calendars
from scheduling.slots import SLOT, shifts

# Weekly hours are entered for two years at most, so that every overlap is found by comparing real shifts.
LONGEST = timedelta(days=731)


class ScheduleOverlap(Conflict):
    """The doctor works already at a part of these hours."""

    code = "schedule_overlap"
    title = "The doctor works already at this time"


def list_schedules(*, actor: Actor, filters: ScheduleFilters, page: PageIn) -> Page[ScheduleOut]:
    """Return one page of working hours the actor keeps, newest first. Raises NotAllowed for who keeps none."""
    _require_work(actor)
    rows = visible_schedules(actor)
    if filters.doctor:
        rows = rows.filter(doctor_id=filters.doctor)
    found = paginate(rows, page=page, scope=f"schedules:{actor.user_id}:{filters.doctor}")
    return found.map(lambda schedules: [publish_schedule(schedule) for schedule in schedules])


def get_schedule(*, actor: Actor, schedule_id: UUID) -> ScheduleOut:
    """Return working hours the actor keeps; raises NotFound."""
    _require_work(actor)
    return publish_schedule(_one(actor, schedule_id))


def schedules_of(doctor_id: UUID) -> list[ScheduleOut]:
    """Return a doctor's live working hours, oldest first; the caller has scoped the id."""
    rows = Schedule.objects.filter(doctor_id=doctor_id, deleted_at__isnull=True).order_by("pk")
    return [publish_schedule(schedule) for schedule in rows]


@repeated_on_contention
def create_schedule(*, actor: Actor, body: ScheduleIn, now: datetime) -> ScheduleOut:
    """Add working hours in the doctor's time zone.

    Raises Invalid for an unknown doctor, for times that the clocks skip and for what is shorter than a slot,
    NotAllowed, and ScheduleOverlap.
    """
    with audited(actor, "schedule.create", Subject("doctor", body.doctor)) as act:
        _require_work(actor)
        terms = care.service.get_booking_terms([body.doctor]).get(body.doctor)
        if terms is None:
            raise Invalid({"doctor": ["is not known"]})
        if not may_schedule(actor, body.doctor):
            raise NotAllowed("You keep your own working hours.")
        lock_calendars([body.doctor])
        schedule = Schedule(doctor_id=body.doctor, time_zone=terms.time_zone, created_at=now)
        _write(schedule, body.model_dump(exclude_unset=True), now=now)
        act.about(Subject("schedule", schedule.pk))
    return publish_schedule(schedule)


@repeated_on_contention
def update_schedule(
    *, actor: Actor, schedule_id: UUID, body: ScheduleChangeIn | ScheduleNestedIn, now: datetime
) -> ScheduleOut:
    """Change working hours; live appointments must still lie within them. Safe to repeat.

    Raises NotFound, Invalid, ScheduleOverlap, and LiveAppointments.
    """
    with audited(actor, "schedule.update", Subject("schedule", schedule_id)):
        _require_work(actor)
        doctor_id = _one(actor, schedule_id).doctor_id
        lock_calendars([doctor_id])
        schedule = _one(actor, schedule_id)
        _write(schedule, body.model_dump(exclude_unset=True, exclude={"id"}), now=now)
        _require_appointments_within(schedule)
    return publish_schedule(schedule)


@repeated_on_contention
def delete_schedule(*, actor: Actor, schedule_id: UUID, now: datetime) -> None:
    """Take working hours away; the row stays for history. Raises NotFound, and LiveAppointments while one is booked."""
    with audited(actor, "schedule.delete", Subject("schedule", schedule_id)):
        _require_work(actor)
        lock_calendars([_one(actor, schedule_id).doctor_id])
        schedule = _one(actor, schedule_id)
        if schedule.appointments.filter(status__in=Appointment.LIVE).exists():
            raise LiveAppointments
        schedule.deleted_at = schedule.updated_at = now
        schedule.save(update_fields=["deleted_at", "updated_at"])


def list_time_off(*, actor: Actor, filters: ScheduleFilters, page: PageIn) -> Page[TimeOffOut]:
    """Return one page of time off, newest first, with how many live appointments lie in each."""
    _require_work(actor)
    rows = visible_time_off(actor)
    if filters.doctor:
        rows = rows.filter(doctor_id=filters.doctor)
    inside = (
        Appointment.objects.filter(
            doctor=OuterRef("doctor"),
            status__in=Appointment.LIVE,
            starts_at__lt=OuterRef("ends_at"),
            ends_at__gt=OuterRef("starts_at"),
        )
        .order_by()
        .values("doctor")
        .annotate(count=Count("pk"))
    )
    rows = rows.annotate(live=Coalesce(Subquery(inside.values("count")), 0))
    found = paginate(rows, page=page, scope=f"time-off:{actor.user_id}:{filters.doctor}")
    return found.map(_publish_counted)


@repeated_on_contention
def create_time_off(*, actor: Actor, body: TimeOffIn, now: datetime) -> TimeOffOut:
    """Add time off; live appointments in it stay, and the answer counts them. Raises Invalid and NotAllowed."""
    with audited(actor, "time-off.create", Subject("doctor", body.doctor)):
        _require_work(actor)
        if body.doctor not in care.service.get_booking_terms([body.doctor]):
            raise Invalid({"doctor": ["is not known"]})
        if not may_schedule(actor, body.doctor):
            raise NotAllowed("You keep your own working hours.")
        if not timedelta(0) < body.ends_at - body.starts_at <= LONGEST:
            raise Invalid({"ends_at": ["must lie after starts_at, by two years at most"]})
        lock_calendars([body.doctor])
        off = TimeOff.objects.create(
            doctor_id=body.doctor,
            starts_at=body.starts_at,
            ends_at=body.ends_at,
            reason=body.reason,
            created_at=now,
        )
        live = Appointment.objects.filter(
            doctor_id=off.doctor_id, status__in=Appointment.LIVE, starts_at__lt=off.ends_at, ends_at__gt=off.starts_at
        )
        return _publish_time_off(off, live.count())


def delete_time_off(*, actor: Actor, time_off_id: UUID, now: datetime) -> None:
    """Offer the time again. Raises NotFound."""
    with audited(actor, "time-off.delete", Subject("time-off", time_off_id)):
        _require_work(actor)
        deleted, _ = visible_time_off(actor).filter(pk=time_off_id).delete()
        if not deleted:
            raise NotFound


def publish_schedule(schedule: Schedule) -> ScheduleOut:
    """Publish working hours."""
    weekly = schedule.weekday is not None
    return ScheduleOut(
        id=schedule.pk,
        doctor=schedule.doctor_id,
        date=None if weekly else schedule.first_on,
        weekday=schedule.weekday,
        from_=schedule.first_on if weekly else None,
        until=schedule.last_on if weekly else None,
        start_time=f"{schedule.start_time:%H:%M}",
        end_time="24:00" if schedule.end_time == MIDNIGHT else f"{schedule.end_time:%H:%M}",
        time_zone=schedule.time_zone,
    )


def _require_work(actor: Actor) -> None:
    if not may_work_with_schedules(actor):
        raise NotAllowed("Ask for free slots: /api/slots/ and /api/doctors/{id}/slots/.")


def _one(actor: Actor, schedule_id: UUID) -> Schedule:
    schedule = visible_schedules(actor).filter(pk=schedule_id).first()
    if schedule is None:
        raise NotFound
    return schedule


def _write(schedule: Schedule, given: dict[str, Any], *, now: datetime) -> None:
    """Write what was typed into the row, check it against the clocks and the doctor's other hours, and save it."""
    _apply_days(schedule, given)
    for name in ("start_time", "end_time"):
        if given.get(name) is not None:
            setattr(schedule, name, given[name])
    _require_sense(schedule)
    _require_no_overlap(schedule)
    schedule.updated_at = now
    schedule.save()


def _apply_days(schedule: Schedule, given: dict[str, Any]) -> None:
    day, weekday, first, last = (given.get(name) for name in ("date", "weekday", "from_", "until"))
    weekly = [part for part in (weekday, first, last) if part is not None]
    if day is not None:
        if weekly:
            raise Invalid({"date": ["goes without weekday, from and until"]})
        schedule.weekday, schedule.first_on, schedule.last_on = None, day, day
        return
    if weekly and schedule.weekday is None and len(weekly) < 3:
        raise Invalid({"weekday": ["needs from and until as well"]})
    schedule.weekday = schedule.weekday if weekday is None else weekday
    schedule.first_on = first or schedule.first_on
    schedule.last_on = last or schedule.last_on


def _require_sense(schedule: Schedule) -> None:
    first, last = schedule.first_on, schedule.last_on
    if not date(2000, 1, 1) <= first <= date(2200, 1, 1):
        raise Invalid({"date": ["must lie between the years 2000 and 2200"]})
    if not first <= last <= first + LONGEST:
        raise Invalid({"until": ["must not lie before from, nor more than two years after it"]})
    if schedule.weekday is None:
        zone = ZoneInfo(schedule.time_zone)
        # The end of a day comes, whatever the clocks show then.
        names = ("start_time",) if schedule.end_time == MIDNIGHT else ("start_time", "end_time")
        skipped = {
            name: [f"does not exist on this day in {schedule.time_zone}: the clocks skip it"]
            for name in names
            if not exists(first, getattr(schedule, name), zone)
        }
        if skipped:
            raise Invalid(skipped)
    begins, ends = schedule.hours.bounds(first)
    if ends - begins < SLOT:
        raise Invalid({"end_time": ["must lie at least 30 minutes after start_time, on the same day"]})
    if schedule.weekday is not None and not any(schedule.hours.days(first, last)):
        raise Invalid({"weekday": ["does not occur between from and until"]})


def _require_no_overlap(schedule: Schedule) -> None:
    """Compare real shifts, so that schedules entered in different zones are compared as well."""
    margin = timedelta(days=2)
    others = Schedule.objects.filter(
        doctor_id=schedule.doctor_id,
        deleted_at__isnull=True,
        first_on__lte=schedule.last_on + margin,
        last_on__gte=schedule.first_on - margin,
    ).exclude(pk=schedule.pk)
    mine = [shift.interval for shift in shifts(schedule.hours, schedule.first_on, schedule.last_on)]
    theirs = [
        shift.interval
        for other in others
        for shift in shifts(other.hours, schedule.first_on - margin, schedule.last_on + margin)
    ]
    merged = sorted([(each, True) for each in mine] + [(each, False) for each in theirs], key=lambda p: p[0].starts_at)
    for (before, is_mine), (after, is_also_mine) in pairwise(merged):
        if is_mine != is_also_mine and before.overlaps(after):
            raise ScheduleOverlap


def _require_appointments_within(schedule: Schedule) -> None:
    """Refuse hours that would leave a live appointment outside of them."""
    for appointment in schedule.appointments.filter(status__in=Appointment.LIVE):
        day = appointment.date
        if not any(shift.interval.contains(appointment.interval) for shift in shifts(schedule.hours, day, day)):
            raise LiveAppointments("A live appointment lies outside these hours; move it first.")


def _publish_counted(stretches: "list[Any]") -> list[TimeOffOut]:
    """Publish stretches whose `live` the query counted."""
    return [_publish_time_off(each, each.live) for each in stretches]


def _publish_time_off(off: TimeOff, live: int) -> TimeOffOut:
    return TimeOffOut(
        id=off.pk,
        doctor=off.doctor_id,
        starts_at=off.starts_at,
        ends_at=off.ends_at,
        reason=off.reason,
        live_appointments=live,
    )
