"""Document 000, "Hospital Management System API": what it promises, called as it documents it.

Its set-up (000-18) is that of the other documents and proven in test_document_commands.py.
"""

import json
from datetime import datetime
from pathlib import Path

import pytest
from django.utils import timezone

from federation.models import Hospital, PatientRecord
from identity.models import User
from tests.architecture.source import ROOT
from tests.factories.federation import make_hospital
from tests.federation.fakes import open_town
from tests.journeys.conftest import Caller, is_problem

SIGN_UP = """{
    "email": "user@example.com",
    "username": "user1",
    "password": "password123",
    "role": "doctor"
}"""
LOGIN = """{
    "email": "user@example.com",
    "password": "password123"
}"""
REFRESH = """{
    "refresh": "<refresh_token>"
}"""
HOSPITAL = """{
    "name": "Example Hospital",
    "location": "City Center",
    "api_endpoint": "http://example.com/api/"
}"""
RECORD = """{
    "hospital": 1,
    "patient_id": "P12345",
    "name": "John Doe",
    "age": 45,
    "diagnosis": "Flu"
}"""
MOCK = """{
    "hospital_name": "Example Hospital",
    "location": "City Center",
    "records": [
        {"patient_id": 1, "name": "John Doe", "age": 45, "condition": "Flu"},
        {"patient_id": 2, "name": "Jane Smith", "age": 34, "condition": "Cough"}
    ]
}"""

HOSPITALS, RECORDS, COMBINED = "/api/hospitals/", "/api/patient-records/", "/api/aggregated-data/"


@pytest.fixture
def admin(stranger, ada):
    return stranger.as_(ada)


@pytest.fixture
def doctor(stranger, dr_diaz):
    return stranger.as_(dr_diaz)


@pytest.fixture
def hospital(admin):
    return admin.made(HOSPITALS, HOSPITAL)


@pytest.fixture
def record(hospital):
    """The documented body, with the id that the server gave where the document writes 1."""
    return {**json.loads(RECORD), "hospital": hospital["id"]}


@pytest.fixture
def town():
    with open_town() as town:
        yield town


class TestHospitals:
    """000-01 to 000-03."""

    def test_registers_a_hospital_with_the_documented_body(self, admin):
        made = admin.made(HOSPITALS, HOSPITAL)

        row = Hospital.objects.get()
        assert {name: made[name] for name in ("name", "location", "api_endpoint")} == json.loads(HOSPITAL)
        assert made["id"] == str(row.pk)
        assert (row.name, row.location, row.api_endpoint) == (
            "Example Hospital",
            "City Center",
            "http://example.com/api/",
        )

    @pytest.mark.parametrize("endpoint", ["", "example", "example.com/api", "ftp://example.com/", "http://", 1, None])
    def test_the_endpoint_must_be_a_url(self, admin, endpoint):
        answer = admin.post(HOSPITALS, {**json.loads(HOSPITAL), "api_endpoint": endpoint})

        assert is_problem(answer, 422)
        assert list(answer.json()["errors"]) == ["api_endpoint"]
        assert not Hospital.objects.exists()

    def test_lists_hospitals_with_where_they_are_reached(self, admin, doctor, hospital):
        answer = admin.get(HOSPITALS)

        assert answer.status_code == 200
        assert answer.json() == [hospital]
        assert {"id", "name", "location", "api_endpoint"} <= answer.json()[0].keys()
        shown = {name: hospital[name] for name in ("id", "name", "location")}
        assert doctor.get(HOSPITALS).json() == [shown]

    def test_reads_changes_and_deletes_a_hospital(self, admin, hospital):
        path = f"{HOSPITALS}{hospital['id']}/"

        assert admin.get(path).json() == hospital
        assert admin.put(path, {**json.loads(HOSPITAL), "name": "Renamed"}).json()["name"] == "Renamed"
        assert admin.call("PATCH", path, {"location": "Elsewhere"}).json()["location"] == "Elsewhere"
        assert (Hospital.objects.get().name, Hospital.objects.get().location) == ("Renamed", "Elsewhere")
        assert admin.delete(path).status_code == 204
        assert is_problem(admin.get(path), 404)
        assert admin.get(HOSPITALS).json() == []

    def test_is_for_people_with_an_account(self, stranger, hospital):
        for path in (HOSPITALS, f"{HOSPITALS}{hospital['id']}/"):
            assert is_problem(stranger.get(path), 401)


