"""Which kinds of jobs there are, and who does them; owners register theirs at start."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.jobs.attempt import Run

# Does the work of one attempt, outside any transaction and safe to repeat; returns ids and counts.
Handler = Callable[[Run], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job: who does it, and how many of it may run at once over all workers (None: any number)."""

    name: str
    handler: Handler
    at_most: int | None


_kinds: dict[str, Kind] = {}


def register(kind: str, handler: Handler, *, at_most: int | None = None) -> None:
    """Say who does a kind of job. In `tasks.py` of its owner, imported by its AppConfig.ready: no query is made.

    Raises ValueError for a kind that somebody else does.
    """
    known = _kinds.get(kind)
    if known is not None and known.handler is not handler:
        raise ValueError(f"{kind} has a handler already")
    _kinds[kind] = Kind(kind, handler, at_most)


def find_kind(name: str) -> Kind | None:
    """Return the kind, or None where nobody here does it (an older or newer release may)."""
    return _kinds.get(name)
