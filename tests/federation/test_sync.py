"""Having hospitals copied: asked for by administrators or by the clock, done by jobs, and looked at afterwards."""

import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

import federation.service
from core import jobs
from core.audit import find_events
from core.errors import Invalid, NotAllowed, NotFound
from core.http import OutboundError
from core.models import Job
from core.pagination import PageIn
from federation.models import Feed, Hospital, SyncProblem, SyncRun
from federation.service import schedule
from federation.service.breaker import FAILURES, note_failure, note_success, seconds_closed_to
from federation.service.ingest.runs import LONGEST_REQUEST, close_abandoned_runs, forget_old_problems
from federation.service.sync import KIND, PROBLEMS_SHOWN, submit_sync
from tests.factories.federation import make_hospital
from tests.federation.peers import Reply, serving
from tests.rivals import in_parallel

pytestmark = pytest.mark.django_db


@contextmanager
def answering(*replies, **more):
    """A hospital that answers these, one after the other, and the last one for ever; `asked` counts the requests."""
    asked = []

    def answer(path):
        asked.append(path)
        return replies[min(len(asked), len(replies)) - 1]

    with serving(answer) as url:
        yield make_hospital(endpoint=f"{url}/records", **more), asked


GOOD = Reply({"records": [{"patient_id": 1, "name": "Rosa"}, {"patient_id": 2, "name": "Rafael"}, 17]})
BROKEN = Reply({}, status=503)


def attempt(hospital, by=None):
    """One attempt at the hospital's job, asked for by an account or by the clock; returns the job's row."""
    job_id = submit_sync(hospital.pk, requested_by=by, now=timezone.now())
    Job.objects.filter(pk=job_id).update(run_after=timezone.now())
    jobs.run_job(job_id)
    return Job.objects.get(pk=job_id)


def pause_of(job):
    return (job.run_after - timezone.now()).total_seconds()


def feed_of(hospital):
    return Feed.objects.get(pk=hospital.pk)


class TestAsking:
    def test_an_administrator_gets_a_job(self, ada, now):
        with answering(GOOD) as (hospital, asked):
            job_id = federation.service.request_sync(actor=ada.actor, hospital_id=hospital.pk, now=now).job

        job = Job.objects.get(pk=job_id)
        assert (job.kind, job.args, job.requested_by) == (KIND, {"hospital": str(hospital.pk)}, ada.id)
        assert asked == []

    def test_is_recorded(self, ada, now):
        hospital = make_hospital()
        federation.service.request_sync(actor=ada.actor, hospital_id=hospital.pk, now=now)

        [event] = find_events(page=PageIn(), scope="test", action="hospital.sync").items
        assert (event.actor_id, [subject.id for subject in event.subjects]) == (ada.id, [hospital.pk])

    def test_twice_is_one_job(self, ada, now):
        hospital = make_hospital()
        asked = [federation.service.request_sync(actor=ada.actor, hospital_id=hospital.pk, now=now) for _ in range(2)]

        assert asked[0] == asked[1]

    @pytest.mark.parametrize("who", ["alice", "dr_chen", "erin", "rita", "otto"])
    def test_nobody_else_may(self, who, request, now):
        actor, hospital = request.getfixturevalue(who).actor, make_hospital()

        with pytest.raises(NotAllowed):
            federation.service.request_sync(actor=actor, hospital_id=hospital.pk, now=now)
        with pytest.raises(NotAllowed):
            federation.service.list_syncs(actor=actor, hospital_id=hospital.pk, page=PageIn())
        assert Job.objects.count() == 0

    def test_a_hospital_out_of_use_is_not_there(self, ada, now):
        hospital = make_hospital(deleted_at=now)

        with pytest.raises(NotFound):
            federation.service.request_sync(actor=ada.actor, hospital_id=hospital.pk, now=now)
        with pytest.raises(NotFound):
            federation.service.list_syncs(actor=ada.actor, hospital_id=hospital.pk, page=PageIn())


