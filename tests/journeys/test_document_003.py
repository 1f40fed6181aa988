"""Document 003, "healthcare-backend": what it promises, called as it documents it, with its bodies as they stand there.

Its ids are small integers; ours are opaque, so an example's id stands for whatever id the server gave. Its rows about
the environment and the commands (003-17 to 003-19) are in test_document_commands.py.
"""

import pytest
from django.utils import timezone

from care.models import CareTeamMember, Doctor, Patient
from identity.models import User
from tests.journeys.conftest import Caller, is_problem

REGISTER = """{
    "username": "admin",
    "email": "admin@gmail.com",
    "password": "strongpassword"
}"""
LOGIN = """{
    "username": "admin",
    "password": "strongpassword"
}"""
PATIENT = """{
    "firstname": "Syed",
    "lastname": "Mehdi",
    "age": 21,
    "gender": "M",
    "email": "syedmehdi@gmail.com"
}"""
DR_JOHN = {"firstname": "Dr. John", "lastname": "Doe", "specialization": "DERM", "gender": "M"}
ERLING = {"firstname": "Erling", "lastname": "Haaland", "specialization": "CARD", "gender": "M"}


class TestAuthentication:
    """003-01 to 003-03."""

    def test_registering_answers_with_id_username_and_email_and_never_the_password(self, stranger):
        answer = stranger.post("/api/auth/register/", REGISTER)

        assert answer.status_code == 201
        account = User.objects.get()
        body = answer.json()
        assert (body["id"], body["username"], body["email"]) == (str(account.pk), "admin", "admin@gmail.com")
        assert "password" not in body
        assert "strongpassword" not in answer.text
        assert account.password not in answer.text
        assert account.check_password("strongpassword")

    def test_a_username_is_taken_once(self, stranger):
        stranger.made("/api/auth/register/", REGISTER)

        answer = stranger.post("/api/auth/register/", REGISTER.replace("admin@gmail.com", "second@gmail.com"))

        assert is_problem(answer, 422)
        assert list(answer.json()["errors"]) == ["username"]
        assert User.objects.count() == 1

    def test_the_name_admin_gives_no_rights(self, stranger):
        assert stranger.made("/api/auth/register/", REGISTER)["role"] == "patient"

    def test_signing_in_gives_an_access_token(self, stranger):
        stranger.made("/api/auth/register/", REGISTER)

        answer = stranger.post("/api/auth/login/", LOGIN)

        assert answer.status_code == 200
        assert Caller(slash=stranger.slash, token=answer.json()["access"]).get("/api/patients/").status_code == 200


class TestPatients:
    """003-04 to 003-08."""

    def test_lists_patients_as_a_bare_list_without_email(self, user):
        user.made("/api/patients/", PATIENT)

        answer = user.get("/api/patients/")

        assert answer.status_code == 200
        [patient] = answer.json()
        documented = {name: patient[name] for name in ("firstname", "lastname", "age", "gender", "created_by")}
        assert documented == {
            "firstname": "Syed",
            "lastname": "Mehdi",
            "age": 21,
            "gender": "M",
            "created_by": str(User.objects.get().pk),
        }
        assert "email" not in patient
        assert "syedmehdi@gmail.com" not in answer.text

    def test_the_list_needs_a_token(self, stranger):
        assert is_problem(stranger.get("/api/patients/"), 401)

    def test_adds_the_documented_patient(self, user):
        answer = user.post("/api/patients/", PATIENT)

        assert answer.status_code == 201
        row = Patient.objects.get()
        assert (row.firstname, row.lastname, row.gender, row.email) == ("Syed", "Mehdi", "M", "syedmehdi@gmail.com")
        assert row.age_on(timezone.localdate()) == 21
        assert row.created_by == User.objects.get()

    def test_adding_needs_a_token(self, stranger):
        assert is_problem(stranger.post("/api/patients/", PATIENT), 401)
        assert not Patient.objects.exists()

    def test_gets_one_patient_and_the_documents_own_id_is_not_found(self, user):
        patient = user.made("/api/patients/", PATIENT)

        assert user.get(f"/api/patients/{patient['id']}/").json()["firstname"] == "Syed"
        assert is_problem(user.get("/api/patients/1/"), 404)

    @pytest.mark.parametrize(
        ("field", "value"),
        [("email", "new@gmail.com"), ("firstname", "Saad"), ("lastname", "Mahdi"), ("age", 22), ("gender", "F")],
    )
    def test_updates_one_field_and_leaves_the_others(self, user, field, value):
        patient = user.made("/api/patients/", PATIENT)

        answer = user.put(f"/api/patients/{patient['id']}/", {field: value})

        assert answer.status_code == 200
        unchanged = {"email", "firstname", "lastname", "age", "gender"} - {field}
        assert answer.json()[field] == value
        assert {name: answer.json()[name] for name in unchanged} == {name: patient[name] for name in unchanged}
        row = Patient.objects.get()
        assert value == (row.age_on(timezone.localdate()) if field == "age" else getattr(row, field))

    def test_updating_a_missing_patient_is_not_found(self, user):
        assert is_problem(user.put("/api/patients/1/", {"age": 22}), 404)

    def test_deletes_a_patient_and_a_missing_one_is_not_found(self, user):
        patient = user.made("/api/patients/", PATIENT)

        assert user.delete(f"/api/patients/{patient['id']}/").status_code == 204
        assert is_problem(user.delete(f"/api/patients/{patient['id']}/"), 404)
        assert is_problem(user.delete("/api/patients/1/"), 404)
        assert user.get("/api/patients/").json() == []


