"""Booking: lock the calendars, look, insert. The tables are the backstop, and each refusal has a name."""

from datetime import date, datetime
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

import care.service
from care.schemas import BookingTerms
from core.actor import Actor
from core.audit import Subject, audited
from core.contention import repeated_on_contention
from core.errors import Conflict, Invalid, NotAllowed, NotFound, Refusal
from core.throttle import Limit, count_attempt
from scheduling.models import Appointment, AppointmentEvent
from scheduling.permissions import (
    may_book_for_anyone,
    may_reschedule,
    may_work_with_appointments,
    visible_appointments,
)
from scheduling.schemas import AppointmentOut, BookingIn, RescheduleIn
from scheduling.service.asked_time import resolve_time
from scheduling.service.locks import lock_calendars
from scheduling.service.publish import about_appointment, about_patients, publish_appointments
from scheduling.service.refusals import BadTime, DayFull, DoctorNotBookable, PatientBusy, SlotTaken
from scheduling.slots import Interval, Slot

# Of one account; the front desk books for the whole clinic and is not counted.
BOOKINGS = Limit("booking", amount=10, seconds=60)


def count_booking(*, actor: Actor, now: datetime) -> None:
    """Count a try to book, whatever comes of it; call it before the booking, outside of any transaction.

    Raises TooManyAttempts after ten within a minute. The front desk may book as often as it has to.
    """
    if not may_book_for_anyone(actor):
        count_attempt([(BOOKINGS, str(actor.account_id))], now=now)


@repeated_on_contention
def book_appointment(*, actor: Actor, body: BookingIn, now: datetime) -> AppointmentOut:
    """Book 30 minutes of a doctor's time for a patient: the caller's own chart unless one is named.

    The own chart is made with the first booking. Raises Invalid (unknown doctor or patient, `past`, `off_grid`,
    `outside_schedule`), NotAllowed, and Conflict by name: SlotTaken, DayFull, PatientBusy, DoctorNotBookable. Of rivals
    for one slot exactly one gets it, on both databases.
    """
    named = [Subject("patient", body.patient)] if body.patient else []
    with audited(actor, "appointment.book", Subject("doctor", body.doctor), *named) as act:
        if not may_work_with_appointments(actor):
            raise NotAllowed("Researchers and officials book no appointments.")
        terms = care.service.get_booking_terms([body.doctor]).get(body.doctor)
        if terms is None:
            raise Invalid({"doctor": ["is not known"]})
        _look(terms, body, now=now)
        patient = care.service.choose_patient(actor=actor, patient_id=body.patient, now=now)
        act.about(Subject("patient", patient.id))
        lock_calendars([terms.id, patient.id])
        terms = _bookable_terms(terms.id)
        care.service.require_patient(patient_id=patient.id)
        slot = resolve_time(terms, body, now=now)
        _require_free(terms, slot, patient.id, now=now)
        appointment = Appointment(
            doctor_id=terms.id,
            patient_id=patient.id,
            created_by_id=actor.user_id,
            notes=body.notes,
            created_at=now,
        )
        _place(appointment, terms, slot, now=now)
        record_move(appointment, actor=actor, now=now)
        act.about(about_appointment(actor, appointment))
    return publish_appointments([appointment])[0]


@repeated_on_contention
def reschedule_appointment(*, actor: Actor, appointment_id: UUID, body: RescheduleIn, now: datetime) -> AppointmentOut:
    """Move a booked appointment to another time, also with another doctor, or leave everything as it is.

    Raises NotFound, NotAllowed, Conflict (`illegal_move`) where it is no longer booked, and all refusals of booking.
    """
    with audited(actor, "appointment.reschedule", Subject("appointment", appointment_id)) as act:
        if not may_work_with_appointments(actor):
            raise NotAllowed("Researchers and officials move no appointments.")
        before = visible_appointment(actor, appointment_id)
        act.about(about_appointment(actor, before), *about_patients(actor, [before]))
        if not may_reschedule(actor, before):
            raise NotAllowed("Whose chart it is, and the front desk, move an appointment.")
        doctor_id = body.doctor or before.doctor_id
        if doctor_id not in care.service.get_booking_terms([doctor_id]):
            raise Invalid({"doctor": ["is not known"]})
        lock_calendars({before.doctor_id, doctor_id, before.patient_id})
        appointment = as_seen(before, visible_appointment(actor, appointment_id))
        refusal = find_rescheduling_refusal(actor, appointment, now=now)
        if refusal is not None:
            raise refusal
        terms = _bookable_terms(doctor_id)
        slot = resolve_time(terms, body, now=now)
        _require_free(terms, slot, appointment.patient_id, now=now, moving=appointment)
        was = AppointmentEvent(from_starts_at=appointment.starts_at, from_doctor=appointment.doctor_id)
        _place(appointment, terms, slot, now=now)
        record_move(appointment, actor=actor, now=now, reason=body.reason, was=was, from_status=appointment.status)
    return publish_appointments([appointment])[0]


def find_rescheduling_refusal(actor: Actor, appointment: Appointment, *, now: datetime) -> Refusal | None:
    """Return why somebody who moves this patient's appointments may not move this one, wherever to, or None."""
    if appointment.status != Appointment.Status.BOOKED:
        return Conflict("Only a booked appointment is moved.", code="illegal_move")
    if appointment.starts_at <= now and not may_book_for_anyone(actor):
        return Conflict("It has begun; ask the front desk.", code="too_late")
    return None


