"""Scheduling's answers to what care asks of the appointment book (`care.calendar`)."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from care.calendar import LiveAppointments
from scheduling.models import Appointment, AppointmentEvent, Schedule
from scheduling.service.locks import lock_calendars
from scheduling.service.refusals import PatientBusy


class AppointmentBook:
    """The calendar port of a clinic that keeps appointments."""

    def doctors_offering_time(self, after: datetime) -> Q:
        """Return a condition on Doctor rows: no schedule at all, or one that ends after the moment.

        Days are compared, with a day's margin for the zones: the condition may keep a doctor whose last shift ended
        within a day, and never drops one whose shift is still to come.
        """
        schedules = Schedule.objects.filter(doctor=OuterRef("pk"), deleted_at__isnull=True)
        return ~Exists(schedules) | Exists(schedules.filter(last_on__gte=after.date() - timedelta(days=1)))

    def require_no_live_appointments(
        self, *, patient_id: UUID | None = None, doctor_id: UUID | None = None, now: datetime
    ) -> None:
        """Lock the calendar of the patient or doctor and raise LiveAppointments where one is booked or arrived."""
        live = Appointment.objects.filter(status__in=Appointment.LIVE)
        if patient_id is not None:
            lock_calendars([patient_id])
            live = live.filter(patient_id=patient_id)
        if doctor_id is not None:
            lock_calendars([doctor_id])
            live = live.filter(doctor_id=doctor_id)
        if live.exists():
            raise LiveAppointments("Cancel or fulfil the live appointments first.")

    def hand_over_appointments(
        self, *, from_patient: UUID, to_patient: UUID, by: UUID | None, now: datetime
    ) -> list[UUID]:
        """Make every appointment of one chart another chart's, history included, and return their ids.

        Locks both calendars. Raises PatientBusy where occupying appointments of the two overlap.
        """
        lock_calendars([from_patient, to_patient])
        occupying = Appointment.objects.exclude(status=Appointment.Status.CANCELLED)
        meanwhile = occupying.filter(
            patient_id=to_patient, starts_at__lt=OuterRef("ends_at"), ends_at__gt=OuterRef("starts_at")
        )
        if occupying.filter(Exists(meanwhile), patient_id=from_patient).exists():
            raise PatientBusy("Both charts have an appointment at the same time; cancel one of the two first.")
        moved = list(Appointment.objects.filter(patient_id=from_patient))
        Appointment.objects.filter(patient_id=from_patient).update(patient_id=to_patient, updated_at=now)
        AppointmentEvent.objects.bulk_create(
            AppointmentEvent(
                appointment=each,
                at=now,
                by_id=by,
                from_status=each.status,
                to_status=each.status,
                to_starts_at=each.starts_at,
                reason="the two charts are one person's",
            )
            for each in moved
        )
        return [each.pk for each in moved]


PORT = AppointmentBook()
