"""JSON on the wire: strict when read, orjson when written, and the bases of all published shapes."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar

import orjson
from django.http import HttpRequest
from ninja import Schema
from ninja.parser import Parser
from ninja.renderers import BaseRenderer
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ConfigDict, model_validator

from core.actor import Actor
from core.errors import Invalid, Malformed, UnsupportedMediaType

MAX_DEPTH = 32


class StrictParser(Parser):
    """Read a body as JSON, or refuse it: never NaN, lone surrogates, NUL or more than 32 levels."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the decoded body.

        Raises UnsupportedMediaType, Malformed for what is not JSON, and Invalid for what must not be stored.
        """
        if request.body and request.content_type != "application/json":
            raise UnsupportedMediaType
        try:
            value = orjson.loads(request.body)
        except orjson.JSONDecodeError:
            raise Malformed("The body is not valid JSON in UTF-8.") from None
        require_storable(value)
        return value


def require_storable(value: Any) -> None:
    """Raise Invalid where a decoded body is deeper than 32 levels or holds NUL, which no database column takes."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        if not level:
            return
        deeper: list[Any] = []
        for item in level:
            if isinstance(item, str) and "\x00" in item:
                raise Invalid({"body": ["must not contain the NUL character"]})
            if isinstance(item, dict):
                deeper.extend(item.keys())
                deeper.extend(item.values())
            elif isinstance(item, list):
                deeper.extend(item)
        level = deeper
    raise Invalid({"body": [f"must not be nested more than {MAX_DEPTH} levels deep"]})


class JSONRenderer(BaseRenderer):
    """Write answers with orjson: times in UTC with `Z`, decimals as strings."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        """Return the answer's bytes; Decimal becomes a string so that no money passes through a float."""
        return orjson.dumps(data, default=str, option=orjson.OPT_UTC_Z)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie within the years 1 to 9999") from None


def _require_written(value: Any) -> Any:
    """Refuse a number where a date is meant: it would be read as seconds since 1970."""
    is_number = isinstance(value, int | float) or (isinstance(value, str) and "-" not in value.lstrip("-"))
    if is_number:
        raise ValueError("must be written like 2026-11-20 or 2026-11-20T09:30:00Z")
    return value


def _require_number(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a whole number")
    return value


# A time with its zone, turned to UTC: PostgreSQL takes no offset of 16 hours and more, Python writes them up to 24.
Moment = Annotated[AwareDatetime, BeforeValidator(_require_written), AfterValidator(_in_utc)]
# A calendar date.
Day = Annotated[date, BeforeValidator(_require_written)]
# A whole number; true and false are none, although Python counts with them.
Whole = Annotated[int, BeforeValidator(_require_number)]


class SignedInRequest(HttpRequest):
    """A request that passed authentication: `auth` is who acts. Only for annotations; Django makes the object."""

    auth: Actor


class In(Schema):
    """A body: unknown fields are refused, read-only ones of the published shape are accepted and ignored.

    So a client may send back the object it got, changed, and a misspelt field never passes unnoticed.
    """

    model_config = ConfigDict(extra="forbid")
    read_only: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _ignore_read_only(cls, values: Any) -> Any:
        source = getattr(values, "_obj", values)  # ninja hands its own getter around the decoded body
        if isinstance(source, dict) and cls.read_only:
            return {key: value for key, value in source.items() if key not in cls.read_only}
        return values


class Out(Schema):
    """A published shape; fields are spelled out, so that a new column never leaks by itself."""
