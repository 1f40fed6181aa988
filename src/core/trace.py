"""What an event says about the request behind it: its id and where it came from."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trace:
    """A request's id and the client's address; both empty for a command, a job or a periodic task."""

    request_id: str = ""
    address: str = ""


_NO_REQUEST = Trace()
_current: ContextVar[Trace] = ContextVar("polyclinic_trace", default=_NO_REQUEST)


def begin_trace(request_id: str, address: str) -> None:
    """Remember where the work of this thread comes from, until the next request begins."""
    _current.set(Trace(request_id, address))


def current_trace() -> Trace:
    """Return the request that is being answered, or an empty trace."""
    return _current.get()
