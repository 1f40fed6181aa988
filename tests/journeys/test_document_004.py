"""Document 004, "Healthcare System API": what it promises, called as it documents it, with its bodies as they stand.

Its ids are small integers; ours are opaque, so an example's id stands for whatever id the server gave. Its set-up is
that of the other documents and is proven in test_document_commands.py.
"""

import json
import re
import sys
from datetime import date, timedelta
from functools import partial

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from care.models import Doctor
from core.models import AuditEvent
from identity.models import User
from scheduling.models import Appointment, Schedule
from scheduling.service import get_report
from tests.architecture.source import ROOT
from tests.factories import PatientFactory
from tests.factories.scheduling import at, make_appointment, make_schedule
from tests.journeys.conftest import Caller, is_problem
from tests.rivals import in_parallel

TOKEN = """{
    "mobile_number": "01712345678",
    "password": "yourpassword"
  }"""
BOOKING = """{
    "doctor": 15,
    "schedule": 4,
    "appointment_time": "11:00",
    "notes": "Please be on time"
  }"""
DOCUMENTED = [
    ("post", "/api/token/"),
    ("get", "/api/profile/"),
    ("put", "/api/profile/"),
    ("get", "/api/doctors/"),
    ("post", "/api/appointments/book/"),
    ("patch", "/api/appointments/{appointment_id}/"),
    ("get", "/api/profile/appointments/"),
    ("get", "/api/admin-panel/reports/"),
]
DOCTORS = "/api/doctors/?specialization=cardiology&location=Dhaka&available=true"


def booking(schedule, **more):
    """The documented body with the ids that the server gave."""
    text = BOOKING.replace('"doctor": 15', f'"doctor": "{schedule["doctor"]}"')
    text = text.replace('"schedule": 4', f'"schedule": "{schedule["id"]}"')
    return json.dumps(json.loads(text) | more) if more else text


@pytest.fixture
def day() -> date:
    """A day two weeks from now."""
    return timezone.now().date() + timedelta(days=14)


@pytest.fixture
def admin(stranger, ada) -> Caller:
    """Who was made by `createsuperuser`."""
    return stranger.as_(ada)


@pytest.fixture
def doctor(stranger, dr_diaz) -> Caller:
    """A verified doctor, signed in."""
    return stranger.as_(dr_diaz)


@pytest.fixture
def entry(doctor) -> dict:
    """The doctor's own entry: a cardiologist in Dhaka, for 500."""
    detail = {"specialization": "cardiology", "location": "Dhaka", "consultation_fee": "500.00", "time_zone": "UTC"}
    return doctor.put("/api/profile/", {"doctor": detail}).json()["doctor"]


@pytest.fixture
def schedule(doctor, entry, day) -> dict:
    """The doctor's hours on that day: from ten to one."""
    hours = {"doctor": entry["id"], "date": str(day), "start_time": "10:00", "end_time": "13:00"}
    return doctor.made("/api/schedules/", hours)


