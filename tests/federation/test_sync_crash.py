"""A worker that is killed (-9) anywhere in the middle of copying hospitals: nothing is lost, doubled or stuck."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from config.processes import WORKER_OPTIONS
from tests.config.running import ROOT, eventually, python
from tests.federation.peers import FhirServer, Reply, condition, patient, serving
from tests.servers import empty_database, prepare

pytestmark = pytest.mark.prove

KILLS = 50
HOSPITALS, RECORDS, A_PAGE = 20, 500, 100
LEASE = 2  # seconds
SEED = 20261120

# Patients come and go: of so many each round lacks other ones, and some are called differently.
POOL = RECORDS + RECORDS // 25
REQUESTS = HOSPITALS // 2 * (1 + RECORDS // A_PAGE)

ASK = """
import sys, django
django.setup()
from django.db import transaction
from django.utils import timezone
from federation.models import Feed, Hospital
from federation.service.sync import submit_sync
now = timezone.now()
for entry in sys.argv[1:]:
    name, format, address = entry.split("|")
    hospital = Hospital.objects.create(name=name, format=format, api_endpoint=address, created_at=now, updated_at=now)
    Feed.objects.create(hospital=hospital)
print("ready", flush=True)
for line in sys.stdin:
    with transaction.atomic():
        for hospital in Hospital.objects.all():
            submit_sync(hospital.pk, requested_by=None, now=timezone.now())
    print("asked", flush=True)
"""


def town_in(round_):
    """Who is a patient in a round, by id, and what they are called then."""
    there = (number for number in range(POOL) if number % 26 != round_ % 26)
    return {f"p{number:04}": f"Rosa {number} {round_ if number % 5 == 0 else 0}" for number in there}


class Town:
    """Twenty hospitals, half of each format, that count what they are asked and change with each round."""

    def __init__(self):
        self.names = [f"{'fhir' if number % 2 else 'json'}-{number:02}" for number in range(HOSPITALS)]
        self.fhir = {name: FhirServer(clamp=A_PAGE) for name in self.names if name.startswith("fhir")}
        self.patients = {}
        self.reached = threading.Event()
        self._left = 0
        self._lock = threading.Lock()

    def begin(self, round_, *, until):
        """Begin a round; `reached` is set with the request of this number."""
        self.patients = town_in(round_)
        for server in self.fhir.values():
            server.patients = [
                patient(number, name=[{"family": name.split(" ", 1)[1], "given": ["Rosa"]}])
                for number, name in self.patients.items()
            ]
            server.conditions = [condition(number, condition_id=f"c{number}") for number in self.patients]
        with self._lock:
            self._left = until
        self.reached.clear()

    def answer(self, path):
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self.reached.set()
        name = path.split("/")[1]
        if name in self.fhir:
            return self.fhir[name].answer(path)
        records = [{"patient_id": number, "name": each, "age": 40} for number, each in self.patients.items()]
        return Reply({"hospital_name": name, "location": "Here", "records": records})


class Clinic:
    """A database and a queue of its own, a worker, and somebody who asks for all hospitals at once."""

    def __init__(self, home, environment, hospitals):
        self.home, self.environment = home, {**environment, "JOB_LEASE_SECONDS": str(LEASE)}
        self.worker = None
        self._asker = subprocess.Popen(
            python(ASK, *hospitals), env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._asker.stdout.readline() == "ready\n"

    def ask(self):
        self._asker.stdin.write("all\n")
        self._asker.stdin.flush()
        assert self._asker.stdout.readline() == "asked\n"

    def work(self):
        """Start the worker and wait until it beats."""
        began = datetime.now(UTC)
        with Path(self.home, "worker.log").open("a") as said:
            self.worker = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "worker"],
                env=self.environment,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        eventually(lambda: any(moment(beat) > began for [beat] in self.query("SELECT beat_at FROM core_worker")), 60)

    def kill(self):
        """Kill the worker and all that it forked, as a machine that loses its power does."""
        os.killpg(self.worker.pid, signal.SIGKILL)
        self.worker.wait()

    def close(self):
        if self.worker is not None and self.worker.poll() is None:
            self.kill()
        self._asker.stdin.close()
        self._asker.stdout.close()
        self._asker.wait(timeout=30)

    def query(self, sql):
        if url := self.environment["DATABASE_URL"]:
            with psycopg.connect(url, autocommit=True) as connection:
                return connection.execute(sql).fetchall()
        with closing(sqlite3.connect(self.home / "polyclinic.sqlite3", timeout=20)) as connection:
            return connection.execute(sql).fetchall()

    def is_done(self):
        return not self.query("SELECT 1 FROM core_job WHERE state IN ('queued', 'running')")

    def leaves_lying(self):
        """Tell whether a lost job waits for somebody although a process of the worker has nothing to do."""
        leases = self.query("SELECT lease_until FROM core_job WHERE state = 'running'")
        lost = [lease for [lease] in leases if moment(lease) < datetime.now(UTC)]
        # One process is kept for short work, whatever waits.
        return bool(lost) and len(leases) - len(lost) < WORKER_OPTIONS["workers"] - 1


def moment(value):
    """A moment as the database gives it; SQLite keeps it as text, in UTC."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value).replace(tzinfo=UTC)


