"""A doctor's week as a table: half hours down, days across, and in each cell what the time is for."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

from scheduling.schemas import AppointmentOut
from scheduling.service import Stretch, Week

ROW = 30
_DAYS = 7
# What is shown of a day on which nothing lies outside of it, in minutes after midnight.
_FIRST, _LAST = 8 * 60, 17 * 60
# What a row is for where several things meet in it: the later in this order wins.
_ORDER = {"hours": 0, "off": 1, "booked": 2}


@dataclass(frozen=True, slots=True)
class Cell:
    """Rows of one day that are for the same: `kind` is nothing, hours, off or booked; `span` is how many rows."""

    kind: str
    span: int
    label: str
    appointments: list[AppointmentOut]


@dataclass(frozen=True, slots=True)
class GridRow:
    """A half hour: its clock, whether an hour begins with it, and the cells that begin in it."""

    clock: str
    is_hour: bool
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class GridDay:
    """A day of the week in words: its hours, its time off, and who is booked; for narrow screens."""

    day: date
    is_today: bool
    hours: list[str]
    off: list[str]
    appointments: list[AppointmentOut] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class WeekGrid:
    """A week for a page; cells that begin further up are not repeated (`rowspan`)."""

    days: list[GridDay]
    rows: list[GridRow]


def week_grid(week: Week) -> WeekGrid:
    """Lay a week out; the table covers eight to five, and whatever lies before or after."""
    days = [week.first_day + timedelta(days=number) for number in range(_DAYS)]
    by_day: dict[date, list[Stretch]] = defaultdict(list)
    for stretch in week.stretches:
        by_day[stretch.day].append(stretch)
    # Time off goes on over the night; it says nothing about which hours are worth showing.
    worth = [stretch for stretch in week.stretches if stretch.kind != "off"]
    first = min([_FIRST, *(stretch.begins for stretch in worth)]) // 60 * 60
    last = -(-max([_LAST, *(stretch.ends for stretch in worth)]) // 60) * 60
    columns = [_column(by_day[day], first, last, is_over=day < week.today) for day in days]
    rows = [
        GridRow(
            clock=_clock(minute),
            is_hour=minute % 60 == 0,
            cells=[column[minute] for column in columns if minute in column],
        )
        for minute in range(first, last, ROW)
    ]
    return WeekGrid([_in_words(day, by_day[day], today=week.today) for day in days], rows)


def _column(stretches: Iterable[Stretch], first: int, last: int, *, is_over: bool) -> dict[int, Cell]:
    """Return the cells of a day by the minute with which they begin."""
    rows: dict[int, Stretch | None] = dict.fromkeys(range(first, last, ROW))
    booked: dict[int, list[AppointmentOut]] = defaultdict(list)
    for stretch in sorted(stretches, key=lambda each: _ORDER[each.kind]):
        begins, ends = stretch.begins // ROW * ROW, stretch.ends
        if stretch.appointment is not None:
            # An appointment takes the row in which it begins, also where the hours begin off the half hour.
            ends = begins + ROW
            booked[begins].append(stretch.appointment)
        for minute in range(max(begins, first), min(ends, last), ROW):
            rows[minute] = stretch
    cells: dict[int, Cell] = {}
    begins = first
    for minute in range(first, last + ROW, ROW):
        if minute < last and minute > begins and rows[minute] is rows[begins]:
            continue
        if minute > begins:
            cells[begins] = _cell(rows[begins], (minute - begins) // ROW, booked[begins], is_over=is_over)
        begins = minute
    return cells


def _cell(stretch: Stretch | None, span: int, booked: list[AppointmentOut], *, is_over: bool) -> Cell:
    if stretch is None:
        return Cell("nothing", span, "", [])
    label = {"hours": "" if is_over else "Free", "off": stretch.reason or "Off", "booked": ""}[stretch.kind]
    return Cell(stretch.kind, span, label, booked)


def _in_words(day: date, stretches: list[Stretch], *, today: date) -> GridDay:
    return GridDay(
        day=day,
        is_today=day == today,
        hours=[_span(each) for each in stretches if each.kind == "hours"],
        off=[_off(each) for each in stretches if each.kind == "off"],
        appointments=[each.appointment for each in stretches if each.appointment is not None],
    )


def _off(stretch: Stretch) -> str:
    when = "all day" if (stretch.begins, stretch.ends) == (0, 24 * 60) else _span(stretch)
    return f"{stretch.reason}, {when}" if stretch.reason else when


def _span(stretch: Stretch) -> str:
    return f"{_clock(stretch.begins)}–{_clock(stretch.ends)}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
