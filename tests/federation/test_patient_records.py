"""Patient records: typed in beside what hospitals say themselves, seen by who treats and by who typed them in."""

import threading
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

import care.service
import federation.service
from core.actor import SYSTEM, Role
from core.errors import Conflict
from federation.models import PatientRecord
from federation.permissions import combined_records
from federation.schemas import PatientRecordIn
from identity.models import User
from tests.conftest import Person
from tests.factories.federation import make_hospital, make_record

pytestmark = pytest.mark.django_db

PATH = "/api/patient-records/"


@pytest.fixture
def hospital(db, now):
    return make_hospital(fetched_at=now)


@pytest.fixture
def body(hospital):
    """Document 000's example."""
    return {"hospital": str(hospital.pk), "patient_id": "P12345", "name": "John Doe", "age": 45, "diagnosis": "Flu"}


def typed_in(person, body):
    answer = person.api.post(PATH, body)
    assert answer.status_code == 201, answer.content
    return answer.json()


def path(record):
    return f"{PATH}{record['id'] if isinstance(record, dict) else record.pk}/"


def names(answer):
    assert answer.status_code == 200, answer.content
    return [record["name"] for record in answer.json()]


class TestTypingIn:
    def test_keeps_what_was_said(self, erin, hospital, body):
        record = typed_in(erin, body)
        row = PatientRecord.objects.get()
        assert record == {
            **body,
            "id": str(row.pk),
            "hospital_name": hospital.name,
            "gender": "U",
            "birth_date": None,
            "origin": "manual",
            "created_by": str(erin.id),
            "created_at": record["created_at"],
            "updated_at": record["created_at"],
        }
        assert (row.age_stated, row.run_id, row.removed_at) == (45, None, None)

    def test_a_number_is_kept_as_its_digits(self, erin, body):
        assert typed_in(erin, {**body, "patient_id": 17})["patient_id"] == "17"

    def test_condition_is_another_word_for_diagnosis(self, erin, body):
        del body["diagnosis"]
        assert typed_in(erin, {**body, "condition": "Cough"})["diagnosis"] == "Cough"

    @pytest.mark.parametrize("word", ["female", "F", "f"])
    def test_gender_in_words_or_letters(self, erin, body, word):
        assert typed_in(erin, {**body, "gender": word})["gender"] == "F"

    def test_a_date_of_birth_goes_before_an_age(self, erin, body):
        born = timezone.localdate().replace(month=1, day=1) - timedelta(days=365 * 30 + 200)
        record = typed_in(erin, {**body, "birth_date": born.isoformat()})
        assert record["birth_date"] == born.isoformat()
        assert record["age"] != 45
        assert PatientRecord.objects.get().age_stated is None

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("hospital", "01890a5d-ac96-774b-bcce-b302099a8057"),
            ("hospital", 1),
            ("patient_id", ""),
            ("patient_id", True),
            ("patient_id", 1.5),
            ("patient_id", "two\nlines"),
            ("patient_id", "P" * 256),
            ("name", "  "),
            ("age", -1),
            ("age", 131),
            ("age", True),
            ("gender", "neither"),
            ("birth_date", "2999-01-01"),
            ("birth_date", "1800-01-01"),
            ("birth_date", 0),
            ("surprise", 1),
        ],
    )
    def test_refuses_a_bad_field_by_its_name(self, erin, body, field, value):
        answer = erin.api.post(PATH, {**body, field: value})
        assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
        assert not PatientRecord.objects.exists()

    def test_a_hospital_out_of_use_is_not_known(self, ada, erin, hospital, body):
        ada.api.delete(f"/api/hospitals/{hospital.pk}/")
        answer = erin.api.post(PATH, body)
        assert (answer.status_code, answer.json()["errors"]) == (422, {"hospital": ["is not known"]})

    def test_a_second_one_of_the_same_patient_is_a_duplicate(self, alice, erin, body):
        typed_in(erin, body)
        for person in (erin, alice):
            answer = person.api.post(PATH, {**body, "name": "Somebody Else"})
            assert (answer.status_code, answer.json()["code"]) == (409, "duplicate")
        assert PatientRecord.objects.count() == 1

    def test_another_hospital_may_have_the_same_id(self, erin, body):
        typed_in(erin, body)
        typed_in(erin, {**body, "hospital": str(make_hospital("Other").pk)})

    def test_stands_beside_what_the_hospital_says_of_the_same_person(self, erin, hospital, body):
        fetched = make_record(hospital, "P12345")
        record = typed_in(erin, body)
        people = {str(row.pk): row.person for row in PatientRecord.objects.all()}
        assert people[record["id"]] == people[str(fetched.pk)]

    def test_an_idempotency_key_types_in_once(self, erin, body):
        sent = [erin.api.post(PATH, body, headers={"Idempotency-Key": "one"}) for _ in range(2)]
        assert [answer.status_code for answer in sent] == [201, 201]
        assert sent[0].json() == sent[1].json()

    @pytest.mark.parametrize(("who", "counts"), [("alice", False), ("dr_diaz", True), ("erin", True), ("ada", True)])
    def test_what_others_than_the_clinic_type_in_does_not_count(self, request, body, who, counts):
        typed_in(request.getfixturevalue(who), body)
        assert combined_records().exists() is counts

    @pytest.mark.parametrize("who", ["rita", "otto"])
    def test_research_accounts_stay_outside(self, request, hospital, body, who):
        person, record = request.getfixturevalue(who), make_record(hospital)
        for method, address, sent in [
            ("get", PATH, None),
            ("post", PATH, body),
            ("get", path(record), None),
            ("patch", path(record), {"name": "X"}),
            ("delete", path(record), None),
        ]:
            assert getattr(person.api, method)(address, sent).status_code == 403, (method, address)


