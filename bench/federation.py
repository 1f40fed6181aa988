"""Copying hospitals: records per second and memory, the clinic beside a bare script that upserts the same rows.

Both read the same documents from the same server on this machine and fill the same table of a database of their own,
in one process each. Rounds are interleaved; medians and ratios are printed, nothing is asserted. From the project's
folder: `python -m bench.federation --postgres URL`; README.md beside this file says how to read it.
"""

import argparse
import json
import multiprocessing
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

from tests.servers import empty_database, prepare

# How many hospitals, and how many records each of them has.
TASKS = {"1 hospital of 100,000": (1, 100_000), "200 hospitals of 500": (200, 500)}
CONTESTANTS = {"polyclinic": "bench.polyclinic_federation", "bare script": "bench.bare_federation"}
PASSES = ("first copy", "the same again", "a tenth changed")


@dataclass
class Result:
    """What one contestant showed in one task, a value for each round: seconds a pass, and bytes of memory."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in PASSES})
    growth: list[int] = field(default_factory=list)
    peak: list[int] = field(default_factory=list)


# --- The hospitals --------------------------------------------------------------------------------------------------
def write_document(count: int, round_: int) -> bytes:
    """Return a hospital's document; every tenth patient has another name in a later round."""
    records = [
        {
            "patient_id": f"P{number:07}",
            "name": f"Rosa {number} Elsewhere{round_ if number % 10 == 0 else ''}",
            "age": number % 100,
            "condition": f"Chronic sinusitis {number % 50}",
        }
        for number in range(count)
    ]
    return json.dumps({"hospital_name": "Elsewhere", "location": "There", "records": records}).encode()


def serve(ready: Connection) -> None:
    """Serve `/<count>/<round>/<any>` until killed."""
    documents = {f"{count}/{round_}": write_document(count, round_) for _, count in TASKS.values() for round_ in (0, 1)}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = documents["/".join(self.path.split("/")[1:3])]
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    ready.send(server.server_port)
    server.serve_forever()


@contextmanager
def hospitals() -> Iterator[str]:
    """Serve in a process of its own, so that its work counts for nobody; yields the address."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(there,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        process.terminate()
        process.join()


# --- The measurement ------------------------------------------------------------------------------------------------
def copy_once(module: str, url: str, task: str, environment: dict[str, str], result: Result) -> None:
    """Have one contestant, in a process of its own, do all passes of a task on an empty table."""
    count, records = TASKS[task]
    done = subprocess.run(
        [sys.executable, "-m", module, url, str(count), str(records)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    said = json.loads(done.stdout)
    for name, seconds in zip(PASSES, said["seconds"], strict=True):
        result.seconds[name].append(seconds)
    result.growth.append(said["peak"] - said["before"])
    result.peak.append(said["peak"])


def measure(database: str, server_url: str, folder: Path, url: str, rounds: int) -> None:
    """Run all rounds on one kind of database and print what they show."""
    for task, (count, records) in TASKS.items():
        results = {name: Result() for name in CONTESTANTS}
        for round_ in range(rounds):
            for name, module in CONTESTANTS.items():
                home = folder / f"{count}-{round_}-{module}"
                home.mkdir(parents=True)
                with ExitStack() as stack:
                    environment = prepare(home, stack.enter_context(empty_database(server_url)))
                    copy_once(module, url, task, environment, results[name])
        report(f"{database}, {task}, {rounds} interleaved rounds", results, count * records)


def report(title: str, results: dict[str, Result], total: int) -> None:
    """Print one line a contestant; ratios are to the bare script."""
    bare = results["bare script"]
    print(f"\n{title}")
    print(
        f"{'records/s':14}" + "".join(f"{name:>18}{'of bare':>9}" for name in PASSES) + f"{'peak MiB':>11}{'grown':>8}"
    )
    for name, result in results.items():
        cells = ""
        for each in PASSES:
            rate, floor = total / median(result.seconds[each]), total / median(bare.seconds[each])
            cells += f"{rate:18,.0f}{rate / floor:9.2f}"
        print(f"{name:14}{cells}{median(result.peak) / 2**20:11.0f}{median(result.growth) / 2**20:8.0f}")


def main() -> None:
    """Measure on the embedded database and, where one is named, on PostgreSQL."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3, choices=range(1, 10), metavar="N")
    options.add_argument("--postgres", default="", metavar="URL", help="a server on which databases may be made")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="polyclinic-bench-") as folder, hospitals() as url:
        measure("SQLite", "", Path(folder, "sqlite"), url, chosen.rounds)
        if chosen.postgres:
            measure("PostgreSQL", chosen.postgres, Path(folder, "postgres"), url, chosen.rounds)


if __name__ == "__main__":
    main()
