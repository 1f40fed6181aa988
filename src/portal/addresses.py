"""What the addresses of pages carry besides ids: days, instants, and whom or what was chosen so far."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django.shortcuts import resolve_url
from django.utils.dateparse import parse_datetime
from django.utils.http import urlencode


def address(route: str, *args: object, **query: Any) -> str:
    """Return the address of a page with a query; what is None or empty is left out."""
    carried = {name: value for name, value in query.items() if value not in (None, "")}
    path = resolve_url(f"portal:{route}", *args)
    return f"{path}?{urlencode(carried)}" if carried else path


def as_text(instant: datetime) -> str:
    """Return an instant as an address carries it."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def read_instant(query: Mapping[str, str], name: str) -> datetime | None:
    """Return the instant that a query carries, or None where it carries none, or an unlikely one."""
    try:
        found = parse_datetime(query.get(name, ""))
    except ValueError:
        return None
    is_likely = found is not None and found.tzinfo is not None and 2000 < found.year < 2200
    return found if is_likely else None


def read_day(query: Mapping[str, str], name: str) -> date | None:
    """Return the day that a query carries, or None where it carries none, or an unlikely one."""
    try:
        found = date.fromisoformat(query.get(name, ""))
    except ValueError:
        return None
    return found if 2000 < found.year < 2200 else None


def read_id(query: Mapping[str, str], name: str) -> UUID | None:
    """Return the id that a query carries, or None where it carries none."""
    try:
        return UUID(query.get(name, ""))
    except ValueError:
        return None
