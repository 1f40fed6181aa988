"""Which slot somebody means who names a time: by an instant, or by a schedule and what the clocks show."""

from datetime import datetime, timedelta

from care.schemas import BookingTerms
from core.errors import Invalid
from scheduling.models import Schedule, TimeOff
from scheduling.schemas import BookingIn, RescheduleIn
from scheduling.service.refusals import BadTime
from scheduling.slots import Slot, shifts


def resolve_time(terms: BookingTerms, body: BookingIn | RescheduleIn, *, now: datetime) -> Slot:
    """Return the slot that is meant, or raise BadTime: `past`, `outside_schedule` or `off_grid`."""
    slots = _slots_meant(terms, body)
    if slots is None:
        raise BadTime("outside_schedule", "The doctor does not work at this time.")
    if not slots:
        raise BadTime("off_grid", "Appointments begin every 30 minutes from the start of the working hours.")
    slot = next((slot for slot in slots if slot.starts_at > now), slots[0])
    if slot.starts_at <= now:
        raise BadTime("past", "This time has passed.")
    if TimeOff.objects.filter(doctor_id=terms.id, starts_at__lt=slot.ends_at, ends_at__gt=slot.starts_at).exists():
        raise BadTime("outside_schedule", "The doctor is away at this time.")
    return slot


def _slots_meant(terms: BookingTerms, body: BookingIn | RescheduleIn) -> list[Slot] | None:
    """Return the slots that fit what was asked, earliest first; empty off the grid, None outside working hours.

    In the hour that the clocks repeat two slots show the same time: the first to come is meant, `starts_at` names
    either.
    """
    live = Schedule.objects.filter(doctor_id=terms.id, deleted_at__isnull=True)
    if body.schedule is not None:
        live = live.filter(pk=body.schedule)
    if body.starts_at is not None:
        starts_at, day = body.starts_at, body.starts_at.date()
        near = live.filter(first_on__lte=day + timedelta(days=1), last_on__gte=day - timedelta(days=1))
        around = [
            shift
            for schedule in near
            for shift in shifts(schedule.hours, day - timedelta(days=1), day + timedelta(days=1))
            if shift.interval.starts_at <= starts_at < shift.interval.ends_at
        ]
        if not around:
            return None
        return [slot for shift in around for slot in shift.slots() if slot.starts_at == starts_at]
    schedule = live.first()
    if schedule is None:
        raise Invalid({"schedule": ["is not known"]})
    on = schedule.first_on if schedule.weekday is None else body.date
    if on is None:
        raise Invalid({"date": ["is needed with a weekly schedule"]})
    at = body.appointment_time
    found = list(shifts(schedule.hours, on, on))
    other_day = body.date is not None and body.date != on
    begins, ends = schedule.hours.bounds(on)
    if other_day or not found or at is None or not begins <= datetime.combine(on, at) < ends:
        return None
    return [slot for shift in found for slot in shift.slots() if slot.local_time == at]
