"""The combined data without names: what a researcher gets, and in which order."""

import base64
import json
import threading
from collections import Counter
from datetime import date, timedelta

import pytest
from django.core import signing
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.actor import SYSTEM, Role
from core.errors import Invalid, NotAllowed
from core.models import AuditEvent, AuditSubject
from core.pagination import PageIn
from federation.models import PatientRecord, Pseudonym
from federation.service.research import get_deidentified
from tests.conftest import Person
from tests.factories import HospitalFactory, PatientRecordFactory, UserFactory
from tests.rivals import in_parallel

pytestmark = pytest.mark.django_db

A_UUID = "0198a9a0-0000-7000-8000-000000000000"


@pytest.fixture
def hospital():
    return copied()


@pytest.fixture
def another_researcher(db):
    return Person(UserFactory(username="rolf", role=Role.RESEARCHER))


def copied(name="North", **facts):
    """A hospital whose records we have."""
    return HospitalFactory(name=name, **{"feed__fetched_at": timezone.now(), **facts})


def fill(hospital, people, **facts):
    return [PatientRecordFactory(hospital=hospital, **facts) for _ in range(people)]


def read(person, now, *, limit=100, cursor=None):
    return get_deidentified(actor=person.actor, page=PageIn(limit=limit, cursor=cursor), now=now)


def rows(person, now, **page):
    return read(person, now, **page)[0].records


def walk(person, now, limit):
    """Every page of the list."""
    pages, cursor = [], None
    while True:
        page, cursor = read(person, now, limit=limit, cursor=cursor)
        pages.append(page.records)
        if cursor is None:
            return pages


class TestOneRow:
    def test_says_what_many_share_and_nothing_else(self, rita, hospital, now):
        fill(hospital, 11, diagnosis="Asthma", age_stated=43, gender="M")

        row = rows(rita, now)[0].model_dump()

        assert row.pop("pseudonym")
        assert row == {"hospital": "North", "age_band": "40-44", "gender": "M", "diagnosis": "Asthma"}

    def test_ten_people_share_too_little(self, rita, hospital, now):
        fill(hospital, 10, diagnosis="Asthma")

        assert {(row.hospital, row.diagnosis) for row in rows(rita, now)} == {("other", "other")}

    def test_spellings_count_together_and_a_rare_remark_is_other(self, rita, hospital, now):
        fill(hospital, 6, diagnosis="asthma")
        fill(hospital, 5, diagnosis="ASTHMA ")
        fill(hospital, 1, diagnosis="Asthma, as her sister Ann")

        assert Counter(row.diagnosis for row in rows(rita, now)) == {"asthma": 11, "other": 1}

    def test_a_label_sinks_to_other_with_the_eleventh_person(self, rita, hospital, now):
        records = fill(hospital, 11, diagnosis="Asthma")
        assert {row.diagnosis for row in rows(rita, now)} == {"Asthma"}

        PatientRecord.objects.filter(pk=records[0].pk).update(removed_at=now)

        assert {row.diagnosis for row in rows(rita, now)} == {"other"}

    @pytest.mark.parametrize(
        ("facts", "band"),
        [
            ({"age_stated": None}, "unknown"),
            ({"age_stated": 90}, "90+"),
            ({"age_stated": 107}, "90+"),
            ({"birth_date": date(1930, 1, 1), "deceased_on": date(1981, 1, 1), "is_deceased": True}, "50-54"),
            ({"birth_date": date(1930, 1, 1), "is_deceased": True}, "unknown"),
        ],
    )
    def test_tells_an_age_as_a_band(self, rita, hospital, now, facts, band):
        fill(hospital, 1, **facts)

        assert [row.age_band for row in rows(rita, now)] == [band]


