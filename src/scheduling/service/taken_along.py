"""The appointments that doctors and administrators take along, as rows of a report that a job writes."""

from collections.abc import Iterator
from datetime import date
from uuid import UUID

import care.permissions
from core.actor import Actor
from core.errors import NotAllowed
from core.reports import ReportRow, ReportRows
from scheduling.models import Appointment
from scheduling.permissions import may_read_reports, may_take_calendar_along
from scheduling.schemas import AppointmentOut, ReportFilters
from scheduling.service.publish import about_patients, publish_appointments
from scheduling.service.reports import in_period

# The scope of an administrator's report; a doctor's is the id of the entry whose calendar it is.
CLINIC = "clinic"
COLUMNS = (
    "Date", "Time", "Doctor", "Patient", "Status", "Fee", "Currency", "Starts at (UTC)", "Ends at (UTC)", "Notes",
    "Appointment",
)  # fmt: skip
# Rows read and named at a time: memory stays the same for any period.
_CHUNK = 500


def get_scope_of_appointments(*, actor: Actor) -> str:
    """Say whose appointments the actor takes along: the clinic's, or those of the own calendar by the doctor's id.

    Raises NotAllowed for everybody but administrators and verified doctors.
    """
    if may_read_reports(actor):
        return CLINIC
    own = care.permissions.own_verified_doctor(actor).values_list("pk", flat=True).first()
    if own is None:
        raise NotAllowed("Doctors take the appointments of their own calendar along, administrators the clinic's.")
    return str(own)


def may_have_appointments(*, actor: Actor, scope: str) -> bool:
    """Return whether the actor may now have appointments of this scope, whoever asked for them."""
    doctor_id = _doctor_of(scope)
    return may_read_reports(actor) if doctor_id is None else may_take_calendar_along(actor, doctor_id)


def find_appointments_to_take(*, actor: Actor, scope: str, since: date | None, until: date | None) -> ReportRows:
    """Settle which appointments these are, in the order of their beginning; they are read while they are asked for.

    Both days are local dates of the clinic and included. What is hidden meanwhile is left out. Whoever writes the rows
    to a file records whom they are about. Raises NotAllowed, and Invalid for no period.
    """
    if not may_have_appointments(actor=actor, scope=scope):
        raise NotAllowed("These appointments are not yours to take along.")
    filters = ReportFilters.model_validate({"from": since, "to": until, "doctor": _doctor_of(scope)})
    ids = list(in_period(filters).order_by("starts_at", "pk").values_list("pk", flat=True))
    return ReportRows(COLUMNS, len(ids), _read(actor, ids))


def _doctor_of(scope: str) -> UUID | None:
    return None if scope == CLINIC else UUID(scope)


def _read(actor: Actor, ids: list[UUID]) -> Iterator[ReportRow]:
    for start in range(0, len(ids), _CHUNK):
        rows = Appointment.objects.filter(pk__in=ids[start : start + _CHUNK], hidden_at__isnull=True)
        found = list(rows.order_by("starts_at", "pk"))
        for appointment, patient in zip(publish_appointments(found), about_patients(actor, found), strict=True):
            yield ReportRow(_cells(appointment), patient)


def _cells(appointment: AppointmentOut) -> tuple[object, ...]:
    return (
        appointment.date,
        appointment.appointment_time,
        appointment.doctor_name,
        appointment.patient_name,
        appointment.status,
        appointment.fee,
        appointment.currency,
        f"{appointment.starts_at:%Y-%m-%dT%H:%M:%SZ}",
        f"{appointment.ends_at:%Y-%m-%dT%H:%M:%SZ}",
        appointment.notes,
        appointment.id,
    )
