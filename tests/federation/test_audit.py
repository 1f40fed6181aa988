"""Every act on hospitals and records is on record once, with what it was about, or it does not happen."""

import pytest
from django.db import DatabaseError, connection

from core.audit import audited_call
from core.errors import Conflict
from core.models import AuditEvent
from federation.models import Hospital, PatientRecord
from portal.trail import ACTIONS
from tests.factories.federation import make_hospital, make_record

pytestmark = pytest.mark.django_db

RECORDS, HOSPITALS = "/api/patient-records/", "/api/hospitals/"
MISSING = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
def hospital(town, now):
    return make_hospital(endpoint=town.add("a", [{"patient_id": 1, "name": "A"}]).url, fetched_at=now)


@pytest.fixture
def typed(hospital, alice):
    return make_record(hospital, "T", created_by=alice.user, is_vouched=False)


@pytest.fixture
def fetched(hospital):
    return make_record(hospital, "F")


def body(hospital):
    return {"hospital": str(hospital.pk), "patient_id": "N", "name": "New", "age": 1, "diagnosis": "x"}


def events(act):
    """What an act left: (action, outcome, rule, subjects) of each event."""
    before = set(AuditEvent.objects.values_list("pk", flat=True))
    act()
    return [
        (event.action, event.outcome, event.rule, {(each.kind, str(each.subject_id)) for each in event.subjects.all()})
        for event in AuditEvent.objects.exclude(pk__in=before).order_by("pk")
    ]


@pytest.fixture
def broken():
    """The audit's table refuses every row."""

    def refuse(execute, sql, params, many, context):
        if "core_auditevent" in sql and sql.lstrip().upper().startswith("INSERT"):
            raise DatabaseError("the audit cannot be written")
        return execute(sql, params, many, context)

    return lambda: connection.execute_wrapper(refuse)


class TestEveryActOnce:
    @pytest.mark.parametrize(
        ("who", "rule"),
        [("alice", "own-record"), ("dr_diaz", "doctor"), ("erin", "front-desk"), ("ada", "admin")],
    )
    @pytest.mark.parametrize(
        ("method", "action"), [("get", "read"), ("head", "read"), ("patch", "update"), ("put", "update")]
    )
    def test_on_one_record(self, request, typed, who, rule, method, action):
        person = request.getfixturevalue(who)
        assert person.api.token
        sent = {} if method in ("get", "head") else {"body": {"diagnosis": "x"}}
        expected = [(f"record.{action}", "allowed", rule, {("record", str(typed.pk))})]
        assert events(lambda: getattr(person.api, method)(f"{RECORDS}{typed.pk}/", **sent)) == expected

    @pytest.mark.parametrize("who", ["alice", "ada"])
    def test_deleting_a_record(self, request, typed, who):
        person = request.getfixturevalue(who)
        assert person.api.token
        [event] = events(lambda: person.api.delete(f"{RECORDS}{typed.pk}/"))
        assert (event[:2], event[3]) == (("record.delete", "allowed"), {("record", str(typed.pk))})

    def test_typing_one_in(self, erin, hospital):
        assert erin.api.token
        [event] = events(lambda: erin.api.post(RECORDS, body(hospital)))
        assert event == ("record.create", "allowed", "front-desk", {("record", str(PatientRecord.objects.get().pk))})

    @pytest.mark.parametrize(
        ("path", "action"), [(RECORDS, "record.list"), ("/api/aggregated-data/", "record.combined")]
    )
    def test_a_list_names_every_record_on_its_page(self, dr_diaz, hospital, path, action):
        rows = [make_record(hospital, f"P{n}") for n in range(3)]
        assert dr_diaz.api.token
        [event] = events(lambda: dr_diaz.api.get(path, {"limit": 2}))
        assert event == (action, "allowed", "doctor", {("record", str(row.pk)) for row in rows[1:]})

    def test_a_researcher_reading_without_names(self, rita, fetched):
        assert rita.api.token
        [event] = events(lambda: rita.api.get("/api/aggregated-data/"))
        assert (event[:2], event[3]) == (("record.deidentified", "allowed"), set())

    @pytest.mark.parametrize(
        ("method", "path", "sent", "action"),
        [
            ("post", HOSPITALS, {"name": "H", "api_endpoint": "https://h.example/"}, "hospital.create"),
            ("patch", HOSPITALS + "{hospital}/", {"name": "H"}, "hospital.update"),
            ("delete", HOSPITALS + "{hospital}/", None, "hospital.delete"),
            ("get", HOSPITALS + "{hospital}/fetch_records/", None, "hospital.fetch"),
        ],
    )
    def test_on_hospitals(self, ada, hospital, method, path, sent, action):
        assert ada.api.token
        found = events(lambda: getattr(ada.api, method)(path.format(hospital=hospital.pk), sent))
        about = {("hospital", str(Hospital.objects.latest("pk").pk))}
        assert found == [(action, "allowed", "admin", about)]

    def test_the_names_of_hospitals_are_nobodys_secret(self, alice, hospital):
        assert alice.api.token
        assert events(lambda: alice.api.get(HOSPITALS)) == []


