"""After booking: finding appointments, and the moves of their state, each kept in the history."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import QuerySet

import care.service
from core.actor import Actor
from core.audit import Subject, audited
from core.contention import repeated_on_contention
from core.errors import Conflict, NotAllowed, Refusal
from core.pagination import Page, PageIn, paginate
from scheduling.models import Appointment
from scheduling.permissions import (
    keeps_calendar,
    may_override_appointments,
    may_work_with_appointments,
    own_appointments,
    visible_appointments,
)
from scheduling.schemas import AppointmentChangeIn, AppointmentDetailOut, AppointmentFilters, AppointmentOut, Status
from scheduling.service.booking import as_seen, record_move, require_free_again, visible_appointment
from scheduling.service.free_time import instant
from scheduling.service.locks import lock_calendars
from scheduling.service.publish import about_appointment, about_patients, publish_appointments, publish_with_history

# Which status may follow which (CONTRACT: scheduling); an administrator's override is free of it.
MOVES: dict[str, frozenset[str]] = {
    "booked": frozenset({"arrived", "noshow", "cancelled"}),
    "arrived": frozenset({"fulfilled", "cancelled"}),
}


def list_appointments(*, actor: Actor, filters: AppointmentFilters, page: PageIn) -> Page[AppointmentOut]:
    """Return one page of the appointments the actor may see, newest booking first. Dates are the clinic's."""
    return _list(actor, visible_appointments, filters, page)


def list_my_appointments(*, actor: Actor, filters: AppointmentFilters, page: PageIn) -> Page[AppointmentOut]:
    """Return one page of the actor's own appointments, as a patient and as a doctor; else as `list_appointments`."""
    return _list(actor, own_appointments, filters, page)


def _list(
    actor: Actor,
    scope: "Callable[[Actor], QuerySet[Appointment]]",
    filters: AppointmentFilters,
    page: PageIn,
) -> Page[AppointmentOut]:
    with audited(actor, "appointment.list") as act:
        _require_work(actor)
        zone = ZoneInfo(settings.TIME_ZONE)
        conditions = {
            "status": filters.status,
            "doctor_id": filters.doctor,
            "patient_id": filters.patient,
            "starts_at__gte": instant(filters.from_, zone),
            "starts_at__lt": instant(filters.to, zone),
        }
        rows = scope(actor).filter(**{name: value for name, value in conditions.items() if value is not None})
        name = f"{scope.__name__}:{actor.user_id}:{filters.model_dump_json()}"
        found = paginate(rows, page=page, scope=name)
        act.about(*about_patients(actor, found.items))
    return found.map(publish_appointments)


def get_appointment(*, actor: Actor, appointment_id: UUID) -> AppointmentDetailOut:
    """Return one appointment with its history; raises NotFound."""
    with audited(actor, "appointment.read", Subject("appointment", appointment_id)) as act:
        _require_work(actor)
        appointment = visible_appointment(actor, appointment_id)
        act.about(about_appointment(actor, appointment), *about_patients(actor, [appointment]))
    return publish_with_history(appointment)


def cancel_appointment(*, actor: Actor, appointment_id: UUID, reason: str, now: datetime) -> AppointmentOut:
    """Cancel; the time is free at once.

    Patients cancel until it begins (`too_late` afterwards), the doctor and the desk as long as it is live. Raises
    NotFound, and Conflict (`illegal_move`).
    """
    return _move(actor, appointment_id, "cancelled", reason=reason, now=now)


def mark_arrived(*, actor: Actor, appointment_id: UUID, reason: str, now: datetime) -> AppointmentOut:
    """Say that the patient is here; for the doctor and the desk. Raises as `cancel_appointment`, and NotAllowed."""
    return _move(actor, appointment_id, "arrived", reason=reason, now=now)


def mark_fulfilled(*, actor: Actor, appointment_id: UUID, reason: str, now: datetime) -> AppointmentOut:
    """Say that it took place; for the doctor and the desk. Raises as `mark_arrived`."""
    return _move(actor, appointment_id, "fulfilled", reason=reason, now=now)


def mark_noshow(*, actor: Actor, appointment_id: UUID, reason: str, now: datetime) -> AppointmentOut:
    """Say that nobody came; only once it has begun (`too_early` before). Raises as `mark_arrived`."""
    return _move(actor, appointment_id, "noshow", reason=reason, now=now)


