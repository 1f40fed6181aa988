"""The day's four tables: computed once, the same for everybody, safe as `test_attacker` says."""

import threading
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from core.actor import SYSTEM
from core.errors import NotAllowed
from core.models import AuditEvent
from federation.models import PatientRecord, Release
from federation.schemas import Dimension
from federation.service import compute_release, get_statistics
from federation.tasks import compute_statistics
from tests.factories import HospitalFactory, PatientRecordFactory
from tests.federation.attacker import recover
from tests.rivals import in_parallel

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NEXT_DAY = NOON + timedelta(days=1)


def copied(name="North"):
    """A hospital whose records we have."""
    return HospitalFactory(name=name, feed__fetched_at=NOON - timedelta(days=9))


def fill(hospital, people, **facts):
    PatientRecordFactory.create_batch(people, hospital=hospital, **facts)


def table(statistics, dimension):
    return next(each for each in statistics.tables if each.dimension == dimension)


def counts(statistics, dimension):
    return {cell.label: cell.count for cell in table(statistics, dimension).cells}


@pytest.fixture
def clinic_town(db):
    """Three hospitals: two that are large, one of three people; a few rare things among the many."""
    north, south, tiny = (copied(name) for name in ("North", "South", "Tiny"))
    fill(north, 30, diagnosis="Asthma", gender="F", age_stated=35)
    fill(north, 20, diagnosis="Influenza", gender="M", age_stated=50)
    fill(south, 25, diagnosis="Asthma", gender="M", age_stated=65)
    fill(south, 4, diagnosis="Gout", gender="F", age_stated=95)
    fill(tiny, 3, diagnosis="A rare remark", gender="O", age_stated=None)
    return north, south, tiny


class TestTheTables:
    def test_hide_the_few_and_the_next_smallest(self, otto, clinic_town):
        statistics = get_statistics(actor=otto.actor, now=NOON)

        assert [each.dimension for each in statistics.tables] == list(get_args(Dimension))
        assert counts(statistics, "hospital") == {"North": 50, "South": None, "other": None}
        assert counts(statistics, "diagnosis") == {"Asthma": 55, "Influenza": None, "other": None}
        assert counts(statistics, "age_band") == {
            "0-19": 0,
            "20-39": 30,
            "40-59": 20,
            "60-79": 25,
            "80+": None,
            "unknown": None,
        }
        assert counts(statistics, "gender") == {"M": 45, "F": None, "O": None, "U": 0}

    def test_round_the_total(self, otto, clinic_town):
        assert get_statistics(actor=otto.actor, now=NOON).total == 80

    def test_tell_an_attacker_nothing(self, otto, clinic_town):
        answer = otto.api.get("/api/aggregated-data/statistics/").json()

        assert sum(cell["hidden"] for each in answer["tables"] for cell in each["cells"]) == 8
        assert recover(answer) == {}

    def test_are_in_an_order_that_does_not_follow_the_counts(self, otto):
        hospital = copied("Every")
        for diagnosis, people in (("Gout", 12), ("asthma", 13), ("Zoster", 40), ("Measles", 11)):
            fill(hospital, people, diagnosis=diagnosis)

        found = list(counts(get_statistics(actor=otto.actor, now=NOON), "diagnosis"))

        assert found == ["asthma", "Gout", "Measles", "Zoster"]

    def test_leave_out_who_is_no_part_of_research(self, otto, clinic_town):
        north, *_ = clinic_town
        fill(north, 40, is_restricted=True)
        fill(north, 40, origin="manual", is_vouched=False)
        fill(north, 40, removed_at=NOON)
        for record in PatientRecord.objects.filter(hospital=north, diagnosis="Influenza")[:15]:
            PatientRecordFactory(hospital=north, origin="manual", person=record.person, patient_id=record.patient_id)

        assert get_statistics(actor=otto.actor, now=NOON).total == 80

    def test_of_nobody_are_empty_and_not_kept(self, otto):
        statistics = get_statistics(actor=otto.actor, now=NOON)

        assert statistics.total == 0
        assert not any(each.hidden for each in statistics.tables)
        assert not Release.objects.exists()

    def test_of_ten_people_are_kept_back_whole(self, otto):
        fill(copied(), 10)

        statistics = get_statistics(actor=otto.actor, now=NOON)

        assert statistics.total is None
        assert all(each.hidden and not each.cells for each in statistics.tables)