class TestWhoIsInIt:
    @pytest.mark.parametrize(
        "facts", [{"is_restricted": True}, {"is_vouched": False, "origin": "manual"}, {"removed": True}]
    )
    def test_not_who_is_restricted_not_vouched_for_or_removed(self, rita, hospital, now, facts):
        if facts.pop("removed", False):
            facts["removed_at"] = now
        fill(hospital, 1, **facts)

        assert rows(rita, now) == []

    def test_not_a_hospital_that_was_given_up_or_never_copied_to_the_end(self, rita, now):
        fill(copied(deleted_at=now), 1)
        fill(copied(feed__fetched_at=None), 1)

        assert rows(rita, now) == []

    def test_of_a_fetched_and_a_typed_in_record_the_fetched_one_counts(self, rita, hospital, now):
        fetched = PatientRecordFactory(hospital=hospital, age_stated=30)
        PatientRecordFactory(
            hospital=hospital, origin="manual", person=fetched.person, patient_id=fetched.patient_id, age_stated=70
        )

        assert [row.age_band for row in rows(rita, now)] == ["30-34"]

    def test_the_typed_in_one_counts_once_the_hospital_has_the_person_no_more(self, rita, hospital, now):
        fetched = PatientRecordFactory(hospital=hospital, age_stated=30, removed_at=now)
        PatientRecordFactory(hospital=hospital, origin="manual", person=fetched.person, age_stated=70)

        assert [row.age_band for row in rows(rita, now)] == ["70-74"]

    @pytest.mark.parametrize("removed", [False, True])
    def test_typing_a_restricted_person_in_again_does_not_lift_it(self, rita, hospital, now, removed):
        fetched = PatientRecordFactory(hospital=hospital, is_restricted=True, removed_at=now if removed else None)
        PatientRecordFactory(hospital=hospital, origin="manual", person=fetched.person)

        assert rows(rita, now) == []

    def test_a_removed_person_is_gone_from_the_next_answer(self, rita, hospital, now):
        records = fill(hospital, 12)
        gone = Pseudonym.objects.filter(person=records[0].person)
        assert len(rows(rita, now)) == 12

        PatientRecord.objects.filter(pk=records[0].pk).update(removed_at=now)

        assert len(rows(rita, now)) == 11
        assert gone.get().value not in {row.pseudonym for row in rows(rita, now)}


class TestPseudonyms:
    def test_stay_the_same(self, rita, hospital, now):
        fill(hospital, 12)

        assert rows(rita, now) == rows(rita, now)

    def test_of_two_researchers_share_nothing(self, rita, another_researcher, hospital, now):
        fill(hospital, 30)

        ritas = [row.pseudonym for row in rows(rita, now)]
        rolfs = [row.pseudonym for row in rows(another_researcher, now)]

        assert len(ritas) == len(rolfs) == 30
        assert not set(ritas) & set(rolfs)

    def test_come_from_chance_alone(self, rita, hospital, now):
        """They are version 4, made anew for the same person, and say neither the person's id nor the record's."""
        record = fill(hospital, 1)[0]
        first = rows(rita, now)[0].pseudonym
        Pseudonym.objects.all().delete()
        second = rows(rita, now)[0].pseudonym

        assert first != second
        assert {first.version, second.version} == {4}
        assert not {first, second} & {record.pk, record.person}

    def test_their_order_is_the_order_of_the_list_and_tells_none_of_another(self, rita, hospital, now):
        ages = [20 + number for number in range(60)]
        for age in ages:
            fill(hospital, 1, age_stated=age, name=f"Name {age}", patient_id=f"{age}")

        found = rows(rita, now)

        assert [row.pseudonym for row in found] == sorted(row.pseudonym for row in found)
        assert [row.age_band for row in found] != sorted(row.age_band for row in found)

    def test_are_given_to_everybody_in_batches(self, rita, hospital, now, monkeypatch):
        monkeypatch.setattr("federation.service.research.BATCH", 7)
        fill(hospital, 30)

        assert len(rows(rita, now)) == 30
        assert Pseudonym.objects.count() == 30

    def test_only_who_has_none_is_given_one(self, rita, hospital, now):
        fill(hospital, 12)
        before = {row.pseudonym for row in rows(rita, now)}
        fill(hospital, 3)

        assert before < {row.pseudonym for row in rows(rita, now)}
        assert Pseudonym.objects.count() == 15


