"""`polyclinic up` as an operator meets it: real server, real worker, real database."""

import functools
import http.client
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from config.orphans import MARK
from tests.config.running import ROOT, clean_environment, eventually, is_running

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes through /proc")


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def database_url():
    """An empty database of the kind that the suite runs on; "" is the embedded default."""
    server = os.environ.get("TEST_DATABASE_URL")
    if not server:
        yield ""
        return
    name = f"polyclinic_up_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield urlsplit(server)._replace(path=f"/{name}").geturl()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def home(tmp_path):
    """Where `up` keeps what it has; ends what a failed test leaves."""
    yield tmp_path / "home"
    for pid in supervised(tmp_path / "home"):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def manage(home, database_url, tmp_path):
    """Start `manage.py …`: `manage("web", "--port", "18000", DEBUG="false")`; what it says is in the file `said`."""
    started = []

    def start(*arguments, **variables):
        variables = {
            "DJANGO_SETTINGS_MODULE": "tests.config.deployment",
            "POLYCLINIC_HOME": str(home),
            "DATABASE_URL": database_url,
            "DEBUG": "true",
            **variables,
        }
        said_in = tmp_path / f"said-{len(started)}"
        with said_in.open("w") as said:
            process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), *map(str, arguments)],
                env=clean_environment(**variables),
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        process.said = said_in
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def up(manage):
    """Start `manage.py up` with these options."""
    return functools.partial(manage, "up")


def status_of(port: int, path: str, host: str = "127.0.0.1") -> int | None:
    """The status that the server answers with; None while it does not."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers={"Host": host})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def supervised(home: Path) -> list[int]:
    """Every living process that a supervisor in this home started, and what those started."""
    mark = os.fsencode(f"{MARK}={home}")
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in entry.read_bytes().split(b"\0"):
                found.append(int(entry.parent.name))
        except OSError:
            continue
    return [pid for pid in found if is_running(pid)]


def leader(home: Path, words: str) -> int | None:
    """The process with these words in its command line that leads its group; None while there is none."""
    for pid in supervised(home):
        if words in Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ") and os.getpgid(pid) == pid:
            return pid
    return None


def test_serves_survives_a_killed_server_and_stops_clean(up, home, port):
    running = up("--port", port, "--demo")
    eventually(lambda: status_of(port, "/livez") == 200, seconds=90)
    eventually(lambda: status_of(port, "/readyz") == 200, seconds=60)  # its worker says that it lives
    eventually(lambda: "is running" in running.said.read_text())
    said = running.said.read_text()
    for address in ("/", "/swagger/", "/redoc/"):
        assert f"http://127.0.0.1:{port}{address}" in said
    assert "demo-doctor" in said

    web, worker = leader(home, "granian"), leader(home, "django worker")
    os.kill(web, signal.SIGKILL)
    eventually(lambda: leader(home, "granian") not in {None, web}, seconds=60)
    eventually(lambda: status_of(port, "/livez") == 200, seconds=60)
    assert leader(home, "django worker") == worker

    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=40) == 0
    assert supervised(home) == []
    assert status_of(port, "/livez") is None
    assert running.said.read_text().rstrip().endswith("Stopped.")


def test_a_killed_supervisor_takes_server_and_worker_along_and_the_next_one_starts(up, home, port):
    running = up("--port", port)
    eventually(lambda: status_of(port, "/livez") == 200, seconds=60)
    eventually(lambda: len(supervised(home)) > 4)
    running.kill()
    eventually(lambda: supervised(home) == [], seconds=40)

    again = up("--port", port)
    eventually(lambda: status_of(port, "/livez") == 200, seconds=60)
    again.send_signal(signal.SIGINT)
    assert again.wait(timeout=40) == 0
    assert supervised(home) == []


def test_refuses_a_port_that_is_taken_in_one_line(up):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        refused = up("--port", taken)
        assert refused.wait(timeout=60) == 1
    assert refused.said.read_text() == (
        f"CommandError: cannot listen on 127.0.0.1:{taken}: Address already in use. "
        "Choose another with --host and --port.\n"
    )


def test_refuses_a_port_that_does_not_exist(up):
    refused = up("--port", 70000)
    assert refused.wait(timeout=60) == 1
    assert refused.said.read_text().startswith("CommandError: cannot listen on 127.0.0.1:70000: there is no such port")


def test_says_that_the_database_does_not_answer_in_one_line(up, port):
    refused = up("--port", port, DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
    assert refused.wait(timeout=60) == 1
    preparing, refusal = refused.said.read_text().splitlines()
    assert preparing == "Preparing the database ..."
    assert refusal.startswith("CommandError: the database does not answer: ")


def test_refuses_to_run_twice_in_one_home(up, port):
    first = up("--port", port)
    eventually(lambda: status_of(port, "/livez") == 200, seconds=60)
    second = up("--port", port)
    assert second.wait(timeout=60) == 1
    assert second.said.read_text() == f"CommandError: already running here, as process {first.pid}\n"
    assert first.poll() is None
    first.send_signal(signal.SIGTERM)
    first.wait(timeout=40)


def test_stopping_it_while_it_prepares_is_told_in_one_line(up, port):
    running = up("--port", port)
    eventually(lambda: "Preparing" in running.said.read_text(), seconds=60)
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=40) == 130
    assert running.said.read_text().splitlines()[1:] == ["CommandError: stopped before anything was started"]


def test_web_alone_becomes_the_server(manage, port):
    running = manage("web", "--port", port)
    eventually(lambda: status_of(port, "/livez") == 200, seconds=60)
    assert "granian" in Path(f"/proc/{running.pid}/cmdline").read_text()
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=40) == 0


def test_production_serves_collected_static_files(up, home, port):
    running = up(
        "--port",
        port,
        DEBUG="false",
        SECRET_KEY="0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        ALLOWED_HOSTS="clinic.example",
    )
    eventually(lambda: status_of(port, "/livez", host="clinic.example") == 200, seconds=90)
    assert (home / "static" / "staticfiles.json").exists()
    assert status_of(port, "/static/ninja/swagger-ui.css", host="clinic.example") == 301  # to https
    assert status_of(port, "/livez") == 400  # a host that is not ours
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=40) == 0
