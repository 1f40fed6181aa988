"""The appointment book in the technical window: read-only, because a lock and a check stand before every change."""

from typing import Any

from django.contrib import admin

from core.admin import ReadOnlyModelAdmin
from core.audit import Subject
from scheduling.models import Appointment, AppointmentEvent, Calendar, Schedule, TimeOff


@admin.register(Appointment)
class AppointmentAdmin(ReadOnlyModelAdmin):
    """Appointments."""

    list_display = ("id", "starts_at", "doctor", "patient", "status", "fee")
    list_filter = ("status",)
    list_select_related = ("doctor", "patient")

    def audit_subjects(self, row: Any) -> list[Subject]:
        """Name the appointment and whom it is about."""
        return [*super().audit_subjects(row), Subject("patient", row.patient_id, "technical-window")]


@admin.register(AppointmentEvent)
class AppointmentEventAdmin(ReadOnlyModelAdmin):
    """What happened to appointments."""

    list_display = ("at", "appointment", "from_status", "to_status", "by")
    list_select_related = ("appointment", "by")

    def audit_subjects(self, row: Any) -> list[Subject]:
        """Name whom it is about."""
        return [Subject("patient", row.appointment.patient_id, "technical-window")]


@admin.register(Schedule)
class ScheduleAdmin(ReadOnlyModelAdmin):
    """Working hours."""

    list_display = ("id", "doctor", "weekday", "first_on", "last_on", "start_time", "end_time", "time_zone")
    list_select_related = ("doctor",)


@admin.register(TimeOff)
class TimeOffAdmin(ReadOnlyModelAdmin):
    """Time off."""

    list_display = ("id", "doctor", "starts_at", "ends_at")
    list_select_related = ("doctor",)


@admin.register(Calendar)
class CalendarAdmin(ReadOnlyModelAdmin):
    """The rows that are locked; they hold nothing."""

    list_display = ("id",)
