"""The console command: `python manage.py` and `polyclinic` are the same."""

import subprocess
import sys

import pytest

from tests.config.running import ROOT, clean_environment


@pytest.fixture
def manage(tmp_path):
    """Run `python manage.py …` in an environment of its own, in development unless told otherwise."""

    def run(*arguments, **variables):
        variables = {
            "DJANGO_SETTINGS_MODULE": "tests.config.deployment",
            "POLYCLINIC_HOME": str(tmp_path / "home"),
            "DEBUG": "true",
            **variables,
        }
        return subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *map(str, arguments)],
            env=clean_environment(**variables),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_make_key_prints_a_key_that_production_takes(manage):
    first, second = (manage("make-key").stdout.strip() for _ in range(2))
    assert first != second
    production = {"DEBUG": "false", "SECRET_KEY": first, "ALLOWED_HOSTS": "clinic.example"}
    assert manage("check", **production).returncode == 0


def test_make_key_works_where_production_refuses_to_start_without_one(manage):
    made = manage("make-key", DEBUG="false")
    assert made.returncode == 0
    assert len(made.stdout.strip()) > 50


@pytest.mark.parametrize("spelling", ["rebuild-grants", "rebuild_grants", "import-csv", "import_csv"])
def test_a_command_is_found_with_hyphens_and_with_underscores(manage, spelling):
    shown = manage(spelling, "--help")
    assert shown.returncode == 0, shown.stderr
    assert spelling.replace("-", "_") in shown.stdout


def test_an_unknown_command_is_told(manage):
    refused = manage("no-such-command")
    assert refused.returncode == 1
    assert "Unknown command: 'no_such_command'" in refused.stderr


def test_the_commands_of_the_house_are_listed(manage):
    listed = manage("help").stdout
    assert {"up", "web", "worker", "demo"} <= set(listed.split())


def test_test_runs_the_suite_with_pytest(manage):
    passed = manage("test", "-k", "prefers_redis", "--noinput", "tests/core/test_queue.py")
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "1 passed" in passed.stdout


def test_test_fails_when_a_test_fails(manage, tmp_path):
    (tmp_path / "test_wrong.py").write_text("def test_wrong():\n    assert 1 == 2\n")
    failed = manage("test", tmp_path / "test_wrong.py")
    assert failed.returncode == 1
    assert "1 failed" in failed.stdout


def test_test_does_not_read_the_deployments_environment(manage):
    """Tests must never reach the database that a shell names."""
    unreachable = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing", "DEBUG": "false"}
    passed = manage("test", "-k", "prefers_redis", "tests/core/test_queue.py", **unreachable)
    assert passed.returncode == 0, passed.stdout + passed.stderr


def test_every_command_starts_while_the_database_is_away(manage):
    checked = manage("check", DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
    assert checked.returncode == 0, checked.stderr
