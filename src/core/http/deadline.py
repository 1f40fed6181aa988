"""The time that is left: for everything a client does, and for the request at work."""

from time import monotonic

from core.http.errors import OutboundError


class Deadline:
    """Two ends on the monotonic clock; whoever waits for a server asks for what is left before each wait."""

    def __init__(self, seconds: float) -> None:
        self._ends = monotonic() + seconds
        self._request_ends = self._ends

    def begin_request(self, seconds: float) -> None:
        """Give the next request its own time; it never has more than everything together."""
        self._request_ends = monotonic() + seconds

    def put_off(self, seconds: float) -> None:
        """Give a request back the time that we ourselves spent between two reads; the end of everything stays."""
        self._request_ends += seconds

    def left(self, at_most: float | None = None) -> float:
        """Return the seconds left, more than none; raises OutboundError (`timeout`) where there are none."""
        left = min(self._ends, self._request_ends) - monotonic()
        if left <= 0:
            raise OutboundError("timeout", "The hospital did not answer in time.")
        return left if at_most is None else min(left, at_most)
