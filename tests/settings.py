"""Settings of the tests: the embedded default, whatever shell and `.env` say; `TEST_DATABASE_URL` for PostgreSQL."""

import os
import tempfile
from pathlib import Path

import config.environment

_environment = config.environment.Environment
for _name in _environment.model_fields:
    os.environ.pop(_name, None)
_environment.model_config["env_file"] = None

# One folder a test process: nothing is shared between parallel workers, nothing is left in the checkout.
_home = Path(tempfile.mkdtemp(prefix="polyclinic-tests-"))
os.environ["POLYCLINIC_HOME"] = str(_home)
os.environ["DEBUG"] = "true"
os.environ["SECRET_KEY"] = "for-tests-only-" + "0123456789abcdef" * 4
os.environ["LOG_LEVEL"] = "WARNING"
if os.environ.get("TEST_DATABASE_URL"):
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]

from config.settings import *  # noqa: E402, F403
from config.settings import DATABASES, HUEY  # noqa: E402

TESTING = True
DEBUG = False
RATE_LIMITS = False  # tests of the throttle turn it on
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
HUEY.immediate = True

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: tests of concurrency open one connection a thread, as the server does.
    DATABASES["default"]["TEST"] = {"NAME": str(_home / "test.sqlite3")}
DATABASES["default"]["CONN_MAX_AGE"] = 0
