"""Bookings per second: the clinic beside raw SQL and beside Django REST Framework's look-then-insert.

Each contestant runs in the same web server with the same options, for the same 16 clients. Rounds are interleaved, so
that a busy minute of the machine meets all of them; medians and ratios are printed, nothing is asserted. From the
project's folder: `python -m bench.booking --postgres URL`; README.md beside this file says how to read it.
"""

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import httpx
from tests.servers import ADMIN, Server, empty_database, made, prepare, running

CLIENTS = 16
BOOKINGS = 12  # of each client in a round
RACES = 10  # slots in a round, each for all clients at once
DAYS = 3  # of 47 slots that each doctor works; they bound the rounds
MOST_ROUNDS = DAYS * 47 // BOOKINGS - 1
RACE_DAY = 10


@dataclass
class Request:
    """A booking as a client sends it: its headers and its body, ready."""

    headers: dict[str, str]
    body: bytes


@dataclass
class Contestant:
    """A server that books, what its clients are about to ask of it, and what came of it so far.

    `own` holds a source of requests for each client, which nobody else wants; `contested` one in which the requests of
    all clients for one slot follow each other.
    """

    name: str
    url: str
    path: str
    own: list[Iterator[Request]]
    contested: Iterator[list[Request]]
    rates: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    races: int = 0
    double_booked: int = 0
    failures: int = 0


