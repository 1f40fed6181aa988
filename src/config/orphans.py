"""One supervisor a home, and what a killed one left behind.

The processes of a supervisor carry a mark in their environment, which everything that they start inherits. By the mark
the next supervisor knows them, and never by a remembered number, which may long be somebody else's.
"""

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

MARK = "POLYCLINIC_SUPERVISED_IN"
_LOOK_EVERY = 0.1  # seconds


class AlreadyRunning(Exception):
    """Another supervisor works in this home."""


@contextlib.contextmanager
def sole_supervisor(home: Path) -> Iterator[dict[str, str]]:
    """Be the only supervisor in `home`; yield the mark that the environment of its processes has to carry.

    Ends what an earlier supervisor left behind; the lock says that it is gone. Raises AlreadyRunning.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / "supervisor.pid").open("a+") as pidfile:
        try:
            fcntl.flock(pidfile, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pidfile.seek(0)
            raise AlreadyRunning(f"already running here, as process {pidfile.read().strip()}") from None
        pidfile.truncate(0)
        pidfile.write(str(os.getpid()))
        pidfile.flush()
        end_orphans(home)
        yield {MARK: str(home.resolve())}
        pidfile.truncate(0)


def end_orphans(home: Path, *, grace: float = 10) -> None:
    """End the processes that carry the mark of `home`: SIGTERM, after `grace` seconds SIGKILL.

    Needs Linux's /proc; without it nothing is ended.
    """
    deadline = time.monotonic() + grace
    orphans = _marked(home)
    _send(orphans, signal.SIGTERM)
    while orphans and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY)
        orphans = _marked(home)
    _send(orphans, signal.SIGKILL)


def _marked(home: Path) -> list[int]:
    """Return the running processes of ours whose environment names `home` as where they are supervised."""
    mark = os.fsencode(f"{MARK}={home.resolve()}")
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # ended meanwhile, or another user's
            if mark in entry.read_bytes().split(b"\0"):
                found.append(int(entry.parent.name))
    return [pid for pid in found if pid != os.getpid()]


def _send(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
