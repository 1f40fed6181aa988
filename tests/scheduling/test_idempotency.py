"""`Idempotency-Key`: a creating POST sent twice acts once and answers twice the same, whatever happens in between."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

import httpx
import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

import care.service
from care.models import CareTeamMember, Doctor, Patient
from care.schemas import PatientIn
from config.api import api
from core import audit, idempotency
from core.errors import Conflict
from core.idempotency import answer_once, forget_old_answers
from core.models import AuditEvent, IdempotentAnswer, Job, Report
from core.tasks import sweep_idempotent_answers
from federation.models import Hospital, PatientRecord
from identity.models import RoleRequest
from scheduling.models import Appointment, Schedule, TimeOff
from tests.config.running import eventually
from tests.conftest import Person
from tests.factories import DoctorFactory, HospitalFactory, PatientFactory, UserFactory
from tests.rivals import in_parallel
from tests.scheduling.appointment_book import doctor_with_hours, free_times
from tests.scheduling.mortal import DIE
from tests.servers import empty_database, prepare, running

KILLABLE = "tests.scheduling.mortal:application"
# Granian gives up when a process dies within 5.5 seconds of its start.
NO_CRASH_LOOP = 6
KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
PATIENT = {"name": "Zebulon Quick"}


@dataclass
class Creation:
    """Something to create: by whom, at which path, with which body, and the table in which it is found."""

    person: Person
    path: str
    body: dict[str, Any]
    table: Any
    status: int = 201

    def send(self, **headers: str) -> Any:
        return self.person.api.post(self.path, self.body, headers=headers or KEY)


_numbers = count()


def somebody(**more: Any) -> Person:
    return Person(UserFactory(username=f"somebody{next(_numbers)}", **more))


def appointment(path: str) -> Creation:
    doctor = doctor_with_hours()
    body = {"doctor": str(doctor.pk), "starts_at": free_times(doctor)[0].isoformat()}
    return Creation(somebody(), path, body, Appointment)


def schedule() -> Creation:
    weekly = {"weekday": 0, "from": "2031-01-01", "until": "2031-02-01", "start_time": "09:00", "end_time": "12:00"}
    return Creation(somebody(role="staff"), "/api/schedules/", {"doctor": str(DoctorFactory().pk), **weekly}, Schedule)


def time_off() -> Creation:
    stretch = {"starts_at": "2031-01-01T09:00:00Z", "ends_at": "2031-01-02T09:00:00Z"}
    return Creation(somebody(role="staff"), "/api/time-off/", {"doctor": str(DoctorFactory().pk), **stretch}, TimeOff)


def mapping() -> Creation:
    keeper = somebody()
    body = {"patient": str(PatientFactory(created_by=keeper.user).pk), "doctor": str(DoctorFactory().pk)}
    return Creation(keeper, "/api/mappings/", body, CareTeamMember)


def record() -> Creation:
    body = {"hospital": str(HospitalFactory().pk), "patient_id": "P-17", "name": "Zebulon Quick"}
    return Creation(somebody(), "/api/patient-records/", body, PatientRecord)


def sync() -> Creation:
    # Nobody is asked at this address, wherever the job runs: outbound requests refuse it.
    hospital = HospitalFactory(api_endpoint="https://10.0.0.1/records")
    return Creation(somebody(role="admin"), f"/api/hospitals/{hospital.pk}/sync/", {}, Job, status=202)


def administrators(path: str, body: dict[str, Any], table: Any, **more: Any) -> Creation:
    return Creation(somebody(role="admin"), path, body, table, **more)


CREATIONS: dict[str, Callable[[], Creation]] = {
    "/api/appointments/": lambda: appointment("/api/appointments/"),
    "/api/appointments/book/": lambda: appointment("/api/appointments/book/"),
    "/api/schedules/": schedule,
    "/api/time-off/": time_off,
    "/api/mappings/": mapping,
    "/api/patients/": lambda: Creation(somebody(), "/api/patients/", PATIENT, Patient),
    "/api/doctors/": lambda: Creation(
        somebody(), "/api/doctors/", {"name": "Zebulon Quick", "specialization": "GEN"}, Doctor
    ),
    "/api/hospitals/": lambda: administrators(
        "/api/hospitals/", {"name": "North", "api_endpoint": "https://north.example/records"}, Hospital
    ),
    "/api/hospitals/{hospital_id}/sync/": sync,
    "/api/patient-records/": record,
    "/api/reports/": lambda: administrators("/api/reports/", {"kind": "appointments"}, Report, status=202),
    "/api/role-requests/": lambda: Creation(somebody(), "/api/role-requests/", {"role": "researcher"}, RoleRequest),
}


def subjects_of(event: AuditEvent) -> set[tuple[str, Any, str]]:
    return set(event.subjects.values_list("kind", "subject_id", "rule"))


def refuse_audit(execute, sql, params, many, context):
    """Let the audit's table refuse every row."""
    if "core_auditevent" in sql and sql.lstrip().upper().startswith("INSERT"):
        raise DatabaseError("the audit cannot be written")
    return execute(sql, params, many, context)