class TestAuthentication:
    """004-01 to 004-03, 004-25."""

    @pytest.fixture
    def account(self, stranger):
        account = json.loads(TOKEN) | {"full_name": "Rahim Uddin", "address": "12 Lake Road, Dhaka"}
        return stranger.made("/api/auth/register/", account)

    def test_signs_in_with_the_mobile_number_and_gets_both_tokens(self, stranger, account):
        answer = stranger.post("/api/token/", TOKEN)

        assert answer.status_code == 200
        assert {"access", "refresh"} <= set(answer.json())
        assert is_problem(stranger.post("/api/token/", TOKEN.replace("yourpassword", "theirpassword")), 401)

    def test_the_access_token_opens_the_api_in_the_bearer_header(self, stranger, account):
        access = stranger.post("/api/token/", TOKEN).json()["access"]

        assert is_problem(stranger.get("/api/profile/"), 401)
        profile = Caller(slash=stranger.slash, token=access).get("/api/profile/")
        assert (profile.status_code, profile.json()["mobile_number"]) == (200, "01712345678")

    def test_everybody_begins_as_a_patient_and_becomes_a_doctor_by_approval(self, stranger, admin):
        body = {"username": "doc", "password": "yourpassword", "name": "Nila Khan", "role": "doctor"}
        account = stranger.made("/api/auth/register/", body)
        assert (account["role"], account["requested_role"]) == ("patient", "doctor")
        [request] = admin.get("/api/role-requests/").json()

        answer = admin.post(f"/api/role-requests/{request['id']}/approve/", {"reason": "saw the licence"})

        assert answer.status_code == 200
        signed_in = stranger.post("/api/token/", {"username": "doc", "password": "yourpassword"}).json()
        profile = Caller(slash=stranger.slash, token=signed_in["access"]).get("/api/profile/").json()
        assert (profile["role"], profile["doctor"]["name"], profile["doctor"]["verified"]) == (
            *("doctor", "Nila Khan"),
            True,
        )

    def test_nobody_makes_themselves_an_administrator(self, stranger):
        body = {"username": "root", "password": "yourpassword", "role": "admin"}

        assert is_problem(stranger.post("/api/auth/register/", body), 422)
        assert not User.objects.exists()

    def test_each_role_may_do_its_own(self, user, doctor, admin, schedule):
        """A patient books, a doctor keeps hours, an administrator reads the report; none of the others may."""
        assert user.post("/api/appointments/book/", booking(schedule)).status_code == 201
        hours = {**schedule, "start_time": "14:00", "end_time": "15:00"}
        given = {name: hours[name] for name in ("doctor", "date", "start_time", "end_time")}
        assert is_problem(user.post("/api/schedules/", given), 403)
        assert doctor.post("/api/schedules/", given).status_code == 201
        assert is_problem(user.get("/api/admin-panel/reports/"), 403)
        assert is_problem(doctor.get("/api/admin-panel/reports/"), 403)
        assert admin.get("/api/admin-panel/reports/").status_code == 200


class TestProfile:
    """004-04, 004-05, 004-12, 004-13, 004-22."""

    def test_a_doctor_sees_the_own_schedules_in_it(self, doctor, schedule):
        profile = doctor.get("/api/profile/").json()

        assert profile["role"] == "doctor"
        assert profile["doctor"]["schedules"] == [schedule]

    def test_a_patient_sees_the_own_account(self, user):
        profile = user.get("/api/profile/").json()

        assert (profile["username"], profile["role"], profile["doctor"]) == ("user", "patient", None)

    def test_updates_user_fields(self, user):
        body = {"full_name": "Rahim Uddin", "address": "12 Lake Road, Dhaka", "mobile_number": "01712345678"}

        answer = user.put("/api/profile/", body)

        assert answer.status_code == 200
        account = User.objects.get(username="user")
        assert (account.name, account.address, account.mobile_number) == (*list(body.values())[:2], "01712345678")

    def test_updates_the_doctors_details_and_schedules_together(self, doctor, schedule, day):
        following = str(day + timedelta(days=1))
        body = {
            "address": "Dhaka Medical",
            "doctor": {
                "license_number": "",
                "experience_years": 7,
                "consultation_fee": "650.00",
                "schedules": [
                    {"id": schedule["id"], "end_time": "14:00"},
                    {"date": following, "start_time": "09:00", "end_time": "11:00"},
                ],
            },
        }

        answer = doctor.put("/api/profile/", body)

        assert answer.status_code == 200, answer.content
        profile = answer.json()
        assert (profile["address"], profile["doctor"]["experience_years"]) == ("Dhaka Medical", 7)
        assert [(each["date"], each["end_time"]) for each in profile["doctor"]["schedules"]] == [
            (str(day), "14:00"),
            (following, "11:00"),
        ]
        assert Schedule.objects.count() == 2

    def test_updating_never_loses_an_appointment(self, user, doctor, schedule, day):
        booked = user.made("/api/appointments/book/", booking(schedule))

        assert doctor.put("/api/profile/", {"doctor": {"schedules": []}}).status_code == 200
        assert doctor.put("/api/profile/", doctor.get("/api/profile/").json()).status_code == 200
        lost = {"doctor": {"schedules": [{"id": schedule["id"], "end_time": "11:00"}]}}
        assert is_problem(doctor.put("/api/profile/", lost), 409)

        [mine] = user.get("/api/profile/appointments/").json()
        assert (mine["id"], mine["status"]) == (booked["id"], "booked")

    def test_one_bad_schedule_undoes_the_whole_update(self, doctor, schedule, day):
        body = {
            "address": "Elsewhere",
            "doctor": {"schedules": [{"date": str(day), "start_time": "15:00", "end_time": "14:00"}]},
        }

        answer = doctor.put("/api/profile/", body)

        assert is_problem(answer, 422)
        assert list(answer.json()["errors"]) == ["doctor.schedules.0.end_time"]
        assert doctor.get("/api/profile/").json()["address"] != "Elsewhere"


