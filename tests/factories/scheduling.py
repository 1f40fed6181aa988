"""Working hours, time off and appointments, made through the services, so that every rule of theirs has held."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import scheduling.service
from care.models import Doctor, Patient
from core.actor import SYSTEM
from scheduling.models import Appointment, Schedule, TimeOff
from scheduling.schemas import BookingIn, ScheduleIn, TimeOffIn

# Long before any appointment that a test makes, so that one in the past can be booked as well.
EARLIER = datetime(2020, 1, 1, tzinfo=UTC)


def make_schedule(
    doctor: Doctor,
    day: date | None = None,
    start: str = "09:00",
    end: str = "12:00",
    *,
    now: datetime = EARLIER,
    **weekly: Any,
) -> Schedule:
    """Working hours on one date, or weekly: `make_schedule(doctor, weekday=0, first=..., until=...)`."""
    days = {"date": day} if day else {"weekday": weekly["weekday"], "from": weekly["first"], "until": weekly["until"]}
    body = ScheduleIn(doctor=doctor.pk, start_time=start, end_time=end, **days)
    return Schedule.objects.get(pk=scheduling.service.create_schedule(actor=SYSTEM, body=body, now=now).id)


def make_time_off(doctor: Doctor, starts_at: datetime, ends_at: datetime, *, now: datetime = EARLIER) -> TimeOff:
    """A stretch in which the doctor is away."""
    body = TimeOffIn(doctor=doctor.pk, starts_at=starts_at, ends_at=ends_at)
    return TimeOff.objects.get(pk=scheduling.service.create_time_off(actor=SYSTEM, body=body, now=now).id)


def make_appointment(
    doctor: Doctor, patient: Patient, starts_at: datetime, status: str = "booked", *, notes: str = ""
) -> Appointment:
    """An appointment in working hours that are there already, brought to a status by its usual moves."""
    body = BookingIn(doctor=doctor.pk, patient=patient.pk, starts_at=starts_at, notes=notes)
    booked = scheduling.service.book_appointment(actor=SYSTEM, body=body, now=EARLIER)
    move(booked.id, to=status, now=starts_at + timedelta(minutes=5))
    return Appointment.objects.get(pk=booked.id)


def move(appointment_id: Any, *, to: str, now: datetime) -> None:
    """Bring a booked appointment to a status by the moves that lead there."""
    steps = {
        "booked": [],
        "arrived": [scheduling.service.mark_arrived],
        "fulfilled": [scheduling.service.mark_arrived, scheduling.service.mark_fulfilled],
        "cancelled": [scheduling.service.cancel_appointment],
        "noshow": [scheduling.service.mark_noshow],
    }
    for step in steps[to]:
        step(actor=SYSTEM, appointment_id=appointment_id, reason="", now=now)


def at(day: date, clock: str) -> datetime:
    """The instant at which a clock in UTC shows this time."""
    return datetime.combine(day, time.fromisoformat(clock), tzinfo=UTC)
