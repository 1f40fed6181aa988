"""Scheduling's tables: calendars to lock, working hours, time off, appointments and their history."""

from typing import ClassVar
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import F, Q

from core.ids import new_id
from scheduling.clock import MIDNIGHT
from scheduling.slots import Hours, Interval


class Calendar(models.Model):
    """A doctor's or a patient's calendar: the row that is locked before anything in it changes.

    Its id is the doctor's or patient's own; ids are unique across tables.
    """

    id = models.UUIDField(primary_key=True, editable=False)

    def __str__(self) -> str:
        return f"calendar of {self.pk}"


class Schedule(models.Model):
    """Working hours in the zone they were entered in: on one date, or weekly between two dates."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    doctor = models.ForeignKey("care.Doctor", on_delete=models.PROTECT, related_name="+")
    weekday = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Monday is 0; empty for one date.")
    first_on = models.DateField()
    last_on = models.DateField()
    start_time = models.TimeField()
    end_time = models.TimeField(help_text="Midnight is the end of the day.")
    time_zone = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="a_schedule_ends_after_it_begins",
                condition=Q(end_time__gt=F("start_time")) | Q(end_time=MIDNIGHT),
            ),
            models.CheckConstraint(
                name="a_schedule_is_one_date_or_weekly",
                condition=Q(weekday__isnull=True, last_on=F("first_on"))
                | Q(weekday__gte=0, weekday__lte=6, last_on__gte=F("first_on")),
            ),
        ]
        indexes = [
            models.Index(
                fields=["doctor", "last_on"], condition=Q(deleted_at__isnull=True), name="live_schedules_of_a_doctor"
            )
        ]

    def __str__(self) -> str:
        return f"{self.start_time:%H:%M}-{self.end_time:%H:%M} from {self.first_on}"

    @property
    def hours(self) -> Hours:
        """The working hours, for computing."""
        return Hours(
            schedule_id=self.pk,
            doctor_id=self.doctor_id,
            zone=ZoneInfo(self.time_zone),
            start_time=self.start_time,
            end_time=self.end_time,
            first=self.first_on,
            last=self.last_on,
            weekday=self.weekday,
        )


class TimeOff(models.Model):
    """A stretch in which a doctor offers no time; appointments in it stay and are moved by people."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    doctor = models.ForeignKey("care.Doctor", on_delete=models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "time off"
        constraints = [
            models.CheckConstraint(name="time_off_ends_after_it_begins", condition=Q(ends_at__gt=F("starts_at")))
        ]
        indexes = [models.Index(fields=["doctor", "ends_at"], name="time_off_of_a_doctor")]

    def __str__(self) -> str:
        return f"off from {self.starts_at}"


class Appointment(models.Model):
    """A patient sees a doctor. Every status but `cancelled` occupies the time; `booked` and `arrived` are live."""

    class Status(models.TextChoices):
        """FHIR R4's words (AppointmentStatus)."""

        BOOKED = "booked"
        ARRIVED = "arrived"
        FULFILLED = "fulfilled"
        CANCELLED = "cancelled"
        NOSHOW = "noshow"

    LIVE: ClassVar = (Status.BOOKED, Status.ARRIVED)

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    doctor = models.ForeignKey("care.Doctor", on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey("care.Patient", on_delete=models.PROTECT, related_name="+")
    schedule = models.ForeignKey(Schedule, on_delete=models.PROTECT, related_name="appointments")
    starts_at = models.DateTimeField(db_index=True)
    ends_at = models.DateTimeField()
    date = models.DateField(help_text="The local date of its shift; a day's limit counts by it.")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.BOOKED)
    fee = models.DecimalField(max_digits=10, decimal_places=2)
    currency = models.CharField(max_length=3)
    notes = models.TextField(blank=True)
    created_by = models.ForeignKey("identity.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    hidden_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="a_slot_holds_one_occupying_appointment",
                fields=["doctor", "starts_at"],
                condition=~Q(status="cancelled"),
            ),
            models.UniqueConstraint(
                name="nobody_is_in_two_rooms_at_once", fields=["patient", "starts_at"], condition=~Q(status="cancelled")
            ),
            models.CheckConstraint(name="an_appointment_ends_after_it_begins", condition=Q(ends_at__gt=F("starts_at"))),
            models.CheckConstraint(
                name="a_hidden_appointment_is_cancelled", condition=Q(hidden_at__isnull=True) | Q(status="cancelled")
            ),
        ]
        indexes = [
            models.Index(fields=["doctor", "date"], condition=~Q(status="cancelled"), name="a_doctors_booked_days"),
            models.Index(fields=["patient", "starts_at"], name="appointments_of_a_patient"),
        ]

    def __str__(self) -> str:
        return f"{self.status} at {self.starts_at}"

    @property
    def interval(self) -> Interval:
        """The time it takes."""
        return Interval(self.starts_at, self.ends_at)


class AppointmentEvent(models.Model):
    """What happened to an appointment: who did it, when, why, and where it stood before and after."""

    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="history")
    at = models.DateTimeField()
    by = models.ForeignKey("identity.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    from_status = models.CharField(max_length=16, blank=True)
    to_status = models.CharField(max_length=16)
    from_starts_at = models.DateTimeField(null=True, blank=True)
    to_starts_at = models.DateTimeField()
    from_doctor = models.UUIDField(null=True, blank=True)
    reason = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.from_status} to {self.to_status}"
