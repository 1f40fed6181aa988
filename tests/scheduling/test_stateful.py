"""Whatever people do to the appointment book, in whatever order: nobody is ever in two rooms at once.

Hypothesis plays the front desk and an administrator against the services. A model of a few lines, which knows nothing
of how the services decide, says beforehand what must come of each act, and afterwards the book must agree with it.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from care.models import Doctor
from core.actor import Actor
from core.errors import Refusal
from scheduling import service
from scheduling.models import Appointment
from scheduling.schemas import AppointmentChangeIn, BookingIn, RescheduleIn, ScheduleIn, SlotFilters
from tests.factories import DoctorFactory, PatientFactory
from tests.scheduling.appointment_book import occupying_rows, overlaps

HALF_HOUR = timedelta(minutes=30)
BEGINNING = datetime(2030, 1, 7, 20, tzinfo=UTC)
MORNING_OF_THE_SECOND_DAY = datetime(2030, 1, 9, 8, tzinfo=UTC)
DAYS = [date(2030, 1, 8), date(2030, 1, 9)]
SLOTS_A_DAY = 4
# Each doctor works two hours on both days: (zone, local start, the same in UTC, appointments a day). The grids are a
# quarter of an hour apart, so that a patient's appointments can overlap without beginning together.
DOCTORS = [
    ("UTC", time(9), time(9), 2),
    ("UTC", time(9, 15), time(9, 15), 2),
    ("Asia/Kathmandu", time(14, 45), time(9), 3),
]
PATIENTS = 3

doctors = st.sampled_from(range(len(DOCTORS)))
patients = st.sampled_from(range(PATIENTS))
numbers = st.sampled_from(range(SLOTS_A_DAY))
places = st.tuples(st.sampled_from(DAYS), numbers)
# Who shall be seen by whom, and on which day in which of its slots.
Request = tuple[int, int, tuple[date, int]]
requests: st.SearchStrategy[Request] = st.tuples(doctors, patients, places)
statuses = st.sampled_from([status.value for status in Appointment.Status])


@dataclass
class Entry:
    """An appointment as the model sees it."""

    doctor: int
    patient: int
    day: date
    starts_at: datetime
    status: str = "booked"

    @property
    def occupies(self) -> bool:
        return self.status != "cancelled"


def begins(doctor: int, place: tuple[date, int]) -> datetime:
    """When a doctor's slot begins."""
    day, number = place
    return datetime.combine(day, DOCTORS[doctor][2], tzinfo=UTC) + number * HALF_HOUR


