"""Jobs: asked for with the business, rung on commit, done once, tried again, dead in the end with their reason."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from core import jobs
from core.audit import audited
from core.errors import NotAllowed
from core.jobs import GiveUp, LeaseLost, RunLater
from core.models import AuditEvent, Job, Worker
from tests.core.errands import ERRAND, ask, errand, job, listening

pytestmark = pytest.mark.django_db


@pytest.fixture
def rings():
    """Every ring of the bell: the job and the delay."""
    heard: list[tuple[UUID, float]] = []
    with listening(lambda job_id, delay: heard.append((job_id, delay))):
        yield heard


def fail(sentence: str = "canary-4711"):
    def handler(run):
        raise ValueError(sentence)

    return handler


class TestSubmit:
    def test_rings_when_the_business_commits_and_carries_the_id_alone(self, rings, django_capture_on_commit_callbacks):
        with errand(lambda run: {}), django_capture_on_commit_callbacks(execute=True):
            asked = ask(args={"hospital": "secret"})
            assert rings == []

        assert rings == [(asked, 0.0)]

    def test_goes_away_with_the_business_that_rolls_back(self, rings):
        with errand(lambda run: {}), transaction.atomic():
            ask()
            transaction.set_rollback(True)

        assert not Job.objects.exists()
        assert rings == []

    def test_a_key_names_one_live_job(self, django_capture_on_commit_callbacks, rings):
        with errand(lambda run: {}), django_capture_on_commit_callbacks(execute=True):
            first, second, other = ask(key="sync:1"), ask(key="sync:1"), ask(key="sync:2")
            jobs.run_job(first)
            third = ask(key="sync:1")

        assert first == second
        assert len({first, other, third}) == 3
        assert [job_id for job_id, _ in rings] == [first, other, third]

    def test_the_database_keeps_a_key_to_one_live_job_too(self, now):
        row = {"kind": "k", "key": "sync:1", "run_after": now, "created_at": now}
        Job.objects.create(**row)
        with pytest.raises(IntegrityError), transaction.atomic():
            Job.objects.create(**row, state=Job.State.RUNNING, lease_until=now)

        Job.objects.create(**row, state=Job.State.DEAD)

    def test_begins_no_sooner_than_it_may(self, now, rings, django_capture_on_commit_callbacks):
        done = []
        with errand(lambda run: done.append(run) or {}), django_capture_on_commit_callbacks(execute=True):
            asked = ask(run_after=now + timedelta(minutes=10), now=now)
        jobs.run_job(asked)

        assert rings == [(asked, 600.0)]
        assert done == []
        assert job(asked).state == "queued"

    def test_one_that_waits_can_be_hastened(self, now, rings, django_capture_on_commit_callbacks):
        with errand(lambda run: {}):
            waiting = ask(run_after=now + timedelta(hours=1))
            with django_capture_on_commit_callbacks(execute=True):
                jobs.hasten(waiting, now=now)
                jobs.hasten(waiting, now=now)
            jobs.run_job(waiting)

        assert rings == [(waiting, 0.0)]
        assert job(waiting).state == "done"

    def test_refuses_a_kind_that_nobody_does(self):
        with pytest.raises(LookupError):
            ask("test.nobodys")

    def test_refuses_a_second_handler_for_a_kind(self):
        with errand(fail()), pytest.raises(ValueError, match="has a handler"):
            jobs.register(ERRAND, fail())

    def test_a_bell_that_fails_loses_nothing(self, now, django_capture_on_commit_callbacks):
        def broken(job_id, delay):
            raise ConnectionError("the queue is away")

        with errand(lambda run: {}), listening(broken), django_capture_on_commit_callbacks(execute=True):
            asked = ask(now=now)
        assert job(asked).state == "queued"

        heard = []
        with listening(lambda job_id, delay: heard.append(job_id)):
            assert jobs.reap(now + timedelta(seconds=59)) == 0
            assert jobs.reap(now + timedelta(seconds=61)) == 1
            assert jobs.reap(now + timedelta(seconds=62)) == 0
        assert heard == [asked]


class TestRun:
    def test_is_done_once_with_its_result(self):
        runs = []

        def handler(run):
            runs.append(run)
            run.progress(1, 2, "half of it")
            return {"count": 2, "hospital": uuid4()}

        requester = uuid4()
        with errand(handler):
            asked = ask(args={"hospital": "h"}, requested_by=requester)
            jobs.run_job(asked)
            jobs.run_job(asked)

        [run] = runs
        assert (run.job_id, run.kind, run.args, run.attempt) == (asked, ERRAND, {"hospital": "h"}, 1)
        assert run.requested_by == requester
        row = job(asked)
        assert (row.state, row.result["count"], row.attempt, row.error_code) == ("done", 2, 1, "")
        assert (row.progress_done, row.progress_total, row.progress_message) == (1, 2, "half of it")
        assert row.lease_until is None
        assert row.finished_at is not None

    def test_its_handler_runs_outside_any_transaction(self, transactional_db):
        depths = []

        def handler(run):
            depths.append(transaction.get_connection().in_atomic_block)
            return {}

        with errand(handler):
            asked = ask()  # rings at once: there is no transaction to wait for

        assert depths == [False]
        assert job(asked).state == "done"

    def test_what_nobody_here_does_waits_for_a_worker_that_does(self):
        with errand(fail()):
            asked = ask()
        jobs.run_job(asked)

        assert (job(asked).state, job(asked).attempt) == ("queued", 0)

    def test_a_job_that_is_not_there_is_no_failure(self):
        jobs.run_job(uuid4())

    @pytest.mark.parametrize(("attempt", "least", "most"), [(1, 2.5, 5), (2, 10, 20), (3, 40, 80), (4, 160, 320)])
    def test_a_failure_is_tried_again_after_a_growing_pause(self, rings, now, attempt, least, most):
        with errand(fail()), time_machine.travel(now, tick=False):
            asked = ask(now=now)
            Job.objects.filter(pk=asked).update(attempt=attempt - 1)
            jobs.run_job(asked)

        row = job(asked)
        assert row.state == "queued"
        assert timedelta(seconds=least) <= row.run_after - now <= timedelta(seconds=most)
        assert rings == [(asked, (row.run_after - now).total_seconds())]

    def test_the_pauses_differ(self, rings):
        with errand(fail()):
            for _ in range(8):
                jobs.run_job(ask())

        assert len({delay for _, delay in rings}) > 4

    def test_dies_at_the_fifth_failure_with_its_error(self, rings, now):
        with errand(fail()):
            asked = ask(now=now)
            for hour in range(7):
                with time_machine.travel(now + timedelta(hours=hour)):
                    jobs.run_job(asked)

        row = job(asked)
        assert (row.state, row.attempt, row.error_code) == ("dead", 5, "failed")
        assert row.finished_at is not None
        assert len(rings) == 4

    def test_keeps_its_error_while_it_waits_and_loses_it_with_success(self, now, rings):
        handlers = [fail(), lambda run: {}]
        with errand(lambda run: handlers.pop(0)(run)):  # noqa: PLW0108  another one each time
            asked = ask(now=now)
            jobs.run_job(asked)
            assert job(asked).error_code == "failed"
            with time_machine.travel(now + timedelta(minutes=1)):
                jobs.run_job(asked)

        assert (job(asked).state, job(asked).error_code, job(asked).error_detail) == ("done", "", "")

    def test_the_error_of_a_surprise_is_our_own_sentence(self, rings):
        with errand(fail("Alma Secret has the flu")):
            asked = ask()
            jobs.run_job(asked)

        assert job(asked).error_detail == "Something unexpected happened (ValueError)."

    def test_gives_up_at_once_where_trying_again_would_not_help(self, rings):
        def handler(run):
            raise GiveUp("gone", "The hospital is not there any more.")

        with errand(handler):
            asked = ask()
            jobs.run_job(asked)

        row = job(asked)
        assert (row.state, row.error_code, row.error_detail) == ("dead", "gone", "The hospital is not there any more.")
        assert rings == []

    def test_a_refusal_is_final_and_on_record(self, ada):
        def handler(run):
            with audited(ada.actor, "report.generate"):
                raise NotAllowed("You keep no calendar.")

        with errand(handler):
            asked = ask()
            jobs.run_job(asked)

        row = job(asked)
        assert (row.state, row.error_code, row.error_detail) == ("dead", "not_allowed", "You keep no calendar.")
        assert AuditEvent.objects.get(action="report.generate").outcome == "refused"

    def test_runs_later_when_it_says_so_and_no_more_than_five_times(self, rings, now):
        def handler(run):
            raise RunLater(90, "The hospital asks for patience.")

        with errand(handler), time_machine.travel(now, tick=False) as clock:
            asked = ask(now=now)
            for _ in range(5):
                jobs.run_job(asked)
                clock.shift(89)
                jobs.run_job(asked)
                clock.shift(1)

        row = job(asked)
        assert [delay for _, delay in rings] == [90.0] * 4
        assert (row.state, row.attempt, row.error_code) == ("dead", 5, "later")

    def test_an_interrupted_attempt_goes_back_at_once(self, rings):
        def handler(run):
            raise KeyboardInterrupt

        with errand(handler):
            asked = ask()
            with pytest.raises(KeyboardInterrupt):
                jobs.run_job(asked)

        row = job(asked)
        assert (row.state, row.error_code, row.lease_until) == ("queued", "", None)
        assert rings == [(row.pk, 0.0)]


class TestLease:
    def test_progress_and_keep_renew_it(self, settings, now):
        settings.JOB_LEASE_SECONDS = 100
        seen = []

        def handler(run):
            for renew in (run.keep, lambda: run.progress(1, None), lambda: _fenced(run)):
                clock.shift(60)
                renew()
                seen.append(job(run.job_id).lease_until - timezone.now())
            return {}

        with errand(handler), time_machine.travel(now, tick=False) as clock:
            jobs.run_job(ask(now=now))

        assert seen == [timedelta(seconds=100)] * 3

    def test_nobody_claims_what_is_under_lease_and_anybody_what_is_not(self, now, settings, rings):
        attempts = []

        def handler(run):
            attempts.append(run.attempt)
            if run.attempt == 1:
                clock.shift(59)
                jobs.run_job(run.job_id)
                assert attempts == [1]
                clock.shift(2)
                jobs.run_job(run.job_id)
                assert attempts == [1, 2]
                assert job(run.job_id).state == "done"
                with pytest.raises(LeaseLost):
                    run.keep()
                with pytest.raises(LeaseLost):
                    run.progress(1, 2)
                with pytest.raises(LeaseLost), transaction.atomic():
                    run.fence()
            return {"attempt": run.attempt}

        with errand(handler), time_machine.travel(now, tick=False) as clock:
            asked = ask(now=now)
            jobs.run_job(asked)

        # The first attempt came back later, and its end was not written over that of the second.
        assert job(asked).result == {"attempt": 2}

    def test_a_fence_takes_back_what_a_lost_attempt_wrote(self, now):
        def handler(run):
            if run.attempt == 1:
                clock.shift(61)
                jobs.run_job(run.job_id)
            with transaction.atomic():
                Job.objects.filter(key="a bystander").update(progress_done=run.attempt)
                run.fence()
            return {}

        Job.objects.create(kind="k", key="a bystander", run_after=now, created_at=now)
        with errand(handler), time_machine.travel(now, tick=False) as clock:
            jobs.run_job(ask(now=now))

        assert Job.objects.get(key="a bystander").progress_done == 2

    def test_a_fence_without_a_transaction_guards_nothing_and_says_so(self, transactional_db):
        with errand(lambda run: run.fence() or {}):
            asked = ask()

        assert job(asked).error_detail.endswith("(RuntimeError).")

    def test_progress_within_a_transaction_is_refused(self, transactional_db):
        def handler(run):
            with transaction.atomic():
                run.progress(1, 2)
            return {}

        with errand(handler):
            asked = ask()

        assert job(asked).error_detail.endswith("(RuntimeError).")

    def test_a_job_whose_workers_vanish_five_times_dies(self, now, rings):
        with errand(fail()):
            asked = ask(now=now)
        for attempt in range(5):
            moment = now + timedelta(minutes=2 * attempt)
            Job.objects.filter(pk=asked).update(
                state="running", attempt=attempt + 1, lease_until=moment + timedelta(minutes=1), rung_at=None
            )
            jobs.reap(moment)
            assert job(asked).state == "running"
            jobs.reap(moment + timedelta(seconds=61))

        row = job(asked)
        assert [job_id for job_id, _ in rings] == [asked] * 4
        assert (row.state, row.error_code, row.lease_until) == ("dead", "worker_lost", None)


class TestLane:
    def test_holds_no_more_than_it_may(self, rings):
        inside, most = [], []

        def handler(run):
            inside.append(run.job_id)
            most.append(len(inside))
            for other in waiting:
                jobs.run_job(other)
            inside.remove(run.job_id)
            return {}

        with errand(handler, at_most=2):
            waiting = [ask() for _ in range(5)]
            jobs.run_job(waiting[0])
            for job_id, _ in rings:  # each leaves room, and rings for the next
                jobs.run_job(job_id)

        assert max(most) == 2
        assert {job(each).state for each in waiting} == {"done"}

    def test_who_finds_it_full_is_rung_for_once_by_who_leaves(self, rings, now):
        def handler(run):
            if run.job_id == first:
                jobs.run_job(second)
                jobs.run_job(third)
            return {}

        with errand(handler, at_most=1):
            first, second, third = ask(), ask(), ask()
            jobs.run_job(first)
            assert [job(each).state for each in (first, second, third)] == ["done", "queued", "queued"]
            assert rings == [(second, 0.0)]
            jobs.run_job(second)
            assert rings == [(second, 0.0), (third, 0.0)]

    @pytest.mark.parametrize(("processes", "places"), [(1, 1), (2, 1), (3, 2), (9, 5)])
    def test_leaves_one_process_to_short_work(self, now, processes, places):
        for number in range(processes):
            Worker.objects.create(name=f"host:{number}", started_at=now, beat_at=now)
        Worker.objects.create(name="host:dead", started_at=now, beat_at=now - timedelta(minutes=2))
        inside, most = [], []

        def handler(run):
            inside.append(run.job_id)
            most.append(len(inside))
            for other in waiting:
                jobs.run_job(other)
            inside.remove(run.job_id)
            return {}

        with errand(handler, at_most=5):
            waiting = [ask() for _ in range(7)]
            jobs.run_job(waiting[0])

        assert max(most) == places

    def test_one_that_is_full_hides_nobody_from_the_reaper(self, now, rings, monkeypatch):
        monkeypatch.setattr("core.jobs.reaper._MOST_RINGS", 1)
        with errand(lambda run: {}):
            early, late = ask(), ask()
        Job.objects.filter(pk=early).update(rung_at=None)
        Job.objects.filter(pk=late).update(rung_at=now - timedelta(hours=1))

        jobs.reap(now + timedelta(minutes=1))

        assert [job_id for job_id, _ in rings] == [late]

    def test_a_job_whose_worker_vanished_takes_no_room(self, now):
        with errand(lambda run: {}, at_most=1):
            vanished, waiting = ask(), ask()
            Job.objects.filter(pk=vanished).update(state="running", attempt=1, lease_until=now - timedelta(seconds=1))
            jobs.run_job(waiting)

        assert job(waiting).state == "done"


def _fenced(run):
    with transaction.atomic():
        run.fence()