class TestDoctors:
    """004-06, 004-13, 004-14."""

    @pytest.fixture
    def others(self, admin, entry):
        """Doctors who each miss one of the three conditions."""
        made = {}
        for name, change in {
            "Skin": {"specialization": "dermatology"},
            "Far": {"location": "Sylhet"},
            "Away": {"is_available": False},
        }.items():
            body = {"name": name, "specialization": "cardiology", "location": "Dhaka", **change}
            made[name] = admin.made("/api/doctors/", body)
        return made

    def names(self, caller, query):
        answer = caller.get(f"/api/doctors/{query}")
        assert answer.status_code == 200, answer.content
        return {row["firstname"] for row in answer.json()}

    def test_lists_by_specialization_location_and_availability(self, user, others, schedule):
        answer = user.get(DOCTORS)

        assert answer.status_code == 200
        [found] = answer.json()
        assert (found["id"], found["specialization"], found["location"]) == (schedule["doctor"], "CARD", "Dhaka")

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("?specialization=cardiology", {"Rosa", "Far", "Away"}),
            ("?location=Dhaka", {"Rosa", "Skin", "Away"}),
            ("?available=true", {"Rosa", "Skin", "Far"}),
            ("?available=false", {"Away"}),
            ("?specialization=cardiology&location=Dhaka", {"Rosa", "Away"}),
            ("?location=Dhaka&available=true", {"Rosa", "Skin"}),
            ("?specialization=cardiology&available=true", {"Rosa", "Far"}),
        ],
    )
    def test_each_filter_works_alone_and_with_another(self, user, others, schedule, query, names):
        assert self.names(user, query) == names

    def test_who_has_no_hours_to_come_is_not_available(self, user, others, schedule):
        Schedule.objects.update(first_on=date(2020, 1, 6), last_on=date(2020, 1, 6))

        assert "Rosa" not in self.names(user, "?available=true")
        assert "Rosa" in self.names(user, "?available=false")

    def test_a_doctor_has_the_documented_details(self, user, admin, entry):
        details = {
            "license_number": "BMDC-4711",
            "specialization": "CARD",
            "experience_years": 12,
            "consultation_fee": "750.50",
            "location": "Dhaka",
        }
        assert admin.put(f"/api/doctors/{entry['id']}/", details).status_code == 200

        shown = user.get(f"/api/doctors/{entry['id']}/").json()

        assert {name: shown[name] for name in details} == details
        assert shown["user"] == str(Doctor.objects.get(pk=entry["id"]).user_id)

    def test_a_schedule_has_a_date_and_start_and_end_times(self, doctor, schedule, day):
        row = Schedule.objects.get()

        assert (row.first_on, row.last_on, row.weekday) == (day, day, None)
        assert (f"{row.start_time:%H:%M}", f"{row.end_time:%H:%M}") == ("10:00", "13:00")
        assert doctor.get(f"/api/schedules/{schedule['id']}/").json() == schedule


