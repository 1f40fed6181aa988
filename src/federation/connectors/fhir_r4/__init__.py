"""A FHIR R4 server's patients, each with the one diagnosis that says most about them now (https://hl7.org/fhir/R4/).

`Patient` is read page by page in the order of its ids, the only order in which none is lost where the hospital writes
meanwhile. Conditions come along (`_revinclude`) where the server does that, else they are asked for, 50 patients at a
time. What was found out stands in the cursor, beside the `next` link, so that a copy goes on where it was.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from core.http import OutboundError
from federation.connectors.fhir_r4.bundles import Bundle, Entry
from federation.connectors.fhir_r4.elements import Element, text_in
from federation.connectors.fhir_r4.patients import is_replaced, read_patient
from federation.connectors.fhir_r4.search import Search
from federation.connectors.fhir_r4.subjects import Subjects
from federation.connectors.shapes import FetchedRecord, Page, Problem, Source, StaleCursor

__all__ = ["read_pages"]

PATIENTS = {"_count": "200", "_sort": "_id"}
CONDITIONS = {"_count": "200", "_sort": "_id"}
CHUNK = 50

# Conditions of one page of patients, which are held together: a hundred for each.
MOST_CONDITIONS = 20_000

_INCLUDED, _ASKED = "included", "asked"
# What servers answer that have forgotten the search which a link belongs to.
_FORGOTTEN = {400, 404, 410}


def read_pages(source: Source, cursor: str | None = None) -> Iterator[Page]:
    """Yield a page for each page of patients; one bad resource is a problem and never fails its page.

    Raises OutboundError where the hospital cannot be read on, `endless` and `too_many_records` among its codes.
    """
    search, read, seen = Search(source), 0, set[str]()
    bundle, conditions = _resume(search, cursor, seen) if cursor else _begin(search)
    while True:
        page = _read_page(source, search, bundle, conditions)
        read += len(page.records)
        if read > source.client.limits.records:
            raise OutboundError("too_many_records", "The hospital has more records than one copy may hold.")
        yield page
        if not bundle.next:
            return
        bundle = search.follow(bundle.next, "Patient", seen=seen, including="Condition")


def _begin(search: Search) -> tuple[Bundle, str]:
    """Return the first page, and how this hospital's Conditions are got: some servers ignore `_revinclude`."""
    try:
        bundle = search.ask("Patient", {**PATIENTS, "_revinclude": "Condition:patient"}, including="Condition")
    except OutboundError as error:
        if error.status != 400:
            raise
        return search.ask("Patient", PATIENTS), _ASKED
    works = bool(bundle.included) or search.count("Condition") == 0
    return bundle, _INCLUDED if works else _ASKED


def _resume(search: Search, cursor: str, seen: set[str]) -> tuple[Bundle, str]:
    conditions, _, url = cursor.partition(" ")
    try:
        return search.follow(url, "Patient", seen=seen, including="Condition"), conditions
    except OutboundError as error:
        if error.status in _FORGOTTEN:
            raise StaleCursor from error
        raise


def _read_page(source: Source, search: Search, bundle: Bundle, conditions: str) -> Page:
    subjects = Subjects((entry.resource for entry in bundle.matches), base=search.base)
    problems = list(bundle.problems)
    included = list(bundle.included)
    if conditions == _ASKED:
        for more in _ask_for_conditions(search, bundle.matches):
            included += more.matches
            problems += more.problems
            if len(included) + len(problems) > MOST_CONDITIONS:
                raise OutboundError("too_many_records", "The hospital has more conditions a patient than can be read.")
    by_patient, unresolved = _assign(included, subjects)
    records, unread = _read_patients(source, bundle.matches, by_patient)
    return Page(records, problems + unresolved + unread, f"{conditions} {bundle.next}" if bundle.next else None)


def _ask_for_conditions(search: Search, patients: list[Entry]) -> Iterator[Bundle]:
    ids = [patient_id for entry in patients if (patient_id := text_in(entry.resource, "id"))]
    for start in range(0, len(ids), CHUNK):
        # Bare ids find nothing on some servers. A comma separates: one within an id is escaped (search, 3.1.1.5.3).
        named = ("Patient/" + re.sub(r"([\\,|$])", r"\\\1", patient_id) for patient_id in ids[start : start + CHUNK])
        yield from search.ask_all("Condition", {**CONDITIONS, "patient": ",".join(named)})


def _assign(conditions: Iterable[Entry], subjects: Subjects) -> tuple[dict[str, list[Element]], list[Problem]]:
    """Return each patient's Conditions, each once, and those about nobody here."""
    by_patient: dict[str, list[Element]] = defaultdict(list)
    problems, seen = [], set()
    for condition in conditions:
        condition_id = text_in(condition.resource, "id")
        if condition_id in seen:
            continue
        seen.update({condition_id} - {""})
        patient_id = subjects.find(condition.resource.get("subject"))
        if patient_id is None:
            problems.append(Problem("unresolved_subject", condition.place))
        else:
            by_patient[patient_id].append(condition.resource)
    return by_patient, problems


def _read_patients(
    source: Source, patients: list[Entry], conditions: dict[str, list[Element]]
) -> tuple[list[FetchedRecord], list[Problem]]:
    records, problems = [], []
    for entry in patients:
        if is_replaced(entry.resource):
            continue
        own = conditions.get(text_in(entry.resource, "id"), [])
        record, unread = read_patient(entry.resource, own, place=entry.place, today=source.today)
        problems += unread
        if record is not None:
            records.append(record)
    return records, problems
