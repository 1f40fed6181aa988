"""Document 001, "Hospital Backend Secure System": what it promises, called as it documents it.

Its rows about the environment and the commands (001-19 to 001-22) are in test_document_commands.py.
"""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone

from care.models import CareTeamMember, Doctor, Patient
from identity.models import RefreshSession, User
from tests.journeys.conftest import Caller, is_problem

REFRESH = """{
  "refresh": "<your_refresh_token>"
}"""
ACCOUNT = {"username": "amina", "email": "amina@example.com", "password": "password123"}
PATIENT = {"name": "Amina Rahman", "age": 34, "gender": "female", "email": "amina@example.com"}
DOCTOR = {"name": "Noor Hossain", "specialization": "cardiology", "gender": "male", "email": "noor@example.com"}


class TestAuth:
    """001-01 to 001-04, 001-23."""

    def test_registering_makes_an_account_and_gives_both_tokens(self, stranger):
        answer = stranger.post("/api/auth/register/", ACCOUNT)

        assert answer.status_code == 201
        body = answer.json()
        account = User.objects.get()
        assert body["id"] == str(account.pk)
        assert (account.username, account.email) == ("amina", "amina@example.com")
        assert Caller(slash=stranger.slash, token=body["access"]).get("/api/patients/").status_code == 200
        assert stranger.post("/api/auth/refresh/", {"refresh": body["refresh"]}).status_code == 200

    def test_signing_in_gives_both_tokens(self, stranger):
        stranger.made("/api/auth/register/", ACCOUNT)

        answer = stranger.post("/api/auth/login/", {"username": "amina", "password": "password123"})

        assert answer.status_code == 200
        assert Caller(slash=stranger.slash, token=answer.json()["access"]).get("/api/patients/").status_code == 200
        assert stranger.post("/api/auth/refresh/", {"refresh": answer.json()["refresh"]}).status_code == 200

    def test_refuses_a_wrong_password(self, stranger):
        stranger.made("/api/auth/register/", ACCOUNT)

        assert is_problem(stranger.post("/api/auth/login/", {"username": "amina", "password": "password124"}), 401)

    def test_a_refresh_token_gives_a_new_access_token(self, stranger):
        account = stranger.made("/api/auth/register/", ACCOUNT)

        answer = stranger.post("/api/auth/refresh/", REFRESH.replace("<your_refresh_token>", account["refresh"]))

        assert answer.status_code == 200
        access = answer.json()["access"]
        assert access != account["access"]
        assert Caller(slash=stranger.slash, token=access).get("/api/patients/").status_code == 200
        assert RefreshSession.objects.filter(ended_at__isnull=True).count() == 1

    def test_the_bearer_header_opens_what_a_stranger_may_not_see(self, stranger, user):
        for path in ("/api/patients/", "/api/doctors/", "/api/mappings/"):
            assert is_problem(stranger.get(path), 401)
            assert user.get(path).status_code == 200

    @pytest.mark.parametrize("header", ["Token {}", "{}", "Bearer", "Bearer {}x"])
    def test_no_other_header_opens_anything(self, stranger, user, header):
        answer = stranger.client.get("/api/patients/", headers={"Authorization": header.format(user.token)})

        assert is_problem(answer, 401)

    def test_an_expired_access_token_is_refused_and_the_refresh_token_goes_on(self, stranger):
        account = stranger.made("/api/auth/register/", ACCOUNT)
        caller = Caller(slash=stranger.slash, token=account["access"])

        with time_machine.travel(timezone.now() + timedelta(minutes=9)):
            assert caller.get("/api/patients/").status_code == 200
        with time_machine.travel(timezone.now() + timedelta(minutes=11)):
            assert is_problem(caller.get("/api/patients/"), 401)
            renewed = stranger.post("/api/auth/refresh/", {"refresh": account["refresh"]}).json()
            assert Caller(slash=stranger.slash, token=renewed["access"]).get("/api/patients/").status_code == 200

    def test_an_expired_refresh_token_is_refused(self, stranger):
        account = stranger.made("/api/auth/register/", ACCOUNT)

        with time_machine.travel(timezone.now() + timedelta(days=1, seconds=1)):
            assert is_problem(stranger.post("/api/auth/refresh/", {"refresh": account["refresh"]}), 401)


