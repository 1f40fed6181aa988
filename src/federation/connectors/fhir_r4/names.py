"""The one name of a patient that we keep, of the several that a hospital may know (FHIR R4 HumanName)."""

from datetime import date
from typing import Any

from federation.connectors.fhir_r4.elements import Element, is_masked, last_possible_day, object_in, objects_in, text_in
from federation.connectors.text import clean_line, shorten

WITHHELD = "Withheld"
UNKNOWN = "Unknown"

_RANKS = {"official": 0, "usual": 1, "": 2, "nickname": 3, "temp": 4, "anonymous": 5, "maiden": 6, "old": 6}
_LAST = 7


def read_name(patient: Element, *, today: date) -> str:
    """Return given and family name, or the written-out text, of the best name that says something.

    Names that are still used come before those whose period is over, then by use, then in the order they stand in.
    "Withheld" where the hospital masks it, "Unknown" where there is none. No titles.
    """
    names = objects_in(patient, "name")
    ranked = sorted((_rank(name, today), position) for position, name in enumerate(names))
    for _, position in ranked:
        if line := _write_out(names[position]):
            return shorten(line)
    return WITHHELD if _is_withheld(patient, names) else UNKNOWN


def _rank(name: Element, today: date) -> tuple[bool, int]:
    ended_on = last_possible_day(object_in(name, "period").get("end"))
    return ended_on is not None and ended_on < today, _RANKS.get(text_in(name, "use"), _LAST)


def _write_out(name: Element) -> str:
    given: Any = name.get("given")
    parts = [*(given if isinstance(given, list) else []), name.get("family")]
    return " ".join(filter(None, map(clean_line, parts))) or clean_line(name.get("text"))


def _is_withheld(patient: Element, names: list[Element]) -> bool:
    said_of_all = [*objects_in(patient, "_name"), object_in(patient, "_name")]
    said_of_parts = [
        said
        for name in names
        for part in ("_family", "_given", "_text")
        for said in (object_in(name, part), *objects_in(name, part))
    ]
    return any(map(is_masked, [*said_of_all, *names, *said_of_parts]))
