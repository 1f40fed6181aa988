"""Jobs through the API: one's own, with their progress; administrators see and stop them all."""

from datetime import timedelta
from uuid import uuid4

import pytest

from core import jobs
from core.models import AuditEvent, Job
from tests.core.errands import ask, errand, job

pytestmark = pytest.mark.django_db

NOT_FOUND = {
    "type": "about:blank",
    "title": "There is no such thing here",
    "status": 404,
    "detail": "There is no such thing here",
    "code": "not_found",
}


@pytest.fixture
def kind():
    with errand(lambda run: {"records": 3}) as name:
        yield name


def ids(answer):
    assert answer.status_code == 200, answer.content
    return [each["id"] for each in answer.json()]


class TestReading:
    def test_shows_how_far_it_is_and_how_it_ended(self, alice, kind):
        asked = ask(requested_by=alice.id)
        waiting = alice.api.get(f"/api/jobs/{asked}/").json()
        jobs.run_job(asked)
        done = alice.api.get(f"/api/jobs/{asked}/").json()

        assert waiting["progress"] == {"done": 0, "total": None, "message": ""}
        assert (waiting["state"], waiting["result"], waiting["error"]) == ("queued", None, None)
        assert (done["state"], done["result"], done["error"]) == ("done", {"records": 3}, None)
        assert (done["kind"], done["attempt"], done["requested_by"]) == (kind, 1, str(alice.id))
        assert done["created_at"] <= done["started_at"] <= done["finished_at"]

    def test_shows_the_error(self, alice, kind):
        asked = ask(requested_by=alice.id)
        Job.objects.filter(pk=asked).update(state="dead", error_code="timeout", error_detail="It did not answer.")

        assert alice.api.get(f"/api/jobs/{asked}/").json()["error"] == {
            "code": "timeout",
            "detail": "It did not answer.",
        }

    def test_lists_ones_own_newest_first_and_all_for_an_administrator(self, alice, bob, ada, kind):
        first, second, bobs, systems = (str(ask(requested_by=owner)) for owner in (alice.id, alice.id, bob.id, None))

        assert ids(alice.api.get("/api/jobs/")) == [second, first]
        assert ids(ada.api.get("/api/jobs/")) == [systems, bobs, second, first]

    def test_filters_by_kind_and_state(self, ada, kind):
        with errand(lambda run: {}, kind="test.other") as other:
            done, waiting, another = ask(), ask(), ask(other)
            jobs.run_job(done)

        assert ids(ada.api.get("/api/jobs/", {"kind": kind})) == [str(waiting), str(done)]
        assert ids(ada.api.get("/api/jobs/", {"kind": "test.other"})) == [str(another)]
        assert ids(ada.api.get("/api/jobs/", {"state": "done"})) == [str(done)]
        assert ada.api.get("/api/jobs/", {"state": "lost"}).status_code == 422

    def test_hides_other_peoples_jobs(self, alice, bob, kind):
        asked = ask(requested_by=bob.id)

        for address in (f"/api/jobs/{asked}/", f"/api/jobs/{uuid4()}/"):
            answer = alice.api.get(address)
            assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
        assert alice.api.post(f"/api/jobs/{asked}/cancel/").status_code == 404
        assert job(asked).state == "queued"

    def test_reading_leaves_no_event_because_jobs_name_no_patients(self, alice, kind):
        alice.api.get(f"/api/jobs/{ask(requested_by=alice.id)}/")
        alice.api.get("/api/jobs/")

        assert not AuditEvent.objects.filter(action__startswith="job").exists()

    def test_what_ended_a_month_ago_is_forgotten(self, now, kind):
        old, young, waiting = ask(), ask(), ask()
        Job.objects.filter(pk=old).update(state="done", finished_at=now - timedelta(days=31))
        Job.objects.filter(pk=young).update(state="done", finished_at=now - timedelta(days=29))

        assert jobs.forget_old_jobs(now=now) == 1
        assert set(Job.objects.values_list("pk", flat=True)) == {young, waiting}
        assert jobs.find_job(old) is None
        assert jobs.find_job(young).state == "done"


class TestCancel:
    def test_stops_a_waiting_job_at_once(self, alice, kind):
        asked = ask(requested_by=alice.id)
        answer = alice.api.post(f"/api/jobs/{asked}/cancel/")
        jobs.run_job(asked)

        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
        assert (job(asked).state, job(asked).attempt) == ("cancelled", 0)
        assert job(asked).finished_at is not None

    @pytest.mark.parametrize("notice", [lambda run: run.keep(), lambda run: run.progress(1, 2)])
    def test_a_running_job_notices_when_it_says_how_far_it_is(self, alice, notice):
        def handler(run):
            answers.append(alice.api.post(f"/api/jobs/{run.job_id}/cancel/").json())
            answers.append(alice.api.post(f"/api/jobs/{run.job_id}/cancel/").json())
            notice(run)
            raise AssertionError("it went on")

        answers = []
        with errand(handler):
            asked = ask(requested_by=alice.id)
            jobs.run_job(asked)

        assert [(answer["state"], answer["cancel_asked"]) for answer in answers] == [("running", True)] * 2
        assert (job(asked).state, job(asked).error_code) == ("cancelled", "")
        assert alice.api.get(f"/api/jobs/{asked}/").json()["cancel_asked"] is False

    def test_a_job_that_never_notices_is_done(self, alice):
        with errand(lambda run: alice.api.post(f"/api/jobs/{run.job_id}/cancel/") and {}):
            asked = ask(requested_by=alice.id)
            jobs.run_job(asked)

        assert job(asked).state == "done"

    def test_a_job_that_fails_after_that_is_not_tried_again(self, alice):
        def handler(run):
            alice.api.post(f"/api/jobs/{run.job_id}/cancel/")
            raise ValueError

        with errand(handler):
            asked = ask(requested_by=alice.id)
            jobs.run_job(asked)

        assert job(asked).state == "cancelled"

    def test_a_job_whose_worker_vanished_is_stopped_by_the_reaper(self, alice, kind, now):
        asked = ask(requested_by=alice.id)
        Job.objects.filter(pk=asked).update(state="running", attempt=1, lease_until=now + timedelta(seconds=5))
        assert alice.api.post(f"/api/jobs/{asked}/cancel/").json()["state"] == "running"
        jobs.reap(now + timedelta(seconds=6))

        assert job(asked).state == "cancelled"

    @pytest.mark.parametrize("state", ["done", "dead", "cancelled"])
    def test_what_has_ended_cannot_be_stopped(self, alice, kind, state, now):
        asked = ask(requested_by=alice.id)
        Job.objects.filter(pk=asked).update(state=state, finished_at=now)
        answer = alice.api.post(f"/api/jobs/{asked}/cancel/")

        assert (answer.status_code, answer.json()["code"]) == (409, "already_ended")

    def test_an_administrator_stops_anybodys_on_record(self, alice, ada, kind):
        asked = ask(requested_by=alice.id)
        assert ada.api.post(f"/api/jobs/{asked}/cancel/").status_code == 200

        event = AuditEvent.objects.get(action="job.cancel")
        assert (event.actor_id, event.outcome) == (ada.id, "allowed")
        assert [(each.kind, each.subject_id) for each in event.subjects.all()] == [("job", asked)]

    def test_an_attempt_that_was_refused_is_on_record_too(self, bob, alice, kind):
        asked = ask(requested_by=alice.id)
        bob.api.post(f"/api/jobs/{asked}/cancel/")

        assert AuditEvent.objects.get(action="job.cancel").outcome == "refused"
