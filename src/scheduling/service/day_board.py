"""A day at the clinic: who comes when, where each appointment stands, and how the days around it are."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Q, QuerySet

import care.permissions
import care.service
from care.schemas import DoctorCard
from core.actor import Actor
from core.audit import audited
from core.errors import Invalid, NotAllowed
from scheduling.clock import first_instant
from scheduling.models import Appointment, Schedule
from scheduling.permissions import may_work_with_schedules, visible_appointments
from scheduling.service.entries import AppointmentEntry, entries_of
from scheduling.service.publish import about_patients
from scheduling.service.rights import require_calendar

# The chart shows a week before the day and a week from it on; who came is counted over four weeks up to the day.
DAYS_BEFORE = 7
DAYS_AFTER = 6
DAYS_COUNTED = 28
# The local date of an appointment differs from the UTC date of its start by at most a day.
_MARGIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DayCount:
    """How many appointments a day has; cancelled ones do not count."""

    day: date
    appointments: int


@dataclass(frozen=True, slots=True)
class DayBoard:
    """One local date of the whole clinic, or of one doctor.

    `entries` are in the order of their beginning, cancelled ones apart. `days` are the two weeks around the day, one
    entry a day. Of the appointments that took place or should have, in the four weeks up to the day, `came` is how many
    were fulfilled and `missed` to how many nobody came.
    """

    day: date
    today: date
    doctor: DoctorCard | None
    entries: list[AppointmentEntry]
    cancelled: list[AppointmentEntry]
    days: list[DayCount]
    came: int
    missed: int


def get_day_board(*, actor: Actor, day: date | None, doctor_id: UUID | None, now: datetime) -> DayBoard:
    """Return a day, today unless one is named, of the clinic or of one doctor; a doctor gets the own calendar.

    Dates are local to each doctor; today is the doctor's, or the clinic's where no doctor is named. The number of
    queries is the same for any number of appointments. Raises NotAllowed, NotFound, and Invalid for an unlikely date.
    """
    with audited(actor, "appointment.list") as act:
        if not may_work_with_schedules(actor):
            raise NotAllowed("The day board is for doctors and the front desk.")
        if doctor_id is not None:
            require_calendar(actor=actor, doctor_id=doctor_id)
        elif not actor.is_front_desk:
            doctor_id = get_own_calendar(actor=actor)
        today = _today(doctor_id, now=now)
        shown = day or today
        if not 2000 <= shown.year < 2200:
            raise Invalid({"day": ["must lie between the years 2000 and 2200"]})
        calendar = visible_appointments(actor)
        if doctor_id is not None or not actor.is_front_desk:
            calendar = calendar.filter(doctor_id__in=[doctor_id] if doctor_id else [])
        rows = list(_on(calendar, shown, shown).order_by("starts_at", "pk"))
        act.about(*about_patients(actor, rows))
        entries = entries_of(actor, rows, now=now)
        days, came, missed = _figures(calendar, shown)
    doctor = care.service.describe_doctors([doctor_id])[doctor_id] if doctor_id else None
    return DayBoard(
        day=shown,
        today=today,
        doctor=doctor,
        entries=[entry for entry in entries if entry.appointment.status != "cancelled"],
        cancelled=[entry for entry in entries if entry.appointment.status == "cancelled"],
        days=days,
        came=came,
        missed=missed,
    )


def get_own_calendar(*, actor: Actor) -> UUID | None:
    """Return the doctor whose calendar is the actor's own: the verified entry of somebody who practises, or None."""
    return care.permissions.own_verified_doctor(actor).values_list("pk", flat=True).first()


def list_calendars(*, actor: Actor) -> list[DoctorCard]:
    """Return the doctors who keep or kept hours and whose calendars the actor works with, by name; three queries."""
    with_hours = Schedule.objects.order_by().values_list("doctor_id", flat=True).distinct()
    if not actor.is_front_desk:
        with_hours = with_hours.filter(doctor__in=care.permissions.own_verified_doctor(actor).values("pk"))
    cards = care.service.describe_doctors(with_hours)
    return sorted(cards.values(), key=lambda card: (card.name, card.id))


def _today(doctor_id: UUID | None, *, now: datetime) -> date:
    terms = care.service.get_booking_terms([doctor_id] if doctor_id else [])
    zone = terms[doctor_id].time_zone if doctor_id else settings.TIME_ZONE
    return now.astimezone(ZoneInfo(zone)).date()


def _on(rows: "QuerySet[Appointment]", first: date, last: date) -> "QuerySet[Appointment]":
    """Narrow to these local dates, included; the instants around them let the index on the start do the work."""
    utc = ZoneInfo("UTC")
    return rows.filter(
        date__gte=first,
        date__lte=last,
        starts_at__gte=first_instant(first - _MARGIN, time.min, utc),
        starts_at__lt=first_instant(last + 2 * _MARGIN, time.min, utc),
    )


def _figures(calendar: "QuerySet[Appointment]", shown: date) -> tuple[list[DayCount], int, int]:
    first, last = shown - timedelta(days=DAYS_BEFORE), shown + timedelta(days=DAYS_AFTER)
    since = shown - timedelta(days=DAYS_COUNTED - 1)
    status = Appointment.Status
    counted = (
        _on(calendar, since, last)
        .values("date")
        .annotate(
            appointments=Count("pk", filter=~Q(status=status.CANCELLED)),
            came=Count("pk", filter=Q(status=status.FULFILLED)),
            missed=Count("pk", filter=Q(status=status.NOSHOW)),
        )
    )
    by_day = {row["date"]: row for row in counted}
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    until = [row for day, row in by_day.items() if day <= shown]
    return (
        [DayCount(day, by_day[day]["appointments"] if day in by_day else 0) for day in days],
        sum(row["came"] for row in until),
        sum(row["missed"] for row in until),
    )
