"""One page of a FHIR R4 search: what it holds of the types that were asked for, and where the next one is."""

from dataclasses import dataclass, field
from typing import Any

from core.http import OutboundError
from federation.connectors.fhir_r4.elements import Element, objects_in, text_in
from federation.connectors.shapes import Problem

_MODES = {"match": {"", "match"}, "include": {"", "match", "include"}}


@dataclass(frozen=True, slots=True)
class Entry:
    """A resource and where it stood: `Patient[3]` is the fourth entry of its page."""

    resource: Element
    place: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """A page; `next` as the server wrote it, "" on the last one."""

    matches: list[Entry] = field(default_factory=list)
    included: list[Entry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    next: str = ""


def read_bundle(value: Any, *, matching: str, including: str = "") -> Bundle:
    """Return the entries of one type, and of another that was to be included; the rest are problems.

    `total` is not believed, an empty page is one like any other (FEDERATION: servers differ). Raises OutboundError
    (`wrong_shape`) for what is no page of a search at all.
    """
    if not isinstance(value, dict) or text_in(value, "resourceType") != "Bundle":
        raise OutboundError("wrong_shape", "The hospital's answer is not a FHIR Bundle.")
    entries = value.get("entry", [])
    if value.get("type", "searchset") != "searchset" or not isinstance(entries, list):
        raise OutboundError("wrong_shape", "The hospital's answer is not the result of a search.")
    bundle = Bundle(next=_find_next(value))
    for position, entry in enumerate(entries):
        _sort_in(bundle, entry, position, matching, including)
    return bundle


def _sort_in(bundle: Bundle, entry: Any, position: int, matching: str, including: str) -> None:
    resource = entry.get("resource") if isinstance(entry, dict) else None
    if not isinstance(resource, dict):
        bundle.problems.append(Problem("not_an_object", f"entry[{position}]"))
        return
    kind, search = text_in(resource, "resourceType"), entry.get("search")
    mode = text_in(search, "mode")
    if kind == matching and mode in _MODES["match"]:
        bundle.matches.append(Entry(resource, f"{kind}[{position}]"))
    elif including and kind == including and mode in _MODES["include"]:
        bundle.included.append(Entry(resource, f"{kind}[{position}]"))
    elif mode != "include":  # some servers send more along than they were asked for
        warning = kind == "OperationOutcome"
        bundle.problems.append(Problem("server_warning" if warning else "unexpected_entry", f"entry[{position}]"))


def _find_next(value: Element) -> str:
    return next((text_in(link, "url") for link in objects_in(value, "link") if link.get("relation") == "next"), "")
