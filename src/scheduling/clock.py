"""Local times and instants: what a wall clock shows in a zone, and when that is.

A local time may not exist (clocks go forward over it) or exist twice (they go back). Source: PEP 495, IANA zones.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# As the end of working hours it is that of their day, which is written 24:00.
MIDNIGHT = time(0)
# No zone has changed its clocks by more than a day.
_LARGEST_CHANGE = timedelta(hours=25)
_HOUR = timedelta(hours=1)
_SECOND = timedelta(seconds=1)


def exists(day: date, at: time, zone: ZoneInfo) -> bool:
    """Tell whether the zone's clocks ever show this time on this day."""
    local = datetime.combine(day, at)
    return local.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) == local


def stretches(begins: datetime, ends: datetime, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """Return the stretches of time, in UTC and in order, in which the zone's clocks show begins <= t < ends.

    Both bounds are naive local times. One stretch as a rule; none where the clocks skip all of it; two where a bound
    lies in the hour that is repeated.
    """
    found: list[tuple[datetime, datetime]] = []
    low, high = begins.replace(tzinfo=UTC) - _LARGEST_CHANGE, ends.replace(tzinfo=UTC) + _LARGEST_CHANGE
    for since, until, offset in _offsets(low, high, zone):
        first = max(since, begins.replace(tzinfo=UTC) - offset)
        last = min(until, ends.replace(tzinfo=UTC) - offset)
        if first >= last:
            continue
        if found and found[-1][1] == first:
            found[-1] = found[-1][0], last
        else:
            found.append((first, last))
    return found


def first_instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the first UTC instant at which the zone's clocks show this time or, where they skip it, a later one."""
    begins = datetime.combine(day, at)
    return stretches(begins, begins + 2 * _LARGEST_CHANGE, zone)[0][0]


def _offsets(low: datetime, high: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Yield (since, until, offset) over the time between two instants: a piece for each offset from UTC."""
    since, offset = low, _offset(low, zone)
    if offset == _offset(high, zone):  # most days; nowhere do clocks change and change back within three days
        yield low, high, offset
        return
    at = low
    while at < high:
        following = min(at + _HOUR, high)
        if _offset(following, zone) != offset:
            change = _change(at, following, zone)
            yield since, change, offset
            since, offset = change, _offset(change, zone)
        at = following
    yield since, high, offset


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant between two at which the offset becomes that of the second, to the second."""
    new = _offset(after, zone)
    while after - before > _SECOND:
        middle = before + (after - before) / 2
        if _offset(middle, zone) == new:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta(0)