@pytest.mark.django_db
class TestEveryCreatingOperation:
    @pytest.mark.parametrize("path", CREATIONS)
    def test_acts_once_and_answers_twice_the_same(self, path):
        creation = CREATIONS[path]()
        first = creation.send()
        assert first.status_code == creation.status, first.content
        rows = creation.table.objects.count()

        again = creation.send()

        assert (again.status_code, again.content) == (creation.status, first.content)
        assert again["Content-Type"] == first["Content-Type"] == "application/json; charset=utf-8"
        assert creation.table.objects.count() == rows

    @pytest.mark.parametrize("path", CREATIONS)
    def test_is_on_record_when_it_answers_again(self, path):
        creation = CREATIONS[path]()
        creation.send()
        done = AuditEvent.objects.latest("at")

        creation.send()

        replay = AuditEvent.objects.latest("at")
        assert (replay.action, replay.outcome, replay.actor_id) == ("answer.replay", "allowed", creation.person.id)
        assert subjects_of(replay) == subjects_of(done) != set()
        assert audit.verify().broken == []

    @pytest.mark.parametrize("path", CREATIONS)
    def test_answers_nothing_again_that_cannot_be_put_on_record(self, path):
        creation = CREATIONS[path]()
        first = creation.send()

        with connection.execute_wrapper(refuse_audit):
            again = creation.send()

        assert again.status_code == 500
        told = again.content.decode()
        assert [value for value in first.json().values() if len(str(value)) > 8 and str(value) in told] == []
        assert creation.send().content == first.content

    @pytest.mark.parametrize("path", CREATIONS)
    def test_answers_in_the_same_shape_as_without_a_key(self, path):
        with_key, without = CREATIONS[path](), CREATIONS[path]()
        keyed = with_key.send()
        plain = without.person.api.post(without.path, without.body)

        assert plain.status_code == keyed.status_code == with_key.status
        assert plain["Content-Type"] == keyed["Content-Type"]
        assert list(plain.json()) == list(keyed.json())
        assert {name: type(value) for name, value in plain.json().items()} == {
            name: type(value) for name, value in keyed.json().items()
        }

    def test_is_tested_here_and_names_the_key_in_the_document(self):
        paths = api.get_openapi_schema()["paths"]
        creating = {
            path: operations["post"]
            for path, operations in paths.items()
            if "post" in operations
            and {201, 202} & operations["post"]["responses"].keys()
            and operations["post"].get("security")
        }
        assert creating.keys() == CREATIONS.keys()
        for operation in creating.values():
            [named] = [each for each in operation["parameters"] if each["name"] == "Idempotency-Key"]
            assert (named["in"], named["required"]) == ("header", False)

    def test_is_the_only_one_that_names_it(self):
        for path, operations in api.get_openapi_schema()["paths"].items():
            for method, operation in operations.items():
                if (path, method) not in {(creating, "post") for creating in CREATIONS}:
                    assert "Idempotency-Key" not in {each["name"] for each in operation.get("parameters", [])}


