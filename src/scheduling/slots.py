"""Free time, computed: from working hours to intervals, from intervals to slots, from slots to free slots."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from scheduling.clock import MIDNIGHT, stretches

SLOT = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Hours:
    """A schedule's working hours: one date, or one weekday (Monday is 0) between two dates, both included."""

    schedule_id: UUID
    doctor_id: UUID
    zone: ZoneInfo
    start_time: time
    end_time: time
    first: date
    last: date
    weekday: int | None = None

    def bounds(self, day: date) -> tuple[datetime, datetime]:
        """Return what the clocks show when these hours begin and end on a day, as naive local times."""
        ends_on = day + timedelta(days=1) if self.end_time == MIDNIGHT else day
        return datetime.combine(day, self.start_time), datetime.combine(ends_on, self.end_time)

    def days(self, first: date, last: date) -> Iterator[date]:
        """Yield the days on which these hours are worked, within both bounds, included."""
        day, end = max(first, self.first), min(last, self.last)
        if self.weekday is not None and day <= end:
            day += timedelta(days=(self.weekday - day.weekday()) % 7)
        while day <= end:
            yield day
            day += timedelta(days=1 if self.weekday is None else 7)


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of time, half-open, in UTC."""

    starts_at: datetime
    ends_at: datetime

    def overlaps(self, other: "Interval") -> bool:
        """Tell whether the two share a moment; touching ends do not."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at

    def contains(self, other: "Interval") -> bool:
        """Tell whether the other lies within this one."""
        return self.starts_at <= other.starts_at and other.ends_at <= self.ends_at


@dataclass(frozen=True, slots=True)
class Shift:
    """A stretch of a schedule's hours on one day; `day` is the local date."""

    hours: Hours
    day: date
    interval: Interval

    def slots(self) -> Iterator["Slot"]:
        """Yield the 30-minute slots that end within the shift, in order, counted in elapsed time from its start."""
        starts_at = self.interval.starts_at
        while starts_at + SLOT <= self.interval.ends_at:
            yield Slot(self.hours.doctor_id, self.hours.schedule_id, self.day, self.hours.zone, starts_at)
            starts_at += SLOT


@dataclass(frozen=True, slots=True)
class Slot:
    """30 minutes of a doctor's schedule; `day` is the date of its shift."""

    doctor_id: UUID
    schedule_id: UUID
    day: date
    zone: ZoneInfo
    starts_at: datetime

    @property
    def ends_at(self) -> datetime:
        """When the next slot could begin."""
        return self.starts_at + SLOT

    @property
    def interval(self) -> Interval:
        """The slot's time."""
        return Interval(self.starts_at, self.ends_at)

    @property
    def local_time(self) -> time:
        """What the clocks show when it begins; in the hour that repeats, two slots show the same."""
        return self.starts_at.astimezone(self.zone).time()


def shifts(hours: Hours, first: date, last: date) -> Iterator[Shift]:
    """Yield the shifts of a schedule between two local dates, included, in order.

    A shift is a stretch in which the clocks show the hours. Where they skip a bound it begins or ends with the change;
    where a bound lies in the hour that is repeated, the day has two shifts. No minute inside the hours is lost, and
    none outside is offered.
    """
    for day in hours.days(first, last):
        for starts_at, ends_at in stretches(*hours.bounds(day), hours.zone):
            yield Shift(hours, day, Interval(starts_at, ends_at))


def free_slots(
    offered: Iterable[Hours],
    *,
    after: datetime,
    before: datetime,
    busy: Collection[tuple[UUID, Interval]],
    booked_days: Counter[tuple[UUID, date]],
    caps: dict[UUID, int],
) -> list[Slot]:
    """Return the slots that begin in [after, before) and are free, in order of time.

    `busy` is what takes a doctor's time (appointments, time off), `booked_days` how many appointments a doctor has on a
    local date, `caps` how many a day takes.
    """
    taken: dict[UUID, list[Interval]] = {}
    for doctor_id, interval in busy:
        taken.setdefault(doctor_id, []).append(interval)
    found = []
    for hours in offered:
        # A day's margin on both sides: the local date of an instant differs from the UTC date by at most one.
        first, last = after.date() - timedelta(days=1), before.date() + timedelta(days=1)
        for shift in shifts(hours, first, last):
            if booked_days[hours.doctor_id, shift.day] >= caps[hours.doctor_id]:
                continue
            occupied = [each for each in taken.get(hours.doctor_id, ()) if each.overlaps(shift.interval)]
            found += [
                slot
                for slot in shift.slots()
                if after <= slot.starts_at < before and not any(each.overlaps(slot.interval) for each in occupied)
            ]
    return sorted(found, key=lambda slot: (slot.starts_at, slot.doctor_id))
