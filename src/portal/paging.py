"""Lists in pages: which one was asked for, and the ways on and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.http import urlencode

from core.pagination import Page, PageIn

ROWS = 25
# Events are read in bulk, because like ones become one row.
EVENTS = 100
_LONGEST_CURSOR = 1000


@dataclass(frozen=True, slots=True)
class Pager:
    """The addresses below a list; None where there is nothing. `here` is the list's own first page."""

    here: str
    newest: str | None
    older: str | None


def asked_page(request: HttpRequest, *, rows: int = ROWS) -> PageIn:
    """Return the page that the address names; a cursor that is none is refused by the service that made it."""
    return PageIn(limit=rows, cursor=request.GET.get("cursor", "")[:_LONGEST_CURSOR] or None)


def first_page(request: HttpRequest, filters: Mapping[str, Any]) -> str:
    """Return the address of the list's first page with these filters; empty ones are left out."""
    query = urlencode({name: value for name, value in filters.items() if value not in (None, "")})
    return f"{request.path}?{query}" if query else request.path


def pager(request: HttpRequest, filters: Mapping[str, Any], page: Page[Any]) -> Pager:
    """Return the ways from this page of the list."""
    here = first_page(request, filters)
    onwards = {**filters, "cursor": page.next_cursor}
    return Pager(
        here=here,
        newest=here if request.GET.get("cursor") else None,
        older=first_page(request, onwards) if page.next_cursor else None,
    )
