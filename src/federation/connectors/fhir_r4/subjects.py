"""Whom a Condition is about: references resolved among the patients of a page, at this hospital and nowhere else."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from federation.connectors.fhir_r4.elements import Element, object_in, objects_in, text_in

# FHIR R4, section 2.3.0.1: a literal reference, perhaps to one version of the resource.
_LITERAL = re.compile(r"Patient/([^/?#]+)(?:/_history/[^/?#]+)?")
_CONDITIONAL = re.compile(r"Patient\?identifier=([^&#]*)\|([^&#]+)")
_SEVERAL = ""


class Subjects:
    """The patients of a page by id and by identifier; `base` is the hospital's registered address."""

    def __init__(self, patients: Iterable[Element], *, base: str) -> None:
        self._base = base.rstrip("/") + "/"
        self._ids: set[str] = set()
        self._by_identifier: dict[tuple[str, str], str] = {}
        for patient in patients:
            self._add(patient)

    def find(self, subject: Any) -> str | None:
        """Return the id of the patient that a reference means; None for contained, masked, foreign and unknown ones.

        An absolute reference counts under this hospital's base only; an identifier where exactly one patient has it.
        """
        reference = text_in(subject, "reference").removeprefix(self._base)
        if literal := _LITERAL.fullmatch(reference):
            return literal[1] if literal[1] in self._ids else None
        if conditional := _CONDITIONAL.fullmatch(reference):
            return self._by_identifier.get((unquote(conditional[1]), unquote(conditional[2]))) or None
        return self._by_identifier.get(_key(object_in(subject, "identifier"))) or None if not reference else None

    def _add(self, patient: Element) -> None:
        patient_id = text_in(patient, "id")
        if not patient_id:
            return
        self._ids.add(patient_id)
        for identifier in objects_in(patient, "identifier"):
            key = _key(identifier)
            if key[1] and self._by_identifier.setdefault(key, patient_id) != patient_id:
                self._by_identifier[key] = _SEVERAL


def _key(identifier: Element) -> tuple[str, str]:
    return text_in(identifier, "system"), text_in(identifier, "value")
