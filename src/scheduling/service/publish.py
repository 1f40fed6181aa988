"""Appointments as they are published, and as they stand in the audit."""

from collections.abc import Collection
from zoneinfo import ZoneInfo

import care.service
import identity.service
from core.actor import Actor
from core.audit import Subject
from scheduling.models import Appointment, Schedule
from scheduling.permissions import calendars_kept, rule_for_appointment
from scheduling.schemas import AppointmentDetailOut, AppointmentEventOut, AppointmentOut


def publish_appointments(appointments: Collection[Appointment]) -> list[AppointmentOut]:
    """Publish appointments with the names of their people; three queries for any number."""
    doctors = care.service.describe_doctors(each.doctor_id for each in appointments)
    patients = care.service.name_patients(each.patient_id for each in appointments)
    zones = dict(
        Schedule.objects.filter(pk__in={each.schedule_id for each in appointments}).values_list("pk", "time_zone")
    )
    return [
        AppointmentOut(
            id=each.pk,
            doctor=each.doctor_id,
            doctor_name=doctors[each.doctor_id].name,
            patient=each.patient_id,
            patient_name=patients[each.patient_id],
            schedule=each.schedule_id,
            date=each.date,
            appointment_time=f"{each.starts_at.astimezone(ZoneInfo(zones[each.schedule_id])):%H:%M}",
            starts_at=each.starts_at,
            ends_at=each.ends_at,
            status=each.status,  # type: ignore[arg-type]  # the column's choices are these words
            fee=each.fee,
            currency=each.currency,
            notes=each.notes,
            created_at=each.created_at,
            updated_at=each.updated_at,
        )
        for each in appointments
    ]


def publish_with_history(appointment: Appointment) -> AppointmentDetailOut:
    """Publish one appointment with everything that happened to it, oldest first."""
    events = list(appointment.history.all())
    names = identity.service.describe_users(event.by_id for event in events if event.by_id)
    history = [
        AppointmentEventOut(
            at=event.at,
            by=event.by_id,
            by_name=names.get(event.by_id, "") if event.by_id else "System",
            from_status=event.from_status,
            to_status=event.to_status,
            from_starts_at=event.from_starts_at,
            to_starts_at=event.to_starts_at,
            reason=event.reason,
        )
        for event in events
    ]
    return AppointmentDetailOut(**publish_appointments([appointment])[0].model_dump(), history=history)


def about_appointment(actor: Actor, appointment: Appointment) -> Subject:
    """Name an appointment in an audit event, with the rule by which the actor sees it."""
    own = calendars_kept(actor, [appointment.doctor_id])
    rule = rule_for_appointment(actor, is_own_calendar=appointment.doctor_id in own)
    return Subject("appointment", appointment.pk, rule)


def about_patients(actor: Actor, appointments: Collection[Appointment]) -> list[Subject]:
    """Name whom these appointments are about, each with the rule by which the actor sees it; one query at most."""
    own = calendars_kept(actor, {each.doctor_id for each in appointments})
    return [
        Subject("patient", each.patient_id, rule_for_appointment(actor, is_own_calendar=each.doctor_id in own))
        for each in appointments
    ]
