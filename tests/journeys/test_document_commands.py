"""The set-up that documents 001, 002 and 003 describe: their `.env` files, and their commands in a fresh checkout."""

import base64
import json
import os
import re
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from django.core.management import ManagementUtility
from psycopg import sql

from config.environment import Environment
from tests.architecture.source import ROOT

GOOD_KEY = "wK3v9-TzQm7_rXb2YdLc5NhGf8JpAe4UsVt6iRoZ1xMqCnBkHgDj0aWyPuElSfOI"

ENV_001 = """\
SECRET_KEY=your_secret_key
DEBUG=True
ALLOWED_HOSTS=127.0.0.1,localhost

DB_NAME=your_db_name
DB_USER=Your_db_user_name
DB_PASSWORD=Your_db_Password
DB_HOST=127.0.0.1
DB_PORT=5432

ACCESS_TOKEN_LIFETIME_MIN=30
REFRESH_TOKEN_LIFETIME_DAYS=1
"""
# The document writes `host:port` where a deployment has its own.
ENV_002 = """\
SECRET_KEY=your-secret-key-here
DEBUG=True
DATABASE_URL=postgresql://username:password@host.example:6543/database
"""
ENV_003 = """\
DEBUG=True
SECRET_KEY=your_secret_key
DATABASE_NAME=healthcare_db
DATABASE_USER=postgres
DATABASE_PASSWORD=your_password
DATABASE_HOST=localhost
DATABASE_PORT=5432
"""


@pytest.fixture
def bare_environment(monkeypatch) -> None:
    """No variable of ours is set, so that a file alone speaks."""
    for name in Environment.model_fields:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("bare_environment")
class TestEnvFiles:
    """001-19 to 001-21, 002-39, 003-17, 003-18."""

    def read(self, tmp_path: Path, text: str) -> Environment:
        (tmp_path / ".env").write_text(text)
        return Environment(_env_file=tmp_path / ".env")

    def test_reads_the_file_of_document_001(self, tmp_path):
        read = self.read(tmp_path, ENV_001)

        assert (read.SECRET_KEY, read.DEBUG, read.is_production) == ("your_secret_key", True, False)
        assert read.ALLOWED_HOSTS == ["127.0.0.1", "localhost"]
        assert (read.ACCESS_TOKEN_LIFETIME_MIN, read.REFRESH_TOKEN_LIFETIME_DAYS) == (30, 1)
        assert (
            read.database().items()
            >= {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": "your_db_name",
                "USER": "Your_db_user_name",
                "PASSWORD": "Your_db_Password",
                "HOST": "127.0.0.1",
                "PORT": 5432,
            }.items()
        )

    def test_reads_the_file_of_document_002(self, tmp_path):
        read = self.read(tmp_path, ENV_002)

        assert (read.SECRET_KEY, read.DEBUG, read.is_production) == ("your-secret-key-here", True, False)
        assert (
            read.database().items()
            >= {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": "database",
                "USER": "username",
                "PASSWORD": "password",
                "HOST": "host.example",
                "PORT": 6543,
            }.items()
        )

    def test_reads_the_file_of_document_003(self, tmp_path):
        read = self.read(tmp_path, ENV_003)

        assert (read.SECRET_KEY, read.DEBUG, read.is_production) == ("your_secret_key", True, False)
        assert (
            read.database().items()
            >= {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": "healthcare_db",
                "USER": "postgres",
                "PASSWORD": "your_password",
                "HOST": "localhost",
                "PORT": 5432,
            }.items()
        )

    def test_host_and_port_of_the_database_are_the_usual_ones_unless_said(self, tmp_path):
        database = self.read(tmp_path, "DB_NAME=clinic\n").database()

        assert (database["HOST"], database["PORT"]) == ("127.0.0.1", 5432)

    def test_where_several_name_a_database_the_address_counts_first_and_then_the_first_documents_names(self, tmp_path):
        assert self.read(tmp_path, ENV_001 + ENV_002 + ENV_003).database()["NAME"] == "database"
        assert self.read(tmp_path, ENV_001 + ENV_003).database()["NAME"] == "your_db_name"

    def test_real_variables_win_over_the_file(self, tmp_path, monkeypatch):
        monkeypatch.setenv("ACCESS_TOKEN_LIFETIME_MIN", "45")

        assert self.read(tmp_path, ENV_001).ACCESS_TOKEN_LIFETIME_MIN == 45

    def test_without_any_file_it_is_a_development_on_sqlite(self, tmp_path):
        read = self.read(tmp_path, "")

        assert not read.is_production
        assert read.database()["ENGINE"] == "django.db.backends.sqlite3"


