"""The one diagnosis of a patient that we keep, of all Conditions at the hospital (FHIR R4 Condition)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from federation.connectors.fhir_r4.elements import Element, codes_in, instant, object_in, objects_in, text_in
from federation.connectors.fhir_r4.security import is_restricted
from federation.connectors.text import clean_line, shorten

_DENIED = {"refuted", "entered-in-error"}
_CURRENT = {"active", "recurrence", "relapse"}
_SNOMED = "http://snomed.info/sct"
_NO_CURRENT_PROBLEMS = "160245001"
# Codes that say why there is no code.
_ABSENCES = {
    "http://terminology.hl7.org/CodeSystem/data-absent-reason",
    "http://hl7.org/fhir/data-absent-reason",
    "http://terminology.hl7.org/CodeSystem/v3-NullFlavor",
}
# The semantic tags of SNOMED CT names; any other parenthesis belongs to the name.
_TAG = re.compile(
    r"\s*\((disorder|finding|situation|morphologic abnormality|event|procedure|regime/therapy|observable entity"
    r"|body structure|person|social concept|occupation|life style|organism|substance|product|physical object"
    r"|qualifier value|context-dependent category|navigational concept|record artifact|environment)\)$",
    re.IGNORECASE,
)
_NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A label without its tag, and whether the hospital restricts who may learn of it."""

    label: str = ""
    is_restricted: bool = False


@dataclass(frozen=True, slots=True)
class _Candidate:
    diagnosis: Diagnosis
    order: tuple[Any, ...]


def choose_diagnosis(conditions: Iterable[Element]) -> Diagnosis:
    """Return the diagnosis that says most about a patient now; an empty label where nothing does.

    Current ones come before those of unknown state and those that are over; disorders before findings before what else
    is kept as a Condition ("Medication review due"); then the newest; then the lowest id.
    """
    candidates = [candidate for condition in conditions if (candidate := _judge(condition))]
    return min(candidates, key=lambda candidate: candidate.order).diagnosis if candidates else Diagnosis()


def _judge(condition: Element) -> _Candidate | None:
    concept = object_in(condition, "code")
    if codes_in(condition, "verificationStatus") & _DENIED or _says_nothing_is_wrong(concept):
        return None
    label = _read_label(concept)
    tag = _TAG.search(label)
    bare = shorten(_TAG.sub("", label))
    if not bare:
        return None
    order = (
        _rank_of_state(codes_in(condition, "clinicalStatus")),
        _rank_of_tag(tag[1].lower() if tag else ""),
        -_noted_at(condition),
        text_in(condition, "id"),
    )
    return _Candidate(Diagnosis(bare, is_restricted(condition)), order)


def _says_nothing_is_wrong(concept: Element) -> bool:
    return any(
        text_in(coding, "code") == _NO_CURRENT_PROBLEMS and text_in(coding, "system") == _SNOMED
        for coding in objects_in(concept, "coding")
    )


def _read_label(concept: Element) -> str:
    codings = [coding for coding in objects_in(concept, "coding") if text_in(coding, "system") not in _ABSENCES]
    chosen = [coding for coding in codings if coding.get("userSelected") is True]
    displays = [coding.get("display") for coding in [*chosen, *codings]]
    codes = [coding.get("code") for coding in codings]
    return next(filter(None, map(clean_line, [concept.get("text"), *displays, *codes])), "")


def _rank_of_state(codes: set[str]) -> int:
    if codes & _CURRENT:
        return 0
    return 2 if codes else 1


def _rank_of_tag(tag: str) -> int:
    return {"": 0, "disorder": 0, "finding": 1}.get(tag, 2)


def _noted_at(condition: Element) -> float:
    said = (condition.get("recordedDate"), condition.get("onsetDateTime"), object_in(condition, "onsetPeriod"))
    moments = (instant(said[0]), instant(said[1]), instant(said[2].get("start")))
    return next((moment for moment in moments if moment is not None), _NEVER)
