"""Rivals for the same time: exactly one gets it and the others are told why not; and the proof that this can fail.

A few rivals, in threads of this process, always run; many, through the real server, are a proof. One slot with a
thousand requests proves little: a broken system passes that. Many fresh slots, each released to all rivals at once,
catch it, and the negative controls show that they do.
"""

import importlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, count
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from care.models import Doctor, Patient
from core.actor import Actor
from scheduling import service
from scheduling.models import Appointment, AppointmentEvent, Schedule
from scheduling.schemas import RescheduleIn
from scheduling.slots import SLOT, Interval
from tests.conftest import Person
from tests.factories import PatientFactory, UserFactory
from tests.rivals import in_parallel
from tests.scheduling.appointment_book import (
    ALL_DAY,
    SLOTS_A_DAY,
    book,
    doctor_with_hours,
    free_times,
    occupying_rows,
    outcome,
    overlaps,
)
from tests.servers import ADMIN, Server, empty_database, made, serving

on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="is about PostgreSQL's row lock")
on_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="is about SQLite's lock: IMMEDIATE")

# The unique indexes that refuse a double booking.
UNIQUE = {"a_slot_holds_one_occupying_appointment", "nobody_is_in_two_rooms_at_once"}
# A rival's try for a time: who, whose time, when; says what came of it.
Booking = Callable[[Any, Any, datetime], str]


def race_for_each(times: list[datetime], doctor: Any, rivals: list[Any], book_one: Booking) -> None:
    """Release all rivals at once on one time after the other: exactly one gets it, all others are told it is taken."""
    for starts_at in times:
        answers = in_parallel(*(partial(book_one, rival, doctor, starts_at) for rival in rivals))
        assert Counter(answers) == {"booked": 1, "slot_taken": len(rivals) - 1}


# --- A few rivals, in threads of this process -----------------------------------------------------------------------
@pytest.fixture
def rivals(transactional_db) -> list[Actor]:
    """Eight people with an account each, whose first booking makes their chart."""
    return [Person(UserFactory()).actor for _ in range(8)]


@pytest.fixture
def without_constraints(transactional_db) -> Iterator[None]:
    """The table of appointments without what refuses a double booking; as it was again afterwards."""
    backstop = importlib.import_module("scheduling.migrations.0002_no_two_at_once")
    unique = [each for each in Appointment._meta.constraints if each.name in UNIQUE]
    assert len(unique) == len(UNIQUE)
    with connection.schema_editor() as editor:
        backstop.drop_constraints(apps, editor)
        for constraint in unique:
            editor.remove_constraint(Appointment, constraint)
    yield
    AppointmentEvent.objects.all().delete()
    Appointment.objects.all().delete()
    with connection.schema_editor() as editor:
        for constraint in unique:
            editor.add_constraint(Appointment, constraint)
        backstop.add_constraints(apps, editor)


@pytest.fixture
def without_lock(monkeypatch) -> None:
    """Bookings that look and insert without holding the calendars."""
    monkeypatch.setattr("scheduling.service.booking.lock_calendars", lambda ids: None)


def book_after_looking(patient: Patient, doctor: Doctor, starts_at: datetime) -> str:
    """Book as many programs do: look, and if nobody is there, insert; the look is outside of the transaction."""
    time_asked = Interval(starts_at, starts_at + SLOT)
    conflict = service.find_conflict(doctor_id=doctor.pk, patient_id=patient.pk, time=time_asked)
    if conflict is not None:
        return conflict
    now = timezone.now()
    appointment = Appointment.objects.create(
        doctor=doctor,
        patient=patient,
        schedule=Schedule.objects.get(doctor=doctor),
        starts_at=starts_at,
        ends_at=starts_at + SLOT,
        date=starts_at.date(),
        fee=0,
        currency="USD",
        created_at=now,
        updated_at=now,
    )
    return appointment.status


def move(actor: Actor, starts_at: datetime, to: datetime) -> str:
    """Move the appointment one has at a time to another time; says `booked`, or the name of the refusal."""
    appointment = Appointment.objects.get(created_by_id=actor.user_id, starts_at=starts_at)
    body, now = RescheduleIn(starts_at=to), timezone.now()
    return outcome(
        lambda: service.reschedule_appointment(actor=actor, appointment_id=appointment.pk, body=body, now=now).status
    )