class TestReading:
    def test_who_is_no_doctor_any_more_changes_it_for_themselves_alone(self, dr_diaz, ada, body):
        mine = typed_in(dr_diaz, body)
        care.service.set_role(actor=ada.actor, user_id=dr_diaz.id, role=Role.PATIENT, now=timezone.now())

        assert Person(User.objects.get(pk=dr_diaz.id)).api.patch(path(mine), {"name": "Injected"}).status_code == 200

        assert not PatientRecord.objects.get(pk=mine["id"]).is_vouched
        assert ada.api.get("/api/aggregated-data/").json()["records"] == []

    def test_patients_see_what_they_typed_in(self, alice, bob, hospital, body):
        mine = typed_in(alice, body)
        others = [typed_in(bob, {**body, "patient_id": "B"})["id"], str(make_record(hospital).pk)]
        assert alice.api.get(PATH).json() == [mine]
        assert alice.api.get(path(mine)).json() == mine
        for other in others:
            for method in ("get", "patch", "delete"):
                assert getattr(alice.api, method)(f"{PATH}{other}/").status_code in (404, 422)
                assert alice.api.patch(f"{PATH}{other}/", {"name": "X"}).status_code == 404

    @pytest.mark.parametrize("who", ["dr_diaz", "erin", "ada"])
    def test_who_treats_sees_all(self, request, alice, hospital, body, who):
        typed_in(alice, body)
        make_record(hospital)
        person = request.getfixturevalue(who)
        assert names(person.api.get(PATH)) == ["Rosa Elsewhere", "John Doe"]

    def test_nobody_sees_nothing(self, nobody, hospital):
        assert nobody.api.get(PATH).status_code == 401
        assert nobody.api.get(path(make_record(hospital))).status_code == 401

    def test_a_page_at_a_time_newest_first(self, erin, hospital):
        made = [str(make_record(hospital, f"P{n}").pk) for n in range(5)]
        seen, address = [], f"{PATH}?limit=2"
        while address:
            answer = erin.api.get(address)
            seen += [record["id"] for record in answer.json()]
            address = answer.get("Link", "").split(">")[0].removeprefix("<")
        assert seen == made[::-1]

    def test_a_tombstone_is_gone_for_everybody(self, ada, hospital, now):
        record = make_record(hospital, removed_at=now)
        assert ada.api.get(PATH).json() == []
        assert ada.api.get(path(record)).status_code == 404


