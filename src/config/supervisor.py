"""Keeps web and worker running on one machine, and leaves nothing behind.

A process that ends is started again, later each time; one that keeps ending stops everything. Each process leads a
group of its own, so that what it started goes with it. When the supervisor itself is killed, Linux tells its children
to stop; what survives even that is ended by the next one (see `config.orphans`).
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from config.processes import Process

LOOK_EVERY = 0.1  # seconds
_PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Patience:
    """How long the supervisor puts up with things; all in seconds, but `restarts`, which counts within `window`."""

    first_delay: float = 0.5
    restarts: int = 5
    window: float = 60
    grace: float = 30


@dataclass
class _Child:
    """A process under supervision: running, or due to start at `start_at` on the monotonic clock."""

    process: Process
    running: subprocess.Popen[bytes] | None = None
    start_at: float = 0
    ends: list[float] = field(default_factory=list)


class Supervisor:
    """Runs processes until a signal says stop, or until one of them cannot be kept running."""

    def __init__(
        self,
        processes: Sequence[Process],
        *,
        environment: dict[str, str],
        patience: Patience = Patience(),
        report: Callable[[str], object] = print,
    ) -> None:
        self._children = [_Child(process) for process in processes]
        self._environment = environment
        self._patience = patience
        self._report = report
        self._stop_asked = False

    def run(self, *, is_ready: Callable[[], bool] = lambda: True, announce: Callable[[], object] = lambda: None) -> int:
        """Start and watch the processes; return 0 after SIGINT, SIGTERM or SIGHUP, 1 when giving up.

        `announce` is called once, as soon as `is_ready` says so. All processes have ended when this returns. Call it
        from the main thread: signals arrive there, and Linux counts the end of the starting thread as the parent's.
        """
        signals = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # ignored: nohup, which means to outlive the terminal
            signals.append(signal.SIGHUP)
        previous = {number: signal.signal(number, self._ask_to_stop) for number in signals}
        announced = False
        try:
            while not self._stop_asked:
                if not all(self._look_after(child) for child in self._children):
                    return 1
                if not announced and is_ready():
                    announced = True
                    announce()
                time.sleep(LOOK_EVERY)
            return 0
        finally:
            self._stop()
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _ask_to_stop(self, *_: object) -> None:
        self._stop_asked = True

    def _look_after(self, child: _Child) -> bool:
        """Start the child when it is due, note when it has ended; return False to give up."""
        if child.running is None:
            return time.monotonic() < child.start_at or self._start(child)
        status = child.running.poll()
        if status is None:
            return True
        _kill_group(child.running)
        child.running = None
        return self._put_off(child, f"ended ({_describe(status)})")

    def _start(self, child: _Child) -> bool:
        supervisor = os.getpid()

        def die_with_supervisor() -> None:
            """Runs in the child before its program does."""
            if _libc is not None:
                _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != supervisor:  # it died before it could be watched
                os._exit(1)

        try:
            child.running = subprocess.Popen(  # noqa: S603  our own command lines, no shell
                child.process.command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=die_with_supervisor,  # noqa: PLW1509  this process has one thread
            )
        except OSError as failure:
            return self._put_off(child, f"could not be started ({failure.strerror})")
        return True

    def _put_off(self, child: _Child, what_happened: str) -> bool:
        """Plan the next start, twice as far away as the last one; return False after too many in the window."""
        now, patience, name = time.monotonic(), self._patience, child.process.name
        child.ends = [end for end in child.ends if now - end < patience.window] + [now]
        if len(child.ends) > patience.restarts:
            self._report(f"{name} {what_happened} {len(child.ends)} times in {patience.window:g} s; giving up")
            return False
        delay = patience.first_delay * 2 ** (len(child.ends) - 1)
        child.start_at = now + delay
        self._report(f"{name} {what_happened}; starting it again in {delay:g} s")
        return True

    def _stop(self) -> None:
        """Ask every process to stop, wait together, then kill what is left of each group."""
        running = [(child.process.name, child.running) for child in self._children if child.running]
        for _, popen in running:
            popen.terminate()
        deadline, late = time.monotonic() + self._patience.grace, []
        for name, popen in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                popen.wait(max(0, deadline - time.monotonic()))
            if popen.poll() is None:
                late.append(name)
            _kill_group(popen)
            popen.wait()
        for name in late:
            self._report(f"{name} did not stop within {self._patience.grace:g} s and was killed")


def _kill_group(leader: subprocess.Popen[bytes]) -> None:
    """Kill a process and what it started: a web server that is killed leaves workers that hold its port."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of the dead
        os.killpg(leader.pid, signal.SIGKILL)


def _describe(status: int) -> str:
    return f"exit code {status}" if status >= 0 else f"signal {-status}"
