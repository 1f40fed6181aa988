"""The environment decides what a deployment is; a wrong value stops the start with one clear line.

Each case is a process of its own, so that what is read is what a shell would give.
"""

import json
import subprocess

import pytest

from tests.config.running import clean_environment, python

STRONG_KEY = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
PRODUCTION = {"DEBUG": "False", "SECRET_KEY": STRONG_KEY, "ALLOWED_HOSTS": "clinic.example"}


@pytest.fixture
def start(tmp_path):
    """Load the settings in a process with just these variables: `start(DEBUG="False")`."""

    def load(code="", **variables):
        return subprocess.run(
            python(f"import tests.config.deployment as settings\n{code}"),
            env=clean_environment(**{"POLYCLINIC_HOME": str(tmp_path / "home"), **variables}),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return load


@pytest.fixture
def settings_of(start):
    """What the named settings are: `settings_of("DEBUG", SECRET_KEY="…")`."""

    def read(*names, **variables):
        loaded = start(
            f"import json; print(json.dumps([getattr(settings, name) for name in {names!r}], default=str))", **variables
        )
        assert loaded.returncode == 0, loaded.stderr
        values = json.loads(loaded.stdout)
        return values[0] if len(values) == 1 else values

    return read


# --- Production refuses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY: production needs one"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY: too weak"),
        ({"SECRET_KEY": "ab" * 40}, "SECRET_KEY: too weak"),
        ({"SECRET_KEY": "django-insecure-" + STRONG_KEY}, "SECRET_KEY: too weak"),
        ({"SECRET_KEY": "your-secret-key-here-" + STRONG_KEY}, "SECRET_KEY: too weak"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS: production needs"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS: '*' is refused"),
        ({"ALLOWED_HOSTS": "clinic.example, *"}, "ALLOWED_HOSTS: '*' is refused"),
        ({"CORS_ALLOWED_ORIGINS": "*"}, "CORS_ALLOWED_ORIGINS: '*' is refused"),
        ({"SIGNUP_ROLE_POLICY": "demo"}, "SIGNUP_ROLE_POLICY: 'demo'"),
        ({"RATE_LIMITS": "off"}, "RATE_LIMITS: 'off' is refused"),
        ({"AUDIT_KEY": "short"}, "AUDIT_KEY: too weak"),
        ({"SECRETS_KEYS": f"{STRONG_KEY},short"}, "SECRETS_KEYS: too weak"),
    ],
)
def test_production_refuses_to_start(start, wrong, says):
    refused = start(**{**PRODUCTION, **wrong})
    assert refused.returncode == 1
    assert refused.stdout == ""
    [line] = refused.stderr.splitlines()
    assert line.startswith(f"polyclinic: {says}")


def test_a_refusal_does_not_repeat_the_key(start):
    assert "hunter2hunter2" not in start(**{**PRODUCTION, "SECRET_KEY": "hunter2hunter2"}).stderr


@pytest.mark.parametrize("setting", [{"SIGNUP_ROLE_POLICY": "demo"}, {"RATE_LIMITS": "off"}, {"SECRET_KEY": "short"}])
def test_development_takes_what_production_refuses(start, setting):
    assert start(DEBUG="True", **setting).returncode == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIME_ZONE", "Mars/Olympus"),
        ("CURRENCY", "dollars"),
        ("PHONE_REGION", "Bangladesh"),
        ("LOG_LEVEL", "LOUD"),
        ("DEBUG", "perhaps"),
        ("DB_PORT", "five"),
        ("TRUSTED_PROXIES", "-1"),
        ("ACCESS_TOKEN_LIFETIME_MIN", "0"),
        ("REFRESH_TOKEN_LIFETIME_DAYS", "366"),
        ("RATE_LIMITS", "sometimes"),
        ("SIGNUP_ROLE_POLICY", "anything"),
        ("FEDERATION_ALLOWED_HOSTS", "https://hospital.example"),
        ("FEDERATION_ALLOWED_HOSTS", "hospital.example, *"),
        ("FEDERATION_ALLOWED_HOSTS", "hospital.example:0"),
        ("FEDERATION_ALLOWED_HOSTS", "hospital.example:70000"),
        ("FEDERATION_ALLOWED_HOSTS", "hospital.example/path"),
        ("FEDERATION_ALLOWED_HOSTS", "::1"),
    ],
)
def test_a_wrong_value_is_named_in_one_line(start, name, value):
    refused = start(**{name: value})
    assert refused.returncode == 1
    [line] = refused.stderr.splitlines()
    assert line.startswith(f"polyclinic: {name}: ")


