"""Structured logs: one JSON object a line, with the request's id, without anything about a patient."""

import sys
import traceback
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger


def _describe_exception(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Replace an exception by its type and the places it passed.

    Never its message: a database puts the offending row into it, and with it a patient's name.
    """
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    if isinstance(info, BaseException):
        info = (type(info), info, info.__traceback__)
    if isinstance(info, tuple) and info[0] is not None:
        event["exception"] = f"{info[0].__module__}.{info[0].__qualname__}"
        event["places"] = [
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(info[2])[-20:]
        ]
    return event


def _drop_positional(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Drop what the standard library's records carry besides the sentence; Django passes the whole request there."""
    event.pop("_record", None)
    event.pop("_from_structlog", None)
    return event


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def logging_settings(level: str) -> dict[str, Any]:
    """Return Django's LOGGING: everything through one handler on standard error."""
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [_describe_exception, _drop_positional, structlog.processors.JSONRenderer()],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django's request loggers put raw paths into their sentences, and a path holds a patient's id. The access
            # line and the failure line below say the same by route.
            "django.request": {"level": "CRITICAL", "propagate": False},
            "django.server": {"level": "CRITICAL", "propagate": False},
            "django.db.backends": {"level": "WARNING"},
            # Rejected hosts and bodies come with their text; the access line's status is enough.
            "django.security": {"level": "CRITICAL", "propagate": False},
            # In detail it writes down the headers that other servers sent.
            "httpcore": {"level": "WARNING"},
        },
    }