def require_free_again(appointment: Appointment, *, now: datetime) -> None:
    """Check an appointment that shall occupy its time again as a booking is checked, but for the time being past.

    For an administrator's override, which holds the calendars. Raises SlotTaken, PatientBusy, DayFull, and
    DoctorNotBookable where the entry is gone.
    """
    terms = care.service.get_booking_terms([appointment.doctor_id]).get(appointment.doctor_id)
    if terms is None:
        raise DoctorNotBookable
    if appointment.schedule.deleted_at is not None:
        raise BadTime("outside_schedule", "The working hours of this appointment are gone; book another time.")
    _require_free_time(terms, appointment.interval, appointment.patient_id, now=now, moving=appointment)
    _require_day(terms, appointment.date, now=now, moving=appointment)


def record_move(
    appointment: Appointment,
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
    from_status: str = "",
    was: AppointmentEvent | None = None,
) -> None:
    """Add a row to the appointment's history; in the transaction of the move."""
    event = was or AppointmentEvent(from_starts_at=appointment.starts_at if from_status else None)
    event.appointment = appointment
    event.at, event.by_id, event.reason = now, actor.user_id, reason
    event.from_status, event.to_status = from_status, appointment.status
    event.to_starts_at = appointment.starts_at
    event.save()


def visible_appointment(actor: Actor, appointment_id: UUID) -> Appointment:
    """Return the appointment as the actor may see it; raises NotFound."""
    appointment = visible_appointments(actor).filter(pk=appointment_id).first()
    if appointment is None:
        raise NotFound
    return appointment


def as_seen(before: Appointment, now_held: Appointment) -> Appointment:
    """Return the appointment whose calendars are held; Conflict (`changed_meanwhile`) where it has others now."""
    if (before.doctor_id, before.patient_id) != (now_held.doctor_id, now_held.patient_id):
        raise Conflict("Somebody else changed it at this moment; look again.", code="changed_meanwhile")
    return now_held


def find_conflict(*, doctor_id: UUID, patient_id: UUID, time: Interval, moving: UUID | None = None) -> str | None:
    """Return `slot_taken` or `patient_busy` where an occupying appointment overlaps the time, else None.

    The one overlap rule of the clinic: half-open intervals, cancelled ones do not count.
    """
    rivals = _rivals(time).exclude(pk=moving or UUID(int=0))
    if rivals.filter(doctor_id=doctor_id).exists():
        return SlotTaken.code
    return PatientBusy.code if rivals.filter(patient_id=patient_id).exists() else None


def _rivals(time: Interval) -> "QuerySet[Appointment]":
    """Return whose appointments take a part of this time."""
    occupying = Appointment.objects.exclude(status=Appointment.Status.CANCELLED)
    return occupying.filter(starts_at__lt=time.ends_at, ends_at__gt=time.starts_at)


def _look(terms: BookingTerms, body: BookingIn, *, now: datetime) -> None:
    """Refuse a time that cannot be had, before anything is made or held: whoever comes too late delays nobody.

    Decides nothing: what passes is judged once more when the calendars are held.
    """
    if not terms.bookable:
        raise DoctorNotBookable
    slot = resolve_time(terms, body, now=now)
    if _rivals(slot.interval).filter(doctor_id=terms.id).exists():
        raise SlotTaken(terms, after=slot.starts_at)


def _bookable_terms(doctor_id: UUID) -> BookingTerms:
    """Read the doctor's terms again, now that the calendar is held."""
    terms = care.service.get_booking_terms([doctor_id]).get(doctor_id)
    if terms is None or not terms.bookable:
        raise DoctorNotBookable
    return terms


def _require_free(
    terms: BookingTerms, slot: Slot, patient_id: UUID, *, now: datetime, moving: Appointment | None = None
) -> None:
    _require_free_time(terms, slot.interval, patient_id, now=now, moving=moving)
    _require_day(terms, slot.day, now=now, moving=moving)


def _require_free_time(
    terms: BookingTerms, time: Interval, patient_id: UUID, *, now: datetime, moving: Appointment | None
) -> None:
    conflict = find_conflict(doctor_id=terms.id, patient_id=patient_id, time=time, moving=moving.pk if moving else None)
    if conflict == SlotTaken.code:
        raise SlotTaken(terms, after=max(now, time.starts_at))
    if conflict == PatientBusy.code:
        raise PatientBusy


def _require_day(terms: BookingTerms, day: date, *, now: datetime, moving: Appointment | None) -> None:
    """Count the doctor's day under the lock: no index can (SECURITY.md, F3)."""
    occupying = Appointment.objects.filter(doctor_id=terms.id, date=day).exclude(status=Appointment.Status.CANCELLED)
    if moving is not None:
        occupying = occupying.exclude(pk=moving.pk)
    if occupying.count() >= terms.max_appointments_per_day:
        raise DayFull(terms, after=now)


def _place(appointment: Appointment, terms: BookingTerms, slot: Slot, *, now: datetime) -> None:
    """Write the slot into the row; the unique indexes and the exclusion constraint judge what slipped past."""
    appointment.schedule_id = slot.schedule_id
    appointment.starts_at, appointment.ends_at, appointment.date = slot.starts_at, slot.ends_at, slot.day
    if appointment.fee is None or appointment.doctor_id != terms.id:
        appointment.fee, appointment.currency = terms.consultation_fee, settings.CURRENCY
    appointment.doctor_id = terms.id
    appointment.updated_at = now
    try:
        with transaction.atomic():
            appointment.save()
    except IntegrityError:
        _require_free_time(terms, slot.interval, appointment.patient_id, now=now, moving=appointment)
        raise
