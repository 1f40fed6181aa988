"""The real application in a web server that can be killed at the worst moment: all is committed, nothing is sent."""

import os
import signal
from collections.abc import Callable, Iterable
from typing import Any

from config.wsgi import application as clinic

DIE = {"X-Die": "before answering"}


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer as the clinic does; a request that says so kills its process (-9) instead of being answered."""
    answer = clinic(environ, start_response)
    if "HTTP_X_DIE" in environ:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer
