"""Settings of a server that `tests.servers` starts: a deployment's, but for the queries that DEBUG keeps and slows."""

from tests.config.deployment import *  # noqa: F403

DEBUG = False
