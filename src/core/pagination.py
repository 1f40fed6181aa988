"""Long lists in pages: by key, never by offset, with cursors that only we can make (CONTRACT: lists)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from django.core import signing
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Schema
from pydantic import Field

from core.errors import Invalid

Row = TypeVar("Row", bound=Model)
Item = TypeVar("Item")
Other = TypeVar("Other")


class PageIn(Schema):
    """Which page is asked for."""

    limit: Annotated[int, Field(ge=1, le=100, description="Rows a page, 1 to 100.")] = 50
    cursor: Annotated[str | None, Field(max_length=1000, description="From the `Link` header of the page before.")] = (
        None
    )


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a list, and the cursor of the next one (None at the end)."""

    items: list[Item]
    next_cursor: str | None

    def map(self, convert: Callable[[list[Item]], Iterable[Other]]) -> "Page[Other]":
        """Return the page with its rows converted together, so that related rows are read once for all of them."""
        return Page(list(convert(self.items)), self.next_cursor)


def paginate(rows: "QuerySet[Row]", *, page: PageIn, scope: str) -> Page[Row]:
    """Return the next `page.limit` rows, newest first.

    Ids are UUIDv7, so descending id is newest first and the primary key's index serves every page alike. `scope` names
    the list, its reader and its filters: a cursor is good for exactly the list that it came from. Raises Invalid for a
    cursor that we did not make for this list.
    """
    signer = signing.Signer(salt=f"cursor:{scope}")
    if page.cursor is not None:
        try:
            rows = rows.filter(pk__lt=signer.unsign_object(page.cursor))
        except (signing.BadSignature, ValueError):
            raise Invalid({"cursor": ["is not a cursor of this list"]}) from None
    found = list(rows.order_by("-pk")[: page.limit + 1])
    items = found[: page.limit]
    more = len(found) > page.limit
    return Page(items, signer.sign_object(str(items[-1].pk)) if more else None)


def with_next_link(request: HttpRequest, response: HttpResponse, page: Page[Any]) -> list[Any]:
    """Return the page's items and name the next page in the `Link` header (RFC 8288)."""
    if page.next_cursor:
        query: dict[str, Any] = {**request.GET.dict(), "cursor": page.next_cursor}
        address = request.build_absolute_uri(f"{request.path}?{urlencode(query)}")
        response["Link"] = f'<{address}>; rel="next"'
    return page.items