class TestPages:
    def test_hold_everybody_once_in_order(self, rita, hospital, now):
        fill(hospital, 25)

        pages = walk(rita, now, limit=10)
        found = [row.pseudonym for page in pages for row in page]

        assert [len(page) for page in pages] == [10, 10, 5]
        assert found == sorted(set(found))
        assert len(found) == 25

    def test_have_cursors_that_hold_the_last_pseudonym_and_nothing_more(self, rita, hospital, now):
        fill(hospital, 25)

        page, cursor = read(rita, now, limit=10)
        packed = cursor.split(":")[0]
        content = json.loads(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))

        assert content == str(page.records[-1].pseudonym)
        assert cursor.count(":") == 1  # the rest is the signature

    def test_are_not_for_another_researcher(self, rita, another_researcher, hospital, now):
        fill(hospital, 25)
        _, cursor = read(rita, now, limit=10)

        with pytest.raises(Invalid):
            read(another_researcher, now, cursor=cursor)

    @pytest.mark.parametrize("cursor", ["", "x", A_UUID, signing.Signer(salt="else").sign_object(A_UUID)])
    def test_are_not_for_who_made_a_cursor_up(self, rita, hospital, now, cursor):
        if cursor == "":
            cursor = signing.Signer(salt=f"cursor:deidentified:{rita.id}").sign_object("not a pseudonym")

        with pytest.raises(Invalid):
            read(rita, now, cursor=cursor)

    def test_cost_the_same_however_many_rows(self, rita, hospital, now):
        fill(hospital, 40)
        read(rita, now)

        def queries(limit):
            with CaptureQueriesContext(connection) as captured:
                read(rita, now, limit=limit)
            return len(captured)

        assert queries(2) == queries(40)


class TestTheCopies:
    def test_are_described_without_saying_whose_freshest_first(self, rita, now):
        HospitalFactory(name="Stale", feed__fetched_at=now - timedelta(days=3))
        HospitalFactory(name="Never", feed__fetched_at=None)
        HospitalFactory(name="Fresh", feed__fetched_at=now - timedelta(minutes=2))

        answer, _ = read(rita, now)

        assert answer.complete == "1 of 3"
        assert [each.model_dump() for each in answer.hospitals] == [
            {"status": "fresh", "fetched_at": now - timedelta(minutes=2)},
            {"status": "stale", "fetched_at": now - timedelta(days=3)},
            {"status": "never", "fetched_at": None},
        ]


class TestOnRecord:
    def test_each_query_is_one_event_that_names_nobody(self, rita, hospital, now):
        fill(hospital, 30)

        walk(rita, now, limit=10)

        events = AuditEvent.objects.filter(action="record.deidentified")
        assert [(event.actor_id, event.outcome) for event in events] == [(rita.id, "allowed")] * 3
        assert not AuditSubject.objects.filter(event__in=events).exists()

    def test_nobody_but_researchers_gets_any_and_no_pseudonym_is_made(
        self, alice, dr_chen, erin, otto, ada, hospital, now
    ):
        fill(hospital, 12)

        for person in (alice, dr_chen, erin, otto, ada):
            with pytest.raises(NotAllowed):
                read(person, now)
        with pytest.raises(NotAllowed):
            get_deidentified(actor=SYSTEM, page=PageIn(), now=now)
        assert not Pseudonym.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestAtTheSameMoment:
    """Six first requests, each of which has found everybody without a pseudonym before any of them writes one."""

    def ask_at_once(self, person, now, monkeypatch, **options):
        everybody_looked = threading.Barrier(6)
        waited = threading.local()
        insert = Pseudonym.objects.bulk_create

        def insert_together(rows, **given):
            if not hasattr(waited, "once"):
                waited.once = everybody_looked.wait(timeout=30)
            return insert(rows, **{**given, **options})

        monkeypatch.setattr(Pseudonym.objects, "bulk_create", insert_together)
        monkeypatch.setattr("federation.service.research.BATCH", 10)
        fill(copied(), 60)
        actor = person.actor
        return in_parallel(*[lambda: get_deidentified(actor=actor, page=PageIn(limit=100), now=now)[0].records] * 6)

    def test_everybody_gets_one_name(self, rita, now, monkeypatch):
        answers = self.ask_at_once(rita, now, monkeypatch)

        assert all(len(answer) == 60 for answer in answers)
        assert all(answer == answers[0] for answer in answers)
        assert Pseudonym.objects.count() == 60

    def test_looking_first_would_not_be_enough(self, rita, now, monkeypatch):
        """The negative control: without skipping what the others wrote, they collide."""
        with pytest.raises(IntegrityError):
            self.ask_at_once(rita, now, monkeypatch, ignore_conflicts=False)
