"""Clocks that are set forward and back, found and read without the application: minute by minute, asking the zone."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, cached_property
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

MINUTE = timedelta(minutes=1)
FIRST, LAST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
# Names that are no place: "right" and "posix" trees do not appear, these stand for the machine's own settings.
NOT_ZONES = {"localtime", "Factory"}


@dataclass(frozen=True)
class Change:
    """The instant at which a zone's clocks are set by `size`, and what they show just before and at it."""

    zone: str
    at: datetime
    before: timedelta
    after: timedelta

    @property
    def size(self) -> timedelta:
        return self.after - self.before

    @property
    def shows_before(self) -> datetime:
        """What the clocks would show at the instant if they were not set."""
        return (self.at + self.before).replace(tzinfo=None)

    @property
    def shows_after(self) -> datetime:
        return (self.at + self.after).replace(tzinfo=None)

    @property
    def days(self) -> set[date]:
        """The local dates that the change touches."""
        return {
            (self.at + offset - edge).date() for offset in (self.before, self.after) for edge in (MINUTE, 0 * MINUTE)
        }


def offset(zone: ZoneInfo, instant: datetime) -> timedelta:
    found = instant.astimezone(zone).utcoffset()
    assert found is not None
    return found


def changes_in(name: str, first: datetime = FIRST, last: datetime = LAST) -> list[Change]:
    """Every setting of a zone's clocks between two instants, oldest first."""
    zone, found = ZoneInfo(name), []
    # Nowhere are clocks set and set back within a week.
    marks = [first + timedelta(days=7 * n) for n in range((last - first).days // 7 + 2)]
    for low, high in pairwise(marks):
        if offset(zone, low) != offset(zone, high):
            found.append(_change_between(name, zone, low, high))
    return found


def _change_between(name: str, zone: ZoneInfo, low: datetime, high: datetime) -> Change:
    before, after = offset(zone, low), offset(zone, high)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        low, high = (middle, high) if offset(zone, middle) == before else (low, middle)
    return Change(name, high.replace(microsecond=0), before, after)


@cache
def changes_of_every_zone() -> dict[str, list[Change]]:
    """Every IANA zone whose clocks are set between 2020 and 2030, with each of these changes."""
    found = {name: changes_in(name) for name in sorted(available_timezones() - NOT_ZONES)}
    return {name: changes for name, changes in found.items() if changes}


@cache
def different_changes() -> list[Change]:
    """Each change once: what half of Europe does at the same instant by the same offsets is one."""
    once = {
        (change.at, change.before, change.after): change
        for changes in changes_of_every_zone().values()
        for change in changes
    }
    return list(once.values())


def next_change(name: str, now: datetime, *, forward: bool) -> Change:
    """The next time that clocks are set forward, or back."""
    within_two_years = changes_in(name, now, now + timedelta(days=730))
    return next(change for change in within_two_years if (change.size > timedelta(0)) == forward)


@dataclass(frozen=True)
class Day:
    """A local date in a zone: each minute of it, with what the clocks show then."""

    date: date
    minutes: list[tuple[datetime, time]]

    def showing(self, clock: time) -> list[datetime]:
        """The instants, to the minute, at which the clocks show this."""
        return self._instants.get(clock, [])

    @cached_property
    def _instants(self) -> dict[time, list[datetime]]:
        found: dict[time, list[datetime]] = {}
        for instant, shown in self.minutes:
            found.setdefault(shown, []).append(instant)
        return found

    def stretches(self, start: time, end: time) -> list[list[datetime]]:
        """The minutes at which the clocks show `start` or later and not yet `end`, in unbroken stretches.

        Midnight as the end is that of this date.
        """
        found: list[list[datetime]] = []
        for instant, shown in self.minutes:
            if not (start <= shown and (shown < end or end == time(0))):
                continue
            if found and instant - found[-1][-1] == MINUTE:
                found[-1].append(instant)
            else:
                found.append([instant])
        return found

    def slots(self, start: time, end: time) -> list[datetime]:
        """When half hours begin that fit within these hours, counted from the beginning of each stretch."""
        return [
            stretch[0] + n * 30 * MINUTE for stretch in self.stretches(start, end) for n in range(len(stretch) // 30)
        ]


def walk(day: date, zone: ZoneInfo) -> Day:
    """Walk through UTC minute by minute and keep what the zone's clocks show on this date."""
    begin, shown = _begin(day, zone), _shown(day, zone)
    return Day(day, [(begin + n * MINUTE, time(*divmod(minute, 60))) for n, minute in enumerate(shown) if minute >= 0])


def days_of_changes() -> Iterator[tuple[Change, ZoneInfo, Day]]:
    """Walk through every date on which some zone's clocks are set."""
    for change in different_changes():
        zone = ZoneInfo(change.zone)
        for day in sorted(change.days):
            yield change, zone, walk(day, zone)


def _offsets(day: date, zone: ZoneInfo) -> list[timedelta]:
    """The offsets around a day: those two days before and after it, and at its noon."""
    noon = datetime.combine(day, time(12), tzinfo=UTC)
    return [offset(zone, noon + timedelta(days=n)) for n in (-2, 0, 2)]


def _begin(day: date, zone: ZoneInfo) -> datetime:
    """An instant, to the minute, before which the zone's clocks do not show this date yet."""
    return datetime.combine(day, time.min, tzinfo=UTC) - max(_offsets(day, zone))


@cache
def _shown(day: date, zone: ZoneInfo) -> "array[int]":
    """What the clocks show from `_begin` on, in minutes since midnight; -1 while they show another date."""
    offsets = _offsets(day, zone)
    minutes = 24 * 60 + (max(offsets) - min(offsets)) // MINUTE
    clocks = ((_begin(day, zone) + n * MINUTE).astimezone(zone) for n in range(minutes))
    return array("h", [clock.hour * 60 + clock.minute if clock.date() == day else -1 for clock in clocks])