class TestJob:
    def test_ends_with_the_run_and_its_counts(self, ada):
        with answering(GOOD) as (hospital, _):
            job = attempt(hospital, by=ada.id)

        run = SyncRun.objects.get()
        assert (job.state, run.job_id) == ("done", job.pk)
        counts = {"read": 2, "written": 2, "removed": 0, "problems": 1}
        assert job.result == {"hospital": str(run.hospital_id), "run": str(run.pk), **counts}
        assert job.progress_done == 2

    def test_progress_counts_towards_what_the_last_copy_had(self):
        with answering(GOOD) as (hospital, _):
            assert attempt(hospital).progress_total is None
            assert attempt(hospital).progress_total == 2

    @pytest.mark.parametrize("change", [{"role": "doctor"}, {"is_active": False}])
    def test_has_the_rights_of_its_requester_when_it_runs(self, ada, change):
        with answering(GOOD) as (hospital, asked):
            for name, value in change.items():
                setattr(ada.user, name, value)
            ada.user.save()
            job = attempt(hospital, by=ada.id)

        assert (job.state, asked, SyncRun.objects.count()) == ("dead", [], 0)

    @pytest.mark.parametrize(
        ("reply", "code"),
        [
            (Reply({}, status=404), "status"),
            (Reply({}, status=401), "unauthorized"),
            (Reply({}, status=302, headers={"Location": "/elsewhere"}), "redirected"),
            (Reply({}), "wrong_shape"),
            (Reply(body=b"<html>"), "not_json"),
        ],
    )
    def test_gives_up_where_trying_again_would_not_help(self, reply, code):
        with answering(reply) as (hospital, _):
            job = attempt(hospital)

        assert (job.state, job.error_code) == ("dead", code)
        assert feed_of(hospital).error_code == code

    def test_gives_up_on_an_address_that_may_not_be_asked(self):
        job = attempt(make_hospital(endpoint="http://169.254.169.254/latest"))

        assert (job.state, job.error_code) == ("dead", "unsafe_address")

    def test_gives_up_on_a_hospital_that_is_gone(self):
        hospital = make_hospital(deleted_at=timezone.now())

        assert attempt(hospital).error_code == "not_found"

    def test_tries_again_what_may_pass_and_succeeds(self):
        with answering(BROKEN, BROKEN, GOOD) as (hospital, _):
            first = attempt(hospital)
            assert (first.state, SyncRun.objects.get().state) == ("queued", "failed")
            assert 2 < pause_of(first) <= 5
            second = attempt(hospital)
            assert 7 < pause_of(second) <= 15
            third = attempt(hospital)

        assert (third.pk, third.state, third.attempt) == (first.pk, "done", 3)
        assert feed_of(hospital).failures == 0

    def test_dies_after_five_attempts(self):
        with answering(BROKEN) as (hospital, asked):
            states = [attempt(hospital).state for _ in range(5)]

        assert states == ["queued"] * 4 + ["dead"]
        assert len(asked) == 5

    @pytest.mark.parametrize(("asked_for", "honoured"), [("100", 100), ("86400", 3600), ("0", 0)])
    def test_waits_as_long_as_the_hospital_asks_an_hour_at_most(self, asked_for, honoured):
        with answering(Reply({}, status=429, headers={"Retry-After": asked_for}), GOOD) as (hospital, asked):
            job = attempt(hospital)
            again = attempt(hospital)

        assert job.state == "queued"
        assert honoured - 5 < pause_of(job) <= honoured + 5
        # Whoever comes earlier is turned away without a request.
        assert len(asked) == (1 if honoured else 2)
        assert again.state == ("queued" if honoured else "done")


