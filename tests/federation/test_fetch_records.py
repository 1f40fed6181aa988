"""Asking one hospital directly: what it says is handed on, and what goes wrong is said in our words."""

from datetime import timedelta

import pytest
from django.db import connection

from core.models import AuditEvent
from federation.models import Feed, Hospital, PatientRecord, SyncRun
from federation.service import fetching
from tests.factories.federation import make_hospital
from tests.federation.limits import shortened

pytestmark = pytest.mark.django_db

PEOPLE = [
    {"patient_id": 1, "name": "John Doe", "age": 45, "condition": "Flu"},
    {"patient_id": "B-2", "name": "Jane Smith", "age": 34, "diagnosis": "Cough"},
]


def path(hospital):
    return f"/api/hospitals/{hospital.pk}/fetch_records/"


@pytest.fixture
def fake(town):
    return town.add("a", PEOPLE)


@pytest.fixture
def hospital(fake):
    return make_hospital("General", location="North", endpoint=fake.url)


@pytest.mark.parametrize("who", ["dr_diaz", "ada"])
def test_hands_on_what_the_hospital_says_and_keeps_nothing(request, hospital, fake, who, now):
    answer = request.getfixturevalue(who).api.get(path(hospital))

    assert answer.status_code == 200, answer.content
    unknown = {"gender": "U", "birth_date": None}
    assert answer.json() == {
        "hospital": str(hospital.pk),
        "hospital_name": "General",
        "location": "North",
        "fetched_at": answer.json()["fetched_at"],
        "complete": True,
        "problem_count": 0,
        "records": [
            {"patient_id": "1", "name": "John Doe", "age": 45, "diagnosis": "Flu", **unknown},
            {"patient_id": "B-2", "name": "Jane Smith", "age": 34, "diagnosis": "Cough", **unknown},
        ],
    }
    assert fake.asked == [None]
    assert not PatientRecord.objects.exists()
    assert not SyncRun.objects.exists()
    assert Feed.objects.get().attempted_at is None


def test_a_bare_list_is_read_too(dr_diaz, town):
    hospital = make_hospital(endpoint=town.add("bare", document=PEOPLE).url)
    assert [each["patient_id"] for each in dr_diaz.api.get(path(hospital)).json()["records"]] == ["1", "B-2"]


def test_says_that_something_had_to_be_left_out(dr_diaz, town):
    records = [*PEOPLE, "no record", {"name": "Without Id"}, {**PEOPLE[0], "name": "Second Time"}]
    answer = dr_diaz.api.get(path(make_hospital(endpoint=town.add("b", records).url))).json()
    assert (answer["complete"], answer["problem_count"]) == (False, 3)
    assert [each["name"] for each in answer["records"]] == ["John Doe", "Jane Smith"]


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("rita", "/api/aggregated-data/"),
        ("otto", "/api/aggregated-data/statistics/"),
        ("erin", "Doctors and administrators"),
        ("alice", "Doctors and administrators"),
    ],
)
def test_others_are_told_where_to_look(request, hospital, fake, who, words):
    answer = request.getfixturevalue(who).api.get(path(hospital))
    assert answer.status_code == 403
    assert words in answer.json()["detail"]
    assert fake.asked == []


def test_a_hospital_that_is_not_there(dr_diaz, ada, hospital, fake):
    ada.api.delete(f"/api/hospitals/{hospital.pk}/")
    assert dr_diaz.api.get(path(hospital)).status_code == 404
    assert fake.asked == []