class TestPatients:
    """001-05 to 001-09."""

    def test_adds_a_patient(self, user):
        patient = user.made("/api/patients/", PATIENT)

        row = Patient.objects.get()
        assert patient["id"] == str(row.pk)
        assert (row.firstname, row.lastname, row.gender, row.email) == ("Amina", "Rahman", "F", "amina@example.com")
        assert row.age_on(timezone.localdate()) == patient["age"] == 34

    def test_lists_the_patients(self, user):
        first, second = user.made("/api/patients/", PATIENT), user.made("/api/patients/", {**PATIENT, "name": "B C"})

        answer = user.get("/api/patients/")

        assert answer.status_code == 200
        assert [patient["id"] for patient in answer.json()] == [second["id"], first["id"]]

    def test_gets_one_patient(self, user):
        patient = user.made("/api/patients/", PATIENT)

        answer = user.get(f"/api/patients/{patient['id']}/")

        assert answer.status_code == 200
        assert answer.json() == patient

    def test_updates_a_patient(self, user):
        patient = user.made("/api/patients/", PATIENT)

        answer = user.put(f"/api/patients/{patient['id']}/", {**PATIENT, "age": 35, "phone": "01712345678"})

        assert answer.status_code == 200
        assert (answer.json()["age"], answer.json()["phone"]) == (35, "01712345678")
        row = Patient.objects.get()
        assert (row.age_on(timezone.localdate()), row.phone) == (35, "01712345678")

    def test_deletes_a_patient(self, user):
        patient = user.made("/api/patients/", PATIENT)

        assert user.delete(f"/api/patients/{patient['id']}/").status_code == 204

        assert is_problem(user.get(f"/api/patients/{patient['id']}/"), 404)
        assert user.get("/api/patients/").json() == []
        assert Patient.objects.get().deleted_at is not None


class TestDoctors:
    """001-10 to 001-14."""

    def test_adds_a_doctor(self, user):
        doctor = user.made("/api/doctors/", DOCTOR)

        row = Doctor.objects.get()
        assert doctor["id"] == str(row.pk)
        assert (row.firstname, row.lastname, row.specialization) == ("Noor", "Hossain", "CARD")

    def test_lists_the_doctors(self, user):
        doctor = user.made("/api/doctors/", DOCTOR)

        answer = user.get("/api/doctors/")

        assert answer.status_code == 200
        assert [entry["id"] for entry in answer.json()] == [doctor["id"]]

    def test_gets_one_doctor(self, user):
        doctor = user.made("/api/doctors/", DOCTOR)

        answer = user.get(f"/api/doctors/{doctor['id']}/")

        assert answer.status_code == 200
        assert answer.json() == doctor

    def test_updates_a_doctor(self, user):
        doctor = user.made("/api/doctors/", DOCTOR)

        answer = user.put(f"/api/doctors/{doctor['id']}/", {**DOCTOR, "specialization": "Dermatology"})

        assert answer.status_code == 200
        assert answer.json()["specialization"] == "DERM"
        assert Doctor.objects.get().specialization == "DERM"

    def test_deletes_a_doctor(self, user):
        doctor = user.made("/api/doctors/", DOCTOR)

        assert user.delete(f"/api/doctors/{doctor['id']}/").status_code == 204

        assert is_problem(user.get(f"/api/doctors/{doctor['id']}/"), 404)
        assert user.get("/api/doctors/").json() == []


class TestMappings:
    """001-15 to 001-18."""

    @pytest.fixture
    def patient(self, user):
        return user.made("/api/patients/", PATIENT)

    @pytest.fixture
    def doctor(self, user):
        return user.made("/api/doctors/", DOCTOR)

    def test_maps_a_patient_to_a_doctor(self, user, patient, doctor):
        mapping = user.made("/api/mappings/", {"patient": patient["id"], "doctor": doctor["id"]})

        row = CareTeamMember.objects.get()
        assert mapping["id"] == str(row.pk)
        assert (str(row.patient_id), str(row.doctor_id), row.ended_at) == (patient["id"], doctor["id"], None)

    def test_lists_the_mappings(self, user, patient, doctor):
        mapping = user.made("/api/mappings/", {"patient": patient["id"], "doctor": doctor["id"]})

        answer = user.get("/api/mappings/")

        assert answer.status_code == 200
        assert answer.json() == [mapping]

    def test_one_address_reads_a_mapping_by_its_id_and_by_the_patients(self, user, patient, doctor):
        mapping = user.made("/api/mappings/", {"patient": patient["id"], "doctor": doctor["id"]})

        by_mapping = user.get(f"/api/mappings/{mapping['id']}/")
        by_patient = user.get(f"/api/mappings/{patient['id']}/")

        assert (by_mapping.status_code, by_patient.status_code) == (200, 200)
        assert by_mapping.json() == mapping
        assert by_patient.json()["patient"] == "Amina Rahman"
        assert [entry["mapping_id"] for entry in by_patient.json()["doctors"]] == [mapping["id"]]

    def test_an_id_of_neither_is_not_found(self, user, doctor):
        for neither in (doctor["id"], uuid4(), 1, "abc"):
            assert is_problem(user.get(f"/api/mappings/{neither}/"), 404)