class Checkout:
    """A newcomer's copy of the project: no `.env`, no `var`, none of our variables."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("src", "tests"):
            shutil.copytree(ROOT / name, folder / name)
        for name in ("manage.py", "pyproject.toml", "LICENSE"):
            shutil.copy2(ROOT / name, folder)
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.environment = {**inherited, "COVERAGE_FILE": str(folder / ".coverage"), "NO_COLOR": "1"}

    def write_env(self, text: str) -> None:
        (self.folder / ".env").write_text(text)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command line that the documents begin with `python` or `coverage`."""
        return subprocess.run(
            self._line(command),
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def done(self, *command: str, **environment: str) -> str:
        """Run a command that must succeed; returns what it printed."""
        run = self.run(*command, **environment)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout + run.stderr

    def converse(self, *command: str, answers: list[tuple[str, str]]) -> str:
        """Run a command at a terminal and type each answer where its prompt appears; returns the transcript."""
        ours, theirs = os.openpty()
        take_terminal = (
            "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", take_terminal, *self._line(command)],
            cwd=self.folder,
            env=self.environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        transcript = ""
        try:
            for prompt, answer in answers:
                transcript += read_until(ours, prompt)
                os.write(ours, f"{answer}\n".encode())
            transcript += read_until(ours, None)
            assert process.wait(timeout=30) == 0, transcript
        finally:
            process.kill()
            process.wait()
            os.close(ours)
        return transcript

    @contextmanager
    def serving(self) -> Iterator[httpx.Client]:
        """Run the development server on a free port, until the block ends."""
        port = free_port()
        with (self.folder / "server.log").open("w") as log:
            process = subprocess.Popen(
                # Without the reloader, which is a second process; all else is the documented command.
                self._line(("python", "manage.py", "runserver", f"127.0.0.1:{port}", "--noreload")),
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10) as client:
                    wait_for_server(client, process, self.folder / "server.log")
                    yield client
            finally:
                process.send_signal(signal.SIGINT)
                process.wait(timeout=20)

    @staticmethod
    def _line(command: tuple[str, ...]) -> list[str]:
        programs = {"python": [sys.executable], "coverage": [sys.executable, "-m", "coverage"]}
        return [*programs[command[0]], *command[1:]]


def read_until(terminal: int, prompt: str | None) -> str:
    """Read from a terminal until the prompt has appeared, or with None until the program has closed it."""
    text, deadline = "", time.monotonic() + 60
    while prompt is None or prompt not in text:
        ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"waited for {prompt!r} in vain after {text!r}"
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # Linux says so when the other side is closed
            piece = b""
        if not piece:
            assert prompt is None, f"ended before {prompt!r}: {text!r}"
            break
        text += piece.decode()
    return text


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_server(client: httpx.Client, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if client.get("/livez").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"the server does not answer: {log.read_text()}")


def claims(token: str) -> dict[str, Any]:
    """What a token says, read without checking it."""
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    return Checkout(tmp_path)


class TestSetUp:
    """000-18, 001-20 to 001-22, 002-39, 002-42: the commands of the documents, one after the other."""

    def test_the_documented_steps_end_in_a_running_server(self, checkout):
        checkout.write_env(
            "SECRET_KEY=your_secret_key\nDEBUG=True\nALLOWED_HOSTS=127.0.0.1,localhost\n"
            "ACCESS_TOKEN_LIFETIME_MIN=30\nREFRESH_TOKEN_LIFETIME_DAYS=7\n"
        )

        assert "No changes detected" in checkout.done("python", "manage.py", "makemigrations")
        assert "Applying care.0001_initial... OK" in checkout.done("python", "manage.py", "migrate")
        transcript = checkout.converse(
            "python",
            "manage.py",
            "createsuperuser",
            answers=[
                ("Username: ", "admin"),
                ("Email: ", "admin@gmail.com"),
                ("Password: ", "strongpassword"),
                ("Password (again): ", "strongpassword"),
            ],
        )
        assert "Superuser created successfully." in transcript
        assert "strongpassword" not in transcript
        with checkout.serving() as server:
            login = server.post("/api/auth/login/", json={"username": "admin", "password": "strongpassword"})
            body = login.json()
            assert (login.status_code, body["user"]["role"]) == (200, "admin")
            for token, seconds in ((body["access"], 30 * 60), (body["refresh"], 7 * 24 * 3600)):
                assert claims(token)["exp"] - claims(token)["iat"] == pytest.approx(seconds, abs=1)
            signed_in = {"Authorization": f"Bearer {body['access']}"}
            assert server.get("/api/patients/", headers=signed_in).json() == []
            assert server.get("/api/patients/").status_code == 401
            assert server.get("/swagger/").status_code == 200
            assert server.get("/static/ninja/swagger-ui.css").status_code == 200
            foreign = server.get("/api/patients/", headers={**signed_in, "Host": "evil.example"})
            assert foreign.status_code == 400
            assert foreign.headers["Content-Type"] == "application/problem+json"

    def test_works_without_any_env_file(self, checkout):
        checkout.done("python", "manage.py", "migrate")
        checkout.done("python", "manage.py", "check")

        key = checkout.folder / "var/development.key"
        assert key.stat().st_mode & 0o077 == 0
        assert (checkout.folder / "var/polyclinic.sqlite3").exists()

    def test_a_server_of_one_process_fetches_its_own_mock_hospital(self, checkout):
        """000-17, 000-18: `migrate` and `runserver`, and the one hospital that is there from the start."""
        checkout.done("python", "manage.py", "migrate")
        administrator = ("--username", "admin", "--email", "admin@clinic.example", "--noinput")
        checkout.done(
            "python", "manage.py", "createsuperuser", *administrator, DJANGO_SUPERUSER_PASSWORD="strongpassword"
        )
        with checkout.serving() as server:
            login = server.post("/api/login/", json={"email": "admin@clinic.example", "password": "strongpassword"})
            server.headers["Authorization"] = f"Bearer {login.json()['access']}"
            mock = {"name": "Mock", "location": "Here", "api_endpoint": f"{server.base_url}/api/mock_hospital_data/"}
            made = server.post("/api/hospitals/", json=mock)
            assert made.status_code == 201, made.text

            fetched = server.get(f"/api/hospitals/{made.json()['id']}/fetch_records/")
            combined = server.get("/api/aggregated-data/")

            assert (fetched.status_code, combined.status_code) == (200, 200), fetched.text + combined.text
            assert combined.json()["complete"] == "1 of 1"
            for answer in (fetched.json(), combined.json()):
                assert {each["name"] for each in answer["records"]} == {"John Doe", "Jane Smith"}

    def test_the_development_server_listens_on_port_8000_unless_told(self):
        assert ManagementUtility().fetch_command("runserver").default_port == "8000"

    @pytest.mark.parametrize("names", ["DB_", "DATABASE_", "DATABASE_URL"])
    def test_migrates_a_postgresql_database_named_in_each_documented_way(self, checkout, names, postgresql_database):
        address = urlsplit(postgresql_database)
        parts = {
            "NAME": address.path.lstrip("/"),
            "USER": address.username or "",
            "PASSWORD": address.password or "",
            "HOST": address.hostname or "",
            "PORT": str(address.port or 5432),
        }
        lines = (
            [f"DATABASE_URL={postgresql_database}"]
            if names == "DATABASE_URL"
            else [f"{names}{name}={value}" for name, value in parts.items()]
        )
        checkout.write_env("\n".join(["DEBUG=True", "SECRET_KEY=your_secret_key", *lines, ""]))

        checkout.done("python", "manage.py", "migrate")

        with psycopg.connect(postgresql_database) as connection:
            assert connection.execute("SELECT count(*) FROM care_patient").fetchone() == (0,)
        assert not (checkout.folder / "var/polyclinic.sqlite3").exists()


@pytest.fixture
def postgresql_database() -> Iterator[str]:
    """The address of an empty database like `healthcare_db`, on the server that the suite runs on."""
    server = os.environ.get("TEST_DATABASE_URL")
    if not server:
        pytest.skip("runs with the suite on PostgreSQL: TEST_DATABASE_URL names no server")
    name = f"healthcare_db_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


class TestProduction:
    """002-39, 002-40."""

    CLINIC = {"DEBUG": "False", "SECRET_KEY": GOOD_KEY, "ALLOWED_HOSTS": "clinic.example"}

    @pytest.mark.parametrize(
        ("wrong", "sentence"),
        [
            ({"SECRET_KEY": ""}, "polyclinic: SECRET_KEY: production needs one"),
            ({"SECRET_KEY": "your-secret-key-here"}, "polyclinic: SECRET_KEY: too weak"),
            ({"ALLOWED_HOSTS": ""}, "polyclinic: ALLOWED_HOSTS: production needs"),
            ({"ALLOWED_HOSTS": "*"}, "polyclinic: ALLOWED_HOSTS: '*' is refused"),
        ],
    )
    def test_does_not_start_on_the_examples_values(self, checkout, wrong, sentence):
        run = checkout.run("python", "manage.py", "check", **{**self.CLINIC, **wrong})

        assert run.returncode == 1
        assert run.stderr.startswith(sentence)
        assert run.stderr.count("\n") == 1

    def test_passes_djangos_deployment_checks(self, checkout):
        said = checkout.done("python", "manage.py", "check", "--deploy", "--fail-level", "WARNING", **self.CLINIC)

        assert "no issues" in said

    def test_sends_everybody_to_https_and_keeps_them_there(self, checkout):
        said = checkout.done(
            "python",
            "manage.py",
            "shell",
            "--no-imports",
            "-c",
            "from django.test import Client\n"
            "client = Client(headers={'Host': 'clinic.example'})\n"
            "plain = client.get('/api/patients/')\n"
            "secure = client.get('/api/patients/', secure=True)\n"
            "print(plain.status_code, plain['Location'])\n"
            "print(secure.status_code, secure['Strict-Transport-Security'])\n",
            LOG_LEVEL="ERROR",
            **self.CLINIC,
        )

        assert said.splitlines() == [
            "301 https://clinic.example/api/patients/",
            "401 max-age=31536000; includeSubDomains; preload",
        ]

    def test_the_handbook_speaks_of_https_backups_and_monitoring(self):
        handbook = (ROOT / "docs/operations.md").read_text()

        for subject in ("https", "backup", "monitor"):
            assert re.search(rf"^#+ .*{subject}", handbook, flags=re.IGNORECASE | re.MULTILINE), subject


class TestTests:
    """002-42, 003-19."""

    def test_the_test_command_runs_the_tests(self, checkout):
        said = checkout.done("python", "manage.py", "test", "tests/architecture/test_honest_tests.py")

        assert re.search(r"\b[1-9]\d* passed\b", said)

    def test_the_test_command_fails_when_a_test_fails(self, checkout):
        (checkout.folder / "tests/test_planted.py").write_text("def test_planted():\n    assert 1 == 2\n")

        run = checkout.run("python", "manage.py", "test", "tests/test_planted.py")

        assert run.returncode != 0
        assert "1 failed" in run.stdout

    def test_the_documented_coverage_command_runs(self, checkout):
        checkout.done(
            "coverage", "run", "--source=hospital", "manage.py", "test", "tests/architecture/test_honest_tests.py"
        )

    def test_coverage_measures_more_than_fifteen_tests_of_auth_patients_and_doctors(self, checkout):
        suite = ("tests/journeys/test_document_003.py", "-k", "with-slash")
        said = checkout.done("coverage", "run", "manage.py", "test", *suite)
        checkout.done("coverage", "combine")
        report = checkout.done("coverage", "report", "--fail-under=0", "--include=src/care/*,src/identity/*")

        passed = re.search(r"\b(\d+) passed\b", said)
        assert passed
        assert int(passed[1]) >= 15
        total = re.search(r"^TOTAL.* (\d+)%$", report, flags=re.MULTILINE)
        assert total
        assert int(total[1]) > 50

    def test_one_requirements_file_installs_what_the_commands_need(self):
        lock = (ROOT / "requirements.txt").read_text()
        pinned = {
            name.lower(): rest for name, rest in re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==(.*(?:\n .*)*)", lock, re.M)
        }
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        ours = {re.match(r"[\w.-]+", each)[0].lower() for each in project["dependencies"]}

        assert ours | {"pytest", "pytest-django", "factory-boy", "coverage"} <= pinned.keys()
        assert [name for name, rest in pinned.items() if "--hash=sha256:" not in rest] == []
        assert "index-url" not in lock

    def test_the_suite_must_cover_more_than_the_document_does(self):
        report = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["coverage"]["report"]

        assert report["fail_under"] >= 88