class TestAppointments:
    """004-07 to 004-09, 004-15, 004-17 to 004-20; 003-12."""

    def test_books_with_the_documented_body(self, user, schedule, day):
        answer = user.post("/api/appointments/book/", booking(schedule))

        assert answer.status_code == 201
        made = answer.json()
        row = Appointment.objects.get()
        assert (made["id"], made["doctor"], made["schedule"]) == (str(row.pk), schedule["doctor"], schedule["id"])
        assert (made["appointment_time"], made["notes"], made["status"]) == ("11:00", "Please be on time", "booked")
        assert (row.starts_at, row.ends_at) == (at(day, "11:00"), at(day, "11:30"))
        assert made["fee"] == "500.00"

    def test_the_documents_own_ids_are_refused_by_name(self, user, schedule):
        answer = user.post("/api/appointments/book/", BOOKING)

        assert is_problem(answer, 422)
        assert {"doctor", "schedule"} <= set(answer.json()["errors"])

    def test_slots_are_half_hours_within_the_schedule(self, user, schedule, day):
        slots = user.get(f"/api/doctors/{schedule['doctor']}/slots/?from={day}").json()

        assert [slot["appointment_time"] for slot in slots] == ["10:00", "10:30", "11:00", "11:30", "12:00", "12:30"]
        for time in ("09:30", "13:00", "11:15"):
            assert is_problem(user.post("/api/appointments/book/", booking(schedule, appointment_time=time)), 422)
        assert not Appointment.objects.exists()

    def test_a_slot_is_booked_once(self, user, other, schedule):
        user.made("/api/appointments/book/", booking(schedule))

        for caller in (user, other):
            answer = caller.post("/api/appointments/book/", booking(schedule))
            assert is_problem(answer, 409)
            assert answer.json()["code"] == "slot_taken"
            assert answer.json()["next_free"][0]["appointment_time"] == "11:30"
        assert Appointment.objects.count() == 1

    def test_no_booking_in_the_past(self, user, doctor, entry):
        yesterday = timezone.now().date() - timedelta(days=1)
        hours = {"doctor": entry["id"], "date": str(yesterday), "start_time": "10:00", "end_time": "13:00"}
        schedule = doctor.made("/api/schedules/", hours)

        answer = user.post("/api/appointments/book/", booking(schedule))

        assert is_problem(answer, 422)
        assert answer.json()["code"] == "past"
        assert not Appointment.objects.exists()

    def test_patients_book_for_themselves(self, user, other, schedule):
        mine = user.made("/api/appointments/book/", booking(schedule))
        theirs = other.made("/api/appointments/book/", booking(schedule, appointment_time="11:30"))

        assert (mine["patient_name"], theirs["patient_name"]) == ("user", "other")
        assert mine["patient"] == user.get("/api/profile/").json()["patient"]
        answer = other.post(
            "/api/appointments/book/", booking(schedule, appointment_time="12:00", patient=mine["patient"])
        )
        assert is_problem(answer, 422)

    def test_staff_and_administrators_book_for_others(self, stranger, admin, erin, schedule):
        for caller, time in ((admin, "10:00"), (stranger.as_(erin), "10:30")):
            patient = PatientFactory()
            body = booking(schedule, appointment_time=time, patient=str(patient.pk))
            assert caller.made("/api/appointments/book/", body)["patient_name"] == patient.name

    def test_lists_my_booked_appointments(self, user, other, doctor, schedule):
        mine = user.made("/api/appointments/book/", booking(schedule))
        theirs = other.made("/api/appointments/book/", booking(schedule, appointment_time="12:00"))

        assert user.get("/api/profile/appointments/").json() == [mine]
        assert other.get("/api/profile/appointments/").json() == [theirs]
        assert doctor.get("/api/profile/appointments/").json() == [theirs, mine]

    def test_an_administrator_updates_status_and_notes(self, user, doctor, admin, schedule):
        made = user.made("/api/appointments/book/", booking(schedule))
        path, body = f"/api/appointments/{made['id']}/", {"status": "fulfilled", "notes": "Was on time"}

        for caller in (user, doctor):
            assert is_problem(caller.call("PATCH", path, body), 403)
        answer = admin.call("PATCH", path, body)

        assert answer.status_code == 200
        row = Appointment.objects.get()
        assert (row.status, row.notes) == ("fulfilled", "Was on time")
        assert is_problem(admin.call("PATCH", "/api/appointments/15/", body), 404)

    def test_a_day_takes_no_more_than_the_doctor_says(self, user, doctor, schedule):
        assert doctor.put("/api/profile/", {"doctor": {"max_appointments_per_day": 2}}).status_code == 200
        user.made("/api/appointments/book/", booking(schedule))
        user.made("/api/appointments/book/", booking(schedule, appointment_time="11:30"))

        answer = user.post("/api/appointments/book/", booking(schedule, appointment_time="12:00"))

        assert is_problem(answer, 409)
        assert answer.json()["code"] == "day_full"
        assert Appointment.objects.count() == 2
        doctor.put("/api/profile/", {"doctor": {"max_appointments_per_day": 3}})
        user.made("/api/appointments/book/", booking(schedule, appointment_time="12:00"))