class TestFilters:
    @pytest.fixture
    def people(self, hospital):
        """Records that differ in one thing each."""
        elsewhere = make_hospital("Other")
        make_record(hospital, "A-1", name="José Gómez", diagnosis="Asma bronquial", age_stated=30)
        make_record(hospital, "A-2", name="Ana Flu", diagnosis="Cough", age_stated=40)
        make_record(elsewhere, "B-1", name="Bo Berg", diagnosis="Flu", age_stated=40)

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"q": "gomez"}, ["José Gómez"]),
            ({"q": "GÓMEZ jose"}, ["José Gómez"]),
            ({"q": "a-2"}, ["Ana Flu"]),
            ({"q": "flu"}, ["Ana Flu"]),
            ({"diagnosis": "flu"}, ["Bo Berg"]),
            ({"diagnosis": "BRONQUIAL"}, ["José Gómez"]),
            ({"diagnosis": "gomez"}, []),
            ({"age": 40}, ["Bo Berg", "Ana Flu"]),
            ({"age": 40, "q": "ana"}, ["Ana Flu"]),
            ({"q": "%"}, []),
            ({"q": "_"}, []),
            ({"diagnosis": " "}, ["Bo Berg", "Ana Flu", "José Gómez"]),
        ],
    )
    def test_each_narrows_and_all_together(self, erin, people, query, found):
        assert names(erin.api.get(PATH, query)) == found

    def test_by_hospital(self, erin, people, hospital):
        assert names(erin.api.get(PATH, {"hospital": str(hospital.pk)})) == ["Ana Flu", "José Gómez"]
        assert names(erin.api.get(PATH, {"hospital": "01890a5d-ac96-774b-bcce-b302099a8057"})) == []

    def test_by_when_it_came(self, erin, hospital, settings):
        settings.TIME_ZONE = "Asia/Dhaka"
        for hour in (17, 18, 19):
            at = timezone.now().replace(year=2026, month=3, day=1, hour=hour, minute=0, second=0, microsecond=0)
            make_record(hospital, f"P{hour}", name=f"At {hour}", created_at=at)
        assert names(erin.api.get(PATH, {"from": "2026-03-01T18:00:00Z"})) == ["At 19", "At 18"]
        assert names(erin.api.get(PATH, {"to": "2026-03-01T18:00:00Z"})) == ["At 17"]
        with timezone.override("Asia/Dhaka"):
            assert names(erin.api.get(PATH, {"from": "2026-03-02"})) == ["At 19", "At 18"]

    @pytest.mark.parametrize(
        "query",
        [
            {"age": 131},
            {"age": "x"},
            {"hospital": "x"},
            {"q": "a" * 201},
            {"q": "a\x00b"},
            {"from": "0001-01-01"},
            {"to": "9999-12-31"},
            {"to": "9999-12-31T23:59:59Z"},
            {"limit": 101},
            {"cursor": "made-up"},
        ],
    )
    def test_refuses_what_cannot_be_meant(self, erin, query):
        assert erin.api.get(PATH, query).status_code == 422

    def test_age_is_of_today_and_of_the_day_of_death(self, erin, hospital):
        """Every kind of record, compared with what the record itself says of its age."""
        today = timezone.localdate()
        births = [
            today.replace(year=today.year - 30, day=min(today.day, 28)) + timedelta(days=days) for days in (-1, 0, 1)
        ]
        births += [date(1996, 2, 29), date(1996, 2, 28), date(1996, 3, 1)]
        lives = [{"birth_date": birth} for birth in births]
        lives += [{"birth_date": birth, "is_deceased": True} for birth in births[:1]]
        lives += [
            {"birth_date": birth, "is_deceased": True, "deceased_on": died}
            for birth in births
            for died in (date(2025, 2, 28), date(2025, 3, 1), today, today + timedelta(days=400))
        ]
        lives += [{"age_stated": 29, "birth_date": None}, {"age_stated": None}, {"age_stated": 30, "is_deceased": True}]
        rows = [make_record(hospital, f"P{n}", **{"age_stated": None, **life}) for n, life in enumerate(lives)]

        for age in range(26, 33):
            found = {record["id"] for record in erin.api.get(PATH, {"age": age, "limit": 100}).json()}
            assert found == {str(row.pk) for row in rows if row.age_on(today) == age}, age
        assert {row.age_on(today) for row in rows} >= {28, 29, 30, None}


