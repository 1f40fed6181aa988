"""A doctor's week as a calendar shows it: hours, time off and appointments by the doctor's own clocks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction

import care.service
from care.schemas import BookingTerms
from core.actor import Actor
from core.audit import Subject, audited
from core.contention import repeated_on_contention
from core.errors import Invalid
from scheduling.clock import first_instant
from scheduling.models import Appointment, Schedule, TimeOff
from scheduling.permissions import visible_appointments, visible_schedules, visible_time_off
from scheduling.schemas import AppointmentOut, ScheduleIn, ScheduleOut
from scheduling.service.publish import about_patients, publish_appointments
from scheduling.service.rights import require_calendar
from scheduling.service.schedules import create_schedule, publish_schedule
from scheduling.slots import Interval, shifts

DAYS = 7
_DAY = timedelta(days=1)
_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of one local date, in minutes after its midnight by the doctor's clocks; `ends` may be 1440.

    `appointment` stands with what is booked, `reason` with time off.
    """

    kind: Literal["hours", "off", "booked"]
    day: date
    begins: int
    ends: int
    appointment: AppointmentOut | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Week:
    """Seven local dates of a doctor, Monday first, with the working hours that any of them has, in order of time."""

    doctor: BookingTerms
    first_day: date
    today: date
    stretches: list[Stretch]
    hours: list[ScheduleOut]


def get_week(*, actor: Actor, doctor_id: UUID, day: date | None, now: datetime) -> Week:
    """Return the week around a day, this week unless one is named; cancelled appointments are left out.

    The number of queries is the same for any number of rows. Raises NotAllowed, NotFound, and Invalid for an unlikely
    date.
    """
    with audited(actor, "appointment.list", Subject("doctor", doctor_id)) as act:
        require_calendar(actor=actor, doctor_id=doctor_id)
        doctor = care.service.get_booking_terms([doctor_id])[doctor_id]
        zone = ZoneInfo(doctor.time_zone)
        today = now.astimezone(zone).date()
        shown = day or today
        if not 2000 <= shown.year < 2200:
            raise Invalid({"day": ["must lie between the years 2000 and 2200"]})
        first = shown - timedelta(days=shown.weekday())
        week = Interval(first_instant(first, time.min, zone), first_instant(first + DAYS * _DAY, time.min, zone))
        schedules, worked = _worked(actor, doctor_id, first, week)
        off = visible_time_off(actor).filter(
            doctor_id=doctor_id, starts_at__lt=week.ends_at, ends_at__gt=week.starts_at
        )
        booked = _booked(actor, doctor_id, week)
        act.about(*about_patients(actor, booked))
        stretches = [
            *(part for shift in worked for part in _parts("hours", shift, week, zone)),
            *(part for row in off for part in _off(row, week, zone)),
            *(part for each in publish_appointments(booked) for part in _taken(each, week, zone)),
        ]
    return Week(doctor, first, today, stretches, [publish_schedule(schedule) for schedule in schedules])


@repeated_on_contention
def create_schedules(*, actor: Actor, bodies: Sequence[ScheduleIn], now: datetime) -> list[ScheduleOut]:
    """Add all of these working hours or none; returns them in their order. Raises as `create_schedule`."""
    with transaction.atomic():
        return [create_schedule(actor=actor, body=body, now=now) for body in bodies]


def _worked(actor: Actor, doctor_id: UUID, first: date, week: Interval) -> tuple[list[Schedule], list[Interval]]:
    """Return the schedules that are worked in the week, by the time of their first shift, and all of their shifts."""
    near = visible_schedules(actor).filter(
        doctor_id=doctor_id, first_on__lte=first + DAYS * _DAY, last_on__gte=first - _DAY
    )
    found = [
        (shift.interval, schedule)
        for schedule in near
        for shift in shifts(schedule.hours, first - _DAY, first + DAYS * _DAY)
        if shift.interval.overlaps(week)
    ]
    found.sort(key=lambda each: each[0].starts_at)
    return list({schedule.pk: schedule for _, schedule in found}.values()), [interval for interval, _ in found]


def _booked(actor: Actor, doctor_id: UUID, week: Interval) -> list[Appointment]:
    rows = visible_appointments(actor).filter(
        doctor_id=doctor_id, starts_at__lt=week.ends_at, ends_at__gt=week.starts_at
    )
    return list(rows.exclude(status=Appointment.Status.CANCELLED).order_by("starts_at"))


def _off(row: TimeOff, week: Interval, zone: ZoneInfo) -> Iterator[Stretch]:
    yield from _parts("off", Interval(row.starts_at, row.ends_at), week, zone, reason=row.reason)


def _taken(appointment: AppointmentOut, week: Interval, zone: ZoneInfo) -> Iterator[Stretch]:
    interval = Interval(appointment.starts_at, appointment.ends_at)
    yield from _parts("booked", interval, week, zone, appointment=appointment)


def _parts(
    kind: Literal["hours", "off", "booked"],
    interval: Interval,
    week: Interval,
    zone: ZoneInfo,
    *,
    appointment: AppointmentOut | None = None,
    reason: str = "",
) -> Iterator[Stretch]:
    """Cut what lies in the week at the midnights of the zone."""
    begins = max(interval.starts_at, week.starts_at).astimezone(zone)
    ends = min(interval.ends_at, week.ends_at).astimezone(zone)
    day = begins.date()
    while day <= ends.date():
        first = begins.hour * 60 + begins.minute if day == begins.date() else 0
        last = ends.hour * 60 + ends.minute if day == ends.date() else _MINUTES
        # Where the clocks go back within it, it may end at an hour that looks earlier than its beginning.
        last = last if last > first or day != begins.date() else min(first + _minutes(interval), _MINUTES)
        if last > first:
            yield Stretch(kind, day, first, last, appointment, reason)
        day += _DAY


def _minutes(interval: Interval) -> int:
    return int((interval.ends_at - interval.starts_at).total_seconds() // 60)
