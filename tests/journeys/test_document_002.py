"""Document 002, "Healthcare Management System": what it promises, called as it documents it.

Its rows about the environment and the commands (002-39, 002-40, 002-42) are in test_document_commands.py.
"""

import json
import tomllib
from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
import time_machine
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from care.models import CareTeamMember, Doctor, Patient
from identity.models import User
from tests.architecture.source import FLOORS, ROOT
from tests.conftest import Person
from tests.factories import PASSWORD
from tests.journeys.conftest import Caller, is_problem

ACCOUNT = {"name": "Jane Roe", "email": "jane@example.com", "password": "password123"}
PATIENT = {
    "name": "John Doe",
    "age": 45,
    "gender": "male",
    "phone": "+442079460123",
    "email": "john@example.com",
    "address": "12 Harley Street, London",
    "medical_history": "Asthma since childhood.\nPenicillin allergy.",
}
DOCTOR = {
    "name": "Sarah Smith",
    "specialization": "Cardiology",
    "experience_years": 12,
    "phone": "+442079460124",
    "email": "sarah@example.com",
    "qualifications": "MBBS, MD",
    "consultation_fee": "150.00",
    "is_available": True,
}


class TestAuthentication:
    """002-01 to 002-07."""

    def test_registers_with_name_email_and_password_alone(self, stranger):
        account = stranger.made("/api/auth/register/", ACCOUNT)

        row = User.objects.get()
        assert (account["name"], account["email"]) == (row.name, row.email) == ("Jane Roe", "jane@example.com")
        assert row.role == "patient"

    def test_signs_in_with_the_email_and_gets_a_token(self, stranger):
        stranger.made("/api/auth/register/", ACCOUNT)

        answer = stranger.post("/api/auth/login/", {"email": "jane@example.com", "password": "password123"})

        assert answer.status_code == 200
        assert Caller(slash=stranger.slash, token=answer.json()["access"]).get("/api/patients/").status_code == 200

    def test_refreshes_the_token(self, stranger):
        account = stranger.made("/api/auth/register/", ACCOUNT)

        answer = stranger.post("/api/auth/token/refresh/", {"refresh": account["refresh"]})

        assert answer.status_code == 200
        assert Caller(slash=stranger.slash, token=answer.json()["access"]).get("/api/patients/").status_code == 200

    def test_a_client_stays_signed_in_by_refreshing_again_and_again(self, stranger):
        refresh = stranger.made("/api/auth/register/", ACCOUNT)["refresh"]

        for hours in (20, 40, 60):  # each is later than the first refresh token would have lasted, but for the first
            with time_machine.travel(timezone.now() + timedelta(hours=hours)):
                answer = stranger.post("/api/auth/token/refresh/", {"refresh": refresh})
                assert answer.status_code == 200
                caller = Caller(slash=stranger.slash, token=answer.json()["access"])
                assert caller.get("/api/patients/").status_code == 200
                refresh = answer.json()["refresh"]

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            *(
                (method, f"/api/{thing}/")
                for thing in ("patients", "doctors", "mappings")
                for method in ("GET", "POST")
            ),
            *(
                (method, f"/api/{thing}/01890a5d-ac96-774b-bcce-b302099a8057/")
                for thing in ("patients", "doctors")
                for method in ("GET", "PUT", "DELETE")
            ),
            ("GET", "/api/mappings/01890a5d-ac96-774b-bcce-b302099a8057/"),
            ("DELETE", "/api/mappings/01890a5d-ac96-774b-bcce-b302099a8057/"),
        ],
    )
    def test_everything_but_registering_and_signing_in_needs_a_token(self, stranger, method, path):
        answer = stranger.call(method, path)

        assert is_problem(answer, 401)
        assert answer["WWW-Authenticate"].startswith("Bearer")

    def test_a_weak_password_is_refused(self, stranger):
        answer = stranger.post("/api/auth/register/", {**ACCOUNT, "password": "seven77"})

        assert is_problem(answer, 422)
        assert list(answer.json()["errors"]) == ["password"]
        assert not User.objects.exists()

    def test_a_password_is_kept_as_a_salted_hash(self, stranger):
        stranger.made("/api/auth/register/", ACCOUNT)
        stranger.made("/api/auth/register/", {**ACCOUNT, "email": "joan@example.com"})

        first, second = User.objects.values_list("password", flat=True)
        assert first.startswith("argon2$argon2id$")
        assert first != second
        assert "password123" not in first

    def test_a_token_expires(self, user):
        with time_machine.travel(timezone.now() + timedelta(minutes=11)):
            assert is_problem(user.get("/api/patients/"), 401)