class TestRefused:
    @pytest.mark.parametrize(
        ("who", "method", "path", "action", "code"),
        [
            ("rita", "get", RECORDS, "record.list", "not_allowed"),
            ("otto", "get", RECORDS + "{typed}/", "record.read", "not_allowed"),
            ("bob", "get", RECORDS + "{typed}/", "record.read", "not_found"),
            ("bob", "patch", RECORDS + "{typed}/", "record.update", "not_found"),
            ("erin", "delete", RECORDS + "{typed}/", "record.delete", "not_allowed"),
            ("ada", "delete", RECORDS + "{fetched}/", "record.delete", "comes_from_the_hospital"),
            ("erin", "patch", RECORDS + "{fetched}/", "record.update", "comes_from_the_hospital"),
            ("ada", "get", RECORDS + MISSING + "/", "record.read", "not_found"),
            ("erin", "get", "/api/aggregated-data/", "record.combined", "not_allowed"),
            ("otto", "get", "/api/aggregated-data/", "record.combined", "not_allowed"),
            ("rita", "get", "/api/aggregated-data/?live=true", "record.combined", "not_allowed"),
            ("erin", "get", HOSPITALS + "{hospital}/fetch_records/", "hospital.fetch", "not_allowed"),
            ("dr_diaz", "get", HOSPITALS + MISSING + "/fetch_records/", "hospital.fetch", "not_found"),
            ("dr_diaz", "patch", HOSPITALS + "{hospital}/", "hospital.update", "not_allowed"),
            ("dr_diaz", "delete", HOSPITALS + "{hospital}/", "hospital.delete", "not_allowed"),
        ],
    )
    def test_tries_are_on_record_once(self, request, hospital, typed, fetched, who, method, path, action, code):
        person = request.getfixturevalue(who)
        assert person.api.token
        address = path.format(hospital=hospital.pk, typed=typed.pk, fetched=fetched.pk)
        sent = {"body": {"name": "X"}} if method == "patch" else {}
        [event] = events(lambda: getattr(person.api, method)(address, **sent))
        assert event[:3] == (action, "refused", code)
        assert {named for _, named in event[3]} <= {address.split("/")[3], ""}

    def test_a_duplicate_too(self, erin, hospital):
        erin.api.post(RECORDS, body(hospital))
        assert [event[:3] for event in events(lambda: erin.api.post(RECORDS, body(hospital)))] == [
            ("record.create", "refused", "duplicate")
        ]


class TestNothingWithoutAnEvent:
    @pytest.mark.parametrize(
        ("who", "method", "path"),
        [
            ("dr_diaz", "get", RECORDS),
            ("dr_diaz", "get", RECORDS + "{typed}/"),
            ("dr_diaz", "patch", RECORDS + "{typed}/"),
            ("alice", "delete", RECORDS + "{typed}/"),
            ("dr_diaz", "get", "/api/aggregated-data/"),
            ("rita", "get", "/api/aggregated-data/"),
            ("ada", "patch", HOSPITALS + "{hospital}/"),
        ],
    )
    def test_nothing_is_told_and_nothing_is_done(self, request, hospital, typed, fetched, broken, who, method, path):
        person = request.getfixturevalue(who)
        assert person.api.token
        before = list(PatientRecord.objects.values()), list(Hospital.objects.values())
        sent = {"body": {"name": "Changed"}} if method == "patch" else {}
        with broken():
            answer = getattr(person.api, method)(path.format(hospital=hospital.pk, typed=typed.pk), **sent)
        assert answer.status_code in (500, 503)
        assert b"Rosa" not in answer.content
        assert (list(PatientRecord.objects.values()), list(Hospital.objects.values())) == before


class TestACall:
    """`core.audit.audited_call`, by which these acts wait for others."""

    def test_has_no_transaction_open_and_one_event_in_the_end(self, ada):
        depth = len(connection.savepoint_ids)
        with audited_call(ada.actor, "hospital.fetch") as act:
            assert len(connection.savepoint_ids) == depth
            assert not AuditEvent.objects.filter(action="hospital.fetch").exists()
        assert act.actor == ada.actor
        assert AuditEvent.objects.get(action="hospital.fetch").outcome == "allowed"

    def test_leaves_a_refusal_to_the_boundary(self, ada):
        with pytest.raises(Conflict) as refused, audited_call(ada.actor, "hospital.fetch") as act:
            raise Conflict
        assert refused.value.attempt is act
        assert not AuditEvent.objects.exists()


def test_every_action_has_words():
    """The trail's page would show a code instead."""
    actions = {
        *(f"record.{act}" for act in ("list", "read", "create", "update", "delete", "combined", "deidentified")),
        *(f"hospital.{act}" for act in ("create", "update", "delete", "fetch", "test", "sync", "renew")),
        "statistics.read",
    }
    assert actions - ACTIONS.keys() == set()
