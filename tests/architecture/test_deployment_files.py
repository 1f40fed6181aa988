"""What ships with the code says what the code says: container files, the example environment, the lock files."""

import itertools
import json
import re
from pathlib import Path

import pytest
import yaml

from config import processes
from config.environment import Environment

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
OURS = ("migrate", "web", "worker")
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
EXAMPLE = (ROOT / ".env.example").read_text()
REQUIRED = re.compile(r"\$\{[A-Z_]+:\?[^}]+\}")
OPTIONAL = re.compile(r"\$\{([A-Z_]+):-\d*\}")


def instructions(name: str) -> list[str]:
    """What follows this instruction, wherever the Dockerfile has it."""
    return re.findall(rf"^\s*{name}\s+(.+)$", DOCKERFILE, flags=re.MULTILINE)


def seconds(duration: str) -> int:
    return int(duration.removesuffix("s"))


# --- compose.yaml ---


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_confined(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "devices"} & set(service)


def test_only_the_web_has_a_port_and_on_loopback_alone():
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert ports == {"web": ["127.0.0.1:8000:8000"]}


def test_the_database_cannot_be_reached_from_outside():
    assert SERVICES["database"]["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_is_written_into_compose(name):
    for variable, value in SERVICES[name]["environment"].items():
        if re.search("KEY|PASSWORD|TOKEN(?!_LIFETIME)|SECRET", variable):
            derived = variable in ("AUDIT_KEY", "SECRETS_KEYS") and value == f"${{{variable}:-}}"
            assert REQUIRED.fullmatch(value) or derived, f"{variable} must be given from outside"


def test_compose_gives_the_application_variables_that_it_reads():
    environment = SERVICES["web"]["environment"]
    assert set(environment) <= set(Environment.model_fields)
    for variable, value in environment.items():
        if found := OPTIONAL.fullmatch(value):
            assert found[1] == variable


def test_production_is_not_a_choice_in_compose():
    for name in OURS:
        assert SERVICES[name]["environment"]["DEBUG"] == "False"
        assert REQUIRED.fullmatch(SERVICES[name]["environment"]["ALLOWED_HOSTS"])


def test_application_and_database_agree():
    ours, theirs = SERVICES["web"]["environment"], SERVICES["database"]["environment"]
    assert ours["DB_HOST"] == "database"
    assert (ours["DB_NAME"], ours["DB_USER"]) == (theirs["POSTGRES_DB"], theirs["POSTGRES_USER"])
    assert ours["DB_PASSWORD"] == theirs["POSTGRES_PASSWORD"]


def test_the_database_outlives_its_container():
    [mount] = SERVICES["database"]["volumes"]
    volume, _, path = mount.partition(":")
    assert volume in COMPOSE["volumes"]
    assert path == "/var/lib/postgresql/data"


def test_web_and_worker_wait_for_the_migrations_and_those_for_the_database():
    assert SERVICES["migrate"]["command"][0] == "migrate"
    assert SERVICES["migrate"]["restart"] == "no"
    assert SERVICES["migrate"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    for name in ("web", "worker"):
        assert SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_containers_start_the_commands_that_up_supervises():
    web = SERVICES["web"]["command"]
    assert web == ["web", "--host", "0.0.0.0", "--port", "8000"]
    assert SERVICES["worker"]["command"] == ["worker"]
    assert processes.worker().command[-1] == "worker"
    for command in ("web", "worker", "up"):
        assert (ROOT / "src/config/management/commands" / f"{command}.py").exists()


def test_whoever_stops_a_process_waits_longer_than_it_needs():
    for name in ("web", "worker"):
        grace = seconds(SERVICES[name]["stop_grace_period"])
        assert grace > 30 > processes.WORKER_DRAIN_SECONDS > processes.WEB_DRAIN_SECONDS


@pytest.mark.parametrize("name", ["database", "worker"])
def test_has_a_health_check(name):
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] == "CMD"
    assert seconds(check["timeout"]) <= seconds(check["interval"])


def test_the_web_keeps_the_health_check_of_the_image():
    assert "healthcheck" not in SERVICES["web"]


# --- Dockerfile ---


def test_the_image_runs_as_a_numbered_user_without_rights():
    assert instructions("USER") == ["10001:10001"]
    last_stage = DOCKERFILE[DOCKERFILE.rindex("FROM ") :]
    assert not re.search(r"^(RUN|COPY|ADD)", last_stage[last_stage.index("USER") :], flags=re.MULTILINE)


def test_the_image_holds_no_secret():
    for line in (*instructions("ENV"), *instructions("ARG")):
        assert not re.search("KEY|PASSWORD|TOKEN|SECRET", line)


def test_the_image_installs_only_what_is_locked():
    installs = [line for line in instructions("RUN") if "pip install" in line]
    assert installs == [
        "pip install --require-hashes -r requirements.txt",
        "pip install --no-deps --no-build-isolation .",
    ]


def test_the_image_starts_the_web_and_listens_where_it_says():
    entrypoint, command = json.loads(instructions("ENTRYPOINT")[0]), json.loads(instructions("CMD")[-1])
    assert entrypoint == ["polyclinic"]
    assert command == SERVICES["web"]["command"]
    assert instructions("EXPOSE") == [command[command.index("--port") + 1]]


def test_the_image_checks_its_own_health():
    [options] = instructions("HEALTHCHECK")
    program = json.loads(options[options.index("[") :])
    assert program[:2] == ["python", "-c"]
    compile(program[2], "<health check>", "exec")
    assert "http://127.0.0.1:8000/livez" in program[2]


def test_base_images_have_a_version():
    images = [*re.findall(r"^FROM (\S+)", DOCKERFILE, flags=re.MULTILINE), SERVICES["database"]["image"]]
    assert all(re.fullmatch(r"(python:3\.1[1-9]-slim|postgres:\d+)", image) for image in images)


def test_the_build_sees_nothing_but_what_it_copies():
    first, *exceptions = [
        line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")
    ]
    assert first == "*"
    allowed = {line.removeprefix("!") for line in exceptions if line.startswith("!")}
    copied = {
        part for line in instructions("COPY") if "--from" not in line for part in line.split()[:-1] if part != "./"
    }
    assert copied == allowed


# --- .env.example ---


def example_variables() -> dict[str, str]:
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", EXAMPLE, flags=re.MULTILINE))


def test_the_example_names_every_variable_and_no_other():
    assert set(example_variables()) == {*Environment.model_fields, "POSTGRES_PASSWORD"}


def test_every_variable_of_the_example_has_a_line_that_says_what_it_is():
    explained = [
        name
        for above, line in itertools.pairwise(EXAMPLE.splitlines())
        if (name := line.removeprefix("#").partition("=")[0]) in Environment.model_fields and above.startswith("# ")
    ]
    followers = [name for name in example_variables() if name.startswith(("DB_", "DATABASE_"))]
    assert set(explained) | set(followers) >= set(Environment.model_fields)


def test_the_example_changes_nothing_when_it_is_copied():
    assert not re.search(r"^[A-Z]", EXAMPLE, flags=re.MULTILINE)


def test_the_example_shows_values_that_are_accepted_in_development(tmp_path, monkeypatch):
    for name in Environment.model_fields:
        monkeypatch.delenv(name, raising=False)
    uncommented = tmp_path / ".env"
    uncommented.write_text(re.sub(r"^#(?=[A-Z_]+=)", "", EXAMPLE, flags=re.MULTILINE))
    environment = Environment(_env_file=uncommented)
    assert environment.is_production is False
    assert environment.database()["NAME"] == "polyclinic"


# --- Lock files ---


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_locked_package_has_a_version_and_hashes_and_no_address(name):
    text = (ROOT / name).read_text()
    entries = re.split(r"\n(?=[a-z0-9])", text.partition("\nannotated")[2])
    assert len(entries) > 40
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert not re.search(r"^\s*(-i|--(extra-)?index-url|--find-links|-e)\b", text, flags=re.MULTILINE)


def test_the_development_lock_only_adds_to_the_other():
    pins = {
        name: set(re.findall(r"^([a-z0-9][a-z0-9._-]*==\S+)", (ROOT / name).read_text(), flags=re.MULTILINE))
        for name in ("requirements.txt", "requirements-dev.txt")
    }
    assert pins["requirements.txt"] < pins["requirements-dev.txt"]