class TestPatientRecords:
    """000-05 to 000-09."""

    def test_adds_a_record_with_the_documented_body(self, doctor, hospital, record):
        before = timezone.now()
        made = doctor.made(RECORDS, record)

        row = PatientRecord.objects.get()
        assert {name: made[name] for name in record} == record
        assert (str(row.hospital_id), row.patient_id, row.name, row.age_stated, row.diagnosis) == (
            hospital["id"],
            "P12345",
            "John Doe",
            45,
            "Flu",
        )
        assert before <= row.created_at <= timezone.now()

    def test_lists_reads_changes_and_deletes_records(self, admin, doctor, record):
        made = doctor.made(RECORDS, record)
        path = f"{RECORDS}{made['id']}/"

        assert doctor.get(RECORDS).json() == [made]
        assert doctor.get(path).json() == made
        assert doctor.put(path, {**record, "age": 46}).json()["age"] == 46
        assert doctor.call("PATCH", path, {"diagnosis": "Cough"}).json()["diagnosis"] == "Cough"
        assert (PatientRecord.objects.get().age_stated, PatientRecord.objects.get().diagnosis) == (46, "Cough")
        assert admin.delete(path).status_code == 204
        assert is_problem(doctor.get(path), 404)
        assert doctor.get(RECORDS).json() == []

    def test_a_record_belongs_to_a_hospital_that_there_is(self, doctor, record):
        for nothing in (1, "abc", "01890a5d-ac96-774b-bcce-b302099a8057"):
            answer = doctor.post(RECORDS, {**record, "hospital": nothing})
            assert is_problem(answer, 422)
            assert answer.json()["errors"] == {"hospital": ["is not known"]}

    def test_is_for_people_with_an_account(self, stranger, doctor, record):
        made = doctor.made(RECORDS, record)

        assert is_problem(stranger.get(RECORDS), 401)
        assert is_problem(stranger.post(RECORDS, record), 401)
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            body = record if method in ("PUT", "PATCH") else None
            assert is_problem(stranger.call(method, f"{RECORDS}{made['id']}/", body), 401)

    def test_the_patient_id_identifies_a_patient_of_a_hospital(self, admin, doctor, record):
        doctor.made(RECORDS, record)

        assert is_problem(doctor.post(RECORDS, {**record, "name": "Somebody Else"}), 409)
        other = admin.made(HOSPITALS, {**json.loads(HOSPITAL), "name": "Other"})
        doctor.made(RECORDS, {**record, "hospital": other["id"]})
        assert PatientRecord.objects.filter(patient_id="P12345").count() == 2

    def test_the_server_alone_says_when_it_was_made(self, doctor, record):
        made = doctor.made(RECORDS, {**record, "created_at": "2001-01-01T00:00:00Z"})

        assert datetime.fromisoformat(made["created_at"]).date() == timezone.now().date()
        path = f"{RECORDS}{made['id']}/"
        changed = doctor.call("PATCH", path, {"created_at": "2001-01-01T00:00:00Z", "age": 46}).json()
        assert changed["created_at"] == made["created_at"]


