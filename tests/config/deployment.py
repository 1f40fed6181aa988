"""Settings of a deployment under test: the real ones, read from the environment alone, whatever `.env` says."""

import config.environment

config.environment.Environment.model_config["env_file"] = None

from config.settings import *  # noqa: E402, F403
