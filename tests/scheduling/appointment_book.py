"""An appointment book under test: doctors with hours, people who book, and what must never be found in it."""

import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from care.models import Doctor
from core.actor import SYSTEM, Actor
from core.errors import Refusal
from scheduling import service
from scheduling.models import Appointment, Calendar
from scheduling.schemas import BookingIn, ScheduleIn, SlotFilters
from tests.factories import DoctorFactory

# Working hours with 47 slots, which are as many as a day has.
ALL_DAY = {"start_time": "00:00", "end_time": "23:30"}
SLOTS_A_DAY = 47


def doctor_with_hours(*, days: int = 1, cap: int = SLOTS_A_DAY) -> Doctor:
    """Make a doctor in UTC who works around the clock from tomorrow on, and takes `cap` appointments a day."""
    doctor = DoctorFactory(max_appointments_per_day=cap)
    now = timezone.now()
    for day in range(1, days + 1):
        body = ScheduleIn(doctor=doctor.pk, date=(now + timedelta(days=day)).date(), **ALL_DAY)
        service.create_schedule(actor=SYSTEM, body=body, now=now)
    return doctor


def free_times(doctor: Doctor) -> list[datetime]:
    """When the doctor's free slots begin, in order."""
    filters = SlotFilters.model_validate({"to": timezone.now() + timedelta(days=30)})
    slots = service.list_free_slots(actor=SYSTEM, doctor_id=doctor.pk, filters=filters, now=timezone.now())
    return [slot.starts_at for slot in slots]


def book(actor: Actor, doctor: Doctor, starts_at: datetime) -> str:
    """Book for oneself; says `booked`, or the name of the refusal."""
    body = BookingIn(doctor=doctor.pk, starts_at=starts_at)
    return outcome(lambda: service.book_appointment(actor=actor, body=body, now=timezone.now()).status)


def outcome(act: Callable[[], str]) -> str:
    """What an act returns, or the name of its refusal."""
    try:
        return act()
    except Refusal as refusal:
        return refusal.code


def occupying_rows() -> list[tuple[UUID, UUID, datetime, datetime]]:
    """Every appointment that takes time, as `overlaps` reads them."""
    rows = Appointment.objects.exclude(status=Appointment.Status.CANCELLED)
    return list(rows.values_list("doctor_id", "patient_id", "starts_at", "ends_at"))


def overlaps(rows: Iterable[tuple[Any, Any, datetime, datetime]]) -> list[tuple[Any, datetime, datetime]]:
    """Find where somebody is in two rooms at once: (who, when one begins, when the next one begins before it ends).

    Rows are (doctor, patient, starts_at, ends_at). Not by the service's rule: it sorts, and looks at neighbours.
    """
    diaries: dict[Any, list[tuple[datetime, datetime]]] = {}
    for doctor, patient, starts_at, ends_at in rows:
        diaries.setdefault(doctor, []).append((starts_at, ends_at))
        diaries.setdefault(patient, []).append((starts_at, ends_at))
    return [
        (who, before[0], after[0])
        for who, diary in diaries.items()
        for before, after in pairwise(sorted(diary))
        if after[0] < before[1]
    ]


class Holder:
    """Somebody in a thread of their own who holds a calendar until told to let go."""

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar
        self._holds, self._may_go = threading.Event(), threading.Event()

    def __enter__(self) -> "Holder":
        self._thread = threading.Thread(target=self._hold)
        self._thread.start()
        assert self._holds.wait(timeout=30)
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go()

    def let_go(self) -> None:
        self._may_go.set()
        self._thread.join(timeout=30)
        assert not self._thread.is_alive()

    def _hold(self) -> None:
        try:
            with transaction.atomic():
                Calendar.objects.select_for_update().get(pk=self.calendar.pk)
                self._holds.set()
                assert self._may_go.wait(timeout=60)
        finally:
            connection.close()