class TestPatients:
    """002-08 to 002-13."""

    def test_adds_a_patient_with_every_documented_field(self, user):
        patient = user.made("/api/patients/", PATIENT)

        keeper = User.objects.get(username="user")
        assert {name: patient[name] for name in PATIENT} == {**PATIENT, "gender": "M"}
        assert patient["created_by"] == str(keeper.pk)
        row = Patient.objects.get()
        assert (row.name, row.gender, row.phone, row.email) == (
            "John Doe",
            "M",
            "+442079460123",
            "john@example.com",
        )
        assert (row.address, row.medical_history) == (PATIENT["address"], PATIENT["medical_history"])
        assert row.created_by == keeper
        assert patient["created_at"].endswith("Z")
        assert row.created_at == row.updated_at

    def test_lists_only_my_patients(self, user, other):
        mine = user.made("/api/patients/", PATIENT)
        other.made("/api/patients/", {**PATIENT, "name": "Somebody Else"})

        assert [patient["id"] for patient in user.get("/api/patients/").json()] == [mine["id"]]

    def test_gets_a_patient(self, user):
        patient = user.made("/api/patients/", PATIENT)

        assert user.get(f"/api/patients/{patient['id']}/").json() == patient

    def test_updates_a_patient_and_when_it_changed(self, user):
        patient = user.made("/api/patients/", PATIENT)

        answer = user.put(f"/api/patients/{patient['id']}/", {**PATIENT, "address": "1 Other Street"})

        assert answer.status_code == 200
        row = Patient.objects.get()
        assert answer.json()["address"] == row.address == "1 Other Street"
        assert row.updated_at > row.created_at
        assert answer.json()["updated_at"] > patient["updated_at"]

    def test_deletes_a_patient(self, user):
        patient = user.made("/api/patients/", PATIENT)

        assert user.delete(f"/api/patients/{patient['id']}/").status_code == 204
        assert user.get("/api/patients/").json() == []
        assert is_problem(user.delete(f"/api/patients/{patient['id']}/"), 404)

    def test_another_users_patient_does_not_exist_for_me(self, user, other):
        theirs = other.made("/api/patients/", PATIENT)
        missing = "01890a5d-ac96-774b-bcce-b302099a8057"

        for method, body in (("GET", None), ("PUT", {"age": 1}), ("DELETE", None)):
            hidden = user.call(method, f"/api/patients/{theirs['id']}/", body)
            assert is_problem(hidden, 404)
            assert hidden.json() == user.call(method, f"/api/patients/{missing}/", body).json()
        assert other.get(f"/api/patients/{theirs['id']}/").json() == theirs


