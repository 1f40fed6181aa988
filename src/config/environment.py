"""The environment, typed and checked: every variable the deployment may set, under the names of the documents."""

import re
import secrets
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import dj_database_url
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ROOT = Path(__file__).resolve().parents[2]
if not (ROOT / "pyproject.toml").exists():  # installed as a wheel: the place it is started from counts
    ROOT = Path.cwd()

WEAK_KEY_WORDS = ("change", "secret", "insecure", "your", "example", "password", "default")
CommaSeparated = Annotated[list[str], NoDecode]
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:(?P<port>\d{1,5}))?")


class Environment(BaseSettings):
    """One field a variable; `.env` beside the project is read too, real variables win.

    `SECRET_KEY` and `DEBUG` both unset means development: a generated key under `POLYCLINIC_HOME` and loopback hosts.
    `DEBUG=False`, or a key without `DEBUG`, means production.
    """

    model_config = SettingsConfigDict(env_file=ROOT / ".env", extra="ignore", env_ignore_empty=True)

    SECRET_KEY: str = ""
    AUDIT_KEY: str = ""
    SECRETS_KEYS: CommaSeparated = []
    DEBUG: bool | None = None
    ALLOWED_HOSTS: CommaSeparated = []
    CSRF_TRUSTED_ORIGINS: CommaSeparated = []
    CORS_ALLOWED_ORIGINS: CommaSeparated = []
    TRUSTED_PROXIES: Annotated[int, Field(ge=0, le=10)] = 0
    SECURE_SSL_REDIRECT: bool = True

    DATABASE_URL: str = ""
    DB_NAME: str = ""
    DB_USER: str = ""
    DB_PASSWORD: str = ""
    DB_HOST: str = "127.0.0.1"
    DB_PORT: int = 5432
    DATABASE_NAME: str = ""
    DATABASE_USER: str = ""
    DATABASE_PASSWORD: str = ""
    DATABASE_HOST: str = "127.0.0.1"
    DATABASE_PORT: int = 5432
    REDIS_URL: str = ""
    JOB_LEASE_SECONDS: Annotated[int, Field(ge=2, le=3600)] = 60
    POLYCLINIC_HOME: Path = ROOT / "var"

    ACCESS_TOKEN_LIFETIME_MIN: Annotated[int, Field(ge=1, le=1440)] = 10
    REFRESH_TOKEN_LIFETIME_DAYS: Annotated[int, Field(ge=1, le=365)] = 1
    RATE_LIMITS: bool = True
    SIGNUP_ROLE_POLICY: Literal["approval", "demo"] = "approval"

    MOCK_HOSPITAL: bool | None = None

    FEDERATION_ALLOWED_HOSTS: CommaSeparated = []

    TIME_ZONE: str = "UTC"
    CURRENCY: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    PHONE_REGION: Annotated[str, Field(pattern=r"^([A-Z]{2})?$")] = ""
    LOG_LEVEL: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator(
        "ALLOWED_HOSTS",
        "CSRF_TRUSTED_ORIGINS",
        "CORS_ALLOWED_ORIGINS",
        "SECRETS_KEYS",
        "FEDERATION_ALLOWED_HOSTS",
        mode="before",
    )
    @classmethod
    def _split_commas(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("RATE_LIMITS", mode="before")
    @classmethod
    def _read_on_off(cls, value: Any) -> Any:
        return {"on": True, "off": False}.get(value.lower(), value) if isinstance(value, str) else value

    @field_validator("FEDERATION_ALLOWED_HOSTS")
    @classmethod
    def _require_hosts(cls, value: list[str]) -> list[str]:
        for entry in value:
            named = _HOST.fullmatch(entry)
            if named is None or not 0 < int(named["port"] or 1) <= 65535:
                raise ValueError("takes host or host:port, comma-separated, without scheme or *; [::1] for IPv6")
        return [entry.lower() for entry in value]

    @field_validator("POLYCLINIC_HOME", mode="after")
    @classmethod
    def _anchor_home(cls, value: Path) -> Path:
        return value if value.is_absolute() else ROOT / value

    @field_validator("TIME_ZONE")
    @classmethod
    def _require_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("must be an IANA time zone such as Asia/Dhaka")
        return ZoneInfo(value).key

    @property
    def is_production(self) -> bool:
        """True unless development was chosen: `DEBUG=True`, or neither DEBUG nor SECRET_KEY set."""
        return self.DEBUG is False or (self.DEBUG is None and bool(self.SECRET_KEY))

    @model_validator(mode="after")
    def _refuse_unsafe_production(self) -> "Environment":
        if not self.is_production:
            return self
        key = self.SECRET_KEY
        if not key:
            raise ValueError("SECRET_KEY: production needs one; make it with: polyclinic make-key")
        if _is_weak(key) or any(word in key.lower() for word in WEAK_KEY_WORDS):
            raise ValueError("SECRET_KEY: too weak for production; make one with: polyclinic make-key")
        if not self.ALLOWED_HOSTS:
            raise ValueError("ALLOWED_HOSTS: production needs the names it is reached by, comma-separated")
        if any("*" in host for host in self.ALLOWED_HOSTS):
            raise ValueError("ALLOWED_HOSTS: '*' is refused in production; name the hosts")
        if any("*" in origin for origin in self.CORS_ALLOWED_ORIGINS):
            raise ValueError("CORS_ALLOWED_ORIGINS: '*' is refused; name the origins")
        if self.SIGNUP_ROLE_POLICY == "demo":
            raise ValueError("SIGNUP_ROLE_POLICY: 'demo' gives roles away and is refused in production")
        if not self.RATE_LIMITS:
            raise ValueError("RATE_LIMITS: 'off' is refused in production")
        return self

    @model_validator(mode="after")
    def _refuse_weak_keys(self) -> "Environment":
        for name, keys in {"AUDIT_KEY": [self.AUDIT_KEY], "SECRETS_KEYS": self.SECRETS_KEYS}.items():
            if self.is_production and any(key and _is_weak(key) for key in keys):
                raise ValueError(f"{name}: too weak for production; make one with: polyclinic make-key")
        return self

    def secret_key(self) -> str:
        """Return the key; in development one is made once and kept under `POLYCLINIC_HOME`, readable by us only."""
        if self.SECRET_KEY:
            return self.SECRET_KEY
        self.POLYCLINIC_HOME.mkdir(parents=True, exist_ok=True)
        path = self.POLYCLINIC_HOME / "development.key"
        if not path.exists():
            # Written aside and moved: two processes starting together must end up with the same key.
            draft = path.with_name(f"development.key.{secrets.token_hex(4)}")
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(64))
            try:
                path.hardlink_to(draft)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text().strip()

    def database(self) -> dict[str, Any]:
        """Return Django's entry for the database: `DATABASE_URL`, else `DB_*`, else `DATABASE_*`, else SQLite."""
        if self.DATABASE_URL:
            entry: dict[str, Any] = dict(dj_database_url.parse(self.DATABASE_URL))
        elif self.DB_NAME or self.DATABASE_NAME:
            source = "DB_" if self.DB_NAME else "DATABASE_"
            entry = {"ENGINE": "django.db.backends.postgresql"} | {
                name: getattr(self, source + name) for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")
            }
        else:
            entry = {"ENGINE": "django.db.backends.sqlite3", "NAME": self.POLYCLINIC_HOME / "polyclinic.sqlite3"}
        if entry["ENGINE"].endswith("sqlite3"):
            return entry | _sqlite_options(durable=self.is_production)
        # Nobody waits for a lock without end; the edge answers such a failure with 503 and a time to come back.
        options = {"options": "-c lock_timeout=10s -c statement_timeout=60s"} | entry.get("OPTIONS", {})
        return entry | {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True, "OPTIONS": options}


def _is_weak(key: str) -> bool:
    return len(key) < 50 or len(set(key)) < 10


def _sqlite_options(*, durable: bool) -> dict[str, Any]:
    """WAL, and IMMEDIATE so that a transaction which writes takes the only write lock before it reads.

    `synchronous=FULL` in production: with NORMAL the last commits may be lost when the power fails.
    """
    pragmas = [
        "journal_mode=WAL",
        f"synchronous={'FULL' if durable else 'NORMAL'}",
        "cache_size=-20000",
        "mmap_size=134217728",
        "temp_store=MEMORY",
    ]
    command = ";".join(f"PRAGMA {pragma}" for pragma in pragmas) + ";"
    return {
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": command},
        "CONN_MAX_AGE": None,
    }


def read_environment() -> Environment:
    """Read and check the environment; a wrong value stops the start with one clear line."""
    try:
        return Environment()
    except ValidationError as refused:
        problem = refused.errors()[0]
        name = ".".join(str(part) for part in problem["loc"])
        sentence = problem["msg"].removeprefix("Value error, ")
        raise SystemExit(f"polyclinic: {name + ': ' if name else ''}{sentence}") from None
