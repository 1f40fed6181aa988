"""Local times and instants, in every IANA zone that sets its clocks between 2020 and 2030.

What is expected comes from walking through the day minute by minute and asking the zone what its clocks show.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.clock import exists, first_instant, stretches
from tests.scheduling.wall_clocks import changes_of_every_zone, days_of_changes, walk

NEW_YORK, LORD_HOWE = ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")
SPRING, AUTUMN = date(2027, 3, 14), date(2027, 11, 7)

ZONES = st.sampled_from(sorted(changes_of_every_zone())).map(ZoneInfo)
DAYS = st.dates(date(2020, 1, 2), date(2030, 12, 30))
INSTANTS = st.integers(0, 10 * 365 * 24 * 60 * 60).map(
    lambda n: datetime(2020, 1, 2, tzinfo=UTC) + timedelta(seconds=n)
)
MINUTES = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def test_the_zones_are_all_there():
    """Half-hour changes, odd offsets and changes of two and three hours are among what is walked through."""
    zones = changes_of_every_zone()
    sizes = {abs(change.size) for changes in zones.values() for change in changes}

    assert len(zones) > 150
    assert {timedelta(minutes=30), timedelta(hours=1), timedelta(hours=2), timedelta(hours=3)} <= sizes
    assert {"Australia/Lord_Howe", "Pacific/Chatham", "America/St_Johns", "Antarctica/Troll"} <= set(zones)


def in_stretches(day, start, end, zone):
    """The application's stretches of a day's hours."""
    return stretches(datetime.combine(day, start), datetime.combine(day, end), zone)


class TestEveryChange:
    """Times around the change, on every day on which some zone's clocks are set."""

    def minutes_near(self, change):
        """The clock times around a change: a few before, within and after what is skipped or repeated."""
        edges = {change.shows_before, change.shows_after}
        near = {edge + timedelta(minutes=n) for edge in edges for n in (-30, -1, 0, 1, 15, 59)}
        return sorted({moment.time() for moment in near} | {time(0, 0), time(9, 0), time(23, 59)})

    def test_a_time_exists_if_the_clocks_show_it_and_is_first_where_they_first_do(self):
        skipped = 0
        for change, zone, day in days_of_changes():
            for clock in self.minutes_near(change):
                showing = day.showing(clock)
                skipped += not showing
                assert exists(day.date, clock, zone) == bool(showing), (change, day.date, clock)
                expected = showing[0] if showing else change.at
                assert first_instant(day.date, clock, zone) == expected, (change, day.date, clock)
        assert skipped > 500

    def test_the_stretches_of_some_hours_are_the_minutes_at_which_the_clocks_show_them(self):
        several = 0
        for change, zone, day in days_of_changes():
            clocks = self.minutes_near(change)
            for start, end in zip(clocks[::4], clocks[3::4], strict=False):
                expected = [(run[0], run[-1] + timedelta(minutes=1)) for run in day.stretches(start, end)]
                several += len(expected) > 1
                assert in_stretches(day.date, start, end, zone) == expected, (change, day.date, start, end)
        assert several > 100


@settings(derandomize=True, max_examples=150, deadline=None, database=None)
@given(zone=ZONES, day=DAYS, clock=MINUTES)
def test_any_time_of_any_day_in_any_zone(zone, day, clock):
    showing = walk(day, zone).showing(clock)

    assert exists(day, clock, zone) == bool(showing)
    if showing:
        assert first_instant(day, clock, zone) == showing[0]


@settings(derandomize=True, max_examples=300, deadline=None, database=None)
@given(zone=ZONES, instant=INSTANTS)
def test_what_the_clocks_show_leads_back_to_the_instant(zone, instant):
    shown = instant.astimezone(zone).replace(tzinfo=None, fold=0)

    assert exists(shown.date(), shown.time(), zone)
    found = stretches(shown, shown + timedelta(seconds=1), zone)
    assert (instant, instant + timedelta(seconds=1)) in found


class TestByHand:
    """A few that anybody can check against a calendar."""

    def test_new_york_goes_from_two_to_three_in_spring(self):
        assert not exists(SPRING, time(2, 30), NEW_YORK)
        assert first_instant(SPRING, time(2, 30), NEW_YORK) == utc(2027, 3, 14, 7)
        assert exists(SPRING, time(1, 59, 59), NEW_YORK)
        assert exists(SPRING, time(3, 0), NEW_YORK)

    def test_new_york_goes_from_two_to_one_in_autumn(self):
        assert first_instant(AUTUMN, time(1, 30), NEW_YORK) == utc(2027, 11, 7, 5, 30)
        assert in_stretches(AUTUMN, time(1, 30), time(2, 0), NEW_YORK) == [
            (utc(2027, 11, 7, 5, 30), utc(2027, 11, 7, 6)),
            (utc(2027, 11, 7, 6, 30), utc(2027, 11, 7, 7)),
        ]
        assert in_stretches(AUTUMN, time(1, 0), time(2, 0), NEW_YORK) == [(utc(2027, 11, 7, 5), utc(2027, 11, 7, 7))]

    def test_lord_howe_sets_its_clocks_by_half_an_hour(self):
        assert not exists(date(2027, 10, 3), time(2, 15), LORD_HOWE)
        assert exists(date(2027, 10, 3), time(2, 30), LORD_HOWE)
        [(first, _), (second, _)] = in_stretches(date(2027, 4, 4), time(1, 45), time(1, 50), LORD_HOWE)
        assert second - first == timedelta(minutes=30)

    def test_an_offset_of_45_minutes_is_kept(self):
        assert first_instant(date(2027, 1, 1), time(9, 0), ZoneInfo("Asia/Kathmandu")) == utc(2027, 1, 1, 3, 15)
        assert first_instant(date(2027, 1, 1), time(9, 0), ZoneInfo("Pacific/Chatham")) == utc(2026, 12, 31, 19, 15)

    def test_a_day_may_begin_at_one(self):
        """Beirut skips its midnight."""
        beirut = ZoneInfo("Asia/Beirut")
        assert not exists(date(2027, 3, 28), time(0, 0), beirut)
        assert first_instant(date(2027, 3, 28), time(0, 0), beirut) == utc(2027, 3, 27, 22)