class TestDoctors:
    """002-14 to 002-22."""

    def test_adds_a_doctor_with_every_documented_field(self, user):
        doctor = user.made("/api/doctors/", DOCTOR)

        assert {name: doctor[name] for name in DOCTOR} == {**DOCTOR, "specialization": "CARD"}
        assert doctor["specialization_display"] == "Cardiology"
        row = Doctor.objects.get()
        assert (row.name, row.specialization, row.experience_years) == ("Sarah Smith", "CARD", 12)
        assert (row.phone, row.email, row.qualifications) == ("+442079460124", "sarah@example.com", "MBBS, MD")
        assert (row.consultation_fee, row.is_available) == (Decimal("150.00"), True)
        assert doctor["created_at"].endswith("Z")
        assert doctor["updated_at"].endswith("Z")

    def test_everybody_reads_all_doctors(self, user, other):
        first, second = user.made("/api/doctors/", DOCTOR), other.made("/api/doctors/", {**DOCTOR, "name": "Tom Ash"})

        for reader in (user, other):
            assert [doctor["id"] for doctor in reader.get("/api/doctors/").json()] == [second["id"], first["id"]]

    def test_gets_a_doctor(self, user):
        doctor = user.made("/api/doctors/", DOCTOR)

        assert user.get(f"/api/doctors/{doctor['id']}/").json() == doctor

    def test_updates_a_doctor(self, user):
        doctor = user.made("/api/doctors/", DOCTOR)

        answer = user.put(f"/api/doctors/{doctor['id']}/", {**DOCTOR, "consultation_fee": "175.50"})

        assert answer.status_code == 200
        assert answer.json()["consultation_fee"] == "175.50"
        assert Doctor.objects.get().consultation_fee == Decimal("175.50")

    def test_deletes_a_doctor(self, user):
        doctor = user.made("/api/doctors/", DOCTOR)

        assert user.delete(f"/api/doctors/{doctor['id']}/").status_code == 204
        assert user.get("/api/doctors/").json() == []
        assert is_problem(user.get(f"/api/doctors/{doctor['id']}/"), 404)

    @pytest.fixture
    def four(self, user):
        """A cardiologist and a dermatologist who are available, and one of each who is not."""
        return {
            (code, available): user.made("/api/doctors/", {**DOCTOR, "specialization": code, "is_available": available})
            for code in ("CARD", "DERM")
            for available in (True, False)
        }

    @pytest.mark.parametrize("spelling", ["CARD", "card", "Cardiology", "cardiology", "CARDIOLOGIST"])
    def test_filters_doctors_by_specialization(self, user, four, spelling):
        found = user.get(f"/api/doctors/?specialization={spelling}").json()

        assert {doctor["id"] for doctor in found} == {four["CARD", True]["id"], four["CARD", False]["id"]}

    @pytest.mark.parametrize(("asked", "available"), [("true", True), ("false", False), ("True", True)])
    def test_filters_doctors_by_availability(self, user, four, asked, available):
        found = user.get(f"/api/doctors/?available={asked}").json()

        assert {doctor["id"] for doctor in found} == {four["CARD", available]["id"], four["DERM", available]["id"]}

    def test_combines_the_two_filters(self, user, four):
        for code in ("CARD", "DERM"):
            for available in (True, False):
                found = user.get(f"/api/doctors/?specialization={code}&available={str(available).lower()}").json()
                assert [doctor["id"] for doctor in found] == [four[code, available]["id"]]

    def test_an_unknown_specialization_finds_nobody_and_a_strange_availability_is_refused(self, user, four):
        assert user.get("/api/doctors/?specialization=astrology").json() == []
        assert is_problem(user.get("/api/doctors/?available=perhaps"), 422)

    def test_counts_the_patients_a_doctor_treats_now(self, user):
        doctor = user.made("/api/doctors/", DOCTOR)
        mappings = [
            user.made("/api/mappings/", {"patient": user.made("/api/patients/", PATIENT)["id"], "doctor": doctor["id"]})
            for _ in range(3)
        ]
        user.delete(f"/api/mappings/{mappings[0]['id']}/")

        assert doctor["patient_count"] == 0
        assert user.get(f"/api/doctors/{doctor['id']}/").json()["patient_count"] == 2
        assert user.get("/api/doctors/").json()[0]["patient_count"] == 2


