"""The audit trail: every act once, written with what it records or not at all, and never changed."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

import care.service
from care.csv_source import SourceRow
from care.models import CareTeamMember, Patient
from care.schemas import DoctorIn, PatientFilters, PatientIn
from core import audit
from core.actor import SYSTEM
from core.audit import Act, Subject, audited, record, record_refusal
from core.errors import NotFound, Refusal
from core.ids import new_id
from core.models import AuditEvent, AuditSubject
from core.pagination import PageIn
from tests.factories import PASSWORD, PatientFactory

pytestmark = pytest.mark.django_db
MISSING = "01890000-0000-7000-8000-000000000000"


def told(event):
    """What an event says, short enough for a table."""
    subjects = {(subject.kind, str(subject.subject_id), subject.rule) for subject in event.subjects.all()}
    return event.action, event.outcome, event.rule, event.role, subjects


def only_event():
    return told(AuditEvent.objects.exclude(action="session.open").get())


class TestEveryActOnce:
    """Each read and each change of patient data leaves exactly one event, with the patient and the rule."""

    @pytest.fixture
    def chart(self, alices_chart, dr_chen, erin, ada):
        """Alice's chart, treated by dr_chen; what led there is not counted."""
        _clear()
        return alices_chart

    @pytest.mark.parametrize(
        ("who", "rule", "role"),
        [
            ("alice", "keeper", "patient"),
            ("dr_chen", "care-team", "doctor"),
            ("erin", "front-desk", "staff"),
            ("ada", "admin", "admin"),
        ],
    )
    @pytest.mark.parametrize(
        ("method", "path", "body", "action"),
        [
            ("get", "/api/patients/", None, "patient.list"),
            ("get", "/api/patients/{chart}/", None, "patient.read"),
            ("head", "/api/patients/{chart}/", None, "patient.read"),
            ("patch", "/api/patients/{chart}/", {"address": "x"}, "patient.update"),
            ("get", "/api/mappings/", None, "mapping.list"),
            ("get", "/api/mappings/{chart}/", None, "mapping.read"),
        ],
    )
    def test_reads_and_changes(self, request, chart, who, rule, role, method, path, body, action):
        person = request.getfixturevalue(who)
        send = getattr(person.api, method)
        answer = send(path.format(chart=chart.pk), *([body] if body else []))
        assert answer.status_code == 200
        about = {("patient", str(chart.pk), rule)}
        found = only_event()
        assert found[:4] == (action, "allowed", rule, role)
        assert about <= found[4]

    @pytest.mark.parametrize(
        ("who", "method", "path", "body", "action", "rule"),
        [
            ("dr_diaz", "get", "/api/patients/{chart}/", None, "patient.read", "not_found"),
            ("bob", "get", "/api/patients/{chart}/", None, "patient.read", "not_found"),
            ("bob", "patch", "/api/patients/{chart}/", {"address": "x"}, "patient.update", "not_found"),
            ("bob", "delete", "/api/patients/{chart}/", None, "patient.delete", "not_found"),
            ("dr_chen", "delete", "/api/patients/{chart}/", None, "patient.delete", "not_allowed"),
            ("rita", "get", "/api/patients/{chart}/", None, "patient.read", "not_allowed"),
            ("bob", "get", "/api/mappings/{chart}/", None, "mapping.read", "not_found"),
        ],
    )
    def test_refusals(self, request, chart, who, method, path, body, action, rule):
        person = request.getfixturevalue(who)
        send = getattr(person.api, method)
        send(path.format(chart=chart.pk), *([body] if body else []))
        found = only_event()
        assert found[:3] == (action, "refused", rule)
        assert str(chart.pk) in {subject_id for _, subject_id, _ in found[4]}

    def test_a_refused_list_names_nobody(self, rita, chart):
        rita.api.get("/api/patients/")
        assert only_event() == ("patient.list", "refused", "not_allowed", "researcher", set())

    def test_a_missing_id_is_on_record_too(self, alice):
        alice.api.get(f"/api/patients/{MISSING}/")
        assert only_event()[4] == {("patient", MISSING, "")}

    def test_creating_names_what_was_made(self, alice):
        made = alice.api.post("/api/patients/", {"name": "New One"}).json()
        assert only_event() == ("patient.create", "allowed", "keeper", "patient", {("patient", made["id"], "keeper")})

    def test_a_body_that_no_schema_accepts_is_no_act(self, alice):
        alice.api.post("/api/patients/", {"age": -1})
        assert not AuditEvent.objects.exists()

    def test_assigning_and_ending(self, alice, chart, a_doctor):
        mapping = alice.api.post("/api/mappings/", {"patient": str(chart.pk), "doctor": str(a_doctor.pk)}).json()
        assert only_event() == (
            *("mapping.create", "allowed", "keeper", "patient"),
            {("patient", str(chart.pk), "keeper"), ("doctor", str(a_doctor.pk), "")},
        )
        _clear()
        alice.api.delete(f"/api/mappings/{mapping['id']}/")
        assert only_event() == (
            *("mapping.end", "allowed", "keeper", "patient"),
            {("patient", str(chart.pk), "keeper"), ("mapping", mapping["id"], "")},
        )

    def test_reading_the_directory_is_no_patients_business(self, alice, a_doctor):
        alice.api.get("/api/doctors/")
        alice.api.get(f"/api/doctors/{a_doctor.pk}/")
        assert not AuditEvent.objects.exists()

    def test_signing_in_is_on_record_whoever_tried(self, nobody, alice):
        for body in (
            {"username": "alice", "password": PASSWORD},
            {"username": "alice", "password": "guess"},
            {"username": "stranger", "password": "guess"},
        ):
            nobody.api.post("/api/login/", body, REMOTE_ADDR="198.51.100.7")
        events = list(AuditEvent.objects.order_by("pk"))
        assert [(event.action, event.outcome, event.actor_id) for event in events] == [
            ("session.open", "allowed", alice.id),
            ("session.open", "refused", None),
            ("session.open", "refused", None),
        ]
        assert [event.subjects.count() for event in events] == [1, 1, 0]
        assert {event.address for event in events} == {"198.51.100.7"}

    def test_an_event_names_the_request(self, alice, chart):
        answer = alice.api.get(f"/api/patients/{chart.pk}/", headers={"X-Request-ID": "request-4711"})
        assert answer["X-Request-ID"] == AuditEvent.objects.get().request_id == "request-4711"

    def test_nothing_clinical_stands_in_an_event(self, alice, chart):
        canary = "canary-4711"
        alice.api.patch(f"/api/patients/{chart.pk}/", {"medical_history": canary, "lastname": canary})
        alice.api.get("/api/patients/", {"q": canary})
        stored = str(list(AuditEvent.objects.values_list())) + str(list(AuditSubject.objects.values_list()))
        assert canary not in stored
        assert "Alma" not in stored


