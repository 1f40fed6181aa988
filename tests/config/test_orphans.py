"""One supervisor a home, and the end of what a killed one left behind."""

import os
import signal
import subprocess
import sys

import pytest

from config.orphans import MARK, AlreadyRunning, end_orphans, sole_supervisor
from tests.config.running import clean_environment, eventually, is_running, python

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes through /proc")

READY_THEN_WAIT = "print('ready', flush=True); import time; time.sleep(120)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + READY_THEN_WAIT


@pytest.fixture
def start():
    """Start a process that waits, with these variables: `start(code, NAME="value")`."""
    started = []

    def start_process(code=READY_THEN_WAIT, **variables):
        process = subprocess.Popen(python(code), env=clean_environment(**variables), stdout=subprocess.PIPE, text=True)
        started.append(process)
        process.stdout.readline()
        return process

    yield start_process
    for process in started:
        process.kill()
        process.communicate()


def test_ends_what_an_earlier_supervisor_left(start, tmp_path):
    with sole_supervisor(tmp_path) as mark:
        orphan = start(**mark)
    with sole_supervisor(tmp_path):
        assert orphan.wait(timeout=10) == -signal.SIGTERM


def test_kills_an_orphan_that_does_not_listen(start, tmp_path):
    orphan = start(DEAF, **{MARK: str(tmp_path)})
    end_orphans(tmp_path, grace=0.3)
    assert orphan.wait(timeout=10) == -signal.SIGKILL


def test_ends_what_an_orphan_had_started(tmp_path):
    code = """
import subprocess, sys
waiting = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"], stdout=subprocess.DEVNULL)
print(waiting.pid)
"""
    started = subprocess.run(
        python(code), env=clean_environment(**{MARK: str(tmp_path)}), stdout=subprocess.PIPE, text=True, check=True
    )
    grandchild = int(started.stdout)
    assert is_running(grandchild)
    end_orphans(tmp_path)
    eventually(lambda: not is_running(grandchild))


def test_spares_the_processes_of_another_home(start, tmp_path):
    neighbour = start(**{MARK: str(tmp_path / "elsewhere")})
    end_orphans(tmp_path)
    assert neighbour.poll() is None


def test_spares_a_foreign_process_whose_number_a_stale_pidfile_names(start, tmp_path):
    foreign = start()
    (tmp_path / "supervisor.pid").write_text(str(foreign.pid))
    with sole_supervisor(tmp_path):
        assert foreign.poll() is None
        assert (tmp_path / "supervisor.pid").read_text() == str(os.getpid())


def test_a_second_supervisor_is_refused_with_the_number_of_the_first(tmp_path):
    with (
        sole_supervisor(tmp_path),
        pytest.raises(AlreadyRunning, match=f"already running here, as process {os.getpid()}"),
        sole_supervisor(tmp_path),
    ):
        raise AssertionError("two supervisors in one home")


def test_a_refused_supervisor_ends_nothing(start, tmp_path):
    with sole_supervisor(tmp_path) as mark:
        child = start(**mark)
        with pytest.raises(AlreadyRunning), sole_supervisor(tmp_path):
            raise AssertionError("two supervisors in one home")
        assert child.poll() is None


def test_a_home_is_free_again_afterwards(tmp_path):
    with sole_supervisor(tmp_path):
        assert (tmp_path / "supervisor.pid").read_text()
    assert (tmp_path / "supervisor.pid").read_text() == ""
    with sole_supervisor(tmp_path) as mark:
        assert mark == {MARK: str(tmp_path)}