class TestMappings:
    """002-23 to 002-28, 002-33, 002-45."""

    @pytest.fixture
    def patient(self, user):
        return user.made("/api/patients/", PATIENT)

    @pytest.fixture
    def doctor(self, user):
        return user.made("/api/doctors/", DOCTOR)

    @pytest.fixture
    def mapping(self, user, patient, doctor):
        return user.made(
            "/api/mappings/", {"patient": patient["id"], "doctor": doctor["id"], "notes": "Sees her yearly."}
        )

    def test_assigns_a_doctor_with_date_notes_and_status(self, mapping, patient, doctor):
        assert (mapping["patient"]["id"], mapping["doctor"]["id"]) == (patient["id"], doctor["id"])
        assert (mapping["notes"], mapping["is_active"]) == ("Sees her yearly.", True)
        row = CareTeamMember.objects.get()
        assert (row.notes, row.is_active) == ("Sees her yearly.", True)
        assert timezone.now() - row.assigned_at < timedelta(minutes=1)
        assert mapping["assigned_at"].endswith("Z")

    def test_tells_the_names_of_patient_doctor_and_specialization(self, mapping):
        assert mapping["patient_name"] == mapping["patient"]["name"] == "John Doe"
        assert mapping["doctor_name"] == mapping["doctor"]["name"] == "Sarah Smith"
        assert mapping["doctor_specialization"] == "Cardiology"

    def test_lists_only_mappings_of_my_patients(self, user, other, mapping, doctor):
        theirs = other.made("/api/patients/", PATIENT)
        other.made("/api/mappings/", {"patient": theirs["id"], "doctor": doctor["id"]})

        assert [entry["id"] for entry in user.get("/api/mappings/").json()] == [mapping["id"]]

    def test_reads_the_doctors_assigned_to_a_patient(self, user, patient, doctor, mapping):
        answer = user.get(f"/api/mappings/{patient['id']}/")

        assert answer.status_code == 200
        assert answer.json()["patient_id"] == patient["id"]
        assert [entry["id"] for entry in answer.json()["doctors"]] == [doctor["id"]]

    def test_removes_a_doctor_from_a_patient(self, user, mapping):
        assert user.delete(f"/api/mappings/{mapping['id']}/").status_code == 204

    def test_a_removed_mapping_is_kept_inactive_and_gone_from_lists(self, user, patient, mapping):
        user.delete(f"/api/mappings/{mapping['id']}/")

        row = CareTeamMember.objects.get()
        assert row.ended_at is not None
        assert not row.is_active
        assert user.get("/api/mappings/").json() == []
        assert user.get(f"/api/mappings/{patient['id']}/").json()["doctors"] == []
        assert user.get(f"/api/mappings/{mapping['id']}/").json()["is_active"] is False
        assert is_problem(user.delete(f"/api/mappings/{mapping['id']}/"), 404)

    def test_a_removed_doctor_can_be_assigned_again(self, user, patient, doctor, mapping):
        again = {"patient": patient["id"], "doctor": doctor["id"]}
        refused = user.post("/api/mappings/", again)
        user.delete(f"/api/mappings/{mapping['id']}/")

        second = user.made("/api/mappings/", again)

        assert is_problem(refused, 409)
        assert refused.json()["code"] == "duplicate"
        assert second["id"] != mapping["id"]
        assert CareTeamMember.objects.count() == 2
        assert [entry["id"] for entry in user.get("/api/mappings/").json()] == [second["id"]]

    def test_a_user_has_many_patients_and_patients_and_doctors_meet_many_to_many(self, user):
        patients = [user.made("/api/patients/", {**PATIENT, "name": name})["id"] for name in ("A A", "B B")]
        doctors = [user.made("/api/doctors/", {**DOCTOR, "name": name})["id"] for name in ("C C", "D D")]
        for patient in patients:
            for doctor in doctors:
                user.made("/api/mappings/", {"patient": patient, "doctor": doctor})

        for patient in patients:
            treating = user.get(f"/api/mappings/{patient}/").json()["doctors"]
            assert {entry["id"] for entry in treating} == set(doctors)
        assert {entry["patient_count"] for entry in user.get("/api/doctors/").json()} == {2}
        assert Patient.objects.filter(created_by__username="user").count() == 2