class TestAccounts:
    """000-10 to 000-13."""

    def test_signing_up_with_a_role_makes_an_account(self, stranger):
        answer = stranger.post("/api/signup/", SIGN_UP)

        assert answer.status_code == 201
        row = User.objects.get()
        assert (row.email, row.username, row.role) == ("user@example.com", "user1", "patient")
        assert (answer.json()["requested_role"], answer.json()["role_status"]) == ("doctor", "pending")
        assert "password" not in answer.json()

    def test_the_role_is_had_once_an_administrator_says_so(self, stranger, admin, hospital):
        account = stranger.made("/api/signup/", SIGN_UP)
        path = f"{HOSPITALS}{hospital['id']}/fetch_records/"
        assert is_problem(Caller(slash=stranger.slash, token=account["access"]).get(path), 403)
        [asked] = admin.get("/api/role-requests/").json()
        approved = admin.post(f"/api/role-requests/{asked['id']}/approve/", {"reason": "saw the licence"})
        assert approved.status_code == 200

        tokens = stranger.post("/api/login/", LOGIN).json()

        assert tokens["user"]["role"] == "doctor"
        assert Caller(slash=stranger.slash, token=tokens["access"]).get(RECORDS).status_code == 200

    @pytest.mark.parametrize("role", ["doctor", "researcher", "official"])
    def test_or_at_once_where_a_demonstration_is_set_up_so(self, stranger, settings, role):
        settings.SIGNUP_ROLE_POLICY = "demo"

        account = stranger.made("/api/signup/", {**json.loads(SIGN_UP), "role": role})

        assert (account["role"], User.objects.get().role) == (role, role)

    def test_nobody_signs_up_as_an_administrator(self, stranger, settings):
        for policy in ("approval", "demo"):
            settings.SIGNUP_ROLE_POLICY = policy
            assert is_problem(stranger.post("/api/signup/", {**json.loads(SIGN_UP), "role": "admin"}), 422)
        assert not User.objects.exists()

    def test_email_and_username_are_unique(self, stranger):
        stranger.made("/api/signup/", SIGN_UP)

        for field, other in (("email", {"username": "user2"}), ("username", {"email": "other@example.com"})):
            answer = stranger.post("/api/signup/", {**json.loads(SIGN_UP), **other})
            assert is_problem(answer, 422)
            assert list(answer.json()["errors"]) == [field]
        assert User.objects.count() == 1

    def test_signing_in_gives_both_tokens_at_the_top_level(self, stranger):
        stranger.made("/api/signup/", SIGN_UP)

        answer = stranger.post("/api/login/", LOGIN)

        assert answer.status_code == 200
        assert {"refresh", "access"} <= answer.json().keys()
        assert Caller(slash=stranger.slash, token=answer.json()["access"]).get(HOSPITALS).status_code == 200
        assert is_problem(stranger.post("/api/login/", LOGIN.replace("password123", "password124")), 401)

    def test_a_refresh_token_gives_a_new_access_token(self, stranger):
        stranger.made("/api/signup/", SIGN_UP)
        tokens = stranger.post("/api/login/", LOGIN).json()

        answer = stranger.post("/api/token/refresh/", REFRESH.replace("<refresh_token>", tokens["refresh"]))

        assert answer.status_code == 200
        assert answer.json()["access"] != tokens["access"]
        assert Caller(slash=stranger.slash, token=answer.json()["access"]).get(HOSPITALS).status_code == 200


class TestRoles:
    """000-14: what each of the four roles may do, and somebody without any of them."""

    # admin, doctor, researcher, official, patient
    MATRIX = (
        ("GET", HOSPITALS, None, "200 200 200 200 200"),
        ("POST", HOSPITALS, "hospital", "201 403 403 403 403"),
        ("GET", HOSPITALS + "{hospital}/", None, "200 200 200 200 200"),
        ("PUT", HOSPITALS + "{hospital}/", "hospital", "200 403 403 403 403"),
        ("PATCH", HOSPITALS + "{hospital}/", "hospital", "200 403 403 403 403"),
        ("GET", HOSPITALS + "{hospital}/fetch_records/", None, "200 200 403 403 403"),
        ("GET", RECORDS, None, "200 200 403 403 200"),
        ("POST", RECORDS, "record", "201 201 403 403 201"),
        ("GET", RECORDS + "{record}/", None, "200 200 403 403 404"),
        ("PUT", RECORDS + "{record}/", "record", "200 200 403 403 404"),
        ("PATCH", RECORDS + "{record}/", "record", "200 200 403 403 404"),
        ("DELETE", RECORDS + "{record}/", None, "204 403 403 403 404"),
        ("GET", COMBINED, None, "200 200 200 403 403"),
        ("GET", COMBINED + "statistics/", None, "200 200 200 200 403"),
        ("DELETE", HOSPITALS + "{hospital}/", None, "204 403 403 403 403"),
    )

    @pytest.mark.parametrize(("who", "column"), [("ada", 0), ("dr_diaz", 1), ("rita", 2), ("otto", 3), ("alice", 4)])
    def test_each_role_may_do_its_own(self, request, stranger, erin, town, now, who, column):
        caller = stranger.as_(request.getfixturevalue(who))
        fake = town.add("a", json.loads(MOCK)["records"])
        hospital = make_hospital(endpoint=fake.url, fetched_at=now)
        bodies = {
            None: None,
            "hospital": {"name": "Another", "location": "There", "api_endpoint": fake.url},
            "record": {**json.loads(RECORD), "hospital": str(hospital.pk)},
        }
        desk = stranger.as_(erin)
        record = desk.made(RECORDS, {**bodies["record"], "patient_id": "of the desk"})

        found = {}
        for method, path, body, row in self.MATRIX:
            address = path.format(hospital=hospital.pk, record=record["id"])
            sent = {**bodies[body], "patient_id": method} if body == "record" else bodies[body]
            found[method, path] = caller.call(method, address, sent).status_code, int(row.split()[column])

        assert {call: statuses for call, statuses in found.items() if statuses[0] != statuses[1]} == {}


