"""Slots: no half hour lost, doubled, outside the hours or of the wrong length, in every zone that sets its clocks.

What is expected comes from walking through the day minute by minute and asking the zone what its clocks show.
"""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from core.ids import new_id
from scheduling.slots import SLOT, Hours, Interval, free_slots, shifts
from tests.scheduling.wall_clocks import changes_of_every_zone, days_of_changes, walk

NEW_YORK = ZoneInfo("America/New_York")
SPRING, AUTUMN = date(2027, 3, 14), date(2027, 11, 7)

ZONES = st.sampled_from(
    [*sorted(changes_of_every_zone()), "UTC", "Asia/Kathmandu", "Asia/Kolkata", "Pacific/Kiritimati"]
)
DAYS = st.dates(date(2020, 1, 2), date(2030, 12, 30))
QUARTERS = st.integers(0, 95).map(lambda n: time(n // 4, n % 4 * 15))


def hours(start, end, zone, first, last=None, weekday=None):
    return Hours(
        schedule_id=new_id(),
        doctor_id=new_id(),
        zone=zone,
        start_time=start,
        end_time=end,
        first=first,
        last=last or first,
        weekday=weekday,
    )


def begins(worked, day):
    """When the half hours begin that the application offers on a day."""
    return [slot.starts_at for shift in shifts(worked, day, day) for slot in shift.slots()]


class TestEveryChange:
    """On every day on which some zone's clocks are set, hours that begin and end around the change, or far from it."""

    def hours_around(self, change):
        """Pairs of clock times, each at least half an hour apart."""
        edges = (change.shows_before, change.shows_after)
        near = {(edge + timedelta(minutes=n)).time() for edge in edges for n in (-60, -30, -15, 0, 15, 30, 60)}
        starts = sorted(near | {time(0, 0), time(8, 0), time(23, 59)})
        ends = [*starts[1:], time(0, 0)]
        pairs = [(start, end) for start in starts for end in ends if length_in_minutes(start, end) >= 30]
        return [pair for n, pair in enumerate(pairs) if n % 5 == 0 or pair == (time(0, 0), time(0, 0))]

    def test_every_half_hour_within_the_hours_is_offered_once_and_nothing_else(self):
        compared = 0
        for change, zone, day in days_of_changes():
            for start, end in self.hours_around(change):
                if self.is_ambiguous(day, start) or self.is_ambiguous(day, end):
                    continue
                offered = begins(hours(start, end, zone, day.date), day.date)
                assert offered == day.slots(start, end), (change, day.date, start, end)
                compared += 1
        assert compared > 10_000

    def test_also_where_the_hours_begin_or_end_within_what_is_repeated(self):
        """Nobody works while the clocks show an hour outside the hours, whichever showing it is."""
        compared = 0
        for change, zone, day in days_of_changes():
            for start, end in self.hours_around(change):
                if not (self.is_ambiguous(day, start) or self.is_ambiguous(day, end)):
                    continue
                offered = begins(hours(start, end, zone, day.date), day.date)
                assert offered == day.slots(start, end), (change, day.date, start, end)
                compared += 1
        assert compared > 1_000

    def test_each_is_half_an_hour_long_and_none_overlaps_the_next(self):
        for change, zone, day in days_of_changes():
            worked = hours(time(0, 0), time(0, 0), zone, day.date)
            slots = [slot for shift in shifts(worked, day.date, day.date) for slot in shift.slots()]
            assert {slot.ends_at - slot.starts_at for slot in slots} == {timedelta(minutes=30)}
            assert all(one.ends_at <= other.starts_at for one, other in pairwise(slots)), (change, day.date)
            assert {slot.day for slot in slots} == {day.date}

    def is_ambiguous(self, day, clock):
        return len(day.showing(clock)) > 1


@settings(derandomize=True, max_examples=200, deadline=None, database=None)
@given(zone=ZONES.map(ZoneInfo), day=DAYS, start=QUARTERS, end=QUARTERS)
def test_any_hours_on_any_day_in_any_zone(zone, day, start, end):
    if start >= end != time(0, 0):
        start, end = end, start
    if start == end:
        end = time(0, 0)

    assert begins(hours(start, end, zone, day), day) == walk(day, zone).slots(start, end)


@settings(derandomize=True, max_examples=100, deadline=None, database=None)
@given(
    zone=ZONES.map(ZoneInfo), first=DAYS, span=st.integers(0, 400), weekday=st.integers(0, 6), ask=st.integers(-9, 9)
)
def test_weekly_hours_are_worked_on_that_weekday_between_their_dates(zone, first, span, weekday, ask):
    last = first + timedelta(days=span)
    worked = hours(time(9, 0), time(10, 0), zone, first, last, weekday)
    asked_first, asked_last = first + timedelta(days=ask), last + timedelta(days=ask)

    found = [shift.day for shift in shifts(worked, asked_first, asked_last)]

    every_day = (asked_first + timedelta(days=n) for n in range((asked_last - asked_first).days + 1))
    assert found == [day for day in every_day if day.weekday() == weekday and first <= day <= last]


class TestByHand:
    """A few that anybody can check against a calendar."""

    def clocks(self, start, end, day, zone=NEW_YORK):
        worked = hours(start, end, zone, day)
        return [f"{slot.local_time:%H:%M}" for shift in shifts(worked, day, day) for slot in shift.slots()]

    def test_a_morning_of_three_hours_has_six(self):
        assert self.clocks(time(9, 0), time(12, 0), date(2027, 1, 4)) == [
            *("09:00", "09:30", "10:00", "10:30", "11:00", "11:30"),
        ]

    def test_what_does_not_fill_half_an_hour_is_left_over(self):
        assert self.clocks(time(9, 10), time(10, 20), date(2027, 1, 4)) == ["09:10", "09:40"]

    def test_the_hour_that_is_skipped_has_none(self):
        assert self.clocks(time(1, 0), time(4, 0), SPRING) == ["01:00", "01:30", "03:00", "03:30"]

    def test_the_hour_that_is_repeated_has_two_each(self):
        assert self.clocks(time(0, 30), time(2, 30), AUTUMN) == [
            *("00:30", "01:00", "01:30", "01:00", "01:30", "02:00"),
        ]

    def test_weekly_hours_within_the_skipped_hour_are_not_worked_that_day(self):
        worked = hours(time(2, 0), time(3, 0), NEW_YORK, date(2027, 3, 7), date(2027, 3, 21), weekday=6)
        assert [shift.day for shift in shifts(worked, worked.first, worked.last)] == [
            date(2027, 3, 7),
            date(2027, 3, 21),
        ]

    def test_half_past_one_is_no_time_to_begin_when_hours_end_at_it(self):
        """From midnight to 01:30, on the night whose 01:00 to 02:00 comes twice."""
        assert self.clocks(time(0, 0), time(1, 30), AUTUMN) == ["00:00", "00:30", "01:00", "01:00"]

    def test_lord_howe_repeats_half_an_hour(self):
        assert self.clocks(time(1, 0), time(2, 30), date(2027, 4, 4), ZoneInfo("Australia/Lord_Howe")) == [
            *("01:00", "01:30", "01:30", "02:00"),
        ]


class TestFree:
    """What is left when appointments, time off and full days are taken away."""

    INSTANTS = st.integers(0, 3 * 96).map(lambda n: datetime(2027, 1, 4, tzinfo=UTC) + n * timedelta(minutes=15))
    INTERVALS = st.tuples(INSTANTS, st.integers(1, 20)).map(
        lambda made: Interval(made[0], made[0] + made[1] * timedelta(minutes=15))
    )

    @settings(derandomize=True, max_examples=150, deadline=None, database=None)
    @given(
        busy=st.lists(st.tuples(st.integers(0, 1), INTERVALS), max_size=8),
        window=st.tuples(INSTANTS, INSTANTS),
        full=st.sets(st.tuples(st.integers(0, 1), st.integers(0, 3)), max_size=3),
    )
    def test_is_every_slot_in_the_window_that_meets_nothing(self, busy, window, full):
        after, before = min(window), max(window)
        first, last = date(2027, 1, 3), date(2027, 1, 9)
        weeks = [hours(time(9, 0), time(12, 0), ZoneInfo("UTC"), first, last, weekday) for weekday in range(7)]
        doctors = [new_id(), new_id()]
        offered = [
            Hours(each.schedule_id, doctor, each.zone, each.start_time, each.end_time, first, last, each.weekday)
            for doctor in doctors
            for each in weeks
        ]
        taken = [(doctors[who], interval) for who, interval in busy]
        days = Counter({(doctors[who], date(2027, 1, 4) + timedelta(days=n)): 2 for who, n in full})

        found = free_slots(
            offered, after=after, before=before, busy=taken, booked_days=days, caps=dict.fromkeys(doctors, 2)
        )

        expected = []
        for n in range(7 * 48):
            begin = datetime(2027, 1, 3, tzinfo=UTC) + n * SLOT
            if not (time(9, 0) <= begin.time() < time(12, 0) and after <= begin < before):
                continue
            for doctor in doctors:
                meets = any(
                    who == doctor and not (each.ends_at <= begin or begin + SLOT <= each.starts_at)
                    for who, each in taken
                )
                if not meets and days[doctor, begin.date()] < 2:
                    expected.append((begin, doctor))
        assert [(slot.starts_at, slot.doctor_id) for slot in found] == sorted(expected)


def length_in_minutes(start, end):
    return (end.hour * 60 + end.minute or 24 * 60) - start.hour * 60 - start.minute
