"""The supervisor over real processes; it runs in a process of its own, as `polyclinic up` does."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.config.running import clean_environment, eventually, is_running, python

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes through /proc")

# Supervises the processes described in argv[1], after writing its own number; says everything on standard output.
SUPERVISE = """
import functools, json, os, sys
from config.processes import Process
from config.supervisor import Patience, Supervisor
spec = json.loads(sys.argv[1])
say = functools.partial(print, flush=True)
processes = [Process(name, tuple(command)) for name, command in spec["processes"].items()]
supervisor = Supervisor(processes, environment=dict(os.environ), patience=Patience(**spec["patience"]), report=say)
sys.exit(supervisor.run(announce=lambda: say("ready")))
"""

# Notes its number as a file in the folder argv[1], then waits.
LIVE = """
import os, pathlib, sys, time
pathlib.Path(sys.argv[1], str(os.getpid())).touch()
time.sleep(120)
"""

# The same; told to stop, finishes its work first: writes `finished`.
LIVE_AND_FINISH = """
import os, pathlib, signal, sys, time
folder = pathlib.Path(sys.argv[1])
def finish(*_):
    time.sleep(0.3)
    (folder / "finished").touch()
    sys.exit(0)
signal.signal(signal.SIGTERM, finish)
(folder / str(os.getpid())).touch()
while True:
    time.sleep(1)
"""

# The same, deaf to every polite request.
LIVE_ON = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + LIVE

# Starts a process of its own, as a web server starts workers.
LIVE_WITH_A_WORKER = (
    """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", sys.argv[2], sys.argv[1]])