class TestPermissions:
    """002-29 to 002-31."""

    def test_a_doctors_entry_is_read_by_all_and_changed_by_its_owner(self, user, other):
        doctor = user.made("/api/doctors/", DOCTOR)

        assert other.get(f"/api/doctors/{doctor['id']}/").status_code == 200
        assert is_problem(other.put(f"/api/doctors/{doctor['id']}/", {"location": "Dhaka"}), 403)
        assert is_problem(other.delete(f"/api/doctors/{doctor['id']}/"), 403)
        assert user.put(f"/api/doctors/{doctor['id']}/", {"location": "Dhaka"}).status_code == 200
        assert Doctor.objects.get().location == "Dhaka"

    def test_mappings_of_another_users_patient_do_not_exist_for_me(self, user, other):
        patient, doctor = user.made("/api/patients/", PATIENT), user.made("/api/doctors/", DOCTOR)
        mapping = user.made("/api/mappings/", {"patient": patient["id"], "doctor": doctor["id"]})

        assert other.get("/api/mappings/").json() == []
        for hidden in (mapping["id"], patient["id"]):
            assert is_problem(other.get(f"/api/mappings/{hidden}/"), 404)
            assert is_problem(other.delete(f"/api/mappings/{hidden}/"), 404)
        assert CareTeamMember.objects.get().is_active

    def test_nobody_assigns_doctors_to_another_users_patient(self, user, other):
        patient, doctor = user.made("/api/patients/", PATIENT), user.made("/api/doctors/", DOCTOR)

        answer = other.post("/api/mappings/", {"patient": patient["id"], "doctor": doctor["id"]})

        assert is_problem(answer, 422)
        assert list(answer.json()["errors"]) == ["patient"]
        assert not CareTeamMember.objects.exists()

    def test_the_role_decides_who_sees_patients(self, stranger, user, erin, rita, otto, ada):
        patient = user.made("/api/patients/", PATIENT)

        for sees in (erin, ada):
            assert stranger.as_(sees).get(f"/api/patients/{patient['id']}/").status_code == 200
        for never in (rita, otto):
            assert is_problem(stranger.as_(never).get("/api/patients/"), 403)

    def test_the_role_decides_who_deletes_patients(self, stranger, user, erin, ada):
        patient = user.made("/api/patients/", PATIENT)

        assert is_problem(stranger.as_(erin).delete(f"/api/patients/{patient['id']}/"), 403)
        assert stranger.as_(ada).delete(f"/api/patients/{patient['id']}/").status_code == 204


class TestLists:
    """002-32, 002-41."""

    @pytest.mark.parametrize(("path", "body"), [("/api/patients/", PATIENT), ("/api/doctors/", DOCTOR)])
    def test_long_lists_come_in_pages_that_link_to_the_next(self, user, path, body):
        made = [user.made(path, {**body, "name": f"Number {n}"})["id"] for n in range(5)]

        seen, address, pages = [], f"{path}?limit=2", 0
        while address:
            answer = user.get(address)
            assert isinstance(answer.json(), list)
            assert len(answer.json()) <= 2
            seen += [entry["id"] for entry in answer.json()]
            pages += 1
            link = answer.get("Link", "")
            assert (link == "") == (pages == 3)
            parts = urlsplit(link.removeprefix("<").partition(">")[0])
            address = f"{parts.path}?{parts.query}" if link else ""

        assert seen == made[::-1]
        assert pages == 3

    def test_a_page_has_fifty_rows_unless_asked_and_a_hundred_at_most(self, user):
        for n in range(51):
            user.made("/api/patients/", {"name": f"Number {n}"})

        assert len(user.get("/api/patients/").json()) == 50
        assert len(user.get("/api/patients/?limit=100").json()) == 51
        for wrong in ("0", "101", "-1", "many"):
            assert is_problem(user.get(f"/api/patients/?limit={wrong}"), 422)

    def test_a_list_takes_the_same_number_of_queries_however_long_it_is(self, user):
        def queries() -> list[int]:
            counts = []
            for path in ("/api/patients/", "/api/doctors/", "/api/mappings/"):
                with CaptureQueriesContext(
                    connection,
                ) as captured:
                    assert user.get(path).status_code == 200
                counts.append(len(captured))
            return counts

        def add(amount: int) -> None:
            for _ in range(amount):
                patient, doctor = user.made("/api/patients/", PATIENT), user.made("/api/doctors/", DOCTOR)
                user.made("/api/mappings/", {"patient": patient["id"], "doctor": doctor["id"]})

        add(1)
        few = queries()
        add(9)

        assert queries() == few


