"""The simple document: `{hospital_name, location, records: [{patient_id, name, age, condition}, …]}`, or a bare list.

The whole document is fetched and read through once before anything of it is passed on, so that nothing is taken from
one that breaks off; it lies in memory up to 4 MB, beyond that in a file without a name. Records are built one by one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import ijson

from core.http import Client, OutboundError
from core.http.strict_json import not_json
from federation.connectors.shapes import FetchedRecord, Page, Problem, Source, StaleCursor
from federation.connectors.text import clean_line, read_id, shorten

PAGE = 1000
MOST_IN_MEMORY = 4 * 1024 * 1024
OLDEST = 130

_PIECE = 64 * 1024
_UNKNOWN = "Unknown"
_GENDERS = {"m": "M", "male": "M", "f": "F", "female": "F", "o": "O", "other": "O"}
# Beyond it a number with a point is not exact any more, and no id.
_LARGEST_EXACT = 2.0**53


@dataclass(frozen=True, slots=True)
class _Document:
    """A document that is JSON from its beginning to its end; `path` leads to its records, `digest` is of its bytes."""

    file: IO[bytes]
    path: str
    digest: str


def read_pages(source: Source, cursor: str | None = None) -> Iterator[Page]:
    """Yield pages of a thousand records, in the document's order; a bad record is a problem.

    A cursor is good for the same document, byte for byte. Raises OutboundError: `not_json`, `wrong_shape` where there
    is no list of records, `too_many_records`.
    """
    with SpooledTemporaryFile(max_size=MOST_IN_MEMORY) as file:
        document = _fetch(source.client, file)
        _read_through(document, most=source.client.limits.records)
        start = _start_of(cursor, document)
        # One record is read ahead: a page says whether another one follows.
        records = islice(enumerate(_records(document)), start, None)
        ahead = next(records, None)
        while True:
            page, start = Page(), start + PAGE
            while ahead is not None and ahead[0] < start:
                _read_record(*ahead, page)
                ahead = next(records, None)
            if ahead is None:
                yield page
                return
            yield Page(page.records, page.problems, f"{start} {document.digest}")


def _fetch(client: Client, file: IO[bytes]) -> _Document:
    digest, first = sha256(), b""
    with client.stream() as body:
        while piece := body.read(_PIECE):
            first = first or piece.lstrip(b" \t\r\n")[:1]
            digest.update(piece)
            file.write(piece)
    return _Document(file, "item" if first == b"[" else "records.item", digest.hexdigest())


def _read_through(document: _Document, *, most: int) -> None:
    """Raise OutboundError unless the document is one that can be read to its end."""
    try:
        count = sum(1 for _ in _records(document))
        if count > most:
            raise OutboundError("too_many_records", "The hospital has more records than one copy may hold.")
        if not count and document.path != "item":
            _require_list(document)
    except (ijson.JSONError, UnicodeDecodeError, ValueError):
        raise not_json() from None


def _records(document: _Document) -> Iterator[Any]:
    document.file.seek(0)
    # As floats: the C parser of ijson 3.6 ends the process over whole numbers of thousands of digits otherwise.
    found: Iterator[Any] = ijson.items(document.file, document.path, use_float=True)
    return found


def _require_list(document: _Document) -> None:
    """Tell an empty list of records from none."""
    document.file.seek(0)
    for path, event, _ in ijson.parse(document.file, use_float=True):
        if (path, event) == ("records", "start_array"):
            return
    raise OutboundError("wrong_shape", "The hospital's answer holds no list of records.")


def _start_of(cursor: str | None, document: _Document) -> int:
    if cursor is None:
        return 0
    start, _, digest = cursor.partition(" ")
    if digest != document.digest:
        raise StaleCursor
    return int(start)


def _read_record(position: int, value: Any, page: Page) -> None:
    """Add the record to the page, or what is wrong with it."""
    place = f"records[{position}]"
    if not isinstance(value, dict):
        page.problems.append(Problem("not_an_object", place))
        return
    patient_id = _read_patient_id(value.get("patient_id"))
    if patient_id is None:
        code = "no_patient_id" if value.get("patient_id") in (None, "") else "bad_patient_id"
        page.problems.append(Problem(code, place))
        return
    name, diagnosis = value.get("name"), value.get("diagnosis")
    if diagnosis is None:
        diagnosis = value.get("condition")
    age, birth_date = _read_age(value.get("age")), _read_day(value.get("birth_date"))
    line = shorten(clean_line(name))
    unread = {
        "no_name": not line,
        "bad_age": age is None and value.get("age") not in (None, ""),
        "bad_diagnosis": diagnosis is not None and not isinstance(diagnosis, str),
        "bad_birth_date": birth_date is None and value.get("birth_date") not in (None, ""),
    }
    page.problems.extend(Problem(code, place) for code, is_so in unread.items() if is_so)
    page.records.append(
        FetchedRecord(
            patient_id=patient_id,
            name=line or _UNKNOWN,
            diagnosis=shorten(clean_line(diagnosis)),
            gender=_read_gender(value.get("gender")),
            age=age,
            birth_date=birth_date,
            place=place,
        )
    )


def _read_patient_id(value: Any) -> str | None:
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST_EXACT:
        value = int(value)
    return read_id(value)


def _read_age(value: Any) -> int | None:
    """Return whole years, 0 to 130, from a number or its digits; None for everything else."""
    if isinstance(value, str) and value.isascii() and value.strip().isdecimal() and len(value) < 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < OLDEST + 1:
        return None
    return int(value)


def _read_day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        return None


def _read_gender(value: Any) -> str:
    return _GENDERS.get(value.strip().lower(), "U") if isinstance(value, str) else "U"