"""
    + LIVE
)


def numbers_in(folder: Path) -> list[int]:
    """The processes that noted themselves, oldest first."""
    noted = [path for path in folder.iterdir() if path.name.isdigit()]
    return [int(path.name) for path in sorted(noted, key=lambda path: path.stat().st_mtime_ns)]


def living_in(folder: Path) -> list[int]:
    return [pid for pid in numbers_in(folder) if is_running(pid)]


@pytest.fixture
def folder(tmp_path):
    """Where the processes of a test note their numbers; ends what a failed test leaves."""
    yield tmp_path
    for pid in living_in(tmp_path):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def supervise(folder):
    """Start a supervisor: `supervise({"web": command}, grace=…)`."""
    started = []

    def start(processes, **patience):
        spec = json.dumps({"processes": processes, "patience": {"first_delay": 0.1, **patience}})
        started.append(
            subprocess.Popen(python(SUPERVISE, spec), env=clean_environment(), stdout=subprocess.PIPE, text=True)
        )
        return started[-1]

    yield start
    for supervisor in started:
        supervisor.terminate()
        supervisor.communicate(timeout=40)


def stop(supervisor, number=signal.SIGTERM) -> str:
    """Ask the supervisor to stop; return what it said."""
    supervisor.send_signal(number)
    return supervisor.communicate(timeout=20)[0]


def test_starts_a_killed_process_again(supervise, folder):
    supervisor = supervise({"web": python(LIVE, folder)})
    [first] = eventually(lambda: numbers_in(folder))
    os.kill(first, signal.SIGKILL)
    _, second = eventually(lambda: len(numbers_in(folder)) == 2 and numbers_in(folder))
    assert is_running(second)
    assert "web ended (signal 9); starting it again in 0.1 s" in stop(supervisor)


def test_starts_a_process_again_that_ended_by_itself(supervise, folder):
    supervisor = supervise({"web": python(LIVE, folder), "worker": python("pass")}, restarts=1)
    said = supervisor.communicate(timeout=20)[0]
    assert "worker ended (exit code 0); starting it again in 0.1 s" in said


def test_waits_twice_as_long_before_each_restart(supervise):
    supervisor = supervise({"web": python("raise SystemExit(3)")}, restarts=3)
    said = supervisor.communicate(timeout=20)[0].splitlines()
    assert [line for line in said if "again" in line] == [
        f"web ended (exit code 3); starting it again in {delay} s" for delay in ("0.1", "0.2", "0.4")
    ]


def test_gives_up_and_stops_the_other_process(supervise, folder):
    supervisor = supervise({"web": python("raise SystemExit(3)"), "worker": python(LIVE_AND_FINISH, folder)})
    said = supervisor.communicate(timeout=30)[0]
    assert supervisor.returncode == 1
    assert said.splitlines()[-1] == "web ended (exit code 3) 6 times in 60 s; giving up"
    assert living_in(folder) == []


def test_old_ends_are_forgotten(supervise, folder):
    supervisor = supervise({"web": python("raise SystemExit(3)")}, restarts=1, window=0.05)
    lines = [supervisor.stdout.readline() for _ in range(6)]
    assert supervisor.poll() is None
    assert all("again in 0.1 s" in line for line in lines if line != "ready\n")


def test_a_missing_program_counts_as_one_that_ended(supervise, folder):
    supervisor = supervise({"web": (str(folder / "missing"),)}, restarts=1)
    said = supervisor.communicate(timeout=20)[0]
    assert supervisor.returncode == 1
    assert "web could not be started (No such file or directory) 2 times" in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_everything_gracefully(supervise, folder, number):
    supervisor = supervise({"web": python(LIVE_AND_FINISH, folder)})
    eventually(lambda: numbers_in(folder))
    said = stop(supervisor, number)
    assert supervisor.returncode == 0
    assert said == "ready\n"
    assert (folder / "finished").exists()
    assert living_in(folder) == []


def test_a_terminal_that_closes_does_not_stop_what_nohup_started(folder):
    spec = json.dumps({"processes": {"web": python(LIVE, folder)}, "patience": {}})
    supervisor = subprocess.Popen(
        ("nohup", *python(SUPERVISE, spec)),
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    eventually(lambda: numbers_in(folder))
    supervisor.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert supervisor.poll() is None
    stop(supervisor)


def test_kills_what_does_not_stop_in_time(supervise, folder):
    supervisor = supervise({"web": python(LIVE_ON, folder)}, grace=0.5)
    eventually(lambda: numbers_in(folder))
    assert "web did not stop within 0.5 s and was killed" in stop(supervisor)
    assert supervisor.returncode == 0
    assert living_in(folder) == []


def test_what_a_killed_process_had_started_goes_with_it(supervise, folder):
    supervise({"web": python(LIVE_WITH_A_WORKER, folder, LIVE_ON)})
    web = eventually(lambda: len(numbers_in(folder)) == 2 and _leader(numbers_in(folder)))
    first_generation = numbers_in(folder)
    os.kill(web, signal.SIGKILL)
    eventually(lambda: len(living_in(folder)) == 2 and not set(living_in(folder)) & set(first_generation))


def test_stopping_takes_along_what_a_process_had_started(supervise, folder):
    supervisor = supervise({"web": python(LIVE_WITH_A_WORKER, folder, LIVE_ON)})
    eventually(lambda: len(numbers_in(folder)) == 2)
    stop(supervisor)
    eventually(lambda: living_in(folder) == [])


def test_a_killed_supervisor_leaves_nothing_running(supervise, folder):
    supervisor = supervise({"web": python(LIVE, folder), "worker": python(LIVE_AND_FINISH, folder)})
    eventually(lambda: len(numbers_in(folder)) == 2)
    supervisor.kill()
    eventually(lambda: living_in(folder) == [])
    assert (folder / "finished").exists()  # told to stop, not killed: requests and tasks are finished


def test_announces_once(supervise, folder):
    supervisor = supervise({"web": python(LIVE, folder)})
    [pid] = eventually(lambda: numbers_in(folder))
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: len(numbers_in(folder)) == 2)
    assert stop(supervisor).count("ready") == 1


def _leader(pids: list[int]) -> int:
    """The one of these processes that leads their group."""
    [leader] = {os.getpgid(pid) for pid in pids}
    return leader