@pytest.mark.django_db
class TestOneKey:
    def test_with_another_body_is_refused(self, alice):
        assert alice.api.post("/api/patients/", PATIENT, headers=KEY).status_code == 201

        refused = alice.api.post("/api/patients/", {"name": "Somebody Else"}, headers=KEY)

        assert refused.status_code == 422
        assert refused.json()["errors"] == {"Idempotency-Key": ["was used with another request"]}
        assert Patient.objects.count() == 1

    def test_at_another_path_is_refused(self, alice, a_doctor):
        entry = {"name": "Zebulon Quick", "specialization": "GEN"}
        assert alice.api.post("/api/doctors/", entry, headers=KEY).status_code == 201
        assert alice.api.post("/api/patients/", {"name": "Zebulon Quick"}, headers=KEY).status_code == 422

    def test_is_the_same_with_and_without_the_last_slash(self, alice):
        first = alice.api.post("/api/patients/", PATIENT, headers=KEY)
        assert alice.api.post("/api/patients", PATIENT, headers=KEY).content == first.content

    def test_of_another_account_is_another_key(self, alice, bob):
        hers = alice.api.post("/api/patients/", PATIENT, headers=KEY)
        his = bob.api.post("/api/patients/", PATIENT, headers=KEY)

        assert his.status_code == 201
        assert his.json()["id"] != hers.json()["id"]
        assert alice.api.post("/api/patients/", PATIENT, headers=KEY).content == hers.content
        assert bob.api.post("/api/patients/", PATIENT, headers=KEY).content == his.content

    def test_holds_over_sessions_of_the_account(self, alice):
        first = alice.api.post("/api/patients/", PATIENT, headers=KEY)
        assert Person(alice.user).api.post("/api/patients/", PATIENT, headers=KEY).content == first.content

    def test_needs_a_token_like_every_request(self, alice, nobody):
        assert alice.api.post("/api/patients/", PATIENT, headers=KEY).status_code == 201
        assert nobody.api.post("/api/patients/", PATIENT, headers=KEY).status_code == 401

    def test_is_not_kept_for_what_was_refused(self, alice, erin):
        doctor = doctor_with_hours()
        asked = {"doctor": str(doctor.pk), "starts_at": free_times(doctor)[0].isoformat()}
        in_the_way = erin.api.post("/api/appointments/", {**asked, "patient": str(PatientFactory().pk)}).json()
        refused = alice.api.post("/api/appointments/", asked, headers=KEY)
        assert (refused.status_code, refused.json()["code"]) == (409, "slot_taken")

        assert erin.api.post(f"/api/appointments/{in_the_way['id']}/cancel/").status_code == 200

        assert alice.api.post("/api/appointments/", asked, headers=KEY).status_code == 201

    def test_is_not_spent_by_a_body_that_is_not_valid(self, alice):
        assert alice.api.post("/api/patients/", {}, headers=KEY).status_code == 422
        assert alice.api.post("/api/patients/", PATIENT, headers=KEY).status_code == 201

    def test_answers_as_it_did_at_first_though_the_thing_has_changed(self, alice):
        first = alice.api.post("/api/patients/", PATIENT, headers=KEY)
        path = f"/api/patients/{first.json()['id']}/"
        assert alice.api.patch(path, {"firstname": "Renamed"}).status_code == 200
        assert alice.api.delete(path).status_code == 204

        assert alice.api.post("/api/patients/", PATIENT, headers=KEY).content == first.content

    @pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "\x7f", "line\x0bfeed"])
    def test_that_is_empty_too_long_or_not_printable_is_refused(self, alice, key):
        refused = alice.api.post("/api/patients/", PATIENT, headers={"Idempotency-Key": key})

        assert refused.status_code == 422
        assert refused.json()["errors"] == {"Idempotency-Key": ["must have 1 to 255 printable characters"]}
        assert not Patient.objects.exists()

    @pytest.mark.parametrize("key", ["x", "x" * 255, '"quoted, as the draft writes it"', "é" * 255])
    def test_may_be_anything_printable(self, alice, key):
        first = alice.api.post("/api/patients/", PATIENT, headers={"Idempotency-Key": key})
        assert first.status_code == 201
        again = alice.api.post("/api/patients/", PATIENT, headers={"Idempotency-Key": key})
        assert again.content == first.content

    def test_answered_again_stands_in_the_access_log_of_the_chart(self, alice):
        for _ in range(2):
            assert alice.api.post("/api/patients/", PATIENT, headers=KEY).status_code == 201

        told = alice.api.get("/api/profile/access-log/").json()

        assert [(entry["action"], entry["rule"]) for entry in told] == [
            ("answer.replay", "keeper"),
            ("patient.create", "keeper"),
        ]

    def test_leaves_nothing_readable_in_the_table(self, alice):
        answer = alice.api.post("/api/patients/", PATIENT, headers=KEY)
        row = IdempotentAnswer.objects.get()

        kept = " ".join(str(bytes(value) if isinstance(value, memoryview) else value) for value in vars(row).values())
        assert "Zebulon" not in kept
        assert answer.json()["id"] not in kept
        assert b"Zebulon" not in bytes(row.body)