@pytest.fixture
def town():
    return Town()


@pytest.fixture
def clinic(town, tmp_path):
    with ExitStack() as stack:
        url = stack.enter_context(serving(town.answer))
        hospitals = []
        for name in town.names:
            address = f"{url}/{name}/fhir/R4" if name in town.fhir else f"{url}/{name}/records"
            hospitals.append(f"{name}|{'fhir_r4' if name in town.fhir else 'json'}|{address}")
            if name in town.fhir:
                town.fhir[name].address = address
        environment = prepare(tmp_path, stack.enter_context(empty_database()))
        clinic = Clinic(tmp_path, environment, hospitals)
        stack.callback(clinic.close)
        yield clinic


def wait_until_done(clinic):
    """Wait for all jobs; returns for how many seconds a lost one was left lying at most."""
    longest, since, ends = 0.0, None, time.monotonic() + 120
    while not clinic.is_done():
        assert time.monotonic() < ends, (clinic.home / "worker.log").read_text()[-3000:]
        now = time.monotonic()
        since = (since or now) if clinic.leaves_lying() else None
        longest = max(longest, now - (since or now))
        time.sleep(0.1)
    return longest


def require_whole(clinic, town, *, round_, before):
    """Every hospital has exactly its patients, each written once, by a copy of this hospital that came to its end."""
    assert clinic.query("SELECT DISTINCT state FROM core_job") == [("done",)]
    assert clinic.query("SELECT DISTINCT state FROM federation_syncrun") == [("complete",)]
    found = clinic.query(
        "SELECT h.name, r.patient_id, r.name FROM federation_patientrecord r"
        " JOIN federation_hospital h ON h.id = r.hospital_id WHERE r.removed_at IS NULL"
    )
    wanted = [(name, number, each) for name in town.names for number, each in town.patients.items()]
    assert sorted(found) == sorted(wanted)
    changed = sum(before.get(number) != name for number, name in town.patients.items())
    gone = len(before.keys() - town.patients.keys())
    counted = clinic.query(
        "SELECT h.name, s.records_read, s.records_written, s.records_removed FROM federation_syncrun s"
        f" JOIN federation_hospital h ON h.id = s.hospital_id WHERE s.generation = {round_ + 1}"
    )
    assert sorted(counted) == [(name, RECORDS, changed, gone) for name in sorted(town.names)]
    strays = (
        "SELECT 1 FROM federation_patientrecord r JOIN federation_syncrun s ON s.id = r.run_id"
        " WHERE s.hospital_id <> r.hospital_id OR s.generation > r.generation AND r.removed_at IS NULL"
    )
    assert clinic.query(strays) == []


def test_nothing_is_lost_doubled_or_stuck(clinic, town, proof_scale, record_property):
    chance, before = random.Random(SEED), {}
    kills, longest = round(KILLS * proof_scale), 0.0
    clinic.work()
    for round_ in range(kills):
        town.begin(round_, until=chance.randint(1, REQUESTS))
        pause = chance.uniform(0, 0.05)
        clinic.ask()
        assert town.reached.wait(60)
        time.sleep(pause)
        clinic.kill()
        clinic.work()
        longest = max(longest, wait_until_done(clinic))
        require_whole(clinic, town, round_=round_, before=before)
        before = dict(town.patients)

    [[jobs, attempts]] = clinic.query("SELECT count(*), sum(attempt) FROM core_job")
    record_property("kills", kills)
    record_property("attempts beyond the first", attempts - jobs)
    record_property("longest left lying, s", round(longest, 1))
    assert jobs == kills * HOSPITALS
    assert longest <= 2 * LEASE
    assert attempts > jobs, "no kill met a job at work, so this proves nothing"