# --- Development or production ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "is_development"),
    [
        ({}, True),
        ({"DEBUG": "", "SECRET_KEY": ""}, True),
        ({"DEBUG": "True"}, True),
        ({"DEBUG": "True", "SECRET_KEY": STRONG_KEY}, True),
        ({"SECRET_KEY": STRONG_KEY, "ALLOWED_HOSTS": "clinic.example"}, False),
        (PRODUCTION, False),
    ],
)
def test_debug_and_key_decide_between_development_and_production(settings_of, variables, is_development):
    debug, production, least = settings_of("DEBUG", "PRODUCTION", "PASSWORD_MIN_LENGTH", **variables)
    assert debug is is_development
    assert production is not is_development
    assert least == (8 if is_development else 12)


def test_development_without_names_answers_loopback_only(settings_of):
    assert settings_of("ALLOWED_HOSTS") == ["localhost", "127.0.0.1", "[::1]"]


def test_development_makes_a_key_once_that_nobody_else_can_read(settings_of, tmp_path):
    first, second = settings_of("SECRET_KEY"), settings_of("SECRET_KEY")
    assert first == second
    assert len(first) > 50
    assert (tmp_path / "home" / "development.key").stat().st_mode & 0o777 == 0o600


def test_production_keeps_no_key_in_a_file(settings_of, tmp_path):
    assert settings_of("SECRET_KEY", **PRODUCTION) == STRONG_KEY
    assert not (tmp_path / "home" / "development.key").exists()


def test_lists_are_split_at_commas(settings_of):
    hosts, origins = settings_of(
        "ALLOWED_HOSTS",
        "CORS_ALLOWED_ORIGINS",
        ALLOWED_HOSTS="a.example, b.example,",
        CORS_ALLOWED_ORIGINS="https://a.example",
        DEBUG="True",
    )
    assert hosts == ["a.example", "b.example"]
    assert origins == ["https://a.example"]


def test_hospitals_that_are_reached_anyhow_are_lower_case(settings_of):
    hosts = settings_of("FEDERATION_ALLOWED_HOSTS", FEDERATION_ALLOWED_HOSTS="Hospital.Internal:8080, [::1], 10.0.0.7")
    assert hosts == ["hospital.internal:8080", "[::1]", "10.0.0.7"]


def test_hospitals_tokens_are_sealed_under_their_own_keys_before_the_derived_one(settings_of):
    own = settings_of("SECRETS_KEYS", SECRETS_KEYS=f"{STRONG_KEY}new, {STRONG_KEY}old", **PRODUCTION)
    [derived] = settings_of("SECRETS_KEYS", **PRODUCTION)
    assert own == [f"{STRONG_KEY}new", f"{STRONG_KEY}old", derived]
    assert derived not in (settings_of("SECRET_KEY", **PRODUCTION), settings_of("AUDIT_KEY", **PRODUCTION))


def test_forwarded_https_is_believed_only_behind_our_own_proxy(settings_of):
    code = "SECURE_PROXY_SSL_HEADER"
    assert settings_of(code, TRUSTED_PROXIES="1", **PRODUCTION) == ["HTTP_X_FORWARDED_PROTO", "https"]


def test_forwarded_https_is_not_believed_without_a_proxy(start):
    assert "AttributeError" in start("settings.SECURE_PROXY_SSL_HEADER", **PRODUCTION).stderr


# --- The database -----------------------------------------------------------------------------------------------------