class TestBreaker:
    def test_opens_after_five_failures_in_a_row_and_asks_nothing_meanwhile(self, now):
        with answering(BROKEN) as (hospital, asked), time_machine.travel(now, tick=False) as clock:
            for failures in range(1, FAILURES + 1):
                assert feed_of(hospital).opens_until is None
                attempt(hospital)
                assert feed_of(hospital).failures == failures
            assert feed_of(hospital).opens_until == now + timedelta(seconds=60)
            clock.shift(59)
            kept_away = attempt(hospital)

        assert len(asked) == FAILURES
        assert (kept_away.state, kept_away.error_code) == ("queued", "later")
        assert SyncRun.objects.count() == FAILURES

    def test_lets_one_probe_through_and_closes_when_that_succeeds(self, now):
        with answering(*[BROKEN] * (FAILURES + 1), GOOD) as (hospital, asked), time_machine.travel(now) as clock:
            for _ in range(FAILURES):
                attempt(hospital)
            clock.shift(61)
            attempt(hospital)
            assert len(asked) == FAILURES + 1
            assert 119 < seconds_closed_to(feed_of(hospital), now=timezone.now()) <= 120
            attempt(hospital)
            assert len(asked) == FAILURES + 1
            clock.shift(121)
            attempt(hospital)

        feed = feed_of(hospital)
        assert (feed.failures, feed.opens_until, feed.error_code, feed.error_detail) == (0, None, "", "")

    def test_doubles_up_to_half_an_hour(self, now):
        feed, failure = Feed(), OutboundError("timeout", "It did not answer in time.")
        pauses = []
        for _ in range(40):
            note_failure(feed, failure, now=now)
            pauses.append(seconds_closed_to(feed, now=now))

        assert pauses[:10] == [0, 0, 0, 0, 60, 120, 240, 480, 960, 1800]
        assert set(pauses[10:]) == {1800}
        note_success(feed)
        assert seconds_closed_to(feed, now=now) == 0


class TestHistory:
    def test_shows_the_attempts_newest_first_with_their_problems(self, ada):
        with answering(GOOD, BROKEN) as (hospital, _):
            complete, failed = attempt(hospital), attempt(hospital)
            runs = federation.service.list_syncs(actor=ada.actor, hospital_id=hospital.pk, page=PageIn()).items

        assert [(run.job, run.state) for run in runs] == [(failed.pk, "failed"), (complete.pk, "complete")]
        assert (runs[0].error_code, runs[0].error, runs[0].problems) == (
            "status",
            "The hospital answered with status 503.",
            [],
        )
        assert (runs[1].problem_count, [(each.page, each.code, each.place) for each in runs[1].problems]) == (
            1,
            [(1, "not_an_object", "records[2]")],
        )

    def test_shows_the_first_hundred_problems_of_each(self, ada, now):
        hospital = make_hospital()
        for _ in range(2):
            run = SyncRun.objects.create(hospital=hospital, generation=1, state="complete", started_at=now)
            SyncProblem.objects.bulk_create(
                SyncProblem(run=run, page=1, code="not_an_object", place=f"records[{n}]") for n in range(150)
            )

        runs = federation.service.list_syncs(actor=ada.actor, hospital_id=hospital.pk, page=PageIn()).items

        assert [len(run.problems) for run in runs] == [PROBLEMS_SHOWN] * 2
        assert runs[0].problems[-1].place == "records[99]"

    def test_comes_in_pages_of_one_hospital(self, ada, now):
        hospital, other = make_hospital(), make_hospital()
        for each in (hospital, other, hospital, hospital):
            SyncRun.objects.create(hospital=each, generation=1, state="complete", started_at=now)

        first = federation.service.list_syncs(actor=ada.actor, hospital_id=hospital.pk, page=PageIn(limit=2))
        rest = PageIn(limit=2, cursor=first.next_cursor)
        second = federation.service.list_syncs(actor=ada.actor, hospital_id=hospital.pk, page=rest)

        assert (len(first.items), len(second.items), second.next_cursor) == (2, 1, None)
        with pytest.raises(Invalid):
            federation.service.list_syncs(actor=ada.actor, hospital_id=other.pk, page=rest)