@pytest.mark.django_db
class TestTime:
    def age(self, **by: float) -> None:
        for row in IdempotentAnswer.objects.all():
            IdempotentAnswer.objects.filter(pk=row.pk).update(started_at=row.started_at - timedelta(**by))

    def test_the_answer_is_kept_for_a_day(self, alice):
        first = alice.api.post("/api/patients/", PATIENT, headers=KEY)
        self.age(hours=23, minutes=59)
        assert alice.api.post("/api/patients/", PATIENT, headers=KEY).content == first.content

    def test_after_a_day_the_key_is_a_new_one(self, alice):
        first = alice.api.post("/api/patients/", PATIENT, headers=KEY)
        self.age(hours=24, seconds=1)

        again = alice.api.post("/api/patients/", {"name": "Somebody Else"}, headers=KEY)

        assert again.status_code == 201
        assert again.json()["id"] != first.json()["id"]

    def test_old_answers_are_swept(self, alice, now):
        alice.api.post("/api/patients/", PATIENT, headers=KEY)
        assert forget_old_answers(now=now + timedelta(hours=23)) == 0
        self.age(hours=24, seconds=1)
        sweep_idempotent_answers.call_local()
        assert not IdempotentAnswer.objects.exists()

    def died_at_work(self, person: Person, rf: Any) -> None:
        """Leave what a process leaves that dies between its claim and its effect: the claim, committed."""
        idempotency._claim(request_of(person, rf), KEY["Idempotency-Key"], timezone.now())

    def test_what_died_at_work_counts_as_in_flight_for_a_minute(self, alice, rf):
        self.died_at_work(alice, rf)
        self.age(seconds=55)

        refused = alice.api.post("/api/patients/", PATIENT, headers=KEY)

        assert (refused.status_code, refused.json()["code"]) == (409, "in_flight")
        assert not Patient.objects.exists()

    def test_what_died_at_work_is_taken_over_after_a_minute(self, alice, rf):
        self.died_at_work(alice, rf)
        self.age(seconds=61)

        first = alice.api.post("/api/patients/", PATIENT, headers=KEY)

        assert first.status_code == 201
        assert alice.api.post("/api/patients/", PATIENT, headers=KEY).content == first.content
        assert Patient.objects.count() == 1

    def test_what_is_taken_over_must_still_be_the_same_request(self, alice, rf):
        self.died_at_work(alice, rf)
        self.age(seconds=61)
        assert alice.api.post("/api/patients/", {"name": "Somebody Else"}, headers=KEY).status_code == 422


def request_of(person: Person, rf: Any) -> Any:
    """The request that `person.api.post("/api/patients/", PATIENT, headers=KEY)` sends, as a handler gets it."""
    request = rf.post("/api/patients/", PATIENT, content_type="application/json", headers=KEY)
    request.auth = person.actor
    return request