URL = {"DATABASE_URL": "postgresql://u:p@url.example:6000/by_url"}
DB = {"DB_NAME": "by_db", "DB_USER": "du", "DB_PASSWORD": "dp", "DB_HOST": "db.example", "DB_PORT": "6001"}
DATABASE = {
    "DATABASE_NAME": "by_database",
    "DATABASE_USER": "au",
    "DATABASE_PASSWORD": "ap",
    "DATABASE_HOST": "database.example",
    "DATABASE_PORT": "6002",
}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (URL, ("by_url", "u", "p", "url.example", 6000)),
        (DB, ("by_db", "du", "dp", "db.example", 6001)),
        (DATABASE, ("by_database", "au", "ap", "database.example", 6002)),
        ({**DATABASE, **DB}, ("by_db", "du", "dp", "db.example", 6001)),
        ({**DATABASE, **DB, **URL}, ("by_url", "u", "p", "url.example", 6000)),
        ({"DB_NAME": "alone"}, ("alone", "", "", "127.0.0.1", 5432)),
    ],
)
def test_reads_the_database_from_its_address_or_from_its_parts(settings_of, variables, expected):
    entry = settings_of("DATABASES", **variables)["default"]
    assert entry["ENGINE"] == "django.db.backends.postgresql"
    assert tuple(entry[part] for part in ("NAME", "USER", "PASSWORD", "HOST", "PORT")) == expected
    assert entry["CONN_MAX_AGE"] > 0


def test_without_a_database_uses_a_file_under_home(settings_of, tmp_path):
    entry = settings_of("DATABASES")["default"]
    assert entry["ENGINE"] == "django.db.backends.sqlite3"
    assert entry["NAME"] == str(tmp_path / "home" / "polyclinic.sqlite3")
    assert entry["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


@pytest.mark.parametrize(("variables", "mode"), [({}, "NORMAL"), (PRODUCTION, "FULL")])
def test_sqlite_loses_no_commit_in_production(settings_of, variables, mode):
    command = settings_of("DATABASES", **variables)["default"]["OPTIONS"]["init_command"]
    assert f"PRAGMA synchronous={mode};" in command
    assert "PRAGMA journal_mode=WAL;" in command


# --- .env ---


def test_reads_a_dotenv_file_and_real_variables_win(tmp_path):
    (tmp_path / ".env").write_text("CURRENCY=BDT\nTIME_ZONE=Asia/Dhaka\nSOMETHING_ELSE=ignored\n")
    code = (
        "import sys; from config.environment import Environment\n"
        "read = Environment(_env_file=sys.argv[1]); print(read.CURRENCY, read.TIME_ZONE)"
    )
    read = subprocess.run(
        python(code, tmp_path / ".env"),
        env=clean_environment(CURRENCY="EUR"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert read.stdout.split() == ["EUR", "Asia/Dhaka"]


# --- Tokens ---


def test_token_lifetimes_really_change(start):
    code = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.config.deployment"
django.setup()
from ninja_jwt.tokens import AccessToken, RefreshToken
for token in (AccessToken(), RefreshToken()):
    print(token["exp"] - token["iat"])
"""
    chosen = start(code, ACCESS_TOKEN_LIFETIME_MIN="3", REFRESH_TOKEN_LIFETIME_DAYS="2")
    assert chosen.stdout.split() == [str(3 * 60), str(2 * 86400)], chosen.stderr


def test_variables_without_our_names_do_not_touch_tokens(start):
    code = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.config.deployment"
django.setup()
from ninja_jwt.settings import api_settings
print(api_settings.ISSUER, api_settings.ALGORITHM, api_settings.LEEWAY, api_settings.SIGNING_KEY != "evil")
"""
    attacked = start(code, ISSUER="evil", ALGORITHM="HS512", LEEWAY="999", SIGNING_KEY="evil")
    assert attacked.stdout.split() == ["polyclinic", "HS256", "0", "True"], attacked.stderr


def test_deployment_checks_are_clean_in_production(start):
    code = """
import sys, os
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.config.deployment"
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "check", "--deploy", "--fail-level", "WARNING"])
"""
    checked = start(code, **PRODUCTION)
    assert checked.returncode == 0, checked.stderr
