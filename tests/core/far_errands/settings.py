"""Settings of a worker under test: a deployment's, with errands to run."""

from tests.config.deployment import *  # noqa: F403
from tests.config.deployment import INSTALLED_APPS

DEBUG = False
INSTALLED_APPS = [*INSTALLED_APPS, "tests.core.far_errands"]
