"""What every connector turns outside text into: frozen records, or problems with their place."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Protocol

from core.http import Client


@dataclass(frozen=True, slots=True)
class FetchedRecord:
    """One patient as a hospital describes them; text is cleaned (NFC, no control characters) and at most 255 long.

    `age` is what the hospital said, in whole years; it stands only where `birth_date` is not known. A partial date of
    birth is kept as its last possible day, so that an age is never overstated. `is_deceased` without `deceased_on`
    means that no age can be told. `is_restricted` keeps a record from research (FHIR `meta.security`). `place` says
    where in the hospital's answer it stood, as a problem's does.
    """

    patient_id: str
    name: str
    diagnosis: str = ""
    gender: str = "U"  # M F O U
    age: int | None = None
    birth_date: date | None = None
    deceased_on: date | None = None
    is_deceased: bool = False
    is_restricted: bool = False
    place: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something of a page that could not be taken: what is wrong, and where; never what stood there.

    `code` is for programs (`no_patient_id`, `not_an_object`, `duplicate_id`, `unresolved_subject`, …), `place` says
    where in the hospital's answer (`records[17]`, `Patient[3]`).
    """

    code: str
    place: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a hospital's answer; `cursor` is where the next one begins, None after the last."""

    records: list[FetchedRecord] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    cursor: str | None = None


def _today() -> date:
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True)
class Source:
    """Where to read from: a client bound to the hospital's origin, the address that was registered, and the day."""

    client: Client
    address: str
    today: date = field(default_factory=_today)


class StaleCursor(Exception):
    """The hospital cannot go on from this cursor; only reading it from the beginning gives a whole copy."""


class Connector(Protocol):
    """Read a hospital page by page, from `cursor` (of an earlier page) or from the beginning."""

    def __call__(self, source: Source, cursor: str | None = None) -> Iterator[Page]:
        """Yield pages in order; raise OutboundError where the hospital cannot be read on, StaleCursor before the first.

        The records of a page are what one transaction writes, a thousand at most.
        """