class TestOnceADay:
    def test_the_same_all_day_for_everybody(self, otto, rita, ada, dr_chen, clinic_town):
        first = get_statistics(actor=otto.actor, now=NOON)
        fill(clinic_town[0], 50)

        assert get_statistics(actor=otto.actor, now=NOON + timedelta(hours=11)) == first
        assert all(get_statistics(actor=each.actor, now=NOON) == first for each in (rita, ada, dr_chen))

    def test_anew_on_the_next_day_but_for_what_moved_a_little(self, otto, clinic_town):
        get_statistics(actor=otto.actor, now=NOON)
        fill(clinic_town[0], 1, diagnosis="Asthma", gender="M", age_stated=65)
        fill(clinic_town[0], 40, diagnosis="Asthma", gender="F", age_stated=35)

        second = get_statistics(actor=otto.actor, now=NEXT_DAY)

        assert counts(second, "age_band")["20-39"] == 70
        assert counts(second, "age_band")["60-79"] == 25  # 26 by now
        assert second.total == 125

    def test_by_the_clock_of_the_clinic(self, otto, clinic_town, settings):
        settings.TIME_ZONE = "Asia/Dhaka"

        assert get_statistics(actor=otto.actor, now=datetime(2026, 11, 20, 17, 59, tzinfo=UTC)).day.day == 20
        assert get_statistics(actor=otto.actor, now=datetime(2026, 11, 20, 18, 1, tzinfo=UTC)).day.day == 21

    def test_by_the_worker_before_anybody_asks(self, otto, clinic_town):
        compute_statistics.call_local()
        kept = Release.objects.get()
        fill(clinic_town[0], 50)

        assert get_statistics(actor=otto.actor, now=kept.computed_at).computed_at == kept.computed_at
        assert compute_release(now=kept.computed_at).total == 80

    def test_nothing_is_kept_of_a_record_but_counts_under_shared_labels(self, otto, clinic_town):
        get_statistics(actor=otto.actor, now=NOON)

        assert "remark" not in str(Release.objects.get().tables).casefold()
        assert "tiny" not in str(Release.objects.get().tables).casefold()


class TestWho:
    def test_others_are_refused_and_nothing_is_computed(self, alice, erin, clinic_town):
        for person in (alice, erin):
            with pytest.raises(NotAllowed):
                get_statistics(actor=person.actor, now=NOON)
        assert not Release.objects.exists()

    def test_each_reading_is_on_record_with_the_release(self, otto, clinic_town):
        get_statistics(actor=otto.actor, now=NOON)

        event = AuditEvent.objects.get(action="statistics.read")
        subject = event.subjects.get()
        assert event.actor_id == otto.id
        assert (subject.kind, subject.subject_id) == ("release", Release.objects.get().pk)

    def test_the_system_reads_them_too(self, clinic_town):
        assert get_statistics(actor=SYSTEM, now=NOON).total == 80


@pytest.mark.django_db(transaction=True)
class TestAtTheSameMoment:
    def test_one_release_wins_and_everybody_reads_it(self, otto, monkeypatch):
        """Six requests have each counted, and not the same, before any of them keeps what it computed."""
        hospital, actor = copied(), otto.actor
        fill(hospital, 40)
        everybody_counted, computed = threading.Barrier(6), []
        keep = Release.objects.get_or_create

        def keep_together(*, day, defaults):
            computed.append(defaults["tables"]["tables"]["gender"])
            everybody_counted.wait(timeout=30)
            return keep(day=day, defaults=defaults)

        monkeypatch.setattr(Release.objects, "get_or_create", keep_together)

        def read(number):
            if number:
                with all_in_turn:
                    fill(hospital, 20)
            return get_statistics(actor=actor, now=NOON).model_dump()

        all_in_turn = threading.Lock()
        answers = in_parallel(*[lambda number=number: read(number) for number in range(6)])

        assert all(answer == answers[0] for answer in answers)
        assert Release.objects.count() == 1
        assert any(each != computed[0] for each in computed)  # so there was something to win
