"""Who may see and do what with schedules and appointments: the page an auditor reads (SECURITY.md's table)."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

import care.permissions
from core.actor import Actor, Role
from scheduling.models import Appointment, Schedule, TimeOff


def visible_schedules(actor: Actor) -> "QuerySet[Schedule]":
    """Return working hours: every doctor's for the front desk, the own ones for a doctor, else none."""
    schedules = Schedule.objects.filter(deleted_at__isnull=True)
    if actor.is_front_desk:
        return schedules
    return schedules.filter(doctor__in=care.permissions.own_verified_doctor(actor).values("pk"))


def visible_time_off(actor: Actor) -> "QuerySet[TimeOff]":
    """Return time off, as `visible_schedules`."""
    if actor.is_front_desk:
        return TimeOff.objects.all()
    return TimeOff.objects.filter(doctor__in=care.permissions.own_verified_doctor(actor).values("pk"))


def may_work_with_schedules(actor: Actor) -> bool:
    """Doctors and the front desk keep schedules; everybody else asks for free slots."""
    return actor.is_front_desk or actor.is_doctor


def may_see_free_time(actor: Actor) -> bool:
    """Everybody but officials, who work with counts alone."""
    return actor.role is not Role.OFFICIAL


def may_schedule(actor: Actor, doctor_id: UUID) -> bool:
    """The front desk keeps every doctor's hours, a verified doctor the own ones."""
    return actor.is_front_desk or care.permissions.own_verified_doctor(actor).filter(pk=doctor_id).exists()


def may_work_with_appointments(actor: Actor) -> bool:
    """Researchers and officials never see who sees whom."""
    return actor.works_with_identified_patients


def visible_appointments(actor: Actor) -> "QuerySet[Appointment]":
    """Return appointments: all for the front desk, else those of own charts and of the own calendar."""
    appointments = Appointment.objects.filter(hidden_at__isnull=True)
    if actor.is_front_desk:
        return appointments
    if not may_work_with_appointments(actor):
        return appointments.none()
    return appointments.filter(
        Q(patient__in=care.permissions.own_charts(actor).values("pk"))
        | Q(doctor__in=care.permissions.own_verified_doctor(actor).values("pk"))
    )


def own_appointments(actor: Actor) -> "QuerySet[Appointment]":
    """Return the actor's own: of the own calendar, of the own chart and, away from the desk, of charts one keeps."""
    return visible_appointments(actor).filter(
        Q(patient__in=_own_charts(actor)) | Q(doctor__in=care.permissions.own_verified_doctor(actor).values("pk"))
    )


def appointments_of_own_charts(actor: Actor) -> "QuerySet[Appointment]":
    """Return the actor's own as a patient: `own_appointments` without the own calendar."""
    return visible_appointments(actor).filter(patient__in=_own_charts(actor))


def may_book_for_anyone(actor: Actor) -> bool:
    """The front desk books for every patient of the clinic; care decides the same where it is asked for one."""
    return actor.is_front_desk


def calendars_kept(actor: Actor, doctor_ids: Collection[UUID]) -> frozenset[UUID]:
    """Of these doctors, return those of whose calendars the actor says who came: all for the desk, else the own one."""
    if actor.is_front_desk:
        return frozenset(doctor_ids)
    own = care.permissions.own_verified_doctor(actor).filter(pk__in=doctor_ids)
    return frozenset(own.values_list("pk", flat=True))


def keeps_calendar(actor: Actor, appointment: Appointment) -> bool:
    """The front desk and the doctor concerned say who came and who did not."""
    return appointment.doctor_id in calendars_kept(actor, [appointment.doctor_id])


def patients_moved(actor: Actor, patient_ids: Collection[UUID]) -> frozenset[UUID]:
    """Of these patients, return those whose appointments the actor moves: all for the desk, else the own charts."""
    if actor.is_front_desk:
        return frozenset(patient_ids)
    own = care.permissions.own_charts(actor).filter(pk__in=patient_ids)
    return frozenset(own.values_list("pk", flat=True))


def may_reschedule(actor: Actor, appointment: Appointment) -> bool:
    """The front desk, and whose chart it is; a doctor cancels, but does not move patients about."""
    return appointment.patient_id in patients_moved(actor, [appointment.patient_id])


def may_override_appointments(actor: Actor) -> bool:
    """Only administrators set any status, and hide an appointment."""
    return actor.is_admin


def may_read_reports(actor: Actor) -> bool:
    """Only administrators read the clinic's report, and take it along."""
    return actor.is_admin


def may_take_calendar_along(actor: Actor, doctor_id: UUID) -> bool:
    """A verified doctor takes the appointments of the own calendar along in a file, administrators anybody's."""
    return actor.is_admin or care.permissions.own_verified_doctor(actor).filter(pk=doctor_id).exists()


def rule_for_appointment(actor: Actor, *, is_own_calendar: bool) -> str:
    """Name the rule by which the actor sees an appointment, for the audit."""
    if actor.is_system:
        return "system"
    if actor.is_front_desk:
        return "admin" if actor.is_admin else "front-desk"
    return "own-calendar" if is_own_calendar else "own-chart"


def _own_charts(actor: Actor) -> "QuerySet[Any, Any]":
    """Return the ids of the own chart and of those kept; the desk keeps charts for the clinic, not for itself."""
    charts = care.permissions.own_charts(actor)
    if actor.is_front_desk:
        charts = charts.filter(user_id=actor.account_id)
    return charts.values("pk")