class TestFailures:
    @pytest.mark.parametrize(
        ("behaviour", "status", "code"),
        [
            ({"status": 500}, 502, "status"),
            ({"status": 401}, 502, "unauthorized"),
            ({"status": 429, "headers": {"Retry-After": "30"}}, 502, "throttled"),
            ({"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}}, 502, "redirected"),
            ({"body": b"<html>kanari</html>"}, 502, "not_json"),
            ({"document": {"kanari": True}}, 502, "wrong_shape"),
            ({"hangs": True}, 504, "timeout"),
        ],
    )
    @pytest.mark.parametrize("copied", [True, False])
    def test_are_told_with_the_age_of_the_last_good_copy(
        self, dr_diaz, town, monkeypatch, now, behaviour, status, code, copied
    ):
        monkeypatch.setattr(fetching, "INTERACTIVE", shortened(0.3))
        at = now - timedelta(hours=2)
        hospital = make_hospital(endpoint=town.add("bad", **behaviour).url, fetched_at=at if copied else None)

        answer = dr_diaz.api.get(path(hospital))

        assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
        problem = answer.json()
        assert (problem["status"], problem["code"]) == (status, code)
        assert problem["detail"]
        assert "kanari" not in answer.content.decode()
        if copied:
            assert problem["last_good_copy_at"] == at.isoformat().replace("+00:00", "Z")
            assert 7200 <= problem["age_seconds"] < 7260
        else:
            assert (problem["last_good_copy_at"], problem["age_seconds"]) == (None, None)

    def test_are_counted_until_the_hospital_is_left_alone(self, dr_diaz, town):
        fake = town.add("bad", status=500)
        hospital = make_hospital(endpoint=fake.url)

        codes = [dr_diaz.api.get(path(hospital)).json()["code"] for _ in range(7)]

        assert codes == ["status"] * 5 + ["left_alone"] * 2
        assert len(fake.asked) == 5

    def test_are_forgotten_when_it_answers_again(self, dr_diaz, town):
        fake = town.add("bad", PEOPLE, status=500)
        hospital = make_hospital(endpoint=fake.url)
        dr_diaz.api.get(path(hospital))
        fake.status = 200

        assert dr_diaz.api.get(path(hospital)).status_code == 200
        assert Feed.objects.get().failures == 0

    def test_a_hospital_that_asks_for_it_is_left_alone(self, dr_diaz, town):
        fake = town.add("busy", status=429, headers={"Retry-After": "3600"})
        hospital = make_hospital(endpoint=fake.url)

        assert [dr_diaz.api.get(path(hospital)).json()["code"] for _ in range(2)] == ["throttled", "left_alone"]
        assert len(fake.asked) == 1

    @pytest.mark.parametrize("wait", ["Mon, 01 Jan 99999999999 00:00:00 GMT", "999999999999999999999", "soon"])
    def test_however_it_asks_for_it(self, dr_diaz, town, wait):
        hospital = make_hospital(endpoint=town.add("odd", status=429, headers={"Retry-After": wait}).url)
        answer = dr_diaz.api.get(path(hospital))
        assert (answer.status_code, answer.json()["code"]) == (502, "throttled")

    def test_what_upsets_a_reader_is_the_hospitals_failure(self, dr_diaz, hospital, monkeypatch):
        def fail(source, cursor=None):
            raise RuntimeError("kanari")

        monkeypatch.setattr(fetching, "find", lambda format_: fail)
        answer = dr_diaz.api.get(path(hospital))
        assert (answer.status_code, answer.json()["code"]) == (502, "failed")
        assert "kanari" not in answer.content.decode()

    def test_nobody_there(self, dr_diaz, town):
        hospital = make_hospital(endpoint="http://127.0.0.1:1/records")
        answer = dr_diaz.api.get(path(hospital))
        assert (answer.status_code, answer.json()["code"]) == (502, "unreachable")

    def test_an_address_that_was_listed_once_and_is_not_any_more(self, dr_diaz, db):
        hospital = make_hospital(endpoint="http://10.0.0.7/records")
        answer = dr_diaz.api.get(path(hospital))
        assert (answer.status_code, answer.json()["code"]) == (502, "unsafe_address")

    def test_the_openapi_document_names_them(self, dr_diaz):
        operation = dr_diaz.api.get("/api/openapi.json").json()["paths"]["/api/hospitals/{hospital_id}/fetch_records/"]
        assert {"429", "502", "504"} <= operation["get"]["responses"].keys()


class TestRate:
    @pytest.fixture(autouse=True)
    def _limits(self, limits_on):
        """Throttles count."""

    def test_a_hospital_is_asked_six_times_a_minute_whoever_asks(self, dr_diaz, ada, hospital, fake, town):
        people = [dr_diaz, ada] * 3
        assert {person.api.get(path(hospital)).status_code for person in people} == {200}
        answer = dr_diaz.api.get(path(hospital))
        assert (answer.status_code, answer["Retry-After"]) == (429, "55")
        assert len(fake.asked) == 6
        other = make_hospital(endpoint=town.add("b").url)
        assert dr_diaz.api.get(path(other)).status_code == 200

    def test_refusals_do_not_count(self, alice, dr_diaz, hospital):
        for _ in range(10):
            assert alice.api.get(path(hospital)).status_code == 403
        assert dr_diaz.api.get(path(hospital)).status_code == 200


class TestOnRecord:
    def events(self):
        return [(event.action, event.outcome, event.rule) for event in AuditEvent.objects.order_by("pk")]

    def test_before_anything_is_answered(self, dr_diaz, hospital):
        AuditEvent.objects.all()
        before = AuditEvent.objects.count()
        dr_diaz.api.get(path(hospital))
        assert self.events()[before:] == [("hospital.fetch", "allowed", "doctor")]
        [subject] = AuditEvent.objects.latest("pk").subjects.all()
        assert (subject.kind, subject.subject_id) == ("hospital", hospital.pk)

    def test_a_failure_and_a_refusal_too(self, rita, dr_diaz, town):
        hospital = make_hospital(endpoint=town.add("bad", status=500).url)
        before = AuditEvent.objects.count()
        rita.api.get(path(hospital))
        dr_diaz.api.get(path(hospital))
        assert self.events()[before:] == [
            ("hospital.fetch", "refused", "not_allowed"),
            ("hospital.fetch", "refused", "status"),
        ]

    def test_nothing_is_answered_where_it_cannot_be_written(self, dr_diaz, hospital):
        assert dr_diaz.api.token

        def refuse(execute, sql, params, many, context):
            if "core_auditevent" in sql and sql.lstrip().upper().startswith("INSERT"):
                raise RuntimeError("the audit cannot be written")
            return execute(sql, params, many, context)

        with connection.execute_wrapper(refuse):
            answer = dr_diaz.api.get(path(hospital))
        assert answer.status_code == 500
        assert b"John" not in answer.content


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_the_hospital_is_asked(dr_diaz, town, monkeypatch):
    hospital, open_ = make_hospital(endpoint=town.add("a", PEOPLE).url), []
    find = fetching.find
    monkeypatch.setattr(fetching, "find", lambda name: open_.append(connection.in_atomic_block) or find(name))

    assert dr_diaz.api.get(path(hospital)).status_code == 200

    assert open_ == [False]
    assert Hospital.objects.exists()
