"""The two processes of a running clinic, web and worker: how each is started, on one machine and in a container."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from core.queue import MAX_DELAY

WEB_WORKERS = 2
WEB_THREADS = 4
# How long a stopping process may finish the requests and tasks it has begun, in seconds. Whoever stops it from outside
# (the supervisor, a container's stop_grace_period) waits longer than this before it kills.
WEB_DRAIN_SECONDS = 10
WORKER_DRAIN_SECONDS = 25

# Options of huey's consumer. Processes and not threads: a task's timeout works in these alone. One more than copy
# hospitals at the same time, so that a report need not wait for them.
WORKER_OPTIONS = {
    "workers": 3,
    "worker_type": "process",
    "max_delay": MAX_DELAY,
    "graceful_signal": "TERM",
    "shutdown_timeout": WORKER_DRAIN_SECONDS,
}


@dataclass(frozen=True)
class Process:
    """A program to run: its name in messages and its command line, program first."""

    name: str
    command: tuple[str, ...]


def web(host: str, port: int) -> Process:
    """Return the web server, listening on exactly this address; it logs warnings only and no access lines."""
    options = {
        "--interface": "wsgi",
        "--host": host,
        "--port": str(port),
        "--workers": str(min(WEB_WORKERS, os.cpu_count() or 1)),
        "--blocking-threads": str(WEB_THREADS),
        "--workers-kill-timeout": str(WEB_DRAIN_SECONDS),
        "--log-level": "warning",
    }
    switches = ("--respawn-failed-workers", "--no-ws", "--no-access-log")
    pairs = [part for pair in options.items() for part in pair]
    return Process("web", (sys.executable, "-m", "granian", *pairs, *switches, "config.wsgi:application"))


def worker() -> Process:
    """Return the task worker: the command `worker`, which runs huey's consumer."""
    return Process("worker", (sys.executable, "-m", "django", "worker"))


def environment() -> dict[str, str]:
    """Return the environment for a process: ours, and `src` on the path for a checkout that is not installed."""
    source = str(Path(__file__).resolve().parents[1])
    paths = [source, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
