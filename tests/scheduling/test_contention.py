"""Rivals at the calendars: what is refused delays nobody, and what PostgreSQL takes back is tried again."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from care.models import Doctor, Patient
from core.contention import repeated_on_contention
from core.models import AuditEvent, IdempotentAnswer
from scheduling.models import Appointment, Calendar
from scheduling.service import booking, locks
from tests.factories import PatientFactory
from tests.factories.scheduling import at, make_appointment, make_schedule
from tests.rivals import in_parallel
from tests.scheduling.appointment_book import Holder

on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer, who waits")
AFTERNOON = {"start_time": "14:00", "end_time": "16:00"}
A_DAY_OFF = {"starts_at": "2031-01-01T00:00:00Z", "ends_at": "2031-01-02T00:00:00Z"}
KEY = {"Idempotency-Key": "one that is used once"}


@pytest.fixture
def patience(monkeypatch) -> None:
    """Nobody waits for calendars longer than a fifth of a second."""
    monkeypatch.setattr(locks, "_PATIENCE", "200ms")


def asked(doctor: Doctor, moment: Any, **more: Any) -> dict[str, Any]:
    return {"doctor": str(doctor.pk), "starts_at": moment.isoformat(), **more}


# --- Free time is looked for when nobody waits ----------------------------------------------------------------------
@contextmanager
def watching_free_time() -> Iterator[list[bool]]:
    """Note for each look for free time whether it was within a transaction, as every holder of calendars is.

    Only free time counts appointments by day.
    """
    within: list[bool] = []

    def watch(execute, sql, params, many, context):
        if "scheduling_appointment" in sql and "GROUP BY" in sql:
            within.append(connection.in_atomic_block)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield within


@pytest.mark.django_db(transaction=True)
class TestFreeTimeIsLookedForWhileNothingIsHeld:
    def refuse(self, act: Callable[[], Any], code: str) -> None:
        with watching_free_time() as within:
            answer = act()
        assert (answer.status_code, answer.json()["code"]) == (409, code)
        assert answer.json()["next_free"]
        assert within == [False]

    @pytest.fixture
    def coming(self, dr_chen, alices_chart, chens_morning, monday):
        return make_appointment(dr_chen.doctor, alices_chart, at(monday, "10:00"))

    @pytest.mark.parametrize("headers", [{}, KEY], ids=["plainly", "with a key"])
    def test_when_a_time_is_taken(self, bob, coming, headers):
        body = asked(coming.doctor, coming.starts_at)
        self.refuse(lambda: bob.api.post("/api/appointments/", body, headers=headers), "slot_taken")

    @pytest.mark.parametrize("headers", [{}, KEY], ids=["plainly", "with a key"])
    def test_when_it_is_taken_after_the_first_look(self, bob, coming, headers, monkeypatch):
        monkeypatch.setattr(booking, "_look", lambda *_, **__: None)
        body = asked(coming.doctor, coming.starts_at)
        self.refuse(lambda: bob.api.post("/api/appointments/", body, headers=headers), "slot_taken")

    @pytest.mark.parametrize("headers", [{}, KEY], ids=["plainly", "with a key"])
    def test_when_a_day_is_full(self, bob, coming, monday, headers):
        Doctor.objects.update(max_appointments_per_day=1)
        make_schedule(coming.doctor, monday + timedelta(days=1))
        body = asked(coming.doctor, at(monday, "11:00"))
        self.refuse(lambda: bob.api.post("/api/appointments/", body, headers=headers), "day_full")

    def test_when_another_time_is_taken(self, alice, coming, monday):
        make_appointment(coming.doctor, PatientFactory(), at(monday, "09:00"))
        path, body = f"/api/appointments/{coming.pk}/reschedule/", {"starts_at": at(monday, "09:00").isoformat()}
        self.refuse(lambda: alice.api.post(path, body), "slot_taken")

    def test_when_a_time_is_to_be_taken_again(self, ada, coming, monday):
        Appointment.objects.update(status="cancelled")
        make_appointment(coming.doctor, PatientFactory(), at(monday, "10:00"))
        path = f"/api/appointments/{coming.pk}/"
        self.refuse(lambda: ada.api.patch(path, {"status": "booked"}), "slot_taken")


# --- What PostgreSQL takes back -------------------------------------------------------------------------------------
@pytest.fixture
def tries(monkeypatch) -> list[int]:
    """The tries at the calendars so far; booking itself works as ever."""
    made: list[int] = []

    def lock(ids: Any) -> None:
        made.append(len(made) + 1)
        locks.lock_calendars(ids)

    monkeypatch.setattr(booking, "lock_calendars", lock)
    return made


@pytest.fixture
def chens_calendar(transactional_db, dr_chen, chens_morning) -> Calendar:
    return Calendar.objects.get_or_create(pk=dr_chen.doctor.pk)[0]


@on_postgresql
@pytest.mark.django_db(transaction=True)
class TestACalendarThatSomebodyHolds:
    @pytest.mark.parametrize("headers", [{}, KEY], ids=["plainly", "with a key"])
    def test_is_waited_for_and_asked_for_again(
        self, alice, dr_chen, monday, chens_calendar, patience, tries, headers, monkeypatch
    ):
        assert alice.api.token
        with Holder(chens_calendar) as holder:
            monkeypatch.setattr("core.contention.time.sleep", lambda _: holder.let_go() if len(tries) == 2 else None)
            answer = alice.api.post("/api/appointments/", asked(dr_chen.doctor, at(monday, "09:00")), headers=headers)

        assert (answer.status_code, tries) == (201, [1, 2, 3])
        assert Appointment.objects.count() == Patient.objects.filter(user=alice.user).count() == 1
        assert AuditEvent.objects.filter(action="appointment.book").count() == 1

    @pytest.mark.parametrize("headers", [{}, KEY], ids=["plainly", "with a key"])
    def test_is_given_up_after_three_more_tries_with_nothing_done(
        self, alice, dr_chen, monday, chens_calendar, patience, tries, headers
    ):
        assert alice.api.token
        body = asked(dr_chen.doctor, at(monday, "09:00"))
        with Holder(chens_calendar):
            answer = alice.api.post("/api/appointments/", body, headers=headers)

        assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "unavailable", "1")
        assert tries == [1, 2, 3, 4]
        assert not Appointment.objects.exists()
        assert not Patient.objects.filter(user=alice.user).exists()
        assert not IdempotentAnswer.objects.exists()
        assert alice.api.post("/api/appointments/", body, headers=headers).status_code == 201

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("post", "/api/schedules/", {"doctor": "{doctor}", "date": "{day}", **AFTERNOON}),
            ("patch", "/api/schedules/{schedule}/", {"end_time": "12:30"}),
            ("delete", "/api/schedules/{schedule}/", None),
            ("post", "/api/time-off/", {"doctor": "{doctor}", **A_DAY_OFF}),
            ("delete", "/api/doctors/{doctor}/", None),
        ],
    )
    def test_is_waited_for_by_whatever_needs_it(
        self, ada, chens_morning, chens_calendar, patience, monkeypatch, method, path, body
    ):
        named = {"doctor": chens_morning.doctor_id, "schedule": chens_morning.pk, "day": chens_morning.first_on}
        sent = body and {name: value.format(**named) for name, value in body.items()}
        assert ada.api.token
        pauses = []
        with Holder(chens_calendar) as holder:
            monkeypatch.setattr("core.contention.time.sleep", lambda _: (holder.let_go(), pauses.append(1)))
            answer = getattr(ada.api, method)(path.format(**named), sent)

        assert (answer.status_code < 300, pauses) == (True, [1])

    def test_is_waited_for_by_a_profile_with_its_hours(
        self, dr_chen, chens_morning, chens_calendar, patience, monkeypatch
    ):
        schedules = [{"id": str(chens_morning.pk), "end_time": "12:30"}]
        assert dr_chen.api.token
        with Holder(chens_calendar) as holder:
            monkeypatch.setattr("core.contention.time.sleep", lambda _: holder.let_go())
            answer = dr_chen.api.put("/api/profile/", {"doctor": {"location": "Room 4", "schedules": schedules}})

        assert (answer.status_code, answer.json()["doctor"]["schedules"][0]["end_time"]) == (200, "12:30")

    def test_is_moved_to_again(
        self, alice, dr_chen, alices_chart, monday, chens_calendar, patience, tries, monkeypatch
    ):
        coming = make_appointment(dr_chen.doctor, alices_chart, at(monday, "10:00"))
        path, body = f"/api/appointments/{coming.pk}/reschedule/", {"starts_at": at(monday, "11:00").isoformat()}
        assert alice.api.token
        tries.clear()
        with Holder(chens_calendar) as holder:
            monkeypatch.setattr("core.contention.time.sleep", lambda _: holder.let_go())
            answer = alice.api.post(path, body)

        assert (answer.status_code, answer.json()["starts_at"]) == (200, f"{monday}T11:00:00Z")
        assert tries == [1, 2]


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_whoever_loses_a_deadlock_tries_again(alice, dr_chen, alices_chart, monday, chens_morning, tries):
    """Nobody here locks in descending order; somebody who did would not keep a booking from being made."""
    first, last = sorted([dr_chen.doctor.pk, alices_chart.pk])
    Calendar.objects.bulk_create([Calendar(pk=first), Calendar(pk=last)], ignore_conflicts=True)
    holds_the_last = threading.Event()
    body = asked(dr_chen.doctor, at(monday, "09:00"), patient=str(alices_chart.pk))
    assert alice.api.token

    def somebody_waits() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            return bool(cursor.fetchone()[0])

    def lock_in_descending_order() -> None:
        with transaction.atomic():
            Calendar.objects.select_for_update().get(pk=last)
            holds_the_last.set()
            # PostgreSQL looks for a deadlock on behalf of whoever has waited for a second: the booking.
            until = time.monotonic() + 30
            while not somebody_waits() and time.monotonic() < until:
                time.sleep(0.01)
            Calendar.objects.select_for_update().get(pk=first)

    def book() -> Any:
        assert holds_the_last.wait(timeout=30)
        return alice.api.post("/api/appointments/", body)

    _, answer = in_parallel(lock_in_descending_order, book)

    assert (answer.status_code, tries) == (201, [1, 2])
    assert Appointment.objects.count() == 1


@on_postgresql
@pytest.mark.django_db(transaction=True)
class TestRepeating:
    """Each SQLSTATE as PostgreSQL itself raises it."""

    def fail(self, code: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'rivals' USING ERRCODE = '{code}'; END $$")

    @pytest.mark.parametrize(("code", "tries"), [("40001", 4), ("40P01", 4), ("55P03", 4), ("57014", 1)])
    def test_is_for_what_rivals_caused(self, code, tries):
        made = []

        @repeated_on_contention
        def act() -> None:
            made.append(code)
            with transaction.atomic():
                self.fail(code)

        with pytest.raises(OperationalError):
            act()
        assert len(made) == tries

    def test_leaves_a_transaction_to_whoever_began_it(self):
        made = []

        @repeated_on_contention
        def act() -> None:
            made.append("40001")
            self.fail("40001")

        with pytest.raises(OperationalError), transaction.atomic():
            act()
        assert len(made) == 1
