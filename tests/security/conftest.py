"""A calendar to aim at, and a browser to look with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

import scheduling.service
from care.models import Doctor, Patient
from scheduling.schemas import BookingIn, ScheduleIn, ScheduleOut, TimeOffIn
from tests.portal.conftest import browser

__all__ = ["browser"]


@dataclass(frozen=True)
class Calendar:
    """A doctor's hours and appointments, by their ids: one that has begun, one whose patient is there, one to come."""

    begun: str
    there: str
    coming: str
    schedules: Sequence[str]
    time_off: str
    free_at: str


@pytest.fixture
def calendar(ada, alices_chart: Patient, a_doctor: Doctor, now) -> Calendar:
    doctor, patient, before = a_doctor.pk, alices_chart.pk, now - timedelta(days=3)

    def hours(days: int) -> ScheduleOut:
        body: dict[str, Any] = {"doctor": doctor, "date": now.date() + timedelta(days)}
        body |= {"start_time": "09:00", "end_time": "17:00"}
        return scheduling.service.create_schedule(actor=ada.actor, body=ScheduleIn(**body), now=before)

    def book(schedule: ScheduleOut, at: str) -> str:
        body = BookingIn(doctor=doctor, patient=patient, schedule=schedule.id, appointment_time=at)
        return str(scheduling.service.book_appointment(actor=ada.actor, body=body, now=before).id)

    past, coming, empty = hours(-1), hours(1), hours(2)
    begun, there, next_one = book(past, "09:00"), book(past, "09:30"), book(coming, "09:00")
    scheduling.service.mark_arrived(actor=ada.actor, appointment_id=UUID(there), reason="", now=now)
    away = TimeOffIn(doctor=doctor, starts_at=now + timedelta(days=3), ends_at=now + timedelta(days=4))
    time_off = scheduling.service.create_time_off(actor=ada.actor, body=away, now=now)
    return Calendar(
        begun=begun,
        there=there,
        coming=next_one,
        schedules=[str(empty.id), str(coming.id)],
        time_off=str(time_off.id),
        free_at=f"{now.date() + timedelta(days=2)}T10:00:00Z",
    )
