"""Booking: who for whom, both spellings of a time, every refusal by its name, and what is copied when one is made."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

import care.service
import scheduling.service
from care.models import Doctor, Patient
from core.errors import Refusal
from scheduling.models import Appointment, AppointmentEvent, Schedule
from scheduling.schemas import BookingIn
from tests.factories import DoctorFactory, PatientFactory
from tests.factories.scheduling import at, make_appointment, make_schedule, make_time_off
from tests.scheduling.wall_clocks import next_change

pytestmark = pytest.mark.django_db

MISSING = "01890000-0000-7000-8000-000000000000"
PATHS = ["/api/appointments/book/", "/api/appointments/", "/api/appointments/book", "/api/appointments"]


def by_clock(schedule, clock="09:00", **more):
    return {"doctor": str(schedule.doctor_id), "schedule": str(schedule.pk), "appointment_time": clock, **more}


def by_instant(doctor, moment, **more):
    return {"doctor": str(doctor.pk), "starts_at": moment.isoformat(), **more}


def book(person, body):
    return person.api.post("/api/appointments/book/", body)


def said(answer):
    """Status and code of a refusal, or the status alone."""
    return answer.status_code, answer.json().get("code")


class TestAnswer:
    def test_tells_everything_about_the_appointment(self, alice, alices_chart, morning, monday):
        Doctor.objects.update(consultation_fee=Decimal("80.50"))
        answer = book(alice, by_clock(morning, "09:30", patient=str(alices_chart.pk), notes="Please be on time"))
        assert answer.status_code == 201
        made = Appointment.objects.get()
        body = answer.json()
        assert body.pop("created_at")
        assert body.pop("updated_at")
        assert body == {
            "id": str(made.pk),
            "doctor": str(morning.doctor_id),
            "doctor_name": "Jane Doe",
            "patient": str(alices_chart.pk),
            "patient_name": "Alma Kept",
            "schedule": str(morning.pk),
            "date": str(monday),
            "appointment_time": "09:30",
            "starts_at": f"{monday}T09:30:00Z",
            "ends_at": f"{monday}T10:00:00Z",
            "status": "booked",
            "fee": "80.50",
            "currency": "USD",
            "notes": "Please be on time",
        }
        assert made.created_by_id == alice.id

    @pytest.mark.parametrize("path", PATHS)
    def test_every_path_books(self, alice, morning, path):
        assert alice.api.post(path, by_clock(morning)).status_code == 201
        assert said(alice.api.post(path, by_clock(morning))) == (409, "slot_taken")

    def test_both_spellings_name_the_same_time(self, alice, erin, morning, a_doctor, monday):
        assert book(alice, by_clock(morning, "10:00")).json()["starts_at"] == f"{monday}T10:00:00Z"
        rival = str(PatientFactory().pk)
        assert said(book(erin, by_instant(a_doctor, at(monday, "10:00"), patient=rival))) == (409, "slot_taken")
        other = book(erin, by_instant(a_doctor, at(monday, "10:30"), patient=rival)).json()
        assert (other["schedule"], other["appointment_time"]) == (str(morning.pk), "10:30")

    def test_an_instant_may_be_written_with_any_offset(self, alice, a_doctor, monday, morning):
        body = {"doctor": str(a_doctor.pk), "starts_at": f"{monday}T15:30:00+05:30"}
        assert book(alice, body).json()["appointment_time"] == "10:00"

    def test_a_weekly_schedule_needs_the_date(self, alice, erin, a_doctor, monday):
        weekly = make_schedule(a_doctor, weekday=0, first=monday, until=monday + timedelta(days=28))
        missing = book(alice, by_clock(weekly))
        assert (missing.status_code, list(missing.json()["errors"])) == (422, ["date"])
        later = monday + timedelta(days=14)
        assert book(alice, by_clock(weekly, date=str(later))).json()["starts_at"] == f"{later}T09:00:00Z"
        for day in (monday + timedelta(days=1), monday - timedelta(days=7), monday + timedelta(days=35)):
            assert said(book(alice, by_clock(weekly, date=str(day)))) == (422, "outside_schedule")

    def test_the_date_of_a_schedule_for_one_day_may_be_said_and_must_fit(self, alice, morning, monday):
        wrong = book(alice, by_clock(morning, date=str(monday + timedelta(days=1))))
        assert wrong.status_code == 422
        assert not Appointment.objects.exists()
        assert book(alice, by_clock(morning, date=str(monday))).status_code == 201

    def test_an_instant_and_a_schedule_must_fit(self, alice, a_doctor, morning, monday):
        afternoon = make_schedule(a_doctor, monday, "13:00", "15:00")
        body = by_instant(a_doctor, at(monday, "09:00"), schedule=str(afternoon.pk))
        assert said(book(alice, body)) == (422, "outside_schedule")
        assert book(alice, {**body, "schedule": str(morning.pk)}).status_code == 201

    def test_an_offered_slot_can_be_sent_back_as_it_is(self, alice, a_doctor, morning):
        slot, *_ = alice.api.get(f"/api/doctors/{a_doctor.pk}/slots/?to={morning.first_on + timedelta(days=1)}").json()
        given = {name: slot[name] for name in ("schedule", "date", "appointment_time")}
        assert book(alice, {"doctor": str(a_doctor.pk), **given}).status_code == 201

    def test_leaves_a_first_row_in_the_history(self, alice, morning, now):
        made = book(alice, by_clock(morning)).json()
        [event] = AppointmentEvent.objects.all()
        assert (event.by_id, event.from_status, event.to_status) == (alice.id, "", "booked")
        [told] = alice.api.get(f"/api/appointments/{made['id']}/").json()["history"]
        assert (told["by_name"], told["to_status"], told["to_starts_at"]) == ("Alice", "booked", made["starts_at"])


class TestTheRepeatedHour:
    """In autumn two half hours show the same time."""

    @pytest.fixture(params=["America/New_York", "Australia/Lord_Howe"])
    def night(self, request, a_doctor):
        Doctor.objects.update(time_zone=request.param, max_appointments_per_day=100)
        change = next_change(request.param, timezone.now(), forward=False)
        day = change.shows_after.date()
        return change, make_schedule(a_doctor, day, "00:00", "04:00")

    def test_the_clock_means_the_first_showing_and_an_instant_the_other(self, erin, a_doctor, night):
        change, schedule = night
        clock = "01:30"
        first = book(erin, by_clock(schedule, clock, patient=str(PatientFactory().pk))).json()
        size = -change.size
        second_at = datetime.fromisoformat(first["starts_at"]) + size
        second = book(erin, by_instant(a_doctor, second_at, patient=str(PatientFactory().pk)))
        assert second.status_code == 201
        assert (first["appointment_time"], second.json()["appointment_time"]) == (clock, clock)
        assert Appointment.objects.count() == 2
        again = book(erin, by_clock(schedule, clock, patient=str(PatientFactory().pk)))
        assert said(again) == (409, "slot_taken")

    def test_the_hour_that_is_skipped_cannot_be_booked(self, erin, a_doctor):
        Doctor.objects.update(time_zone="America/New_York")
        day = next_change("America/New_York", timezone.now(), forward=True).shows_before.date()
        schedule = make_schedule(a_doctor, day, "00:00", "04:00")
        patient = str(PatientFactory().pk)
        answer = book(erin, by_clock(schedule, "02:30", patient=patient))
        assert (answer.status_code, answer.json()["code"]) in {(422, "off_grid"), (422, "outside_schedule")}
        assert book(erin, by_clock(schedule, "03:00", patient=patient)).status_code == 201


class TestForWhom:
    def test_the_first_booking_makes_the_own_chart_kept_by_nobody(self, bob, morning):
        answer = book(bob, by_clock(morning))
        chart = Patient.objects.get()
        assert (chart.user_id, chart.created_by_id, chart.name) == (bob.id, None, "Bob")
        assert (answer.json()["patient"], answer.json()["patient_name"]) == (str(chart.pk), "Bob")
        shown = bob.api.get(f"/api/patients/{chart.pk}/").json()
        assert (shown["created_by"], shown["user"]) == (None, str(bob.id))
        assert bob.api.get("/api/profile/").json()["patient"] == str(chart.pk)

    def test_an_account_has_one_chart_however_often_it_books(self, bob, morning):
        first, second = (book(bob, by_clock(morning, clock)).json() for clock in ("09:00", "10:00"))
        assert first["patient"] == second["patient"]
        assert Patient.objects.count() == 1

    def test_a_refused_first_booking_makes_no_chart(self, bob, morning):
        assert book(bob, by_clock(morning, "08:00")).status_code == 422
        assert not Patient.objects.exists()

    def test_the_own_chart_is_used_whoever_made_it(self, bob, erin, bobs_chart, alices_chart, morning, now):
        """The chart that bob keeps is not the chart that is about him."""
        care.service.link_patient(actor=erin.actor, patient_id=alices_chart.pk, user_id=bob.id, now=now)
        assert book(bob, by_clock(morning)).json()["patient"] == str(alices_chart.pk)

    def test_a_chart_that_was_deleted_stays_so_and_a_new_one_is_made(self, bob, ada, morning):
        made = book(bob, by_clock(morning)).json()
        ada.api.post(f"/api/appointments/{made['id']}/cancel/")
        assert ada.api.delete(f"/api/patients/{made['patient']}/").status_code == 204
        again = book(bob, by_clock(morning))
        assert again.status_code == 201
        assert again.json()["patient"] != made["patient"]
        live = Patient.objects.filter(user_id=bob.id, deleted_at__isnull=True)
        assert [str(chart.pk) for chart in live] == [again.json()["patient"]]
        assert Patient.objects.filter(user_id=bob.id).count() == 2

    def test_a_patient_one_keeps_may_be_named(self, alice, alices_chart, morning):
        assert book(alice, by_clock(morning, patient=str(alices_chart.pk))).status_code == 201

    def test_ones_own_chart_may_be_named(self, bob, erin, alices_chart, morning, now):
        care.service.link_patient(actor=erin.actor, patient_id=alices_chart.pk, user_id=bob.id, now=now)
        assert book(bob, by_clock(morning, patient=str(alices_chart.pk))).status_code == 201

    def test_a_foreign_patient_and_a_missing_one_are_the_same_error(self, alice, bobs_chart, morning):
        foreign = book(alice, by_clock(morning, patient=str(bobs_chart.pk)))
        missing = book(alice, by_clock(morning, patient=MISSING))
        no_id = book(alice, by_clock(morning, patient="7"))
        assert (foreign.status_code, foreign.json()) == (422, missing.json())
        assert list(foreign.json()["errors"]) == list(no_id.json()["errors"]) == ["patient"]
        assert not Appointment.objects.exists()

    def test_a_deleted_patient_is_missing(self, alice, alices_chart, morning):
        alice.api.delete(f"/api/patients/{alices_chart.pk}/")
        answer = book(alice, by_clock(morning, patient=str(alices_chart.pk)))
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["patient"])

    def test_a_doctor_of_the_care_team_sees_but_does_not_book(self, dr_chen, alices_chart, morning):
        answer = book(dr_chen, by_clock(morning, patient=str(alices_chart.pk)))
        assert said(answer) == (403, "not_allowed")
        assert not Appointment.objects.exists()

    def test_a_doctor_books_for_themselves_like_everybody(self, dr_chen, dr_diaz, monday):
        hours = make_schedule(dr_diaz.doctor, monday)
        assert book(dr_chen, by_clock(hours)).json()["patient_name"] == "Chen"

    @pytest.mark.parametrize("who", ["erin", "ada"])
    def test_staff_and_administrators_book_for_anyone(self, request, who, alices_chart, morning):
        answer = book(request.getfixturevalue(who), by_clock(morning, patient=str(alices_chart.pk)))
        assert (answer.status_code, answer.json()["patient_name"]) == (201, "Alma Kept")

    @pytest.mark.parametrize("who", ["rita", "otto"])
    def test_researchers_and_officials_book_nothing(self, request, who, alices_chart, morning):
        person = request.getfixturevalue(who)
        for more in ({}, {"patient": str(alices_chart.pk)}, {"patient": MISSING}):
            assert said(book(person, by_clock(morning, **more))) == (403, "not_allowed")
        assert Patient.objects.count() == 1

    def test_strangers_sign_in_first(self, nobody, morning):
        assert book(nobody, by_clock(morning)).status_code == 401


class TestRefusals:
    """Each by its name."""

    def test_slot_taken_names_the_next_free_ones(self, alice, morning, a_doctor, monday):
        for clock in ("09:00", "10:00"):
            make_appointment(a_doctor, PatientFactory(), at(monday, clock))
        make_time_off(a_doctor, at(monday, "11:00"), at(monday, "11:30"))
        answer = book(alice, by_clock(morning, "09:00"))
        assert said(answer) == (409, "slot_taken")
        assert [slot["appointment_time"] for slot in answer.json()["next_free"]] == ["09:30", "10:30", "11:30"]
        again = answer.json()["next_free"][0]
        given = {name: again[name] for name in ("schedule", "date", "appointment_time")}
        assert book(alice, {"doctor": str(a_doctor.pk), **given}).status_code == 201

    def test_slot_taken_with_nothing_left_names_none(self, alice, a_doctor, monday):
        hours = make_schedule(a_doctor, monday, "09:00", "09:30")
        make_appointment(a_doctor, PatientFactory(), at(monday, "09:00"))
        answer = book(alice, by_clock(hours))
        assert (*said(answer), answer.json()["next_free"]) == (409, "slot_taken", [])

    @pytest.mark.parametrize("status", ["booked", "arrived", "fulfilled", "noshow"])
    def test_every_status_but_cancelled_takes_the_time(self, alice, morning, a_doctor, monday, status):
        make_appointment(a_doctor, PatientFactory(), at(monday, "09:00"), status)
        assert said(book(alice, by_clock(morning))) == (409, "slot_taken")

    def test_a_cancelled_slot_is_free_at_once(self, alice, bob, morning):
        made = book(alice, by_clock(morning)).json()
        assert said(book(bob, by_clock(morning))) == (409, "slot_taken")
        assert alice.api.post(f"/api/appointments/{made['id']}/cancel/").status_code == 200
        assert book(bob, by_clock(morning)).status_code == 201

    def test_past(self, alice, a_doctor):
        yesterday = timezone.now().date() - timedelta(days=1)
        hours = make_schedule(a_doctor, yesterday)
        assert said(book(alice, by_clock(hours))) == (422, "past")
        assert said(book(alice, by_instant(a_doctor, at(yesterday, "09:00")))) == (422, "past")

    def test_the_moment_it_begins_is_past(self, alice, a_doctor, alices_chart, monday, morning):
        def booked_at(now):
            body = BookingIn(doctor=a_doctor.pk, patient=alices_chart.pk, starts_at=at(monday, "09:00"))
            scheduling.service.book_appointment(actor=alice.actor, body=body, now=now)

        for now in (at(monday, "09:00"), at(monday, "09:29")):
            with pytest.raises(Refusal) as refused:
                booked_at(now)
            assert refused.value.code == "past"
        booked_at(at(monday, "09:00") - timedelta(seconds=1))
        assert Appointment.objects.count() == 1

    @pytest.mark.parametrize("clock", ["09:15", "09:01", "11:59"])
    def test_off_grid(self, alice, morning, clock):
        assert said(book(alice, by_clock(morning, clock))) == (422, "off_grid")

    def test_off_grid_by_instant(self, alice, morning, a_doctor, monday):
        moment = at(monday, "09:00") + timedelta(seconds=1)
        assert said(book(alice, by_instant(a_doctor, moment))) == (422, "off_grid")

    @pytest.mark.parametrize("clock", ["08:30", "12:00", "23:30", "00:00"])
    def test_outside_schedule(self, alice, morning, a_doctor, monday, clock):
        assert said(book(alice, by_clock(morning, clock))) == (422, "outside_schedule")
        assert said(book(alice, by_instant(a_doctor, at(monday, clock)))) == (422, "outside_schedule")

    def test_what_would_end_after_the_hours_is_refused(self, alice, a_doctor, monday):
        hours = make_schedule(a_doctor, monday, "09:00", "10:15")
        answer = book(alice, by_clock(hours, "10:00"))
        assert (answer.status_code, answer.json()["code"] in {"off_grid", "outside_schedule"}) == (422, True)
        assert book(alice, by_clock(hours, "09:30")).status_code == 201

    def test_day_full_names_the_next_free_ones(self, alice, morning, a_doctor, monday):
        Doctor.objects.update(max_appointments_per_day=2)
        make_schedule(a_doctor, monday + timedelta(days=1))
        for clock in ("09:00", "10:00"):
            make_appointment(a_doctor, PatientFactory(), at(monday, clock))
        answer = book(alice, by_clock(morning, "11:00"))
        assert said(answer) == (409, "day_full")
        following = f"{monday + timedelta(days=1)}"
        assert [slot["date"] for slot in answer.json()["next_free"]] == [following] * 3
        Appointment.objects.filter(starts_at=at(monday, "10:00")).update(status="cancelled")
        assert book(alice, by_clock(morning, "11:00")).status_code == 201

    def test_a_cap_that_is_raised_opens_the_day_again(self, alice, dr_chen, chens_morning, monday):
        assert dr_chen.api.patch("/api/profile/", {"doctor": {"max_appointments_per_day": 1}}).status_code == 200
        make_appointment(dr_chen.doctor, PatientFactory(), at(monday, "09:00"))
        assert said(book(alice, by_clock(chens_morning, "10:00"))) == (409, "day_full")
        dr_chen.api.patch("/api/profile/", {"doctor": {"max_appointments_per_day": 2}})
        assert book(alice, by_clock(chens_morning, "10:00")).status_code == 201

    def test_patient_busy(self, alice, alices_chart, morning, chens_morning):
        named = {"patient": str(alices_chart.pk)}
        assert book(alice, by_clock(morning, **named)).status_code == 201
        assert said(book(alice, by_clock(chens_morning, **named))) == (409, "patient_busy")
        assert book(alice, by_clock(chens_morning, "09:30", **named)).status_code == 201

    def test_patient_busy_where_times_overlap_in_part(self, alice, alices_chart, morning, dr_chen, monday):
        shifted = make_schedule(dr_chen.doctor, monday, "09:15", "12:15")
        named = {"patient": str(alices_chart.pk)}
        book(alice, by_clock(morning, "09:30", **named))
        for clock, status in (("09:15", 409), ("09:45", 409), ("10:15", 201)):
            assert book(alice, by_clock(shifted, clock, **named)).status_code == status

    def test_a_cancelled_appointment_keeps_nobody_busy(self, alice, alices_chart, morning, chens_morning):
        named = {"patient": str(alices_chart.pk)}
        made = book(alice, by_clock(morning, **named)).json()
        alice.api.post(f"/api/appointments/{made['id']}/cancel/")
        assert book(alice, by_clock(chens_morning, **named)).status_code == 201

    @pytest.mark.parametrize("change", [{"verified": False}, {"is_available": False}])
    def test_doctor_not_bookable(self, alice, morning, change):
        Doctor.objects.update(**change)
        assert said(book(alice, by_clock(morning))) == (409, "doctor_not_bookable")

    def test_a_deleted_doctor_and_a_missing_one_are_the_same_error(self, alice, morning, now):
        Doctor.objects.update(deleted_at=now)
        deleted = book(alice, by_clock(morning))
        missing = book(alice, {**by_clock(morning), "doctor": MISSING})
        assert (deleted.status_code, deleted.json()) == (422, missing.json())
        assert list(missing.json()["errors"]) == ["doctor"]

    def test_a_foreign_deleted_or_missing_schedule_is_unknown(self, alice, erin, morning, chens_morning, a_doctor):
        erin.api.delete(f"/api/schedules/{morning.pk}/")
        answers = [
            book(alice, {**by_clock(morning), "schedule": schedule})
            for schedule in (str(morning.pk), str(chens_morning.pk), MISSING)
        ]
        assert {(answer.status_code, *answer.json()["errors"]) for answer in answers} == {(422, "schedule")}
        assert len({answer.content for answer in answers}) == 1

    def test_nothing_is_made_by_a_refusal(self, alice, morning, monday, a_doctor):
        Doctor.objects.update(is_available=False)
        book(alice, by_clock(morning))
        assert not Appointment.objects.exists()
        assert not AppointmentEvent.objects.exists()

    @pytest.mark.parametrize(
        "change",
        [
            {"appointment_time": None},
            {"appointment_time": "eleven"},
            {"appointment_time": "25:00"},
            {"appointment_time": "09:00:01"},
            {"appointment_time": "09:00:00.5"},
            {"appointment_time": "09:00Z"},
            {"appointment_time": 32400},
            {"schedule": None},
            {"schedule": "4"},
            {"doctor": "15"},
            {"doctor": None},
            {"starts_at": "2027-01-04T09:00:00Z"},
            {"notes": "x" * 10_001},
            {"notes": "\x00"},
            {"notes": ["a"]},
            {"date": "2027-02-30"},
            {"date": "0001-01-01"},
            {"date": "9999-12-31"},
            {"colour": "blue"},
        ],
    )
    def test_a_body_that_means_nothing_is_invalid(self, alice, morning, change):
        answer = book(alice, {**by_clock(morning), **change})
        assert answer.status_code == 422, answer.content
        assert not Appointment.objects.exists()

    @pytest.mark.parametrize(
        "moment",
        [
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "0001-01-01T00:00:00+23:59",
            "9999-12-31T23:59:59-23:59",
            "2027-01-04T09:00:00",
            "never",
            9e99,
        ],
    )
    def test_an_instant_beyond_all_calendars_is_invalid(self, alice, a_doctor, morning, moment):
        assert book(alice, {"doctor": str(a_doctor.pk), "starts_at": moment}).status_code == 422

    def test_who_says_less_or_more_than_a_time_is_told(self, alice, a_doctor):
        answer = book(alice, {"doctor": str(a_doctor.pk)})
        assert "starts_at" in str(answer.json()["errors"])

    def test_what_only_the_clinic_says_is_ignored(self, alice, morning):
        body = by_clock(morning, status="fulfilled", fee="0.01", currency="XXX", id=MISSING, patient_name="X")
        made = book(alice, body).json()
        assert (made["status"], made["fee"], made["currency"]) == ("booked", "0.00", "USD")
        assert made["id"] != MISSING


class TestFee:
    def test_is_copied_when_booked_and_kept_when_the_doctors_changes(self, alice, ada, morning, a_doctor):
        path = f"/api/doctors/{a_doctor.pk}/"
        ada.api.patch(path, {"consultation_fee": "120.00"})
        first = book(alice, by_clock(morning)).json()
        ada.api.patch(path, {"consultation_fee": "150.75"})
        second = book(alice, by_clock(morning, "10:00")).json()
        assert (first["fee"], second["fee"]) == ("120.00", "150.75")
        assert alice.api.get(f"/api/appointments/{first['id']}/").json()["fee"] == "120.00"

    def test_is_in_the_clinics_currency(self, alice, morning, settings):
        settings.CURRENCY = "BDT"
        made = book(alice, by_clock(morning)).json()
        settings.CURRENCY = "EUR"
        assert alice.api.get(f"/api/appointments/{made['id']}/").json()["currency"] == made["currency"] == "BDT"


class TestDeleting:
    """Patients and doctors stay while an appointment is live."""

    @pytest.mark.parametrize("status", ["booked", "arrived"])
    def test_is_refused_while_one_is_live(self, ada, alice, alices_chart, morning, a_doctor, monday, status):
        make_appointment(a_doctor, alices_chart, at(monday, "09:00"), status)
        for person, path in (
            (alice, f"/api/patients/{alices_chart.pk}/"),
            (ada, f"/api/patients/{alices_chart.pk}/"),
            (ada, f"/api/doctors/{a_doctor.pk}/"),
        ):
            assert said(person.api.delete(path)) == (409, "live_appointments")
            assert person.api.get(path).status_code == 200

    @pytest.mark.parametrize("status", ["fulfilled", "cancelled", "noshow"])
    def test_is_possible_afterwards_and_keeps_the_names(self, ada, alices_chart, morning, a_doctor, monday, status):
        made = make_appointment(a_doctor, alices_chart, at(monday, "09:00"), status)
        assert ada.api.delete(f"/api/patients/{alices_chart.pk}/").status_code == 204
        assert ada.api.delete(f"/api/doctors/{a_doctor.pk}/").status_code == 204
        kept = ada.api.get(f"/api/appointments/{made.pk}/").json()
        assert (kept["patient_name"], kept["doctor_name"]) == ("Alma Kept", "Jane Doe")


class TestAvailability:
    """`available` asks for the flag and for a schedule, where there are any, that ends in the future."""

    def available(self, person, value="true"):
        return {row["firstname"] for row in person.api.get(f"/api/doctors/?available={value}").json()}

    def test_counts_hours_to_come(self, alice, monday):
        long_ago = timezone.now().date() - timedelta(days=30)
        DoctorFactory(firstname="Nohours")
        DoctorFactory(firstname="Away", is_available=False)
        make_schedule(DoctorFactory(firstname="Working"), monday)
        make_schedule(DoctorFactory(firstname="Retired"), long_ago)
        Schedule.objects.filter(pk=make_schedule(DoctorFactory(firstname="Cleared"), long_ago).pk).update(
            deleted_at=timezone.now()
        )
        assert self.available(alice) == {"Nohours", "Working", "Cleared"}
        assert self.available(alice, "false") == {"Away", "Retired"}
