"""What an answer says before its body: whether it is one, in which form, and how long to wait if it is not."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpcore

from core.http.errors import OutboundError
from core.http.strict_json import not_json

_LONGEST_WAIT = 24 * 3600.0
# Files on plain web servers come as text or as bytes; what calls itself something else is not read as JSON.
_MEDIA_TYPE = re.compile(r"(application|text)/([a-z0-9.-]+\+)?json|text/plain|application/octet-stream")


def judge_headers(response: httpcore.Response) -> None:
    """Raise OutboundError unless this is a plain answer with JSON in it."""
    status = response.status
    if 300 <= status < 400:
        raise OutboundError("redirected", "The hospital sends us elsewhere; register that address.", status=status)
    if status in (401, 403):
        raise OutboundError("unauthorized", "The hospital does not accept our token.", status=status)
    retry_after = read_retry_after(_header(response, b"retry-after"), now=datetime.now(UTC))
    if status == 429 or (status == 503 and retry_after is not None):
        raise OutboundError("throttled", "The hospital asks us to wait.", status=status, retry_after=retry_after)
    if not 200 <= status < 300:
        raise OutboundError("status", f"The hospital answered with status {status}.", status=status)
    if _header(response, b"content-encoding").lower() not in ("", "identity"):
        raise OutboundError("encoded", "The hospital compresses its answers, which we did not ask for.")
    media_type = _header(response, b"content-type").partition(";")[0].strip().lower()
    if media_type and not _MEDIA_TYPE.fullmatch(media_type):
        raise not_json()


def cap_of_body(response: httpcore.Response, most_bytes: int) -> int:
    """Return how many bytes the body may have; OutboundError where it announces more."""
    announced = _header(response, b"content-length")
    if announced.isdecimal() and int(announced[:20]) > most_bytes:
        raise OutboundError("too_large", "The hospital's answer is too large.")
    return most_bytes


def read_retry_after(value: str, *, now: datetime) -> float | None:
    """Return the seconds that a `Retry-After` header asks for, at most a day; None where it asks for nothing."""
    if value.isdecimal():
        return min(float(value[:9]), _LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(value)
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
        return min(max((until - now).total_seconds(), 0.0), _LONGEST_WAIT)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _header(response: httpcore.Response, name: bytes) -> str:
    """Return a header's values, joined by commas as if they were one."""
    return ", ".join(value.decode("latin-1").strip() for key, value in response.headers if key.lower() == name)