def race_for_a_day(rivals: list[Actor], *, cap: int) -> Counter[str]:
    """Have all rivals book different times of one day that holds `cap` appointments."""
    doctor = doctor_with_hours(cap=cap)
    times = free_times(doctor)
    return Counter(in_parallel(*(partial(book, rival, doctor, times[place]) for place, rival in enumerate(rivals))))


class TestAFewRivals:
    def test_each_fresh_slot_has_one_winner(self, rivals):
        doctor = doctor_with_hours()

        race_for_each(free_times(doctor)[:10], doctor, rivals, book)

        assert len(occupying_rows()) == 10
        assert overlaps(occupying_rows()) == []

    def test_a_days_limit_holds(self, rivals):
        assert race_for_a_day(rivals, cap=3) == {"booked": 3, "day_full": 5}

    def test_nobody_is_in_two_rooms_at_once(self, rivals):
        doctors = [doctor_with_hours() for _ in range(8)]
        starts_at = free_times(doctors[0])[0]

        answers = in_parallel(*(partial(book, rivals[0], doctor, starts_at) for doctor in doctors))

        assert Counter(answers) == {"booked": 1, "patient_busy": 7}

    def test_two_who_move_to_one_slot_do_not_both_get_it(self, rivals):
        doctor = doctor_with_hours()
        first, second, wanted = free_times(doctor)[:3]
        movers = [(rivals[0], first), (rivals[1], second)]
        for actor, starts_at in movers:
            assert book(actor, doctor, starts_at) == "booked"

        answers = in_parallel(*(partial(move, actor, starts_at, wanted) for actor, starts_at in movers))

        assert Counter(answers) == {"booked": 1, "slot_taken": 1}
        assert len(occupying_rows()) == 2
        assert overlaps(occupying_rows()) == []

    def test_the_lock_alone_keeps_them_apart(self, rivals, without_constraints):
        doctor = doctor_with_hours()

        race_for_each(free_times(doctor)[:5], doctor, rivals, book)

        assert overlaps(occupying_rows()) == []

    @on_postgresql
    def test_the_constraints_alone_keep_them_apart(self, rivals, without_lock):
        doctor = doctor_with_hours()

        race_for_each(free_times(doctor)[:5], doctor, rivals, book)

        assert overlaps(occupying_rows()) == []


class TestTheRaceCanBeLost:
    """Negative controls: without what keeps rivals apart, the very same assertion fails, within a minute."""

    def assert_loses(self, rivals: list[Any], book_one: Booking) -> None:
        doctor = doctor_with_hours()
        began = time.monotonic()
        with pytest.raises(AssertionError, match="booked"):
            race_for_each(free_times(doctor), doctor, rivals, book_one)
        assert time.monotonic() - began < 60
        assert overlaps(occupying_rows()) != []

    @on_postgresql
    def test_without_lock_and_constraints(self, rivals, without_lock, without_constraints):
        self.assert_loses(rivals, book)

    @on_sqlite
    def test_without_constraints_and_looking_before_the_transaction(self, transactional_db, without_constraints):
        self.assert_loses([PatientFactory() for _ in range(8)], book_after_looking)

    @on_postgresql
    def test_a_days_limit_without_the_lock(self, rivals, without_lock):
        began = time.monotonic()
        while race_for_a_day(rivals, cap=3) == {"booked": 3, "day_full": 5}:
            assert time.monotonic() - began < 60, "the limit holds without its lock, so this race proves nothing"


