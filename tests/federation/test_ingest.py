"""One copy after the other: what is new, changed, gone and back again, and what stays when a copy fails."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.db import DatabaseError, OperationalError, connection
from django.utils import timezone

from core.http import INTERACTIVE
from core.jobs import LeaseLost, Run
from core.models import Job
from federation.models import Feed, Hospital, PatientRecord, SyncProblem, SyncRun
from federation.service.ingest import copy_hospital
from federation.service.ingest.runs import LONGEST_REQUEST, MOST_PROBLEMS_KEPT
from tests.factories.federation import make_hospital, make_record
from tests.federation.peers import Reply, open_fhir, patient, serving
from tests.rivals import in_parallel


class Document:
    """A hospital of the simple format whose answer a test changes between copies."""

    def __init__(self, records=()):
        self.records = list(records)
        self.reply = None
        self.asked = 0

    def answer(self, path):
        self.asked += 1
        return self.reply or Reply({"hospital_name": "Elsewhere", "location": "There", "records": self.records})


@contextmanager
def hospital_with(records=(), **more):
    document = Document(records)
    with serving(document.answer) as url:
        yield make_hospital(endpoint=f"{url}/records", **more), document


def person(number=1, **more):
    return {"patient_id": f"P{number}", "name": f"Rosa {number}", "age": 40, "condition": "Flu", **more}


def copy(hospital, job=None, limits=INTERACTIVE):
    return copy_hospital(hospital_id=hospital.pk, limits=limits, now=timezone.now(), job=job)


def running_job(hospital, attempt=1):
    """A job in the hands of a worker, as its handler gets it."""
    row = Job.objects.create(
        kind="federation.sync_hospital",
        key=str(uuid4()),
        args={"hospital": str(hospital.pk)},
        state=Job.State.RUNNING,
        attempt=attempt,
        lease_until=timezone.now() + timedelta(minutes=5),
        run_after=timezone.now(),
        created_at=timezone.now(),
    )
    return Run(row.pk, row.kind, row.args, attempt, None)


def claimed_again(job):
    """Let another worker take the job over."""
    Job.objects.filter(pk=job.job_id).update(attempt=job.attempt + 1, state=Job.State.RUNNING)


def after_each_page(job, act):
    """The same job, but that something happens whenever a page was stored."""

    class Eventful(Run):
        def progress(self, *said):
            Run.progress(self, *said)
            act()

    return Eventful(job.job_id, job.kind, job.args, job.attempt, job.requested_by)


def rows(hospital, **columns):
    return {row.patient_id: row for row in PatientRecord.objects.filter(hospital=hospital, origin="sync", **columns)}


def live(hospital):
    return rows(hospital, removed_at=None)


def feed_of(hospital):
    return Feed.objects.get(pk=hospital.pk)


@pytest.mark.django_db
class TestCopy:
    def test_the_first_one_takes_everything_and_says_where_it_came_from(self):
        with hospital_with([person(1), person(2, age=7, condition="Cough")]) as (hospital, _):
            copied = copy(hospital)

        assert copied.state == "complete"
        found = live(hospital)["P2"]
        assert (found.name, found.age_stated, found.diagnosis, found.origin) == ("Rosa 2", 7, "Cough", "sync")
        assert (found.run_id, found.created_by_id, found.is_vouched) == (copied.run.pk, None, True)
        assert found.person == PatientRecord.person_of(hospital.pk, "P2")
        assert found.search_key == PatientRecord.key_of(name="Rosa 2", patient_id="P2", diagnosis="Cough")
        run, feed = SyncRun.objects.get(pk=copied.run.pk), feed_of(hospital)
        assert (run.state, run.pages, run.records_read, run.records_written) == ("complete", 1, 2, 2)
        assert (feed.record_count, feed.failures, feed.generation) == (2, 0, run.generation)
        assert feed.fetched_at == run.finished_at

    def test_another_one_of_the_same_writes_nothing_again(self):
        with hospital_with([person(1), person(2)]) as (hospital, _):
            first = copy(hospital).run
            before = {row.pk: (row.updated_at, row.run_id) for row in live(hospital).values()}
            second = copy(hospital).run

        assert (second.records_read, second.records_written, second.records_removed) == (2, 0, 0)
        assert {row.pk: (row.updated_at, row.run_id) for row in live(hospital).values()} == before
        assert {row.generation for row in live(hospital).values()} == {first.generation + 1}

    @pytest.mark.parametrize(
        "change",
        [{"name": "Rosa Anders"}, {"age": 41}, {"age": None}, {"condition": "Cough"}, {"gender": "F"}],
        ids=lambda change: next(iter(change)),
    )
    def test_only_what_changed_is_written(self, change):
        with hospital_with([person(1), person(2)]) as (hospital, document):
            first = copy(hospital).run
            before = live(hospital)["P2"]
            document.records[1] |= change
            second = copy(hospital).run

        after = live(hospital)["P2"]
        assert second.records_written == 1
        assert (after.pk, after.created_at, after.person) == (before.pk, before.created_at, before.person)
        assert after.run_id == second.pk
        assert live(hospital)["P1"].run_id == first.pk

    def test_who_is_gone_leaves_a_tombstone_and_may_come_back(self):
        with hospital_with([person(1), person(2)]) as (hospital, document):
            copy(hospital)
            before = live(hospital)["P2"]
            gone = document.records.pop()
            without = copy(hospital).run
            tombstone = rows(hospital)["P2"]
            still_without = copy(hospital).run
            document.records.append(gone)
            back = copy(hospital).run

        assert (without.records_removed, still_without.records_removed) == (1, 0)
        assert (tombstone.removed_at, tombstone.run_id) == (without.finished_at, without.pk)
        assert (back.records_written, back.records_removed) == (1, 0)
        after = live(hospital)["P2"]
        assert (after.pk, after.created_at, after.run_id) == (before.pk, before.created_at, back.pk)
        assert feed_of(hospital).record_count == 2

    def test_what_was_typed_in_is_never_touched_and_shares_the_person(self, alice):
        with hospital_with([person(1)]) as (hospital, document):
            typed_in = make_record(hospital, "P1", name="As typed", created_by=alice.user)
            alone = make_record(hospital, "P9", created_by=alice.user)
            before = list(PatientRecord.objects.filter(origin="manual").order_by("pk").values())
            copy(hospital)
            document.records.clear()
            copy(hospital)

        assert list(PatientRecord.objects.filter(origin="manual").order_by("pk").values()) == before
        assert rows(hospital)["P1"].person == typed_in.person
        assert alone.person not in {row.person for row in rows(hospital).values()}

    def test_other_hospitals_keep_their_records(self):
        with hospital_with([person(1)]) as (here, _), hospital_with([person(1), person(2)]) as (there, other):
            copy(here)
            copy(there)
            other.records.clear()
            copy(there)

        assert len(live(here)) == 1
        assert live(there) == {}

    def test_of_who_comes_twice_the_first_counts(self):
        records = [person(1), person(2), person(1, name="Again"), *map(person, range(3, 1300)), person(2, name="Again")]
        with hospital_with(records) as (hospital, _):
            run = copy(hospital).run

        assert {name: live(hospital)[name].name for name in ("P1", "P2")} == {"P1": "Rosa 1", "P2": "Rosa 2"}
        problems = list(SyncProblem.objects.filter(run=run).order_by("pk").values_list("page", "code", "place"))
        assert problems == [(1, "duplicate_id", "records[2]"), (2, "duplicate_id", "records[1300]")]
        assert (run.records_read, run.records_written, run.problem_count) == (1301, 1299, 2)

    def test_problems_are_counted_and_the_first_thousand_kept(self):
        with hospital_with([17] * (MOST_PROBLEMS_KEPT + 500) + [person(1)]) as (hospital, _):
            run = copy(hospital).run

        assert (run.state, run.problem_count, run.records_written) == ("complete", MOST_PROBLEMS_KEPT + 500, 1)
        assert SyncProblem.objects.filter(run=run).count() == MOST_PROBLEMS_KEPT

    def test_a_hospital_out_of_use_is_not_copied(self):
        with (
            hospital_with([person(1)], deleted_at=timezone.now()) as (hospital, document),
            pytest.raises(LookupError),
        ):
            copy(hospital)

        assert document.asked == 0


@pytest.mark.django_db
class TestFailure:
    def test_keeps_the_last_good_copy_and_says_what_went_wrong(self):
        with hospital_with([person(1)]) as (hospital, document):
            copy(hospital)
            good = feed_of(hospital)
            document.reply = Reply({}, status=500)
            copied = copy(hospital)

        assert (copied.state, copied.failure.code) == ("failed", "status")
        feed = feed_of(hospital)
        assert (feed.fetched_at, feed.record_count) == (good.fetched_at, 1)
        assert (feed.failures, feed.error_code, feed.error_detail) == (1, "status", copied.failure.detail)
        run = SyncRun.objects.get(pk=copied.run.pk)
        assert (run.state, run.error_code, run.records_read) == ("failed", "status", 0)
        assert run.finished_at is not None
        assert len(live(hospital)) == 1

    def test_within_a_request_leaves_nothing_of_the_pages_before_it(self):
        with broken_fhir() as (hospital, _):
            copied = copy(hospital)

        assert (copied.state, live(hospital)) == ("failed", {})

    def test_in_a_job_leaves_the_pages_before_it_and_removes_nobody(self):
        with broken_fhir() as (hospital, server):
            vanished = make_record(hospital, "gone")
            copied = copy(hospital, running_job(hospital))

        assert copied.state == "failed"
        assert live(hospital).keys() == {vanished.patient_id, *(one["id"] for one in server.patients[:10])}
        assert feed_of(hospital).fetched_at is None

    def test_that_may_pass_is_gone_on_with_from_its_cursor(self):
        with broken_fhir() as (hospital, server):
            make_record(hospital, "gone")
            failed = copy(hospital, running_job(hospital)).run
            server.asked.clear()
            server.rewrite = lambda path, page: page
            complete = copy(hospital, running_job(hospital)).run

        assert complete.generation == failed.generation
        assert [path for path in server.asked if "_offset" not in path] == []
        assert live(hospital).keys() == {one["id"] for one in server.patients}
        assert rows(hospital)["gone"].run_id == complete.pk

    def test_is_begun_anew_where_going_on_came_nowhere(self):
        with broken_fhir() as (hospital, server):
            first, second = (copy(hospital, running_job(hospital)).run for _ in range(2))
            server.rewrite = lambda path, page: page
            third = copy(hospital, running_job(hospital)).run

        assert (first.generation, second.generation, second.pages) == (1, 1, 0)
        assert (third.state, third.generation, third.records_read) == ("complete", 2, 25)

    def test_of_our_own_database_is_not_the_hospitals(self, monkeypatch):
        def fail(*_, **__):
            raise OperationalError("deadlock detected")

        with hospital_with([person(1)]) as (hospital, _), monkeypatch.context() as patched:
            patched.setattr("federation.service.ingest.copying.store_page", fail)
            job = running_job(hospital)
            with pytest.raises(OperationalError):
                copy(hospital, job)
            assert feed_of(hospital).failures == 0
            patched.undo()
            assert copy(hospital, job).state == "complete"

    @pytest.mark.parametrize("too", ["late", "different", "permanent"])
    def test_is_begun_anew_where_going_on_would_be_wrong(self, too):
        with broken_fhir() as (hospital, server):
            failed = copy(hospital, running_job(hospital)).run
            server.rewrite = lambda path, page: page
            if too == "permanent":
                SyncRun.objects.filter(pk=failed.pk).update(error_code="endless")
            if too == "different":
                Hospital.objects.filter(pk=hospital.pk).update(updated_at=timezone.now())
            with time_machine.travel(timezone.now() + timedelta(hours=2 if too == "late" else 0)):
                again = copy(hospital, running_job(hospital)).run

        assert (again.state, again.generation, again.records_read) == ("complete", failed.generation + 1, 25)

    def test_of_the_cursor_begins_anew_at_once(self):
        with broken_fhir() as (hospital, server):
            copy(hospital, running_job(hospital))
            forgotten = iter([Reply({}, status=410)])
            server.rewrite = lambda path, page: next(forgotten, page)
            copied = copy(hospital, running_job(hospital))

        assert (copied.state, copied.run.records_read) == ("complete", 25)
        assert list(SyncRun.objects.order_by("pk").values_list("error_code", flat=True)) == [
            "status",
            "stale_cursor",
            "",
        ]
        assert feed_of(hospital).failures == 0


@contextmanager
def broken_fhir():
    """A FHIR hospital of 25 patients, 10 a page, whose second page fails."""

    def rewrite(path, page):
        return Reply({}, status=500) if "_offset=10" in path else page

    patients = [patient(f"p{number:02}") for number in range(25)]
    with open_fhir(patients=patients, clamp=10, rewrite=rewrite) as server:
        yield make_hospital(endpoint=server.address, format="fhir_r4"), server


@pytest.mark.django_db
class TestOneAtATime:
    def test_a_copy_in_a_request_waits_for_nobody(self):
        with hospital_with([person(1)]) as (hospital, document):
            SyncRun.objects.create(hospital=hospital, generation=1, started_at=timezone.now())
            copied = copy(hospital)

        assert (copied.state, copied.run, document.asked) == ("busy", None, 0)

    def test_what_a_dead_request_left_is_ended_after_its_time(self):
        with hospital_with([person(1)]) as (hospital, _):
            left = SyncRun.objects.create(
                hospital=hospital, generation=1, started_at=timezone.now() - LONGEST_REQUEST - timedelta(seconds=1)
            )
            copied = copy(hospital)

        left.refresh_from_db()
        assert (left.state, left.error_code) == ("failed", "interrupted")
        assert copied.state == "complete"

    @pytest.mark.parametrize(
        ("state", "outcome"), [("queued", "busy"), ("running", "busy"), ("dead", "complete"), ("cancelled", "complete")]
    )
    def test_what_a_job_left_is_its_own_while_it_lives(self, state, outcome):
        with hospital_with([person(1)]) as (hospital, _):
            job = running_job(hospital)
            Job.objects.filter(pk=job.job_id).update(state=state)
            SyncRun.objects.create(hospital=hospital, job_id=job.job_id, generation=1, started_at=timezone.now())

            assert copy(hospital).state == outcome

    def test_a_worker_that_was_overtaken_writes_nothing_and_the_next_goes_on(self):
        with open_fhir(patients=[patient(f"p{number:02}") for number in range(25)], clamp=10) as server:
            hospital = make_hospital(endpoint=server.address, format="fhir_r4")
            make_record(hospital, "gone")
            job = running_job(hospital)
            with pytest.raises(LeaseLost):
                copy(hospital, after_each_page(job, lambda: claimed_again(job)))
            run = SyncRun.objects.get()
            assert (run.state, run.pages, len(live(hospital))) == ("running", 1, 11)
            server.asked.clear()
            copied = copy(hospital, replace(job, attempt=job.attempt + 1))

        assert (copied.run.pk, copied.state) == (run.pk, "complete")
        assert [path for path in server.asked if "_offset" not in path] == []
        complete = SyncRun.objects.get()
        assert (complete.pages, complete.records_read, complete.records_written, complete.records_removed) == (
            3,
            25,
            25,
            1,
        )
        assert len(live(hospital)) == 25

    def test_a_worker_that_dies_when_all_is_copied_leaves_nothing_to_do(self):
        with hospital_with([person(1)]) as (hospital, document):
            job = running_job(hospital)
            first = copy(hospital, job)
            claimed_again(job)
            second = copy(hospital, replace(job, attempt=job.attempt + 1))

        assert (second.state, second.run.pk) == ("complete", first.run.pk)
        assert (document.asked, SyncRun.objects.count()) == (1, 1)

    @pytest.mark.parametrize(
        "change", [{"api_endpoint": "https://new.example/"}, {"format": "json"}, {"deleted_at": True}]
    )
    def test_a_hospital_that_changes_meanwhile_is_not_mixed_with_what_it_was(self, change):
        change = {name: timezone.now() if value is True else value for name, value in change.items()}
        with open_fhir(patients=[patient(f"p{number:02}") for number in range(25)], clamp=10) as server:
            hospital = make_hospital(endpoint=server.address, format="fhir_r4")
            changing = lambda: Hospital.objects.filter(pk=hospital.pk).update(**change)  # noqa: E731
            copied = copy(hospital, after_each_page(running_job(hospital), changing))

        assert copied.state == "busy"
        assert len(live(hospital)) == 10
        assert feed_of(hospital).fetched_at is None


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_a_hospital_is_asked():
    """The hospital, in a thread of its own, writes to the database before it answers: nobody holds a lock."""
    held = []

    def rewrite(path, page):
        try:
            SyncProblem.objects.all().delete()
            Hospital.objects.update(location=path[:100])
        except DatabaseError as failure:
            held.append(failure)
        finally:
            connection.close()
        return page

    patients = [patient(f"p{number:02}") for number in range(25)]
    with open_fhir(patients=patients, clamp=10, includes=False, rewrite=rewrite) as server:
        hospital = make_hospital(endpoint=server.address, format="fhir_r4")
        assert copy(hospital, running_job(hospital)).state == "complete"
        assert copy(hospital).state == "complete"

    assert held == []


@pytest.mark.django_db(transaction=True)
def test_of_copies_at_the_same_moment_one_does_the_work():
    document = Document([person(number) for number in range(50)])
    with serving(document.answer) as url:
        hospital = make_hospital(endpoint=f"{url}/records")
        copies = in_parallel(*[lambda: copy(hospital)] * 6)

    states = [copied.state for copied in copies]
    assert set(states) <= {"complete", "busy"}
    assert states.count("complete") == document.asked == SyncRun.objects.count()
    assert len(live(hospital)) == 50
