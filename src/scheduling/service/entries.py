"""Appointments as a page shows them: with the clocks they go by, and what the reader may do with each."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from core.actor import Actor
from scheduling.models import Appointment, Schedule
from scheduling.permissions import visible_appointments
from scheduling.schemas import AppointmentDetailOut, AppointmentOut
from scheduling.service.appointments import get_appointment
from scheduling.service.publish import publish_appointments
from scheduling.service.rights import AppointmentRights, appointment_rights


@dataclass(frozen=True, slots=True)
class AppointmentEntry:
    """An appointment, when it ends by the same clocks by which it begins, their zone, and the reader's rights."""

    appointment: AppointmentOut
    ends_time: str
    time_zone: str
    rights: AppointmentRights


@dataclass(frozen=True, slots=True)
class OpenedAppointment(AppointmentEntry):
    """The same for one appointment, with its history."""

    appointment: AppointmentDetailOut


def open_appointment(*, actor: Actor, appointment_id: UUID, now: datetime) -> OpenedAppointment:
    """Return one appointment with its history and the actor's rights over it; raises NotFound."""
    detail = get_appointment(actor=actor, appointment_id=appointment_id)
    row = visible_appointments(actor).select_related("schedule").get(pk=appointment_id)
    rights = appointment_rights(actor, [row], now=now)
    zone = row.schedule.time_zone
    return OpenedAppointment(detail, _clock(row.ends_at, zone), zone, rights[row.pk])


def entries_of(actor: Actor, appointments: Collection[Appointment], *, now: datetime) -> list[AppointmentEntry]:
    """Return these appointments, all of which the actor sees, in their order; six queries at most."""
    rights = appointment_rights(actor, appointments, now=now)
    zones = dict(
        Schedule.objects.filter(pk__in={each.schedule_id for each in appointments}).values_list("pk", "time_zone")
    )
    return [
        AppointmentEntry(
            appointment=published,
            ends_time=_clock(published.ends_at, zones[published.schedule]),
            time_zone=zones[published.schedule],
            rights=rights[published.id],
        )
        for published in publish_appointments(appointments)
    ]


def _clock(instant: datetime, zone: str) -> str:
    return f"{instant.astimezone(ZoneInfo(zone)):%H:%M}"