# --- Many rivals, through the real server ---------------------------------------------------------------------------
class Clinic:
    """A clinic behind the real server: its administrator, and as many people as a race needs."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.ada = server.sign_in(ADMIN)
        self._people: list[httpx.Client] = []
        self._numbers = count()
        self._next_day = 1
        self._works_from: dict[str, int] = {}

    def people(self, amount: int) -> list[httpx.Client]:
        """Return this many people with an account and a connection each, the same ones every time."""
        self._people += [self.somebody() for _ in range(amount - len(self._people))]
        return self._people[:amount]

    def somebody(self) -> httpx.Client:
        """Make an account that nobody has used yet."""
        return self.server.sign_up(f"rival{next(self._numbers)}")

    def doctors(self, amount: int = 1, *, days: int = 1, cap: int = SLOTS_A_DAY) -> list[str]:
        """Add doctors who work around the clock on the same days, on which nobody has worked yet; returns the ids."""
        first, self._next_day = self._next_day, self._next_day + days
        terms = {"specialization": "GEN", "time_zone": "UTC", "max_appointments_per_day": cap}
        added = [made(self.ada, "/api/doctors/", name=f"Doc{n}", **terms)["id"] for n in range(amount)]
        for doctor in added:
            self._works_from[doctor] = first
            for day in range(first, first + days):
                made(self.ada, "/api/schedules/", doctor=doctor, date=in_days(day), **ALL_DAY)
        return added

    def times(self, doctor: str) -> list[str]:
        """When the doctor's free slots begin, in order."""
        first = self._works_from[doctor]
        span = {"from": in_days(first), "to": in_days(first + 30)}
        return [slot["starts_at"] for slot in self.ada.get(f"/api/doctors/{doctor}/slots/", params=span).json()]

    def all_occupying(self) -> list[tuple[str, str, datetime, datetime]]:
        """Every appointment in the book that takes time, as `overlaps` reads them."""
        rows, path = [], "/api/appointments/?limit=100"
        while path:
            answer = self.ada.get(path)
            rows += [row for row in answer.json() if row["status"] != "cancelled"]
            path = answer.links["next"]["url"] if "next" in answer.links else ""
        moments = datetime.fromisoformat
        return [(row["doctor"], row["patient"], moments(row["starts_at"]), moments(row["ends_at"])) for row in rows]


def in_days(days: int) -> str:
    return (timezone.now() + timedelta(days=days)).date().isoformat()


def said(answer: httpx.Response) -> str:
    """The status of the appointment that an answer holds, or the name of the conflict; anything else in full."""
    if answer.is_success:
        return answer.json()["status"]
    return answer.json()["code"] if answer.status_code == 409 else f"{answer.status_code} {answer.text}"


def ready(client: httpx.Client, path: str, headers: dict[str, str] | None = None, **body: Any) -> Callable[[], Any]:
    """Prepare a POST down to its bytes, so that rivals differ in nothing but the moment they send it."""
    request = client.build_request("POST", path, json=body, headers=headers)
    return lambda: client.send(request)


def book_online(client: httpx.Client, doctor: str, starts_at: str) -> str:
    return said(client.post("/api/appointments/book/", json={"doctor": doctor, "starts_at": starts_at}))


@pytest.fixture(scope="module")
def clinic(tmp_path_factory) -> Iterator[Clinic]:
    """One server for all proofs of this module; afterwards nobody in it is in two rooms at once."""
    with empty_database() as database_url, serving(tmp_path_factory.mktemp("clinic"), database_url) as server:
        clinic = Clinic(server)
        yield clinic
        rows = clinic.all_occupying()
    assert rows
    assert overlaps(rows) == []


