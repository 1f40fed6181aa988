"""Parts of FHIR R4 resources, read without trusting their shape: what is not as it should be is as if it were absent.

https://hl7.org/fhir/R4/datatypes.html
"""

import re
from calendar import monthrange
from datetime import UTC, date, datetime
from typing import Any

Element = dict[str, Any]

_DATA_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?:T.{1,40})?)?)?", re.ASCII)


def objects_in(element: Any, name: str) -> list[Element]:
    """Return the objects of a list inside an element; what is no object is left out."""
    value = element.get(name) if isinstance(element, dict) else None
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def object_in(element: Any, name: str) -> Element:
    """Return an object inside an element, or an empty one."""
    value = element.get(name) if isinstance(element, dict) else None
    return value if isinstance(value, dict) else {}


def text_in(element: Any, name: str) -> str:
    """Return a text inside an element, empty where there is none."""
    value = element.get(name) if isinstance(element, dict) else None
    return value if isinstance(value, str) else ""


def codes_in(element: Element, name: str) -> set[str]:
    """Return the codes of a CodeableConcept; a bare string, as servers before R4 send it, is its own code."""
    bare = text_in(element, name)
    if bare:
        return {bare}
    return {code for coding in objects_in(object_in(element, name), "coding") if (code := text_in(coding, "code"))}


def is_masked(element: Any) -> bool:
    """Tell whether an element says that its value is withheld."""
    return any(
        text_in(extension, "url") == _DATA_ABSENT and text_in(extension, "valueCode") == "masked"
        for extension in objects_in(element, "extension")
    )


def first_possible_day(value: Any) -> date | None:
    """Return the first day that a date, partial date or dateTime can mean, in the zone it was written in."""
    parts = _date_parts(value)
    return _day(parts[0], parts[1] or 1, parts[2] or 1) if parts else None


def last_possible_day(value: Any) -> date | None:
    """Return the last day that a date, partial date or dateTime can mean, in the zone it was written in."""
    parts = _date_parts(value)
    if not parts or not 1 <= (month := parts[1] or 12) <= 12 or parts[0] < 1:
        return None
    return _day(parts[0], month, parts[2] or monthrange(parts[0], month)[1])


def instant(value: Any) -> float | None:
    """Return the moment at which a date or dateTime begins, in seconds since 1970, to sort by; without a zone: UTC."""
    day = first_possible_day(value)
    if day is None:
        return None
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    if "T" in value:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return moment.timestamp()
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _date_parts(value: Any) -> tuple[int, int, int] | None:
    """Return year, month and day; a part that is not written is 0."""
    found = _DATE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    year, month, day = found.groups(default="0")
    if "00" in (month, day):
        return None
    return int(year), int(month), int(day)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