class TestRivals:
    """004-18."""

    @pytest.mark.django_db(transaction=True)
    def test_of_many_who_ask_at_once_one_gets_the_slot_and_the_others_a_clean_refusal(self, stranger, schedule):
        rivals = [stranger.somebody_new(f"rival{n}") for n in range(8)]
        ask = [partial(rival.post, "/api/appointments/book/", booking(schedule)) for rival in rivals]

        answers = in_parallel(*ask)

        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
        refused = [answer for answer in answers if answer.status_code == 409]
        assert {answer.json()["code"] for answer in refused} == {"slot_taken"}
        assert Appointment.objects.count() == 1


class TestAdministration:
    """004-10, 004-11, 004-16, 004-21."""

    def test_manages_doctors(self, admin):
        made = admin.made("/api/doctors/", {"name": "Nila Khan", "specialization": "cardiology"})
        path = f"/api/doctors/{made['id']}/"

        assert admin.get("/api/doctors/").json()[0]["id"] == made["id"]
        assert admin.put(path, {"location": "Dhaka"}).json()["location"] == "Dhaka"
        assert admin.delete(path).status_code == 204
        assert is_problem(admin.get(path), 404)

    def test_manages_patients(self, admin, user):
        made = user.made("/api/patients/", {"name": "Somebody Elses"})
        path = f"/api/patients/{made['id']}/"

        assert admin.get("/api/patients/").json()[0]["id"] == made["id"]
        assert admin.put(path, {"address": "Dhaka"}).json()["address"] == "Dhaka"
        assert admin.delete(path).status_code == 204
        assert is_problem(user.get(path), 404)

    def test_manages_appointments(self, admin, user, schedule):
        patient = user.made("/api/patients/", {"name": "Somebody Elses"})
        made = admin.made("/api/appointments/", booking(schedule, patient=patient["id"]))
        path = f"/api/appointments/{made['id']}/"

        assert admin.get("/api/appointments/").json() == [made]
        assert admin.get(path).json()["id"] == made["id"]
        assert admin.call("PATCH", path, {"status": "arrived"}).json()["status"] == "arrived"
        assert admin.delete(path).status_code == 204
        assert is_problem(admin.get(path), 404)
        user.made("/api/appointments/book/", booking(schedule))

    def test_managing_appointments_is_for_administrators(self, user, doctor, schedule):
        made = user.made("/api/appointments/book/", booking(schedule))

        for caller in (user, doctor):
            assert is_problem(caller.delete(f"/api/appointments/{made['id']}/"), 403)

    def test_overrides_any_appointment_and_any_account(self, admin, user, schedule):
        made = user.made("/api/appointments/book/", booking(schedule))
        path = f"/api/appointments/{made['id']}/"

        for status in ("noshow", "booked", "cancelled", "fulfilled"):
            assert admin.call("PATCH", path, {"status": status}).json()["status"] == status
        account = User.objects.get(username="user")
        answer = admin.call("PATCH", f"/api/users/{account.pk}/", {"role": "staff"})
        assert (answer.status_code, answer.json()["role"]) == (200, "staff")

    def test_every_act_is_on_the_audit_trail(self, admin, user, schedule):
        made = user.made("/api/appointments/book/", booking(schedule))
        admin.call("PATCH", f"/api/appointments/{made['id']}/", {"status": "arrived"})

        rows = admin.get(f"/api/audit/?subject={made['id']}").json()

        assert [(row["action"], row["role"]) for row in rows] == [
            ("appointment.override", "admin"),
            ("appointment.book", "patient"),
        ]
        assert is_problem(user.get("/api/audit/"), 403)
        assert AuditEvent.objects.filter(action="audit.list").count() == 2

    def test_the_report_tells_appointments_per_doctor_revenue_and_details(self, admin, user, schedule, a_doctor, day):
        make_schedule(a_doctor, day)
        first = user.made("/api/appointments/book/", booking(schedule))
        user.made("/api/appointments/book/", booking(schedule, appointment_time="12:00"))
        make_appointment(a_doctor, PatientFactory(), at(day, "09:00"))
        admin.call("PATCH", f"/api/appointments/{first['id']}/", {"status": "fulfilled"})

        answer = admin.get("/api/admin-panel/reports/")

        assert answer.status_code == 200
        report = answer.json()
        assert [(row["doctor"], row["total"]) for row in report["appointments_per_doctor"]] == [
            (schedule["doctor"], 2),
            (str(a_doctor.pk), 1),
        ]
        assert (report["total_appointments"], report["total_revenue"]) == (3, "500.00")
        assert {row["patient_name"] for row in report["booked_details"]} >= {"user"}
        assert len(report["booked_details"]) == 3


