"""Ready means: the database answers, the queue answers, and somebody does the work."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError, connection

from core import jobs
from core.jobs import is_worker_alive
from core.jobs.heartbeat import Heartbeat, beat
from core.jobs.process import process_name
from core.models import Job, Worker
from core.queue import build_queue, does_queue_answer
from tests.config.running import eventually
from tests.core.errands import ask, errand, job, listening

NOT_READY = (503, {"status": "not ready"})


def readiness(nobody):
    answer = nobody.api.get("/readyz")
    return answer.status_code, answer.json()


@pytest.mark.django_db
class TestReadiness:
    def test_ready_while_a_worker_lives(self, nobody, now):
        beat(now)

        assert readiness(nobody) == (200, {"status": "ready"})

    def test_not_ready_without_a_worker(self, nobody):
        assert readiness(nobody) == NOT_READY

    @pytest.mark.parametrize(("seconds", "status"), [(58, 200), (62, 503)])
    def test_not_ready_when_the_last_one_was_silent_for_a_minute(self, nobody, now, seconds, status):
        beat(now - timedelta(seconds=seconds))

        assert readiness(nobody)[0] == status

    @pytest.mark.parametrize(
        "where",
        [
            {"redis_url": "redis://127.0.0.1:1/0", "postgres": None},
            {"redis_url": None, "postgres": {"NAME": "nothing", "HOST": "127.0.0.1", "PORT": 1}},
        ],
        ids=["redis", "postgresql"],
    )
    def test_not_ready_when_the_queue_does_not_answer(self, nobody, now, settings, tmp_path, where):
        beat(now)
        settings.HUEY = build_queue(**where, home=tmp_path, key="k")

        assert not does_queue_answer(settings.HUEY)
        assert readiness(nobody) == NOT_READY

    def test_not_ready_when_the_database_does_not_answer_and_says_no_more(self, nobody, now):
        def fail(*_):
            raise OperationalError("server canary-4711 is gone")

        beat(now)
        with connection.execute_wrapper(fail):
            assert readiness(nobody) == NOT_READY


@pytest.mark.django_db
class TestHeartbeat:
    def test_a_process_has_one_row(self, now):
        beat(now - timedelta(seconds=10))
        beat(now)

        [worker] = Worker.objects.all()
        assert (worker.name, worker.started_at, worker.beat_at) == (process_name(), now - timedelta(seconds=10), now)

    def test_another_machines_worker_is_not_this_machines(self, now):
        Worker.objects.create(name="elsewhere:1:00000000", started_at=now, beat_at=now)

        assert is_worker_alive(now)
        assert not is_worker_alive(now, here=True)
        with pytest.raises(CommandError, match="no worker of this machine"):
            call_command("worker", "--check")
        beat(now)
        call_command("worker", "--check")

    def test_workers_that_are_long_gone_are_forgotten(self, now):
        Worker.objects.create(name="gone", started_at=now, beat_at=now - timedelta(hours=25))
        Worker.objects.create(name="silent", started_at=now, beat_at=now - timedelta(hours=23))
        jobs.reap(now)

        assert [worker.name for worker in Worker.objects.all()] == ["silent"]


@pytest.mark.django_db(transaction=True)
class TestTheThread:
    def test_beats_and_reaps_at_once_and_ends_when_told(self, settings):
        settings.JOB_LEASE_SECONDS = 2
        rings = []
        with errand(lambda run: {}), listening(lambda job_id, delay: rings.append(job_id)):
            asked = ask()
            rings.clear()
            Job.objects.update(rung_at=None)
            thread = Heartbeat()
            thread.start()
            eventually(lambda: rings == [asked])
            eventually(lambda: Worker.objects.filter(name=process_name()).exists())
            thread.stop()

        assert not thread.is_alive()
        assert job(asked).state == "queued"

    def test_goes_on_after_a_failure(self, settings):
        settings.JOB_LEASE_SECONDS = 2
        thread = Heartbeat()
        with connection.schema_editor() as editor:
            editor.alter_db_table(Worker, "core_worker", "core_worker_away")
        try:
            thread.start()
            thread.join(timeout=1.5)  # long enough for a beat that finds no table
        finally:
            with connection.schema_editor() as editor:
                editor.alter_db_table(Worker, "core_worker_away", "core_worker")
        eventually(Worker.objects.exists)
        thread.stop()

        assert not thread.is_alive()