@pytest.mark.django_db(transaction=True)
class TestRivals:
    @pytest.mark.parametrize("path", CREATIONS)
    def test_of_one_key_act_once(self, path):
        creation = CREATIONS[path]()
        assert creation.person.api.token  # signed in before the race
        rows = creation.table.objects.count()

        answers = in_parallel(*[creation.send] * 6)

        assert creation.table.objects.count() == rows + 1
        done = [answer for answer in answers if answer.status_code == creation.status]
        assert len({answer.content for answer in done}) == 1
        assert {answer.json()["code"] for answer in answers if answer not in done} <= {"in_flight"}
        assert creation.send().content == done[0].content

    def test_of_one_key_that_are_all_refused_hear_why(self, alice, rf):
        """Each forgets its claim while others ask for it: many tries, so that every order of the two occurs."""
        request = request_of(alice, rf)

        def refuse() -> Any:
            raise Conflict(code="slot_taken")

        def try_often() -> set[str]:
            codes = set()
            for _ in range(40):
                with pytest.raises(Conflict) as refused:
                    answer_once(request, refuse)
                codes.add(refused.value.code)
            return codes

        codes = set.union(*in_parallel(*[try_often] * 8))
        assert {"slot_taken"} <= codes <= {"slot_taken", "in_flight"}
        assert not IdempotentAnswer.objects.exists()

    def test_meet_while_the_first_is_at_work(self, alice, rf):
        """On PostgreSQL the second is told so at once; on SQLite, which has one writer at a time, it waits."""
        at_work, may_go_on = threading.Event(), threading.Event()

        def slowly() -> Any:
            at_work.set()
            assert may_go_on.wait(timeout=30)
            return create(alice)

        def first() -> Any:
            return answer_once(request_of(alice, rf), slowly)

        def second() -> Any:
            assert at_work.wait(timeout=30)
            if connection.vendor == "sqlite":
                threading.Timer(0.5, may_go_on.set).start()
            answer = alice.api.post("/api/patients/", PATIENT, headers=KEY)
            may_go_on.set()
            return answer

        assert alice.api.token  # signed in before the race
        done, answer = in_parallel(first, second)

        assert done.status_code == 201
        if connection.vendor == "sqlite":
            assert (answer.status_code, answer.content) == (201, done.content)
        else:
            assert (answer.status_code, answer.json()["code"]) == (409, "in_flight")
        assert Patient.objects.count() == 1

    @pytest.mark.skipif(connection.vendor == "sqlite", reason="nobody writes there while the first is at work")
    def test_who_was_overtaken_takes_everything_back(self, alice, rf):
        request = request_of(alice, rf)

        def overtaken() -> Any:
            made = create(alice)
            [answer] = in_parallel(overtake)
            assert answer.status_code == 201
            return made

        def overtake() -> Any:
            IdempotentAnswer.objects.update(started_at=timezone.now() - timedelta(seconds=61))
            return alice.api.post("/api/patients/", PATIENT, headers=KEY)

        assert alice.api.token  # signed in before the race
        with pytest.raises(Conflict) as refused:
            answer_once(request, overtaken)

        assert refused.value.code == "in_flight"
        assert Patient.objects.count() == 1
        kept = alice.api.post("/api/patients/", PATIENT, headers=KEY)
        assert kept.json()["id"] == str(Patient.objects.get().pk)


@pytest.mark.django_db(transaction=True)
class TestFailure:
    def test_of_ours_leaves_neither_effect_nor_key(self, alice, rf):
        def fails_late() -> Any:
            create(alice)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            answer_once(request_of(alice, rf), fails_late)

        assert not Patient.objects.exists()
        assert alice.api.post("/api/patients/", PATIENT, headers=KEY).status_code == 201

    def test_to_keep_the_answer_takes_the_effect_back(self, alice, rf, settings):
        """Effect and answer are one transaction: without the one there is not the other."""
        settings.IDEMPOTENCY_KEY = None  # no cipher can be made of it

        with pytest.raises(AttributeError):
            answer_once(request_of(alice, rf), lambda: create(alice))

        assert not Patient.objects.exists()

    def test_to_deliver_the_answer_loses_nothing(self, alice, rf):
        """Effect and answer are committed and the process dies: whoever asks again gets the original answer."""
        lost = answer_once(request_of(alice, rf), lambda: create(alice))

        again = alice.api.post("/api/patients/", PATIENT, headers=KEY)

        assert (again.status_code, again.content) == (201, lost.content)
        assert Patient.objects.count() == 1


@pytest.mark.prove
def test_a_server_killed_between_commit_and_answer_gives_the_original_answer(tmp_path, proof_scale):
    with empty_database() as database_url, running(prepare(tmp_path, database_url), KILLABLE) as server:
        keeper = server.sign_up("keeper")

        def ask(method: str, path: str, **more: Any) -> httpx.Response:
            """Ask until a server answers; killed ones come back."""

            def try_it() -> httpx.Response | None:
                try:
                    return keeper.request(method, path, **more)
                except httpx.TransportError:
                    return None

            return eventually(try_it, seconds=60)

        for place in range(round(100 * proof_scale)):
            asked = {"json": {"name": f"Onlyonce{place}"}, "headers": {"Idempotency-Key": f"key {place}"}}
            with pytest.raises(httpx.TransportError):
                keeper.post("/api/patients/", json=asked["json"], headers={**asked["headers"], **DIE})
            [committed] = ask("GET", "/api/patients/", params={"q": f"onlyonce{place}"}).json()

            again = ask("POST", "/api/patients/", **asked)

            assert (again.status_code, again.json()["id"]) == (201, committed["id"])
            assert len(ask("GET", "/api/patients/", params={"q": f"onlyonce{place}"}).json()) == 1
            time.sleep(NO_CRASH_LOOP)


def create(person: Person) -> Any:
    return care.service.create_patient(actor=person.actor, body=PatientIn(**PATIENT), now=timezone.now())
