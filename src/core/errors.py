"""Refusals: every way in which the clinic says no, as exceptions with a status, a code and a sentence.

Services raise them; the API answers with the same refusal as RFC 9457 problem details, the portal as a page or
beside the field. `code` is for programs and never changes; `detail` is for people.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class Refusal(Exception):
    """The base of all refusals; `status` is the HTTP status that says the same."""

    status: ClassVar[int] = 400
    code: str = "refused"
    title: ClassVar[str] = "Refused"

    def __init__(self, detail: str = "", *, code: str | None = None) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.code = code or self.code
        # What somebody tried, where the act is audited; `core.audit` writes and reads it.
        self.attempt: object = None

    def more(self) -> Mapping[str, Any]:
        """Return what the answer holds besides, by name; a boundary asks for it once the act has rolled back."""
        return {}


class Malformed(Refusal):
    """The body could not be read at all: not JSON, not UTF-8, too deep."""

    status = 400
    code = "malformed"
    title = "The request could not be read"


class UnsupportedMediaType(Refusal):
    """The body is not sent as application/json."""

    status = 415
    code = "unsupported_media_type"
    title = "Send the body as application/json"


class NotSignedIn(Refusal):
    """No valid credentials came with the request. The same answer for unknown, wrong, expired and inactive."""

    status = 401
    code = "not_signed_in"
    title = "Sign in first"


class NotAllowed(Refusal):
    """The actor sees the thing but may not do this with it."""

    status = 403
    code = "not_allowed"
    title = "You may not do this"


class NotFound(Refusal):
    """Missing and invisible are one answer, so that ids cannot be probed."""

    status = 404
    code = "not_found"
    title = "There is no such thing here"


class Conflict(Refusal):
    """The request is right but the state of things is against it."""

    status = 409
    code = "conflict"
    title = "This conflicts with what is already there"


class Invalid(Refusal):
    """Fields hold what they must not; `errors` maps each field to its sentences."""

    status = 422
    code = "invalid"
    title = "Some fields are not valid"

    def __init__(self, errors: Mapping[str, Sequence[str]], detail: str = "") -> None:
        super().__init__(detail)
        self.errors = {field: list(sentences) for field, sentences in errors.items()}


class TooManyAttempts(Refusal):
    """A door was tried too often; `retry_after` is in whole seconds."""

    status = 429
    code = "too_many_attempts"
    title = "Too many attempts"

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many attempts. Try again in {retry_after} seconds.")
        self.retry_after = retry_after
