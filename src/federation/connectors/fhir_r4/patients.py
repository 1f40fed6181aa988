"""From a FHIR R4 Patient and its Conditions to one record."""

from collections.abc import Iterable
from datetime import date

from federation.connectors.fhir_r4.conditions import choose_diagnosis
from federation.connectors.fhir_r4.elements import (
    Element,
    first_possible_day,
    last_possible_day,
    objects_in,
    text_in,
)
from federation.connectors.fhir_r4.names import read_name
from federation.connectors.fhir_r4.security import is_restricted
from federation.connectors.shapes import FetchedRecord, Problem
from federation.connectors.text import read_id

_GENDERS = {"male": "M", "female": "F", "other": "O"}


def is_replaced(patient: Element) -> bool:
    """Tell whether another Patient has taken this one's place: not active, and a link says so."""
    return patient.get("active") is False and any(
        text_in(link, "type") == "replaced-by" for link in objects_in(patient, "link")
    )


def read_patient(
    patient: Element, conditions: Iterable[Element], *, place: str, today: date
) -> tuple[FetchedRecord | None, list[Problem]]:
    """Return the record of a patient, and what was wrong with it; no record without an id of its own.

    A date that cannot be read is a problem and as if it were absent.
    """
    patient_id = read_id(patient.get("id"))
    if patient_id is None:
        return None, [Problem("bad_patient_id" if patient.get("id") else "no_patient_id", place)]
    diagnosis = choose_diagnosis(conditions)
    birth_date = last_possible_day(patient.get("birthDate"))
    deceased_on = first_possible_day(patient.get("deceasedDateTime"))
    record = FetchedRecord(
        patient_id=patient_id,
        name=read_name(patient, today=today),
        diagnosis=diagnosis.label,
        gender=_GENDERS.get(text_in(patient, "gender"), "U"),
        birth_date=birth_date,
        deceased_on=deceased_on,
        is_deceased=patient.get("deceasedBoolean") is True or patient.get("deceasedDateTime") is not None,
        is_restricted=is_restricted(patient) or diagnosis.is_restricted,
        place=place,
    )
    unread = [
        Problem(code, place)
        for code, name, read in (
            ("bad_birth_date", "birthDate", birth_date),
            ("bad_deceased_date", "deceasedDateTime", deceased_on),
        )
        if read is None and patient.get(name) is not None
    ]
    return record, unread