class Clients:
    """Sixteen threads with a connection each, which they keep."""

    def __init__(self, contestant: Contestant) -> None:
        address = urlsplit(contestant.url)
        self.contestant = contestant
        self.connections = [
            http.client.HTTPConnection(str(address.hostname), address.port, timeout=60) for _ in range(CLIENTS)
        ]

    def book_own(self, *, counted: bool) -> None:
        """Have every client book its own slots, one after the other, all clients at once."""
        asked = [list(islice(source, BOOKINGS)) for source in self.contestant.own]
        began = time.perf_counter()
        answers = [answer for each in self._at_once(asked) for answer in each]
        took = time.perf_counter() - began
        if counted:
            self.contestant.rates.append(len(answers) / took)
            self.contestant.seconds += [seconds for _, seconds in answers]
            self.contestant.failures += sum(status != 201 for status, _ in answers)

    def race(self) -> None:
        """Release all clients at once on one fresh slot after the other, and count the winners."""
        for requests in islice(self.contestant.contested, RACES):
            statuses = [status for [(status, _)] in self._at_once([[each] for each in requests])]
            self.contestant.races += 1
            self.contestant.double_booked += statuses.count(201) > 1
            self.contestant.failures += sum(status not in {201, 409} for status in statuses)

    def close(self) -> None:
        """Hang up."""
        for connection in self.connections:
            connection.close()

    def _at_once(self, asked: list[list[Request]]) -> list[list[tuple[int, float]]]:
        start = threading.Barrier(CLIENTS)

        def send(place: int) -> list[tuple[int, float]]:
            start.wait(timeout=60)
            return [self._send(self.connections[place], request) for request in asked[place]]

        with ThreadPoolExecutor(CLIENTS) as pool:
            return list(pool.map(send, range(CLIENTS)))

    def _send(self, connection: http.client.HTTPConnection, request: Request) -> tuple[int, float]:
        began = time.perf_counter()
        connection.request("POST", self.contestant.path, request.body, request.headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status, time.perf_counter() - began


def request(body: dict[str, Any], token: str = "") -> Request:
    """Write a booking."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    return Request(headers, json.dumps(body).encode())


# --- The contestants ------------------------------------------------------------------------------------------------
class Clinic:
    """What the clinic and raw SQL need in their common database, made through the API."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.ada = server.sign_in(ADMIN)
        self.people = [server.sign_up(f"client{number}") for number in range(CLIENTS)]
        self.accounts = [person.get("/api/profile/").json()["id"] for person in self.people]

    def slots(self, first_day: int) -> list[dict[str, Any]]:
        """Add a doctor and return the free slots, each with the doctor's id."""
        doctor = made(
            self.ada, "/api/doctors/", name="Doc", specialization="GEN", time_zone="UTC", max_appointments_per_day=47
        )["id"]
        for day in range(first_day, first_day + DAYS):
            hours = {"date": _in_days(day), "start_time": "00:00", "end_time": "23:30"}
            made(self.ada, "/api/schedules/", doctor=doctor, **hours)
        span = {"from": _in_days(first_day), "to": _in_days(first_day + DAYS)}
        found = self.ada.get(f"/api/doctors/{doctor}/slots/", params=span).json()
        return [{**slot, "doctor": doctor} for slot in found]

    def patients(self) -> list[str]:
        """Add a patient for each client."""
        return [
            made(person, "/api/patients/", name=f"Patient {place}")["id"] for place, person in enumerate(self.people)
        ]

    def contestant(self) -> Contestant:
        """The clinic's own API, with tokens."""
        patients = self.patients()
        tokens = [_token(person) for person in self.people]

        def ask(client: int, slot: dict[str, Any]) -> Request:
            body = {"doctor": slot["doctor"], "starts_at": slot["starts_at"], "patient": patients[client]}
            return request(body, tokens[client])

        return self._contestant("polyclinic", self.server.url, "/api/appointments/book/", ask)

    def raw_contestant(self, url: str) -> Contestant:
        """Raw SQL on the same tables, with doctors and patients of its own."""
        patients = self.patients()

        def ask(client: int, slot: dict[str, Any]) -> Request:
            names = ("doctor", "schedule", "starts_at", "ends_at")
            who = {"patient": patients[client], "actor": self.accounts[client]}
            return request({**who, **{name: slot[name] for name in names}})

        return self._contestant("raw SQL", url, "/", ask)

    def _contestant(self, name: str, url: str, path: str, ask: Any) -> Contestant:
        own = [map(ask, [client] * DAYS * 47, self.slots(1)) for client in range(CLIENTS)]
        contested = ([ask(client, slot) for client in range(CLIENTS)] for slot in self.slots(RACE_DAY))
        return Contestant(name, url, path, own, contested)


def drf_contestant(url: str) -> Contestant:
    """Look-then-insert: doctors and patients are numbers, and any time will do."""

    def ask(client: int, doctor: int, place: int) -> Request:
        starts_at = datetime(2031, 1, 1, tzinfo=UTC) + place * timedelta(minutes=30)
        return request({"doctor": doctor, "patient": client, "starts_at": starts_at.isoformat()})

    own = [map(ask, [client] * DAYS * 47, [client] * DAYS * 47, range(DAYS * 47)) for client in range(CLIENTS)]
    contested = ([ask(client, CLIENTS, place) for client in range(CLIENTS)] for place in range(DAYS * 47))
    return Contestant("DRF look-then-insert", url, "/book/", own, contested)


def _in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


def _token(client: httpx.Client) -> str:
    return client.headers["Authorization"].removeprefix("Bearer ")


def install_drf(folder: Path) -> str:
    """Put Django REST Framework alone into a folder; returns its version."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--target", str(folder), "djangorestframework"], check=True)
    [described] = folder.glob("djangorestframework-*.dist-info")
    return described.name.removesuffix(".dist-info").rpartition("-")[2]


# --- The measurement ------------------------------------------------------------------------------------------------
def measure(database: str, server_url: str, folder: Path, drf: Path, rounds: int) -> None:
    """Run all rounds on one database and print what they show."""
    Path(folder, "drf").mkdir(parents=True)
    with ExitStack() as stack:
        environment = prepare(folder, stack.enter_context(empty_database(server_url)))
        clinic = Clinic(stack.enter_context(running(environment)))
        raw = stack.enter_context(running(environment, "bench.raw_booking:application"))
        drf_environment = {
            **environment,
            "POLYCLINIC_HOME": str(folder / "drf"),
            "DATABASE_URL": stack.enter_context(empty_database(server_url)),
            "PYTHONPATH": f"{environment['PYTHONPATH']}:{drf}",
        }
        subprocess.run([sys.executable, "-m", "bench.drf_booking"], env=drf_environment, check=True)
        naive = stack.enter_context(running(drf_environment, "bench.drf_booking:application"))
        contestants = [clinic.contestant(), clinic.raw_contestant(raw.url), drf_contestant(naive.url)]
        crowds = [Clients(contestant) for contestant in contestants]
        for crowd in crowds:
            stack.callback(crowd.close)
            crowd.book_own(counted=False)
        for _ in range(rounds):
            for crowd in crowds:
                crowd.book_own(counted=True)
                crowd.race()
    report(database, contestants, rounds)


def report(database: str, contestants: list[Contestant], rounds: int) -> None:
    """Print one line a contestant; ratios are to raw SQL."""
    floor = median(contestants[1].rates)
    print(f"\n{database}: {CLIENTS} clients, {rounds} interleaved rounds")
    print(f"{'':22}{'bookings/s':>11}{'of raw':>8}{'p50 ms':>8}{'p99 ms':>8}{'double-booked':>20}{'failed':>8}")
    for each in contestants:
        times = sorted(each.seconds)
        p50, p99 = (1000 * times[int(len(times) * share)] for share in (0.5, 0.99))
        rate = median(each.rates)
        double = f"{each.double_booked} of {each.races} slots"
        print(f"{each.name:22}{rate:11.0f}{rate / floor:8.2f}{p50:8.1f}{p99:8.1f}{double:>20}{each.failures:8}")


def main() -> None:
    """Measure on the embedded database and, where one is named, on PostgreSQL."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5, choices=range(1, MOST_ROUNDS + 1), metavar="N")
    options.add_argument("--postgres", default="", metavar="URL", help="a server on which databases may be made")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="polyclinic-bench-") as folder:
        drf = Path(folder, "drf")
        print(f"Django REST Framework {install_drf(drf)}")
        measure("SQLite", "", Path(folder, "sqlite"), drf, chosen.rounds)
        if chosen.postgres:
            measure("PostgreSQL", chosen.postgres, Path(folder, "postgres"), drf, chosen.rounds)


if __name__ == "__main__":
    main()
