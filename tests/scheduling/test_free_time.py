"""Free time: what is offered to whoever asks, computed when they ask, in a constant number of reads."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import scheduling.service
from care.models import Doctor
from scheduling.models import Appointment, Calendar
from scheduling.schemas import SlotFilters, SlotSearch
from tests.factories import DoctorFactory, PatientFactory
from tests.factories.scheduling import at, make_appointment, make_schedule, make_time_off
from tests.scheduling.wall_clocks import next_change

pytestmark = pytest.mark.django_db

MISSING = "01890000-0000-7000-8000-000000000000"
SEARCH = "/api/slots/"


def of(doctor):
    return f"/api/doctors/{getattr(doctor, 'pk', doctor)}/slots/"


def begins(answer):
    assert answer.status_code == 200, answer.content
    return [slot["starts_at"] for slot in answer.json()]


def clocks(answer):
    assert answer.status_code == 200, answer.content
    return [slot["appointment_time"] for slot in answer.json()]


def stamp(moment):
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def a_day(day):
    return {"from": str(day), "to": str(day + timedelta(days=1))}


class TestOfADoctor:
    def test_tells_when_in_utc_and_by_the_clock_of_the_schedule(self, alice, a_doctor, monday, morning):
        first, *others = alice.api.get(of(a_doctor), a_day(monday)).json()
        assert first == {
            "schedule": str(morning.pk),
            "date": str(monday),
            "appointment_time": "09:00",
            "starts_at": f"{monday}T09:00:00Z",
            "ends_at": f"{monday}T09:30:00Z",
        }
        assert [slot["appointment_time"] for slot in others] == ["09:30", "10:00", "10:30", "11:00", "11:30"]

    @pytest.mark.parametrize("who", ["alice", "dr_diaz", "erin", "rita", "ada"])
    def test_is_for_everybody_signed_in_but_officials(self, request, who, a_doctor, monday, morning):
        assert len(begins(request.getfixturevalue(who).api.get(of(a_doctor), a_day(monday)))) == 6

    def test_is_refused_to_officials(self, otto, a_doctor, morning):
        for path in (of(a_doctor), of(MISSING), SEARCH):
            assert otto.api.get(path).json()["code"] == "not_allowed"

    def test_strangers_sign_in_first(self, nobody, a_doctor):
        assert nobody.api.get(of(a_doctor)).status_code == 401
        assert nobody.api.get(SEARCH).status_code == 401

    def test_works_with_and_without_the_last_slash(self, alice, a_doctor, monday, morning):
        assert len(begins(alice.api.get(of(a_doctor).rstrip("/"), a_day(monday)))) == 6
        assert len(begins(alice.api.get("/api/slots", a_day(monday)))) == 6

    def test_a_missing_and_a_deleted_doctor_are_not_found(self, alice, a_doctor, now):
        Doctor.objects.update(deleted_at=now)
        for doctor in (MISSING, a_doctor, "15"):
            assert alice.api.get(of(doctor)).status_code == 404

    @pytest.mark.parametrize("change", [{"verified": False}, {"is_available": False}])
    def test_who_takes_no_appointments_offers_nothing(self, alice, a_doctor, monday, morning, change):
        Doctor.objects.update(**change)
        assert begins(alice.api.get(of(a_doctor), a_day(monday))) == []
        assert begins(alice.api.get(SEARCH, a_day(monday))) == []

    def test_several_schedules_come_in_order_of_time(self, alice, a_doctor, monday, morning):
        make_schedule(a_doctor, monday, "14:00", "15:00")
        make_schedule(a_doctor, weekday=0, first=monday, until=monday, start="07:00", end="08:00")
        found = clocks(alice.api.get(of(a_doctor), a_day(monday)))
        assert found == ["07:00", "07:30", "09:00", "09:30", "10:00", "10:30", "11:00", "11:30", "14:00", "14:30"]


class TestSpan:
    @pytest.fixture
    def week(self, a_doctor, monday):
        """An hour a day, every day of two months, in New York."""
        Doctor.objects.update(time_zone="America/New_York")
        first = timezone.now().date() - timedelta(days=3)
        for weekday in range(7):
            make_schedule(a_doctor, weekday=weekday, first=first, until=first + timedelta(days=90), end="10:00")
        return a_doctor

    def test_is_a_week_from_now_unless_said(self, alice, week):
        found = begins(alice.api.get(of(week)))
        assert 12 <= len(found) <= 14
        now = timezone.now()
        assert stamp(now - timedelta(minutes=1)) < found[0] < stamp(now + timedelta(days=2))
        assert stamp(now + timedelta(days=5)) < found[-1] < stamp(now + timedelta(days=7))

    def test_never_offers_the_past(self, alice, week):
        long_ago = str(timezone.now().date() - timedelta(days=3))
        found = begins(alice.api.get(of(week), {"from": long_ago}))
        assert found
        assert found[0] >= stamp(timezone.now() - timedelta(seconds=1))
        assert begins(alice.api.get(of(week), {"from": long_ago, "to": str(timezone.now().date())})) == []

    def test_a_date_is_the_doctors_midnight(self, alice, week, monday):
        found = begins(alice.api.get(of(week), {"from": str(monday), "to": str(monday + timedelta(days=2))}))
        assert [each[:10] for each in found] == [str(monday)] * 2 + [str(monday + timedelta(days=1))] * 2

    def test_from_is_included_and_to_is_not(self, alice, a_doctor, monday, morning):
        def between(start, end):
            query = {"from": stamp(at(monday, start)), "to": stamp(at(monday, end))}
            return clocks(alice.api.get(of(a_doctor), query))

        assert between("09:30", "10:30") == ["09:30", "10:00"]
        assert between("09:31", "10:31") == ["10:00", "10:30"]

    def test_an_instant_with_an_offset_is_that_instant(self, alice, a_doctor, monday, morning):
        query = {"from": f"{monday}T15:30:00+05:30", "to": f"{monday}T16:30:00+05:30"}
        assert clocks(alice.api.get(of(a_doctor), query)) == ["10:00", "10:30"]

    @pytest.mark.parametrize("path", [SEARCH, of(MISSING)])
    def test_is_31_days_at_most(self, alice, a_doctor, monday, path):
        path = path.replace(MISSING, str(a_doctor.pk))
        assert alice.api.get(path, {"from": str(monday), "to": str(monday + timedelta(days=31))}).status_code == 200
        answer = alice.api.get(path, {"from": str(monday), "to": str(monday + timedelta(days=32))})
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["to"])

    @pytest.mark.parametrize("path", [SEARCH, of(MISSING)])
    @pytest.mark.parametrize(
        "query",
        [
            {"from": "2027-01-05", "to": "2027-01-05"},
            {"from": "2027-01-05", "to": "2027-01-04"},
            {"from": "tomorrow"},
            {"to": "2027-13-01"},
            {"from": "2027-01-05T09:00:00"},
            {"from": "9999-12-31"},
            {"to": "0001-01-01T00:00:00Z"},
            {"to": "0001-01-01T00:00:00+23:59"},
            {"from": "9999-12-31T23:59:59-23:59"},
        ],
    )
    def test_refuses_what_is_no_span(self, alice, a_doctor, path, query):
        assert alice.api.get(path.replace(MISSING, str(a_doctor.pk)), query).status_code == 422

    def test_the_day_that_is_23_hours_long_ends_where_the_next_begins(self, alice, a_doctor):
        """Of a day on which the clocks go forward, a span by dates holds everything and nothing of the next day."""
        Doctor.objects.update(time_zone="America/New_York")
        day = next_change("America/New_York", timezone.now(), forward=True).shows_before.date()
        make_schedule(a_doctor, weekday=day.weekday(), first=day, until=day, start="00:00", end="23:59")
        make_schedule(a_doctor, day + timedelta(days=1), "00:00", "23:59")
        found = alice.api.get(of(a_doctor), a_day(day)).json()
        assert {slot["date"] for slot in found} == {str(day)}
        assert len(found) == 45

    def test_an_offered_time_can_be_booked_as_it_is_offered_on_the_night_that_repeats_an_hour(self, erin, a_doctor):
        """Schedule, date and clock of each offered slot name a time that the doctor works."""
        Doctor.objects.update(time_zone="America/New_York", max_appointments_per_day=100)
        day = next_change("America/New_York", timezone.now(), forward=False).shows_before.date()
        make_schedule(a_doctor, day, "00:00", "01:30")
        offered = erin.api.get(of(a_doctor), a_day(day)).json()
        assert offered
        for slot in offered:
            patient = PatientFactory()
            body = {name: slot[name] for name in ("schedule", "date", "appointment_time")}
            answer = erin.api.post(
                "/api/appointments/", {**body, "doctor": str(a_doctor.pk), "patient": str(patient.pk)}
            )
            # The second showing is named by its instant alone; by the clock it is the first, which is taken by then.
            assert (answer.status_code, answer.json().get("code")) in {(201, None), (409, "slot_taken")}, slot


class TestWhatIsTaken:
    def test_an_appointment_takes_its_time_until_it_is_cancelled(self, alice, a_doctor, monday, morning):
        for n, status in enumerate(["booked", "arrived", "fulfilled", "noshow", "cancelled"]):
            begin = at(monday, "09:00") + n * timedelta(minutes=30)
            make_appointment(a_doctor, PatientFactory(), begin, status)
        assert clocks(alice.api.get(of(a_doctor), a_day(monday))) == ["11:00", "11:30"]

    def test_a_full_day_vanishes_and_the_next_stays(self, alice, a_doctor, monday, morning):
        Doctor.objects.update(max_appointments_per_day=2)
        make_schedule(a_doctor, monday + timedelta(days=1))
        for clock in ("09:00", "10:00"):
            make_appointment(a_doctor, PatientFactory(), at(monday, clock))
        query = {"from": str(monday), "to": str(monday + timedelta(days=2))}
        found = alice.api.get(of(a_doctor), query).json()
        assert {slot["date"] for slot in found} == {str(monday + timedelta(days=1))}
        Appointment.objects.filter(starts_at=at(monday, "10:00")).update(status="cancelled")
        assert len(alice.api.get(of(a_doctor), a_day(monday)).json()) == 5

    def test_a_day_is_full_by_the_local_date_of_the_schedule(self, alice, a_doctor, monday):
        """In Auckland, Monday's morning and Monday's evening lie on two dates of UTC."""
        Doctor.objects.update(time_zone="Pacific/Auckland", max_appointments_per_day=1)
        make_schedule(a_doctor, monday, "08:00", "10:00")
        make_schedule(a_doctor, monday, "18:00", "20:00")
        first, *_ = alice.api.get(of(a_doctor), a_day(monday)).json()
        make_appointment(a_doctor, PatientFactory(), datetime.fromisoformat(first["starts_at"]))
        assert alice.api.get(of(a_doctor), a_day(monday)).json() == []

    def test_another_doctors_appointments_take_nothing(self, alice, a_doctor, dr_chen, monday, morning, chens_morning):
        make_appointment(a_doctor, PatientFactory(), at(monday, "09:00"))
        make_time_off(a_doctor, at(monday, "10:00"), at(monday, "12:00"))
        assert len(begins(alice.api.get(of(dr_chen.doctor), a_day(monday)))) == 6


class TestSearch:
    @pytest.fixture
    def clinic(self, monday):
        """Three doctors who work on that Monday, an hour each."""
        made = {}
        for name, code, location, start in (
            ("Amal", "CARD", "Dhaka", "10:00"),
            ("Bea", "CARD", "Sylhet", "09:00"),
            ("Cleo", "DERM", "Dhaka", "09:00"),
        ):
            doctor = DoctorFactory(firstname=name, lastname="Who", specialization=code, location=location)
            make_schedule(doctor, monday, start, f"{int(start[:2]) + 1}:00")
            made[name] = doctor
        return made

    def who(self, answer):
        assert answer.status_code == 200, answer.content
        return [(slot["appointment_time"], slot["doctor_name"].split()[0]) for slot in answer.json()]

    def test_the_first_come_first_whoever_offers_them(self, alice, clinic, monday):
        assert self.who(alice.api.get(SEARCH, a_day(monday))) == [
            ("09:00", "Bea"),
            ("09:00", "Cleo"),
            ("09:30", "Bea"),
            ("09:30", "Cleo"),
            ("10:00", "Amal"),
            ("10:30", "Amal"),
        ]

    def test_names_the_doctor(self, alice, clinic, monday):
        first, *_ = alice.api.get(SEARCH, a_day(monday)).json()
        found = {name: first[name] for name in ("doctor", "doctor_name", "specialization", "location")}
        assert found == {
            "doctor": str(clinic["Bea"].pk),
            "doctor_name": "Bea Who",
            "specialization": "CARD",
            "location": "Sylhet",
        }

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ({"specialization": "CARD"}, {"Amal", "Bea"}),
            ({"specialization": "cardiology"}, {"Amal", "Bea"}),
            ({"location": "dhaka"}, {"Amal", "Cleo"}),
            ({"specialization": "Cardiology", "location": "Dhaka"}, {"Amal"}),
            ({"specialization": "NEUR"}, set()),
            ({"specialization": "magic"}, set()),
            ({"location": "Nowhere"}, set()),
        ],
    )
    def test_filters_alone_and_together(self, alice, clinic, monday, query, names):
        assert {name for _, name in self.who(alice.api.get(SEARCH, {**a_day(monday), **query}))} == names

    def test_gives_as_many_as_asked(self, alice, clinic, monday):
        assert len(self.who(alice.api.get(SEARCH, {**a_day(monday), "limit": 3}))) == 3
        for limit in (0, 101, -1, "many"):
            assert alice.api.get(SEARCH, {**a_day(monday), "limit": limit}).status_code == 422

    def test_gives_fifty_unless_asked(self, alice, monday):
        make_schedule(DoctorFactory(max_appointments_per_day=100), monday, "00:00", "23:59")
        make_schedule(DoctorFactory(max_appointments_per_day=100), monday, "00:00", "23:59")
        assert len(begins(alice.api.get(SEARCH, a_day(monday)))) == 50
        assert len(begins(alice.api.get(SEARCH, {**a_day(monday), "limit": 100}))) == 94

    def test_a_deleted_doctor_is_not_found_in_it(self, alice, clinic, monday, now):
        Doctor.objects.filter(pk=clinic["Bea"].pk).update(deleted_at=now)
        assert {name for _, name in self.who(alice.api.get(SEARCH, a_day(monday)))} == {"Amal", "Cleo"}

    def test_a_date_is_the_clinics_midnight(self, alice, clinic, monday, settings):
        settings.TIME_ZONE = "Asia/Tokyo"
        query = {"from": str(monday), "to": str(monday + timedelta(days=1))}
        assert len(self.who(alice.api.get(SEARCH, query))) == 6
        settings.TIME_ZONE = "Pacific/Honolulu"
        assert self.who(alice.api.get(SEARCH, query)) == [("10:00", "Amal"), ("10:30", "Amal")]


class TestCost:
    """Computed when asked, and never stored."""

    def clinic(self, doctors):
        now = timezone.now()
        first = now.date() + timedelta(days=1)
        for _ in range(doctors):
            doctor = DoctorFactory()
            for weekday in range(5):
                make_schedule(doctor, weekday=weekday, first=first, until=first + timedelta(days=40), end="11:00")
            make_time_off(doctor, now + timedelta(days=3), now + timedelta(days=5))
        return now

    def read(self, ask):
        with CaptureQueriesContext(connection) as seen:
            found = ask()
        statements = [query["sql"].lstrip().split()[0].upper() for query in seen.captured_queries]
        assert set(statements) == {"SELECT"}
        return found, len(statements)

    def test_fifty_doctors_for_thirty_days_take_the_queries_of_one(self, alice):
        now = self.clinic(1)
        span = {"from": now.isoformat(), "to": (now + timedelta(days=30)).isoformat(), "limit": 100}

        def ask():
            return scheduling.service.search_free_slots(
                actor=alice.actor, search=SlotSearch.model_validate(span), now=now
            )

        few, once = self.read(ask)
        self.clinic(49)
        many, again = self.read(ask)
        assert (len(few), len(many)) == (len(few), 100)
        assert 0 < len(few) < 100
        assert once == again
        assert once <= 8

    def test_booked_days_take_no_more(self, alice, a_doctor, monday, morning):
        def ask():
            filters = SlotFilters.model_validate(a_day(monday))
            return scheduling.service.list_free_slots(
                actor=alice.actor, doctor_id=a_doctor.pk, filters=filters, now=timezone.now()
            )

        empty, once = self.read(ask)
        for clock in ("09:00", "10:00", "11:00"):
            make_appointment(a_doctor, PatientFactory(), at(monday, clock))
        left, again = self.read(ask)
        assert (len(empty), len(left), once) == (6, 3, again)

    def test_asking_leaves_no_row_behind(self, alice, a_doctor, monday, morning):
        calendars = Calendar.objects.count()
        alice.api.get(of(a_doctor), a_day(monday))
        alice.api.get(SEARCH, a_day(monday))
        assert (Calendar.objects.count(), Appointment.objects.count()) == (calendars, 0)
