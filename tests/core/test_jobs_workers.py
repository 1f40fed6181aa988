"""Real workers, killed in the middle of a job: whatever queue they listen to, the job is done, once, by the next."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.config.running import ROOT, clean_environment, eventually
from tests.core.far_errands.tasks import BY_THE_CLOCK
from tests.servers import empty_database

PATIENCE = 120  # seconds; a busy machine takes long to start a worker
LEASE = 2  # seconds; a job is taken over after that, and a look of the reaper (a second here)


@dataclass
class Clinic:
    """A database and a queue of its own, workers to start and to kill, and jobs to ask for."""

    home: Path
    environment: dict[str, str]
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def command(self, *words: object) -> tuple[str, ...]:
        return (sys.executable, str(ROOT / "manage.py"), *map(str, words))

    def manage(self, *words: object) -> str:
        done = subprocess.run(
            self.command(*words), env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ask(self, kind: str, **options: object) -> list[str]:
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        return self.manage("ask_errands", kind, *words).split()

    def work(self, *words: str) -> "subprocess.Popen[bytes]":
        with (self.home / "worker.log").open("a") as said:
            worker = subprocess.Popen(
                self.command("worker", *words),
                env=self.environment,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.workers.append(worker)
        return worker

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        if url := self.environment["DATABASE_URL"]:
            with psycopg.connect(url, autocommit=True) as connection:
                return connection.execute(sql).fetchall()
        with closing(sqlite3.connect(self.home / "polyclinic.sqlite3", timeout=20)) as connection:
            return connection.execute(sql).fetchall()

    def jobs(self) -> list[tuple[str, int]]:
        return self.query("SELECT state, attempt FROM core_job ORDER BY id")

    def is_begun(self) -> bool:
        return self.query("SELECT progress_message FROM core_job") == [("begun",)]


def kill(worker: "subprocess.Popen[bytes]") -> None:
    """Kill the worker and all that it forked, as a machine that loses its power does."""
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()


@pytest.fixture
def clinic(tmp_path) -> Iterator[Callable[..., Clinic]]:
    """Make a clinic on the suite's database, with the queue that belongs to it or with Redis."""
    made: list[Clinic] = []
    with empty_database() as url:

        def make(**variables: str) -> Clinic:
            environment = clean_environment(
                DJANGO_SETTINGS_MODULE="tests.core.far_errands.settings",
                POLYCLINIC_HOME=str(tmp_path),
                DATABASE_URL=url,
                DEBUG="true",
                LOG_LEVEL="WARNING",
                JOB_LEASE_SECONDS=str(LEASE),
                **variables,
            )
            made.append(Clinic(tmp_path, environment))
            made[0].manage("migrate", "--verbosity", "0")
            return made[0]

        yield make
        for worker in [worker for clinic in made for worker in clinic.workers if worker.poll() is None]:
            kill(worker)


@pytest.fixture
def redis(tmp_path) -> Iterator["subprocess.Popen[bytes]"]:
    """A Redis of its own at `redis.url`, holding nothing but this test's queue."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("there is no redis-server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ("--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(tmp_path))
    server = subprocess.Popen((program, *options), stdout=subprocess.DEVNULL, start_new_session=True)
    server.url = f"redis://127.0.0.1:{port}/0"
    eventually(lambda: _listens(port))
    yield server
    server.kill()
    server.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(params=["the database's queue", "redis"])
def any_clinic(request, clinic) -> Clinic:
    """A clinic with each queue there is: SQLite's or PostgreSQL's, as the suite's database is, and Redis."""
    return clinic(REDIS_URL=request.getfixturevalue("redis").url) if request.param == "redis" else clinic()


def test_a_job_whose_worker_is_killed_is_done_by_the_next(any_clinic):
    any_clinic.ask("test.dawdle")
    first = any_clinic.work()
    eventually(any_clinic.is_begun, seconds=PATIENCE)
    assert any_clinic.jobs() == [("running", 1)]
    kill(first)

    any_clinic.work()
    eventually(lambda: any_clinic.jobs() == [("done", 2)], seconds=PATIENCE)


def test_the_other_process_of_a_worker_takes_over_from_one_that_is_killed(any_clinic):
    any_clinic.ask("test.dawdle")
    worker = any_clinic.work()
    eventually(any_clinic.is_begun, seconds=PATIENCE)
    [[busy]] = any_clinic.query("SELECT worker FROM core_job")
    os.kill(int(busy.split(":")[1]), signal.SIGKILL)

    eventually(lambda: any_clinic.jobs() == [("done", 2)], seconds=PATIENCE)
    [[heir]] = any_clinic.query("SELECT worker FROM core_job")
    assert heir != busy
    assert worker.poll() is None


def test_jobs_whose_rings_were_lost_with_the_queue_are_done(redis, clinic):
    one = clinic(REDIS_URL=redis.url)
    one.ask("test.nothing", count=5)
    redis.kill()  # it kept nothing on disk
    redis.wait()
    one.ask("test.nothing")  # nobody hears this one ring

    port = redis.url.rpartition(":")[2].partition("/")[0]
    again = subprocess.Popen(
        ("redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "", "--dir", str(one.home)),
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        one.work()
        eventually(lambda: one.jobs() == [("done", 1)] * 6, seconds=PATIENCE)
    finally:
        again.kill()
        again.wait()


def test_an_idle_worker_hears_the_bell_within_half_a_second(any_clinic, record_property):
    any_clinic.work()
    any_clinic.ask("test.nothing")
    eventually(lambda: any_clinic.jobs() == [("done", 1)], seconds=PATIENCE)
    time.sleep(3)  # long enough that it sleeps as long as it ever does
    any_clinic.ask("test.nothing", count=6, pause=1.1)
    eventually(lambda: any_clinic.jobs() == [("done", 1)] * 7, seconds=PATIENCE)

    waited = sorted(_seconds_between(*row) for row in any_clinic.query("SELECT created_at, started_at FROM core_job"))
    record_property("picked up after so many ms", [round(each * 1000) for each in waited])
    # The slowest may have met another program of the machine.
    assert waited[-2] <= 0.5


def test_an_orderly_end_finishes_what_has_begun(any_clinic):
    any_clinic.ask("test.hurry")
    worker = any_clinic.work()
    eventually(lambda: any_clinic.jobs() == [("running", 1)], seconds=PATIENCE)
    worker.send_signal(signal.SIGTERM)

    assert worker.wait(timeout=40) == 0
    assert any_clinic.jobs() == [("done", 1)]


def test_a_worker_says_that_it_lives_and_minds_the_clock_unless_told_not_to(clinic):
    one = clinic()
    check = subprocess.run(one.command("worker", "--check"), env=one.environment, capture_output=True, check=False)
    assert check.returncode == 1
    assert check.stderr.startswith(b"CommandError: no worker of this machine")

    further = one.work("--no-periodic")
    one.ask("test.nothing")
    eventually(lambda: one.jobs() == [("done", 1)], seconds=PATIENCE)
    assert one.manage("worker", "--check") == ""
    time.sleep(3)  # a scheduler that minds the clock looks at it every second
    marks = f"SELECT kind FROM core_lane WHERE kind = '{BY_THE_CLOCK}'"
    assert one.query(marks) == []
    kill(further)

    one.work()
    eventually(lambda: one.query(marks), seconds=PATIENCE)


def _seconds_between(begin: Any, end: Any) -> float:
    moments = [datetime.fromisoformat(each) if isinstance(each, str) else each for each in (begin, end)]
    return (moments[1] - moments[0]).total_seconds()