class TestStandOrFallTogether:
    @pytest.fixture
    def broken(self, monkeypatch):
        """The audit's table refuses every row."""

        def refuse(execute, sql, params, many, context):
            if "core_auditevent" in sql and sql.lstrip().upper().startswith("INSERT"):
                raise DatabaseError("the audit cannot be written")
            return execute(sql, params, many, context)

        def within():
            return connection.execute_wrapper(refuse)

        return within

    def test_what_cannot_be_recorded_is_not_served(self, alice, alices_chart, broken):
        assert alice.api.token
        with broken():
            for path in ("/api/patients/", f"/api/patients/{alices_chart.pk}/", f"/api/mappings/{alices_chart.pk}/"):
                answer = alice.api.get(path)
                assert answer.status_code == 500
                assert "Alma" not in answer.content.decode()

    def test_what_cannot_be_recorded_does_not_happen(self, alice, alices_chart, a_doctor, broken):
        assert alice.api.token
        path = f"/api/patients/{alices_chart.pk}/"
        with broken():
            assert alice.api.post("/api/patients/", {"name": "New One"}).status_code == 500
            assert alice.api.patch(path, {"lastname": "Changed"}).status_code == 500
            assert alice.api.delete(path).status_code == 500
            body = {"patient": str(alices_chart.pk), "doctor": str(a_doctor.pk)}
            assert alice.api.post("/api/mappings/", body).status_code == 500
        assert list(Patient.objects.values_list("lastname", "deleted_at")) == [("Kept", None)]
        assert not CareTeamMember.objects.exists()

    def test_a_refusal_that_cannot_be_recorded_says_nothing_either(self, bob, alices_chart, broken):
        assert bob.api.token
        with broken():
            assert bob.api.get(f"/api/patients/{alices_chart.pk}/").status_code == 500

    @pytest.mark.django_db(transaction=True)
    def test_a_refused_act_is_kept_although_it_rolled_back(self, bob, alices_chart):
        bob.api.patch(f"/api/patients/{alices_chart.pk}/", {"lastname": "Stolen"})
        assert only_event()[:3] == ("patient.update", "refused", "not_found")

    def test_the_outermost_act_is_what_somebody_tried(self, alice):
        outer, inner = audited(alice.actor, "outer.act"), audited(alice.actor, "inner.act")
        with pytest.raises(NotFound) as refused, outer, inner:
            raise NotFound
        record_refusal(refused.value)
        assert AuditEvent.objects.get().action == "outer.act"