class TestFetching:
    """000-04, 000-15, 000-17."""

    def test_fetch_records_hands_on_what_the_hospital_says(self, admin, doctor, town):
        fake = town.add("api", document=json.loads(MOCK))
        made = admin.made(HOSPITALS, {**json.loads(HOSPITAL), "api_endpoint": fake.url})

        answer = doctor.get(f"{HOSPITALS}{made['id']}/fetch_records/")

        assert answer.status_code == 200
        assert [
            {
                "patient_id": int(each["patient_id"]),
                "name": each["name"],
                "age": each["age"],
                "condition": each["diagnosis"],
            }
            for each in answer.json()["records"]
        ] == json.loads(MOCK)["records"]
        assert (answer.json()["hospital_name"], answer.json()["complete"]) == ("Example Hospital", True)

    def test_says_what_went_wrong_where_the_hospital_does_not_answer(self, doctor, town):
        hospital = make_hospital(endpoint=town.add("api", status=500).url)

        assert is_problem(doctor.get(f"{HOSPITALS}{hospital.pk}/fetch_records/"), 502)


@pytest.mark.django_db(transaction=True)
class TestAggregated:
    """000-15, 000-17; hospitals are asked in threads of their own, so what they see must be committed."""

    def test_combines_the_records_of_all_hospitals_in_one_answer(self, admin, doctor, town):
        for name, number in (("a", 1), ("b", 2), ("c", 3)):
            people = [{"patient_id": n, "name": f"{name}{n}", "age": 30 + n, "diagnosis": "Flu"} for n in range(number)]
            fake = town.add(name, people)
            admin.made(HOSPITALS, {"name": name, "location": "X", "api_endpoint": fake.url})
        broken = town.add("d", body=b"<html>")
        admin.made(HOSPITALS, {"name": "d", "location": "X", "api_endpoint": broken.url})

        answer = doctor.get(COMBINED)

        assert answer.status_code == 200
        body = answer.json()
        assert body["complete"] == "3 of 4"
        assert {each["name"]: each["status"] for each in body["hospitals"]} == {
            "a": "fresh",
            "b": "fresh",
            "c": "fresh",
            "d": "failed",
        }
        assert {each["name"] for each in body["records"]} == {"a0", "b0", "b1", "c0", "c1", "c2"}
        assert set(body["records"][0]) == {"hospital", "hospital_name", "patient_id", "name", "age", "diagnosis"}

    def test_the_mock_is_read_like_any_hospital(self, admin, doctor, live_server):
        endpoint = f"{live_server.url}/api/mock_hospital_data/"
        made = admin.made(HOSPITALS, {**json.loads(HOSPITAL), "api_endpoint": endpoint})

        fetched = doctor.get(f"{HOSPITALS}{made['id']}/fetch_records/").json()
        combined = doctor.get(COMBINED).json()

        for answer in (fetched, combined):
            assert {
                (each["patient_id"], each["name"], each["age"], each["diagnosis"]) for each in answer["records"]
            } == {
                ("1", "John Doe", 45, "Flu"),
                ("2", "Jane Smith", 34, "Cough"),
            }


class TestMock:
    """000-16."""

    def test_answers_exactly_as_documented(self, stranger):
        answer = stranger.get("/api/mock_hospital_data/")

        assert (answer.status_code, answer["Content-Type"].partition(";")[0]) == (200, "application/json")
        assert answer.json() == json.loads(MOCK)
        assert json.dumps(answer.json()) == json.dumps(json.loads(MOCK))


class TestProject:
    """000-19."""

    def test_the_licence_is_mits(self):
        text = Path(ROOT, "LICENSE").read_text()

        assert text.startswith("MIT License")
        assert "Permission is hereby granted, free of charge" in text