class TestDoctors:
    """003-09 to 003-11."""

    def test_lists_doctors_as_a_bare_list_without_email(self, user):
        user.made("/api/doctors/", {**DR_JOHN, "email": "john@gmail.com"})

        answer = user.get("/api/doctors/")

        [doctor] = answer.json()
        documented = ("firstname", "lastname", "specialization", "max_appointments_per_day", "gender")
        assert {name: doctor[name] for name in documented} == {**DR_JOHN, "max_appointments_per_day": 10}
        assert "email" not in doctor
        assert "john@gmail.com" not in answer.text

    def test_adding_a_doctor_needs_a_token(self, stranger):
        assert is_problem(stranger.post("/api/doctors/", DR_JOHN), 401)
        assert not Doctor.objects.exists()

    @pytest.mark.parametrize("code", ["DERM", "CARD", "NEUR", "ORTH", "PED", "GEN"])
    def test_takes_every_documented_specialization_code(self, user, code):
        doctor = user.made("/api/doctors/", {**DR_JOHN, "specialization": code})

        assert doctor["specialization"] == code
        assert Doctor.objects.get().specialization == code

    def test_gets_one_doctor_and_the_documents_own_id_is_not_found(self, user):
        doctor = user.made("/api/doctors/", DR_JOHN)

        assert user.get(f"/api/doctors/{doctor['id']}/").json()["firstname"] == "Dr. John"
        assert is_problem(user.get("/api/doctors/1/"), 404)

    def test_updates_a_doctor_and_a_missing_one_is_not_found(self, user):
        doctor = user.made("/api/doctors/", DR_JOHN)

        answer = user.put(f"/api/doctors/{doctor['id']}/", {"lastname": "Dove", "max_appointments_per_day": 4})

        assert answer.status_code == 200
        row = Doctor.objects.get()
        assert (row.firstname, row.lastname, row.max_appointments_per_day) == ("Dr. John", "Dove", 4)
        assert is_problem(user.put("/api/doctors/1/", {"lastname": "Dove"}), 404)

    def test_deletes_a_doctor_and_a_missing_one_is_not_found(self, user):
        doctor = user.made("/api/doctors/", DR_JOHN)

        assert user.delete(f"/api/doctors/{doctor['id']}/").status_code == 204
        assert is_problem(user.delete(f"/api/doctors/{doctor['id']}/"), 404)
        assert is_problem(user.delete("/api/doctors/1/"), 404)


class TestMappings:
    """003-13 to 003-16."""

    @pytest.fixture
    def syed(self, user):
        return user.made("/api/patients/", PATIENT)

    @pytest.fixture
    def mapping(self, user, syed):
        doctor = user.made("/api/doctors/", DR_JOHN | {"email": "john@gmail.com"})
        return user.made("/api/mappings/", {"patient": syed["id"], "doctor": doctor["id"]})

    def test_assigns_a_doctor_to_a_patient(self, user, syed, mapping):
        row = CareTeamMember.objects.get()
        assert str(row.pk) == mapping["id"]
        assert (str(row.patient_id), row.doctor.firstname) == (syed["id"], "Dr. John")

    def test_the_documents_own_ids_are_refused_by_name(self, user):
        answer = user.post("/api/mappings/", '{\n    "patient": 3,\n    "doctor": 2\n}')

        assert is_problem(answer, 422)
        assert answer.json()["errors"].keys() == {"patient", "doctor"}

    def test_lists_mappings_as_a_bare_list_with_patient_and_doctor_inside(self, user, syed, mapping):
        answer = user.get("/api/mappings/")

        [entry] = answer.json()
        assert entry["id"] == mapping["id"]
        patient = {name: entry["patient"][name] for name in ("firstname", "lastname", "age", "gender", "created_by")}
        assert patient == {
            "firstname": "Syed",
            "lastname": "Mehdi",
            "age": 21,
            "gender": "M",
            "created_by": syed["created_by"],
        }
        assert (entry["doctor"]["firstname"], entry["doctor"]["lastname"]) == ("Dr. John", "Doe")
        assert entry["assigned_at"].endswith("Z")
        for inner in (entry["patient"], entry["doctor"]):
            assert "email" not in inner
        assert "@gmail.com" not in answer.text

    def test_reads_all_doctors_assigned_to_a_patient(self, user, syed, mapping):
        erling = user.made("/api/doctors/", ERLING)
        user.made("/api/mappings/", {"patient": syed["id"], "doctor": erling["id"]})

        answer = user.get(f"/api/mappings/{syed['id']}/")

        assert answer.status_code == 200
        body = answer.json()
        assert body["patient"] == "Syed Mehdi"
        documented = ("firstname", "lastname", "specialization", "max_appointments_per_day", "gender")
        shown = [{name: doctor[name] for name in documented} for doctor in body["doctors"]]
        assert shown == [
            {**ERLING, "max_appointments_per_day": 10},
            {**DR_JOHN, "max_appointments_per_day": 10},
        ]
        assert "@gmail.com" not in answer.text

    def test_removes_a_mapping_at_the_documented_address(self, user, mapping):
        answer = user.client.delete(
            f"/api/mappings/{mapping['id']}/delete", headers={"Authorization": f"Bearer {user.token}"}
        )

        assert answer.status_code == 204
        assert not CareTeamMember.objects.get().is_active
        assert user.get("/api/mappings/").json() == []

    def test_removing_works_with_and_without_the_last_slash(self, user, mapping):
        assert user.delete(f"/api/mappings/{mapping['id']}/delete/").status_code == 204
        assert is_problem(user.delete(f"/api/mappings/{mapping['id']}/delete/"), 404)

    def test_removing_a_missing_mapping_is_not_found(self, user):
        assert is_problem(user.delete("/api/mappings/1/delete"), 404)
        assert is_problem(user.delete("/api/mappings/01890a5d-ac96-774b-bcce-b302099a8057/delete"), 404)