class TestChanging:
    @pytest.mark.parametrize("method", ["put", "patch"])
    @pytest.mark.parametrize("who", ["alice", "dr_diaz", "erin", "ada"])
    def test_a_partial_body_changes_what_it_names(self, request, alice, body, who, method):
        record = typed_in(alice, body)
        person = request.getfixturevalue(who)
        answer = getattr(person.api, method)(path(record), {"diagnosis": "Influenza A"})
        assert answer.json() == {**record, "diagnosis": "Influenza A", "updated_at": answer.json()["updated_at"]}
        assert names(person.api.get(PATH, {"diagnosis": "influenza"})) == ["John Doe"]

    def test_does_not_make_it_count(self, alice, erin, body):
        record = typed_in(alice, body)
        assert erin.api.patch(path(record), {"diagnosis": "x"}).status_code == 200
        assert not combined_records().exists()

    def test_the_whole_object_may_come_back(self, erin, body):
        for sent in (body, {**body, "patient_id": "B", "birth_date": "1990-05-05", "gender": "F"}):
            record = typed_in(erin, sent)
            answer = erin.api.put(path(record), record)
            assert answer.json() == {**record, "updated_at": answer.json()["updated_at"]}

    def test_an_age_that_says_something_else_replaces_the_date_of_birth(self, erin, body):
        record = typed_in(erin, {**body, "birth_date": "1990-05-05"})
        changed = erin.api.patch(path(record), {"age": 12}).json()
        assert (changed["age"], changed["birth_date"]) == (12, None)
        again = erin.api.patch(path(record), {"birth_date": "1990-05-05"}).json()
        assert (again["age"], again["birth_date"]) == (record["age"], "1990-05-05")
        forgotten = erin.api.patch(path(record), {"birth_date": None}).json()
        assert (forgotten["age"], forgotten["birth_date"]) == (None, None)

    def test_null_forgets_what_may_be_unknown(self, erin, body):
        record = typed_in(erin, {**body, "gender": "F"})
        sent = {"age": None, "diagnosis": None, "gender": None, "name": None, "patient_id": None, "hospital": None}
        changed = erin.api.patch(path(record), sent).json()
        assert (changed["age"], changed["diagnosis"], changed["gender"]) == (None, "", "U")
        assert (changed["name"], changed["patient_id"]) == ("John Doe", "P12345")

    def test_to_another_patient_or_hospital_of_whom_there_is_one_already(self, erin, hospital, body):
        first, second = typed_in(erin, body), typed_in(erin, {**body, "patient_id": "B"})
        answer = erin.api.patch(path(second), {"patient_id": "P12345"})
        assert (answer.status_code, answer.json()["code"]) == (409, "duplicate")
        assert erin.api.get(path(second)).json() == second
        other = make_hospital("Other")
        moved = erin.api.patch(path(second), {"patient_id": "P12345", "hospital": str(other.pk)}).json()
        assert (moved["hospital_name"], moved["patient_id"]) == ("Other", "P12345")
        assert PatientRecord.objects.get(pk=second["id"]).person == PatientRecord.person_of(other.pk, "P12345")
        assert erin.api.get(path(first)).json() == first

    @pytest.mark.parametrize("method", ["put", "patch", "delete"])
    def test_what_was_fetched_is_the_hospitals(self, ada, erin, dr_diaz, hospital, method):
        record = make_record(hospital)
        statuses = {}
        for name, person in (("ada", ada), ("erin", erin), ("dr_diaz", dr_diaz)):
            answer = getattr(person.api, method)(path(record), None if method == "delete" else {"name": "Mine"})
            statuses[name] = answer.status_code, answer.json()["code"]
        refused = (409, "comes_from_the_hospital")
        forbidden = (403, "not_allowed")
        others = forbidden if method == "delete" else refused
        assert statuses == {"ada": refused, "erin": others, "dr_diaz": others}
        record.refresh_from_db()
        assert (record.name, record.removed_at) == ("Rosa Elsewhere", None)