def sign_in_to_portal(client: Client, person: Person) -> None:
    """Open a browser's session by the one page that does."""
    assert person.user is not None
    answer = client.post("/sign-in/", {"identifier": person.user.username, "password": PASSWORD})
    assert answer.status_code == 302, answer.content


class TestPages:
    """002-34 to 002-37, 002-40."""

    @pytest.mark.parametrize("path", ["/swagger/", "/redoc/"])
    def test_the_documentation_opens_without_anything_from_elsewhere(self, client, path):
        answer = client.get(path)

        assert answer.status_code == 200
        assert answer["Content-Type"].startswith("text/html")
        assert "/api/openapi.json" in answer.text
        assert "https://" not in answer.text
        assert "script-src 'self'" in answer["Content-Security-Policy"]

    def test_the_openapi_document_describes_every_documented_path(self, client):
        paths = client.get("/api/openapi.json").json()["paths"]

        for path in (
            "/api/auth/register/",
            "/api/auth/login/",
            "/api/auth/token/refresh/",
            "/api/patients/",
            "/api/patients/{patient_id}/",
            "/api/doctors/",
            "/api/doctors/{doctor_id}/",
            "/api/mappings/",
            "/api/mappings/{any_id}/",
        ):
            assert path in paths

    def test_djangos_admin_shows_every_table_to_a_superuser(self, client, ada):
        sign_in_to_portal(client, ada)
        tables = [table for table in apps.get_models() if table._meta.app_label in FLOORS]

        assert {Patient, Doctor, CareTeamMember, User} <= set(tables)
        assert [table.__name__ for table in tables if not admin.site.is_registered(table)] == []
        for table in tables:
            page = client.get(reverse(f"admin:{table._meta.app_label}_{table._meta.model_name}_changelist"))
            assert page.status_code == 200, table

    def test_djangos_admin_is_closed_to_everybody_else(self, client, erin):
        assert client.get("/admin/").status_code == 302
        sign_in_to_portal(client, erin)
        assert client.get("/admin/").status_code == 403

    def test_a_configured_origin_may_call_the_api_and_no_other(self, settings):
        settings.CORS_ALLOWED_ORIGINS = ["https://app.clinic.example"]
        client = Client()

        ours = client.options(
            "/api/patients/",
            headers={"Origin": "https://app.clinic.example", "Access-Control-Request-Method": "GET"},
        )
        foreign = client.options(
            "/api/patients/", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
        )

        assert ours["Access-Control-Allow-Origin"] == "https://app.clinic.example"
        assert "authorization" in ours["Access-Control-Allow-Headers"]
        assert not foreign.has_header("Access-Control-Allow-Origin")

    def test_no_origin_is_allowed_unless_configured(self, client):
        answer = client.get("/api/openapi.json", headers={"Origin": "https://app.clinic.example"})

        assert not answer.has_header("Access-Control-Allow-Origin")

    @pytest.mark.parametrize("path", ["/api/patients/", "/api/openapi.json", "/swagger/", "/no-such-page/"])
    def test_every_answer_carries_the_security_headers(self, client, path):
        answer = client.get(path)

        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["Referrer-Policy"] == "same-origin"
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert answer["Cache-Control"] == "no-store"