@pytest.mark.prove
class TestManyRivals:
    def test_fresh_slots_have_one_winner_each(self, clinic, proof_scale):
        slots = round(300 * proof_scale)
        [doctor] = clinic.doctors(days=-(-slots // SLOTS_A_DAY))

        race_for_each(clinic.times(doctor)[:slots], doctor, clinic.people(16), book_online)

    def test_one_slot_has_one_winner_of_a_thousand(self, clinic, proof_scale):
        [doctor] = clinic.doctors()
        starts_at = clinic.times(doctor)[0]

        def try_ten_times(client: httpx.Client) -> list[str]:
            return [book_online(client, doctor, starts_at) for _ in range(10)]

        people = clinic.people(round(100 * proof_scale))
        answers = in_parallel(*(partial(try_ten_times, person) for person in people))

        assert Counter(chain.from_iterable(answers)) == {"booked": 1, "slot_taken": 10 * len(people) - 1}

    def test_a_patient_is_in_one_room_at_a_time(self, clinic, proof_scale):
        doctors = clinic.doctors(8)
        times = clinic.times(doctors[0])

        for starts_at in times[: max(3, round(40 * proof_scale))]:
            # Somebody new each time, so that the first bookings also race to make the chart.
            newcomer = clinic.somebody()
            answers = in_parallel(
                *(ready(newcomer, "/api/appointments/", doctor=doctor, starts_at=starts_at) for doctor in doctors)
            )
            assert Counter(map(said, answers)) == {"booked": 1, "patient_busy": 7}

    def test_a_days_limit_of_five_holds_between_forty(self, clinic, proof_scale):
        people = clinic.people(40)
        for _ in range(max(1, round(10 * proof_scale))):
            [doctor] = clinic.doctors(cap=5)
            answers = in_parallel(
                *(
                    ready(person, "/api/appointments/book/", doctor=doctor, starts_at=starts_at)
                    for person, starts_at in zip(people, clinic.times(doctor), strict=False)
                )
            )
            assert Counter(map(said, answers)) == {"booked": 5, "day_full": 35}

    def test_two_who_want_each_others_slots_keep_their_own(self, clinic, proof_scale):
        for one, other in pairs(clinic, max(3, round(40 * proof_scale))):
            answers = in_parallel(one.moving(other.doctor, other.starts_at), other.moving(one.doctor, one.starts_at))
            assert list(map(said, answers)) == ["slot_taken", "slot_taken"]

    def test_two_who_change_to_each_others_doctors_both_move(self, clinic, proof_scale):
        for one, other in pairs(clinic, max(3, round(40 * proof_scale))):
            answers = in_parallel(one.moving(other.doctor, one.starts_at), other.moving(one.doctor, other.starts_at))
            assert list(map(said, answers)) == ["booked", "booked"]

    @pytest.mark.parametrize(
        "thing", ["appointments", "schedules", "time-off", "patients", "doctors", "mappings", "role-requests"]
    )
    def test_a_key_sent_fifty_times_at_once_acts_once(self, clinic, thing):
        client, path, body, found_at = creation(clinic, thing)
        key = {"Idempotency-Key": uuid4().hex}
        token = client.headers["Authorization"].removeprefix("Bearer ")
        connections = [clinic.server.client(token) for _ in range(50)]

        answers = in_parallel(*(ready(each, path, headers=key, **body) for each in connections))

        done = [answer for answer in answers if answer.status_code == 201]
        assert {said(answer) for answer in answers if answer not in done} <= {"in_flight"}
        assert len({answer.content for answer in done}) == 1
        assert client.post(path, json=body, headers=key).content == done[0].content
        assert len(client.get(found_at).json()) == 1


@dataclass(frozen=True)
class Booked:
    """Somebody's appointment in a race of moves."""

    client: httpx.Client
    id: str
    doctor: str
    starts_at: str

    def moving(self, doctor: str, starts_at: str) -> Callable[[], httpx.Response]:
        """Prepare to move it."""
        return ready(self.client, f"/api/appointments/{self.id}/reschedule/", doctor=doctor, starts_at=starts_at)


def pairs(clinic: Clinic, rounds: int) -> Iterator[tuple[Booked, Booked]]:
    """Two people with an appointment each, with different doctors at different times; other ones each round."""
    doctors = clinic.doctors(2, days=2)
    times = iter(clinic.times(doctors[0]))
    for _ in range(rounds):
        one, other = (
            Booked(client, made(client, "/api/appointments/", doctor=doctor, starts_at=at)["id"], doctor, at)
            for client, doctor, at in zip(clinic.people(2), doctors, times, strict=False)
        )
        yield one, other


def creation(clinic: Clinic, thing: str) -> tuple[httpx.Client, str, dict[str, Any], str]:
    """Something to create: by whom, where, with which body, and where this one alone is found afterwards."""
    path, name = f"/api/{thing}/", f"Once{uuid4().hex[:8]}"
    if thing == "role-requests":
        return clinic.somebody(), path, {"role": "researcher"}, path
    if thing in {"patients", "doctors"}:
        body = {"name": name, **({"specialization": "GEN"} if thing == "doctors" else {})}
        return clinic.ada, path, body, f"{path}?q={name}"
    [doctor] = clinic.doctors(days=0 if thing == "schedules" else 1)
    if thing == "mappings":
        keeper = clinic.somebody()
        patient = made(keeper, "/api/patients/", name=name)["id"]
        return keeper, path, {"patient": patient, "doctor": doctor}, path
    if thing == "schedules":
        return clinic.ada, path, {"doctor": doctor, "date": in_days(1), **ALL_DAY}, f"{path}?doctor={doctor}"
    starts_at, ends_at = clinic.times(doctor)[:2]
    body = {"doctor": doctor, "starts_at": starts_at, **({"ends_at": ends_at} if thing == "time-off" else {})}
    return clinic.ada, path, body, f"{path}?doctor={doctor}"
