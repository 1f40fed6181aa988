"""The real web server in a test: granian's processes on 127.0.0.1, with a home and a database of their own.

The database is of the kind that the suite runs on: on the server of `TEST_DATABASE_URL`, else a SQLite file.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import psycopg

from config import processes
from tests.config.running import ROOT, clean_environment, eventually

ADMIN = "ada"
PASSWORD = "correct horse battery"
# No answer may take longer, in seconds; a rival that waits in vain fails its test.
TIMEOUT = 60


class Server:
    """A running server at `url`, the people who use it, and the file `said` with what it says of itself."""

    def __init__(self, url: str, said: Path) -> None:
        self.url = url
        self.said = said
        self._clients: list[httpx.Client] = []

    def client(self, token: str | None = None) -> httpx.Client:
        """Return a client with a connection of its own, signed in by the token; it is closed with the server."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client = httpx.Client(base_url=self.url, headers=headers, timeout=TIMEOUT, trust_env=False)
        self._clients.append(client)
        return client

    def hang_up(self) -> None:
        """Close every client's connection; a stopping server waits for those that are open."""
        for client in self._clients:
            client.close()

    def sign_up(self, username: str) -> httpx.Client:
        """Make an account and return its client."""
        return self._with_token("/api/auth/register/", username, 201)

    def sign_in(self, username: str) -> httpx.Client:
        """Return one more client of an account; ADMIN is there from the start."""
        return self._with_token("/api/auth/login/", username, 200)

    def _with_token(self, path: str, username: str, status: int) -> httpx.Client:
        answer = httpx.post(
            self.url + path, json={"username": username, "password": PASSWORD}, timeout=TIMEOUT, trust_env=False
        )
        assert answer.status_code == status, answer.text
        return self.client(answer.json()["access"])


def made(client: httpx.Client, path: str, **body: Any) -> dict[str, Any]:
    """Create something and return it."""
    answer = client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


@contextmanager
def empty_database(server: str | None = None) -> Iterator[str]:
    """Make an empty database on the PostgreSQL server (TEST_DATABASE_URL unless given) and drop it at the end.

    Yields its URL, or "" for the embedded default where there is no server.
    """
    server = os.environ.get("TEST_DATABASE_URL") if server is None else server
    if not server:
        yield ""
        return
    name = f"polyclinic_server_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def serving(home: Path, database_url: str) -> Iterator[Server]:
    """Serve from an empty database until the end."""
    with running(prepare(home, database_url)) as server:
        yield server


def prepare(home: Path, database_url: str) -> dict[str, str]:
    """Migrate the database, make the administrator, and return the environment to serve in; throttles are off."""
    environment = clean_environment(
        DJANGO_SETTINGS_MODULE="tests.served",
        POLYCLINIC_HOME=str(home),
        DATABASE_URL=database_url,
        DEBUG="true",
        RATE_LIMITS="off",
        LOG_LEVEL="WARNING",
        ACCESS_TOKEN_LIFETIME_MIN="60",
        DJANGO_SUPERUSER_PASSWORD=PASSWORD,
    )
    administrator = ("--username", ADMIN, "--email", f"{ADMIN}@clinic.example")
    for command in (("migrate", "--verbosity", "0"), ("createsuperuser", "--noinput", *administrator)):
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *command],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return environment


@contextmanager
def running(environment: dict[str, str], application: str = "config.wsgi:application") -> Iterator[Server]:
    """Serve a WSGI application with the options of the real web server; it must answer GET /livez."""
    port = _free_port()
    *command, _ = processes.web("127.0.0.1", port).command
    said_in = Path(environment["POLYCLINIC_HOME"], "server.log")
    with said_in.open("a") as said:
        process = subprocess.Popen(
            [*command, application], env=environment, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
        )
    server = Server(f"http://127.0.0.1:{port}", said_in)
    try:
        eventually(lambda: process.poll() is not None or _answers(port), seconds=60)
        assert process.poll() is None, said_in.read_text()
        yield server
    finally:
        server.hang_up()
        _stop(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/livez", timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """End the server as an operator does; what hangs is killed with its workers."""
    process.terminate()
    try:
        process.wait(timeout=processes.WEB_DRAIN_SECONDS + 10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