class TestValidation:
    """002-38."""

    @pytest.mark.parametrize("age", [0, 1, 130])
    def test_accepts_ages_a_person_can_have(self, user, age):
        assert user.made("/api/patients/", {**PATIENT, "age": age})["age"] == age

    @pytest.mark.parametrize("age", [-1, 131, 45.5, "old", 10**30])
    def test_refuses_other_ages(self, user, age):
        answer = user.post("/api/patients/", {**PATIENT, "age": age})

        assert is_problem(answer, 422)
        assert list(answer.json()["errors"]) == ["age"]
        assert not Patient.objects.exists()

    @pytest.mark.parametrize("email", ["not-an-address", "@example.com", "a@b", "a b@example.com"])
    def test_refuses_what_is_not_an_email_address(self, stranger, user, email):
        for path, body in (("/api/patients/", PATIENT), ("/api/doctors/", DOCTOR), ("/api/auth/register/", ACCOUNT)):
            answer = user.post(path, {**body, "email": email})
            assert is_problem(answer, 422)
            assert list(answer.json()["errors"]) == ["email"]

    @pytest.mark.parametrize(
        ("field", "wrong"),
        [
            ("experience_years", -1),
            ("experience_years", 81),
            ("consultation_fee", "-1"),
            ("consultation_fee", "free"),
            ("specialization", "astrology"),
            ("phone", "call me"),
            ("is_available", "perhaps"),
        ],
    )
    def test_refuses_what_a_doctor_cannot_be(self, user, field, wrong):
        answer = user.post("/api/doctors/", {**DOCTOR, field: wrong})

        assert is_problem(answer, 422)
        assert list(answer.json()["errors"]) == [field]
        assert not Doctor.objects.exists()

    @pytest.mark.parametrize("text", ["\x00", "a\x1b[2Jb", "two\nlines", " ", ""])
    def test_refuses_control_characters_and_blank_names(self, user, text):
        answer = user.post("/api/patients/", {**PATIENT, "name": text})

        assert is_problem(answer, 422)
        assert not Patient.objects.exists()

    @pytest.mark.parametrize(
        "text", ["<script>alert(1)</script>", "Robert'); DROP TABLE care_patient;--", "Zoë 李 محمد"]
    )
    def test_keeps_any_other_text_exactly_as_it_came(self, user, text):
        patient = user.made("/api/patients/", {**PATIENT, "address": text})

        answer = user.get(f"/api/patients/{patient['id']}/")
        assert answer.json()["address"] == text
        assert answer["Content-Type"].startswith("application/json")
        assert answer["X-Content-Type-Options"] == "nosniff"

    def test_an_error_names_every_field_and_says_why(self, user):
        answer = user.post(
            "/api/patients/", {"name": "", "age": -1, "gender": "X", "email": "nope", "favourite": "blue"}
        )

        assert is_problem(answer, 422)
        problem = answer.json()
        assert problem.keys() >= {"type", "title", "status", "detail", "code", "errors"}
        assert problem["errors"].keys() == {"name", "age", "gender", "email", "favourite"}
        assert all(isinstance(sentence, str) and sentence for why in problem["errors"].values() for sentence in why)

    @pytest.mark.parametrize("body", ["{", "[]", '"text"', "null", "\x00", '{"name": "A B", "age": NaN}'])
    def test_a_body_of_another_kind_is_refused_politely(self, user, body):
        answer = user.post("/api/patients/", body)

        assert answer.status_code in (400, 422)
        assert answer["Content-Type"] == "application/problem+json"
        assert not Patient.objects.exists()


class TestProject:
    """002-43, 002-44."""

    def test_the_licence_is_mits(self):
        assert (ROOT / "LICENSE").read_text().startswith("MIT License")
        assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"] == "MIT"

    def test_runs_on_python_and_django_newer_than_the_document_asks(self):
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

        assert project["requires-python"] == ">=3.11"
        assert [each for each in project["dependencies"] if each.startswith("django>=")] == ["django>=5.2.19,<5.3"]
        assert json.dumps(project["dependencies"]).count("djangorestframework") == 0
