"""Workers that want the same job at the same moment: real threads, each with its own connection."""

import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from core import jobs
from core.jobs.claim import _room_in_lane, claim
from core.jobs.kinds import find_kind
from core.models import Job, Lane
from tests.core.errands import ERRAND, ask, errand, job, listening
from tests.rivals import in_parallel

pytestmark = pytest.mark.django_db(transaction=True)

RIVALS = 8


@pytest.fixture(autouse=True)
def silence():
    """Nobody answers the bell: the tests do."""
    with listening(lambda job_id, delay: None):
        yield


def claims(*asked) -> list[Job]:
    """Let everybody claim each of these jobs at once; return the claims that were granted."""
    kind = find_kind(ERRAND)
    granted = in_parallel(
        *(
            lambda one=one, rival=rival: claim(one, kind=kind, worker=str(rival))
            for rival in range(RIVALS)
            for one in asked
        )
    )
    return [each for each in granted if each is not None]


def test_one_of_many_claims_a_job():
    with errand(lambda run: {}):
        for _ in range(5):
            [winner] = claims(asked := ask())
            assert (job(asked).worker, job(asked).attempt) == (winner.worker, 1)


def test_without_the_condition_several_would_do_it(monkeypatch):
    """The claim's condition is what keeps the others away: without it they all believe that the job is theirs."""
    monkeypatch.setattr("core.jobs.claim.claimable", lambda now: Q())
    with errand(lambda run: {}):
        assert len(claims(ask())) == RIVALS


def test_one_of_many_takes_over_when_the_lease_has_run_out():
    with errand(lambda run: {}):
        asked = ask()
        past = timezone.now() - timedelta(seconds=1)
        Job.objects.filter(pk=asked).update(state="running", attempt=2, lease_until=past)
        [winner] = claims(asked)

    assert winner.attempt == 3


@pytest.mark.parametrize("lane_is_there", [True, False])
def test_a_lane_never_holds_more_than_it_may(lane_is_there):
    if lane_is_there:
        Lane.objects.create(kind=ERRAND)
    with errand(lambda run: {}, at_most=3):
        assert len(claims(*(ask() for _ in range(6)))) == 3

    assert Job.objects.filter(state="running").count() == 3


def test_without_the_lanes_lock_it_would(monkeypatch):
    """Counting alone keeps nobody out: everybody counts before anybody is counted."""
    if transaction.get_connection().vendor == "sqlite":
        pytest.skip("its transactions hold the only write lock, with or without the lane's row")
    counted = threading.Barrier(6)

    def count(kind, now):
        room = _room_in_lane(kind, now)
        counted.wait(timeout=30)
        return room

    monkeypatch.setattr("core.jobs.claim._lock_lane", lambda kind: None)
    monkeypatch.setattr("core.jobs.claim._room_in_lane", count)
    with errand(lambda run: {}, at_most=3):
        kind, asked = find_kind(ERRAND), [ask() for _ in range(6)]
        in_parallel(*(lambda one=one: claim(one, kind=kind, worker="w") for one in asked))

    assert Job.objects.filter(state="running").count() == 6


def test_everybody_at_once_with_rings_and_reapers_does_each_job_once():
    done, lock = Counter(), threading.Lock()

    def handler(run):
        with lock:
            done[run.job_id] += 1
        run.progress(1, 1)
        return {}

    with errand(handler, at_most=2):
        asked = [ask() for _ in range(12)]

        def work():
            while Job.objects.filter(state__in=Job.LIVE).exists():
                for one in asked:
                    jobs.run_job(one)
                jobs.reap(timezone.now())

        in_parallel(*[work] * 4)

    assert done == Counter(asked)
    assert set(Job.objects.values_list("state", "attempt")) == {("done", 1)}


def test_a_key_asked_for_by_many_at_once_names_one_job():
    with errand(lambda run: {}):
        found = in_parallel(*(lambda: ask(key="sync:1") for _ in range(RIVALS)))

    assert len(set(found)) == 1
    assert Job.objects.count() == 1


def test_a_fence_holds_rivals_off_until_the_transaction_ends():
    """Who is about to commit renews the lease first: a rival that saw it run out waits, and finds it renewed."""
    fenced, claimed = threading.Event(), threading.Event()

    def write(run):
        Job.objects.filter(pk=run.job_id).update(lease_until=timezone.now() - timedelta(seconds=1))
        with transaction.atomic():
            run.fence()
            fenced.set()
            assert not claimed.wait(timeout=1), "a rival claimed in the middle of a fenced transaction"
        return {}

    def steal():
        fenced.wait(timeout=30)
        found = claim(asked, kind=kind, worker="a thief")
        claimed.set()
        return found

    with errand(write):
        asked, kind = ask(), find_kind(ERRAND)
        _, stolen = in_parallel(lambda: jobs.run_job(asked), steal)

    assert stolen is None
    assert (job(asked).state, job(asked).attempt) == ("done", 1)