@pytest.mark.django_db(transaction=True)
def test_the_clock_and_a_copy_at_work_never_wait_for_each_other(now):
    """A copy holds its job when it comes to the feed; the clock must not hold the feed when it comes to the job."""
    hospital = make_hospital(sync_every_minutes=60, feed={"due_at": now})
    job_id = submit_sync(hospital.pk, requested_by=None, now=now)
    fenced = threading.Event()

    def copies():
        with transaction.atomic():
            Job.objects.filter(pk=job_id).update(lease_until=now + timedelta(minutes=1))
            fenced.set()
            time.sleep(0.5)
            feed = Feed.objects.select_for_update().get(pk=hospital.pk)
            feed.save(update_fields=["attempted_at"])

    def looks_at_the_clock():
        fenced.wait(10)
        return schedule.submit_due_syncs(now=now)

    assert in_parallel(copies, looks_at_the_clock) == [None, 1]


class TestClock:
    def test_has_those_copied_that_are_due(self, now):
        due = make_hospital(sync_every_minutes=60, feed={"due_at": now - timedelta(minutes=1)})
        make_hospital(sync_every_minutes=60, feed={"due_at": now + timedelta(minutes=1)})
        make_hospital(sync_every_minutes=None, feed={"due_at": now - timedelta(minutes=1)})
        make_hospital(sync_every_minutes=60, deleted_at=now, feed={"due_at": now - timedelta(minutes=1)})
        make_hospital(sync_every_minutes=60, feed={"due_at": now, "opens_until": now + timedelta(seconds=9)})

        assert schedule.submit_due_syncs(now=now) == 1
        job = Job.objects.get()
        assert (job.args, job.requested_by) == ({"hospital": str(due.pk)}, None)

    def test_spreads_the_next_copies(self, now):
        for _ in range(40):
            make_hospital(sync_every_minutes=60, feed={"due_at": now})
        schedule.submit_due_syncs(now=now)

        pauses = {(due_at - now).total_seconds() / 60 for due_at in Feed.objects.values_list("due_at", flat=True)}
        assert len(pauses) == 40
        assert 54 <= min(pauses) < 58
        assert 62 < max(pauses) <= 66

    def test_asks_once_however_often_it_looks(self, now):
        hospital = make_hospital(sync_every_minutes=60, feed={"due_at": now})

        assert [schedule.submit_due_syncs(now=now) for _ in range(3)] == [1, 0, 0]
        Feed.objects.filter(pk=hospital.pk).update(due_at=now)
        assert schedule.submit_due_syncs(now=now) == 1
        assert Job.objects.count() == 1

    def test_asks_once_where_two_look_at_the_same_moment(self, now, monkeypatch):
        hospital = make_hospital(sync_every_minutes=60, feed={"due_at": now})
        seen = schedule._find_due(now)
        assert schedule.submit_due_syncs(now=now) == 1
        Job.objects.update(state="done")
        monkeypatch.setattr(schedule, "_find_due", lambda _: seen)

        assert schedule.submit_due_syncs(now=now) == 0
        assert not Job.objects.filter(key=f"sync:{hospital.pk}", state="queued").exists()

    def test_forgets_what_could_not_be_taken_a_week_ago(self, now):
        for age in (6, 8):
            began = now - timedelta(days=age)
            run = SyncRun.objects.create(
                hospital=make_hospital(), generation=1, state="complete", started_at=began, finished_at=began
            )
            SyncProblem.objects.create(run=run, page=1, code="not_an_object", place=f"records[{age}]")

        assert forget_old_problems(now=now) == 1
        assert SyncProblem.objects.get().place == "records[6]"

    def test_ends_what_dead_requests_and_jobs_left(self, now):
        early = now - LONGEST_REQUEST - timedelta(seconds=1)
        hospitals = [make_hospital() for _ in range(4)]
        alive = submit_sync(hospitals[2].pk, requested_by=None, now=now)
        ended = submit_sync(hospitals[3].pk, requested_by=None, now=now)
        Job.objects.filter(pk=ended).update(state="dead")
        for hospital, began, job in zip(hospitals, (now, early, early, early), (None, None, alive, ended), strict=True):
            SyncRun.objects.create(hospital=hospital, generation=1, job_id=job, started_at=began)

        close_abandoned_runs(now=now)

        assert list(SyncRun.objects.order_by("pk").values_list("state", flat=True)) == [
            "running",
            "failed",
            "running",
            "failed",
        ]
        assert Hospital.objects.count() == 4