class TestDeleting:
    @pytest.mark.parametrize(("who", "status"), [("alice", 204), ("ada", 204), ("erin", 403), ("dr_diaz", 403)])
    def test_is_for_the_author_and_administrators(self, request, alice, body, who, status):
        record = typed_in(alice, body)
        assert request.getfixturevalue(who).api.delete(path(record)).status_code == status
        assert alice.api.get(path(record)).status_code == (404 if status == 204 else 200)

    @pytest.mark.parametrize("who", ["erin", "dr_diaz"])
    def test_not_even_of_what_a_doctor_or_the_desk_typed_in(self, request, body, who):
        person = request.getfixturevalue(who)
        assert person.api.delete(path(typed_in(person, body))).status_code == 403

    def test_leaves_a_tombstone_until_the_patient_is_typed_in_again(self, alice, bob, body):
        record = typed_in(alice, body)
        alice.api.delete(path(record))
        assert PatientRecord.objects.get().removed_at is not None

        again = typed_in(bob, body)

        assert again["id"] != record["id"]
        assert alice.api.get(path(again)).status_code == 404
        assert PatientRecord.objects.get().created_by_id == bob.id

    def test_never_takes_the_place_of_what_the_hospital_no_longer_has(self, erin, hospital, body, now):
        gone = make_record(hospital, "P12345", removed_at=now)
        typed_in(erin, body)
        assert PatientRecord.objects.filter(pk=gone.pk).exists()


def at_once(act, times):
    """Let threads do the same at the same moment, each with a connection of its own; returns what each got."""
    gate, results = threading.Barrier(times), [None] * times

    def run(index):
        gate.wait()
        try:
            results[index] = act(index)
        except Exception as problem:
            results[index] = problem
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@contextmanager
def without_the_constraint():
    """Take it away, and put it back when every row is gone."""
    kept = PatientRecord._meta.constraints
    [constraint] = [each for each in kept if each.name == "a_hospitals_patient_has_one_record_of_each_origin"]
    PatientRecord._meta.constraints = [each for each in kept if each is not constraint]
    with connection.schema_editor() as editor:
        editor.remove_constraint(PatientRecord, constraint)
    try:
        yield
    finally:
        PatientRecord.objects.all().delete()
        PatientRecord._meta.constraints = kept
        with connection.schema_editor() as editor:
            editor.add_constraint(PatientRecord, constraint)


@pytest.mark.django_db(transaction=True)
class TestRivals:
    def tries(self, hospital, patient_id):
        now = timezone.now()
        body = PatientRecordIn(hospital=hospital.pk, patient_id=patient_id, name="John Doe")
        return at_once(lambda _: federation.service.create_patient_record(actor=SYSTEM, body=body, now=now), times=8)

    @pytest.mark.parametrize("before", ["nothing", "a tombstone"])
    def test_of_many_at_once_one_is_typed_in(self, hospital, before, now):
        for round_ in range(5):
            patient_id = f"P{round_}"
            if before == "a tombstone":
                make_record(hospital, patient_id, origin="manual", removed_at=now)
            results = self.tries(hospital, patient_id)
            refused = [result for result in results if isinstance(result, Conflict)]
            assert (len(refused), {each.code for each in refused}) == (7, {"duplicate"}), results
            assert PatientRecord.objects.filter(patient_id=patient_id, removed_at=None).count() == 1

    def test_without_the_constraint_more_than_one_would_be(self, hospital):
        """The negative control: it is the constraint that keeps them apart, and the threads really collide."""
        with without_the_constraint():
            self.tries(hospital, "P1")
            assert PatientRecord.objects.filter(patient_id="P1").count() > 1