@repeated_on_contention
def override_appointment(
    *, actor: Actor, appointment_id: UUID, body: AppointmentChangeIn, now: datetime
) -> AppointmentOut:
    """Set any status and the notes; administrators only. A time that is occupied again is checked like a booking.

    Raises NotFound, NotAllowed, and the conflicts of booking.
    """
    with audited(actor, "appointment.override", Subject("appointment", appointment_id)) as act:
        _require_work(actor)
        appointment = _held(actor, appointment_id)
        act.about(about_appointment(actor, appointment), *about_patients(actor, [appointment]))
        if not may_override_appointments(actor):
            raise NotAllowed("Only administrators override an appointment.")
        before = appointment.status
        if body.notes is not None:
            appointment.notes = body.notes
        if body.status is not None and body.status != before:
            if body.status in Appointment.LIVE:
                care.service.require_patient(patient_id=appointment.patient_id)
            if before == Appointment.Status.CANCELLED:
                require_free_again(appointment, now=now)
            appointment.status = body.status
        appointment.updated_at = now
        appointment.save(update_fields=["status", "notes", "updated_at"])
        if appointment.status != before:
            record_move(appointment, actor=actor, now=now, reason=body.reason or "override", from_status=before)
    return publish_appointments([appointment])[0]


@repeated_on_contention
def delete_appointment(*, actor: Actor, appointment_id: UUID, now: datetime) -> None:
    """Cancel and hide; the row and its history stay. Administrators only. Raises NotFound and NotAllowed."""
    with audited(actor, "appointment.delete", Subject("appointment", appointment_id)) as act:
        _require_work(actor)
        appointment = _held(actor, appointment_id)
        act.about(about_appointment(actor, appointment), *about_patients(actor, [appointment]))
        if not may_override_appointments(actor):
            raise NotAllowed("Only administrators delete an appointment.")
        before = appointment.status
        appointment.status = Appointment.Status.CANCELLED
        appointment.hidden_at = appointment.updated_at = now
        appointment.save(update_fields=["status", "hidden_at", "updated_at"])
        record_move(appointment, actor=actor, now=now, reason="deleted", from_status=before)


def find_refusal(appointment: Appointment, to: Status, *, by_calendar: bool, now: datetime) -> Refusal | None:
    """Return why somebody who sees the appointment may not move it there, or None.

    `by_calendar` says that they keep the doctor's calendar; who does not sees it because of the chart.
    """
    if to != "cancelled" and not by_calendar:
        return NotAllowed("The doctor and the front desk say who came.")
    if to not in MOVES.get(appointment.status, frozenset()):
        return Conflict(f"An appointment that is {appointment.status} cannot be {to}.", code="illegal_move")
    if to == "cancelled" and not by_calendar and appointment.starts_at <= now:
        return Conflict("It has begun; ask the front desk.", code="too_late")
    if to == "noshow" and appointment.starts_at > now:
        return Conflict("It has not begun yet.", code="too_early")
    return None


@repeated_on_contention
def _move(actor: Actor, appointment_id: UUID, to: Status, *, reason: str, now: datetime) -> AppointmentOut:
    with audited(actor, f"appointment.{to}", Subject("appointment", appointment_id)) as act:
        _require_work(actor)
        appointment = _held(actor, appointment_id)
        act.about(about_appointment(actor, appointment), *about_patients(actor, [appointment]))
        refusal = find_refusal(appointment, to, by_calendar=keeps_calendar(actor, appointment), now=now)
        if refusal is not None:
            raise refusal
        before = appointment.status
        appointment.status, appointment.updated_at = to, now
        appointment.save(update_fields=["status", "updated_at"])
        record_move(appointment, actor=actor, now=now, reason=reason, from_status=before)
    return publish_appointments([appointment])[0]


def _held(actor: Actor, appointment_id: UUID) -> Appointment:
    """Return the appointment with its calendars held, as it is now; raise NotFound."""
    seen = visible_appointment(actor, appointment_id)
    lock_calendars({seen.doctor_id, seen.patient_id})
    return as_seen(seen, visible_appointment(actor, appointment_id))


def _require_work(actor: Actor) -> None:
    if not may_work_with_appointments(actor):
        raise NotAllowed("Researchers and officials do not see who sees whom.")