class AppointmentBook(RuleBasedStateMachine):
    """The acts, each beside what the model expects of it; see the module."""

    appointments: Bundle[UUID] = Bundle("appointments")

    def __init__(self, actor: Actor) -> None:
        super().__init__()
        self.actor = actor
        self.now = BEGINNING
        self.entries: dict[UUID, Entry] = {}
        self.moves: Counter[UUID] = Counter()
        self.patients = [PatientFactory() for _ in range(PATIENTS)]
        self.doctors = [self.doctor(*terms) for terms in DOCTORS]

    def doctor(self, zone: str, start: time, _in_utc: time, cap: int) -> Doctor:
        doctor = DoctorFactory(time_zone=zone, max_appointments_per_day=cap)
        end = (datetime.combine(DAYS[0], start) + SLOTS_A_DAY * HALF_HOUR).time()
        for day in DAYS:
            body = ScheduleIn(doctor=doctor.pk, date=day, start_time=start, end_time=end)
            service.create_schedule(actor=self.actor, body=body, now=self.now)
        return doctor

    # --- What the model knows -------------------------------------------------------------------------------------
    def in_the_way(self, asked: Entry, moving: Entry | None = None) -> set[str]:
        """Name everything that forbids this appointment; empty where it may be made."""
        others = [each for each in self.entries.values() if each.occupies and each is not moving]
        close = [each for each in others if abs(each.starts_at - asked.starts_at) < HALF_HOUR]
        same_day = [each for each in others if (each.doctor, each.day) == (asked.doctor, asked.day)]
        found = set()
        if any(each.doctor == asked.doctor for each in close):
            found.add("slot_taken")
        if any(each.patient == asked.patient for each in close):
            found.add("patient_busy")
        if len(same_day) >= DOCTORS[asked.doctor][3]:
            found.add("day_full")
        return found

    def free(self, doctor: int) -> list[datetime]:
        """When the doctor has time, in order, from now on."""
        nobody = -1
        return [
            begins(doctor, place)
            for place in ((day, number) for day in DAYS for number in range(SLOTS_A_DAY))
            if begins(doctor, place) >= self.now
            and not self.in_the_way(Entry(doctor, nobody, place[0], begins(doctor, place)))
        ]

    def said(self, act: Any, **arguments: Any) -> Any:
        """Perform an act now; returns what it answers, or the name of the refusal."""
        try:
            return act(actor=self.actor, now=self.now, **arguments)
        except Refusal as refusal:
            return refusal.code

    # --- What people do -------------------------------------------------------------------------------------------
    @initialize(target=appointments, asked=st.lists(requests, min_size=8, max_size=12))
    def a_busy_book(self, asked: list[Request]) -> Any:
        """A book with room everywhere shows nothing."""
        return multiple(*filter(None, (self.book_one(*each) for each in asked)))

    @rule(target=appointments, asked=st.lists(requests, min_size=1, max_size=4))
    def book(self, asked: list[Request]) -> Any:
        return multiple(*filter(None, (self.book_one(*each) for each in asked)))

    def book_one(self, doctor: int, patient: int, place: tuple[date, int]) -> UUID | None:
        asked = Entry(doctor, patient, place[0], begins(doctor, place))
        forbidden = {"past"} if asked.starts_at <= self.now else self.in_the_way(asked)
        body = BookingIn(doctor=self.doctors[doctor].pk, patient=self.patients[patient].pk, starts_at=asked.starts_at)

        made = self.said(service.book_appointment, body=body)

        if forbidden:
            assert made in forbidden
            return None
        assert (made.status, made.date) == ("booked", asked.day)
        self.entries[made.id] = asked
        self.moves[made.id] = 1
        return made.id

    @rule(which=appointments, number=numbers)
    def move_within_the_day(self, which: UUID, number: int) -> None:
        """Where it is itself what fills the day, and may be what is in the way."""
        self.reschedule(which, self.entries[which].doctor, (self.entries[which].day, number))

    @rule(which=appointments, doctor=doctors, place=places)
    def reschedule(self, which: UUID, doctor: int, place: tuple[date, int]) -> None:
        entry = self.entries[which]
        asked = Entry(doctor, entry.patient, place[0], begins(doctor, place))
        if entry.status != "booked":
            forbidden = {"illegal_move"}
        else:
            forbidden = {"past"} if asked.starts_at <= self.now else self.in_the_way(asked, moving=entry)
        body = RescheduleIn(doctor=self.doctors[doctor].pk, starts_at=asked.starts_at)

        moved = self.said(service.reschedule_appointment, appointment_id=which, body=body)

        if forbidden:
            assert moved in forbidden
            return
        assert (moved.id, moved.status) == (which, "booked")
        self.entries[which] = asked
        self.moves[which] += 1

    @rule(which=appointments)
    def cancel(self, which: UUID) -> None:
        self.move(which, service.cancel_appointment, {"booked", "arrived"}, "cancelled")

    @rule(which=appointments)
    def arrive(self, which: UUID) -> None:
        self.move(which, service.mark_arrived, {"booked"}, "arrived")

    @rule(which=appointments)
    def fulfil(self, which: UUID) -> None:
        self.move(which, service.mark_fulfilled, {"arrived"}, "fulfilled")

    @rule(which=appointments)
    def do_not_show_up(self, which: UUID) -> None:
        too_early = self.entries[which].starts_at > self.now
        self.move(which, service.mark_noshow, {"booked"}, "noshow", "too_early" if too_early else None)

    def move(self, which: UUID, act: Any, only_from: set[str], to: str, not_now: str | None = None) -> None:
        entry = self.entries[which]
        expected = (not_now or to) if entry.status in only_from else "illegal_move"

        moved = self.said(act, appointment_id=which, reason="because")

        assert getattr(moved, "status", moved) == expected
        if expected == to:
            entry.status = to
            self.moves[which] += 1

    @rule(target=appointments, which=appointments, patient=patients, number=numbers)
    def cancel_by_mistake(self, which: UUID, patient: int, number: int) -> Any:
        """Before it is booked again somebody asks for the same day, perhaps for the very slot."""
        self.override(which, "cancelled")
        entry = self.entries[which]
        came_between = self.book_one(entry.doctor, patient, (entry.day, number))
        self.override(which, "booked")
        return came_between or multiple()

    @rule(which=appointments, status=statuses)
    def override(self, which: UUID, status: str) -> None:
        entry = self.entries[which]
        occupies_again = not entry.occupies and status != "cancelled"
        forbidden = self.in_the_way(entry) if occupies_again else set()

        changed = self.said(service.override_appointment, appointment_id=which, body=AppointmentChangeIn(status=status))

        if forbidden:
            assert changed in forbidden
            return
        assert changed.status == status
        self.moves[which] += status != entry.status
        entry.status = status

    @rule(which=consumes(appointments))
    def delete(self, which: UUID) -> None:
        assert self.said(service.delete_appointment, appointment_id=which) is None
        self.moves[which] += 1
        self.entries[which].status = "cancelled"
        assert self.said(service.cancel_appointment, appointment_id=which, reason="") == "not_found"

    @rule(hours=st.sampled_from([1, 3, 13]))
    def time_passes(self, hours: int) -> None:
        self.now = min(self.now + timedelta(hours=hours), MORNING_OF_THE_SECOND_DAY)

    # --- What holds at any time -----------------------------------------------------------------------------------
    @invariant()
    def nobody_is_in_two_rooms_at_once(self) -> None:
        assert overlaps(occupying_rows()) == []

    @invariant()
    def no_day_is_fuller_than_its_doctor_allows(self) -> None:
        rows = Appointment.objects.filter(doctor__in=self.doctors).exclude(status="cancelled")
        for (doctor, _), amount in Counter(rows.values_list("doctor_id", "date")).items():
            assert amount <= next(each for each in self.doctors if each.pk == doctor).max_appointments_per_day

    @invariant()
    def exactly_what_nobody_has_is_offered(self) -> None:
        """So a slot that was cancelled is offered again at once."""
        filters = SlotFilters.model_validate({"to": self.now + timedelta(days=7)})
        for number, doctor in enumerate(self.doctors):
            offered = service.list_free_slots(actor=self.actor, doctor_id=doctor.pk, filters=filters, now=self.now)
            assert [slot.starts_at for slot in offered] == self.free(number)

    @invariant()
    def every_history_leads_to_where_its_appointment_stands(self) -> None:
        rows = {row.pk: row for row in Appointment.objects.filter(doctor__in=self.doctors).prefetch_related("history")}
        assert rows.keys() == self.entries.keys()
        for pk, entry in self.entries.items():
            row, events = rows[pk], list(rows[pk].history.all())
            assert (row.status, row.starts_at, row.doctor_id) == (
                entry.status,
                entry.starts_at,
                self.doctors[entry.doctor].pk,
            )
            assert len(events) == self.moves[pk]
            assert (events[0].from_status, events[0].to_status) == ("", "booked")
            assert (events[-1].to_status, events[-1].to_starts_at) == (row.status, row.starts_at)
            for before, after in pairwise(events):
                assert (after.from_status, after.from_starts_at) == (before.to_status, before.to_starts_at)
                assert after.at >= before.at


@pytest.mark.django_db
def test_the_book_agrees_with_the_model_whatever_people_do(ada):
    bounded = settings(
        max_examples=20,
        stateful_step_count=30,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(lambda: AppointmentBook(ada.actor), settings=bounded)
