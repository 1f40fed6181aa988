"""What an actor may do with appointments, said beforehand: a page offers only what its service would not refuse.

Nothing is decided here. Each answer is that of the function which the service itself asks, at this moment; the service
asks it again when the act is tried. No fact about a patient is told, so no event is recorded.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import care.service
from core.actor import Actor
from core.errors import NotAllowed, NotFound
from scheduling.models import Appointment
from scheduling.permissions import (
    calendars_kept,
    may_book_for_anyone,
    may_read_reports,
    may_schedule,
    may_work_with_appointments,
    may_work_with_schedules,
    patients_moved,
)
from scheduling.schemas import Status
from scheduling.service.appointments import find_refusal
from scheduling.service.booking import find_rescheduling_refusal


@dataclass(frozen=True, slots=True)
class DeskRights:
    """What an actor may do with the appointment book, whatever stands in it."""

    can_book: bool
    can_book_for_anyone: bool
    can_work_with_schedules: bool
    can_read_reports: bool


@dataclass(frozen=True, slots=True)
class AppointmentRights:
    """What an actor may do now with one appointment they see."""

    can_arrive: bool
    can_fulfil: bool
    can_mark_noshow: bool
    can_cancel: bool
    can_reschedule: bool


def get_desk_rights(*, actor: Actor) -> DeskRights:
    """Return what the actor may do with the appointment book; no query."""
    return DeskRights(
        can_book=may_work_with_appointments(actor),
        can_book_for_anyone=may_book_for_anyone(actor),
        can_work_with_schedules=may_work_with_schedules(actor),
        can_read_reports=may_read_reports(actor),
    )


def require_calendar(*, actor: Actor, doctor_id: UUID) -> None:
    """Raise what keeps the actor from a doctor's calendar.

    NotAllowed for who keeps no calendar at all, else NotFound for a doctor who is not there, else NotAllowed for a
    calendar that is another doctor's.
    """
    if not may_work_with_schedules(actor):
        raise NotAllowed("Doctors and the front desk work with calendars.")
    if doctor_id not in care.service.get_booking_terms([doctor_id]):
        raise NotFound
    if not may_schedule(actor, doctor_id):
        raise NotAllowed("You keep your own calendar.")


def appointment_rights(
    actor: Actor, appointments: Collection[Appointment], *, now: datetime
) -> dict[UUID, AppointmentRights]:
    """Return the rights over each of these appointments, all of which the actor sees; two queries at most."""
    kept = calendars_kept(actor, {each.doctor_id for each in appointments})
    moved = patients_moved(actor, {each.patient_id for each in appointments})

    def can(to: Status, appointment: Appointment) -> bool:
        return find_refusal(appointment, to, by_calendar=appointment.doctor_id in kept, now=now) is None

    return {
        each.pk: AppointmentRights(
            can_arrive=can("arrived", each),
            can_fulfil=can("fulfilled", each),
            can_mark_noshow=can("noshow", each),
            can_cancel=can("cancelled", each),
            can_reschedule=each.patient_id in moved and find_rescheduling_refusal(actor, each, now=now) is None,
        )
        for each in appointments
    }