class TestProject:
    """004-23 to 004-26."""

    def test_accounts_appointments_and_doctors_are_apps_of_their_own(self):
        """`users` is identity, `doctors` is care, `appointments` and `admin_panel` are scheduling."""
        models = {apps.get_model(name)._meta.app_label for name in ("identity.User", "care.Doctor")}

        assert models == {"identity", "care"}
        assert Appointment._meta.app_label == Schedule._meta.app_label == "scheduling"
        assert get_report.__module__.startswith("scheduling.")

    @pytest.mark.django_db
    def test_createsuperuser_makes_an_administrator(self, monkeypatch):
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "yourpassword")
        call_command("createsuperuser", "--noinput", username="root", email="root@clinic.example", verbosity=0)
        stranger = Caller(slash=True)

        tokens = stranger.post("/api/token/", {"username": "root", "password": "yourpassword"}).json()

        assert Caller(slash=True, token=tokens["access"]).get("/api/admin-panel/reports/").status_code == 200

    def test_the_database_is_postgresql_or_sqlite(self):
        assert connection.vendor in {"postgresql", "sqlite"}
        assert sys.version_info >= (3, 10)

    def test_there_are_requirements_and_an_example_of_the_environment(self):
        assert "django==" in (ROOT / "requirements.txt").read_text().lower()
        example = (ROOT / ".env.example").read_text()
        assert {"SECRET_KEY", "DATABASE_URL"} <= set(re.findall(r"^#? ?([A-Z_]+)=", example, re.MULTILINE))

    @pytest.mark.django_db
    def test_the_openapi_document_describes_every_documented_path_for_postman(self, client):
        described = client.get("/api/openapi.json").json()["paths"]

        for method, path in DOCUMENTED:
            assert method in described[path], path