class TestWrittenOnce:
    @pytest.fixture
    def event(self):
        return record(Act(SYSTEM, "test.act", [Subject("patient", new_id())]), outcome="allowed")

    def test_the_orm_refuses_to_change_or_delete(self, event):
        for change in (
            event.save,
            event.delete,
            AuditEvent.objects.all().delete,
            lambda: AuditEvent.objects.update(action="x"),
            lambda: AuditEvent.objects.bulk_update([event], ["action"]),
            AuditSubject.objects.all().delete,
            lambda: AuditSubject.objects.update(kind="x"),
            lambda: event.subjects.all().delete(),
        ):
            with pytest.raises(PermissionError):
                change()

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE core_auditevent SET action = 'x'",
            "DELETE FROM core_auditevent",
            "UPDATE core_auditsubject SET kind = 'x'",
            "DELETE FROM core_auditsubject",
        ],
    )
    def test_postgresql_refuses_whatever_code_asks(self, event, statement):
        if connection.vendor != "postgresql":
            pytest.skip("the trigger is PostgreSQL's")
        with pytest.raises(DatabaseError, match="written once"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


class TestVerify:
    @pytest.fixture
    def events(self):
        return [record(Act(SYSTEM, f"test.{n}", [Subject("patient", new_id())]), outcome="allowed") for n in range(5)]

    def tamper(self, statement, params):
        """Change a row as somebody with the database's superuser would: past the ORM and past the trigger."""
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                for table in ("core_auditevent", "core_auditsubject"):
                    cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER written_once")
            cursor.execute(statement, params)

    def pk(self, event):
        return event.pk if connection.vendor == "postgresql" else event.pk.hex

    def test_an_untouched_trail_is_right(self, events, capsys):
        call_command("verify_audit")
        assert "All 5 events" in capsys.readouterr().out

    @pytest.mark.parametrize(
        "column", ["action", "rule", "outcome", "role", "actor_kind", "request_id", "address", "mac"]
    )
    def test_an_edited_event_is_named(self, events, capsys, column):
        self.tamper(f"UPDATE core_auditevent SET {column} = 'forged' WHERE id = %s", [self.pk(events[2])])
        with pytest.raises(CommandError, match="1 of 5"):
            call_command("verify_audit")
        assert f"broken: event {events[2].pk}" in capsys.readouterr().out

    def test_a_moved_time_is_named(self, events):
        self.tamper(
            "UPDATE core_auditevent SET at = %s WHERE id = %s",
            [events[0].at - timedelta(days=1), self.pk(events[1])],
        )
        assert audit.verify().broken == [events[1].pk]

    @pytest.mark.parametrize("statement", ["UPDATE core_auditsubject SET kind = 'x'", "DELETE FROM core_auditsubject"])
    def test_an_edited_or_missing_subject_is_named(self, events, statement):
        self.tamper(f"{statement} WHERE event_id = %s", [self.pk(events[3])])
        assert audit.verify().broken == [events[3].pk]

    def test_an_inserted_event_is_named(self, events):
        forged = AuditEvent(id=new_id(), at=events[0].at, actor_kind="person", action="patient.read", mac="0" * 64)
        forged.save()
        assert audit.verify().broken == [forged.pk]

    def test_the_key_is_not_in_the_database(self, events, settings):
        settings.AUDIT_KEY = "another key"
        assert len(audit.verify().broken) == 5


class TestReadingTheTrail:
    def test_is_for_administrators_and_on_record_itself(self, request, ada):
        for who in ("alice", "dr_diaz", "erin", "rita", "otto"):
            assert request.getfixturevalue(who).api.get("/api/audit/").status_code == 403
        assert ada.api.get("/api/audit/").status_code == 200
        outcomes = AuditEvent.objects.filter(action="audit.list").order_by("pk").values_list("outcome", flat=True)
        assert list(outcomes) == ["refused"] * 5 + ["allowed"]

    def test_finds_by_every_filter(self, alice, bob, ada, alices_chart, now):
        alice.api.get(f"/api/patients/{alices_chart.pk}/")
        bob.api.get(f"/api/patients/{alices_chart.pk}/")
        stamp = AuditEvent.objects.latest("at").at
        for query, actors in [
            ({"actor": str(alice.id)}, [alice.id]),
            ({"subject": str(alices_chart.pk)}, [bob.id, alice.id]),
            ({"action": "patient.read", "outcome": "refused"}, [bob.id]),
            ({"from": stamp.isoformat(), "action": "patient.read"}, [bob.id]),
            ({"to": stamp.isoformat(), "action": "patient.read"}, [alice.id]),
            ({"subject": MISSING}, []),
        ]:
            found = ada.api.get("/api/audit/", query)
            assert found.status_code == 200, found.content
            rows = [row for row in found.json() if row["action"] != "audit.list"]
            assert [UUID(row["actor"]) for row in rows] == actors, query

    def test_names_people_and_subjects(self, alice, ada, alices_chart):
        alice.api.get(f"/api/patients/{alices_chart.pk}/")
        row = ada.api.get("/api/audit/", {"actor": str(alice.id)}).json()[0]
        assert (row["actor_name"], row["rule"]) == ("Alice", "keeper")
        assert row["subjects"] == [{"kind": "patient", "id": str(alices_chart.pk), "rule": "keeper"}]

    @pytest.mark.parametrize("query", ["actor=x", "from=yesterday", "from=2026-01-01T00:00:00", "outcome=maybe"])
    def test_a_bad_filter_is_invalid(self, ada, query):
        assert ada.api.get(f"/api/audit/?{query}").status_code == 422


class TestAccessLog:
    def test_says_who_read_my_charts_and_by_which_rule(self, alice, alices_chart, dr_chen, bob, erin):
        _clear()
        dr_chen.api.get(f"/api/patients/{alices_chart.pk}/")
        bob.api.get(f"/api/patients/{alices_chart.pk}/")
        erin.api.get("/api/patients/")
        alice.api.get(f"/api/patients/{alices_chart.pk}/")
        rows = alice.api.get("/api/profile/access-log/").json()
        assert [(row["actor_name"], row["action"], row["rule"], row["outcome"], row["own"]) for row in rows] == [
            ("Alice", "patient.read", "keeper", "allowed", True),
            ("Erin", "patient.list", "front-desk", "allowed", False),
            ("Bob", "patient.read", "not_found", "refused", False),
            ("Chen", "patient.read", "care-team", "allowed", False),
        ]
        assert {tuple(row["patients"]) for row in rows} == {(str(alices_chart.pk),)}

    def test_includes_the_chart_that_is_about_me(self, bob, alices_chart, erin, now):
        care.service.link_patient(actor=erin.actor, patient_id=alices_chart.pk, user_id=bob.id, now=now)
        assert [row["action"] for row in bob.api.get("/api/profile/access-log/").json()] == ["patient.link"]

    def test_shows_nothing_of_others_charts(self, bob, bobs_chart, erin, alices_chart):
        erin.api.get("/api/patients/")
        row = bob.api.get("/api/profile/access-log/").json()[0]
        assert row["patients"] == [str(bobs_chart.pk)]
        assert str(alices_chart.pk) not in str(row)

    def test_is_empty_without_a_chart(self, rita, otto, dr_diaz):
        for person in (rita, otto, dr_diaz):
            assert person.api.get("/api/profile/access-log/").json() == []

    def test_of_one_chart_is_for_whom_it_concerns_and_administrators(
        self, alice, dr_chen, erin, ada, bob, alices_chart, now
    ):
        def log(person):
            return care.service.list_access(actor=person.actor, patient_id=alices_chart.pk, page=PageIn(), now=now)

        assert log(alice).items
        assert log(ada).items
        for person, refusal in ((dr_chen, "not_allowed"), (erin, "not_allowed"), (bob, "not_found")):
            with pytest.raises(Refusal) as refused:
                log(person)
            assert refused.value.code == refusal


def test_an_import_is_on_record_with_every_row(ada, now):
    rows = [SourceRow(line=n, source_id=str(n), body=PatientIn(name=f"Im Ported{n}")) for n in range(3)]
    care.service.import_patients(actor=SYSTEM, records=rows, now=now)
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_kind, event.subjects.count()) == ("patient.import", "system", 3)


def test_a_page_of_a_hundred_costs_two_inserts(alice, django_assert_num_queries, now):
    for _ in range(100):
        PatientFactory(created_by=alice.user)
    actor = alice.actor
    with django_assert_num_queries(5):  # a savepoint and its release, the page, the event, its subjects
        care.service.list_patients(actor=actor, filters=PatientFilters(), page=PageIn(limit=100), now=now)


def test_verifying_a_doctor_keeps_the_reason(ada, now):
    entry = care.service.create_doctor(actor=SYSTEM, body=DoctorIn(name="A B", specialization="GEN"), now=now)
    answer = ada.api.post(f"/api/doctors/{entry.id}/verify/", {"reason": "saw the licence"})
    assert answer.json()["verified"] is True
    assert ada.api.post(f"/api/doctors/{entry.id}/verify/", {"reason": " "}).status_code == 422


def _clear():
    """Forget what led to a scene; with the database's own words, since the ORM refuses."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("TRUNCATE core_auditsubject, core_auditevent")
        else:
            cursor.execute("DELETE FROM core_auditsubject")
            cursor.execute("DELETE FROM core_auditevent")
