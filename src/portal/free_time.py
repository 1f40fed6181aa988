"""Free time as a page offers it: doctors one below the other, their days side by side, times to choose."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from care.schemas import BookingTerms
from core.errors import Refusal
from portal.addresses import as_text
from scheduling.schemas import SlotOut
from scheduling.service import FreeWeek

# Of several doctors side by side the first times of a day are enough to choose one.
FEW_TIMES = 4


@dataclass(frozen=True, slots=True)
class TimeChoice:
    """A free half hour: what its doctor's clocks show, and the instant as an address or a form carries it."""

    day: date
    clock: str
    instant: str


@dataclass(frozen=True, slots=True)
class DayChoices:
    """A day and the times offered on it; `more` says how many more there are."""

    day: date
    times: list[TimeChoice]
    more: int


@dataclass(frozen=True, slots=True)
class WeekChoices:
    """A doctor's week. `next_free` is the first time after an empty one."""

    doctor: BookingTerms
    days: list[DayChoices]
    is_empty: bool
    next_free: TimeChoice | None

    @property
    def first_day(self) -> date:
        """The day with which the week begins."""
        return self.days[0].day

    @property
    def week_before(self) -> date:
        """The day with which the week before begins."""
        return self.first_day - timedelta(days=len(self.days))

    @property
    def week_after(self) -> date:
        """The day with which the week after begins."""
        return self.first_day + timedelta(days=len(self.days))


def week_choices(weeks: Iterable[FreeWeek], *, at_most: int | None = None) -> list[WeekChoices]:
    """Return these weeks ready for a page, with at most so many times a day."""
    return [
        WeekChoices(
            doctor=week.doctor,
            days=[
                DayChoices(
                    day=free.day,
                    times=[time_choice(slot) for slot in free.slots[:at_most]],
                    more=max(0, len(free.slots) - at_most) if at_most is not None else 0,
                )
                for free in week.days
            ],
            is_empty=not any(free.slots for free in week.days),
            next_free=time_choice(week.next_free) if week.next_free else None,
        )
        for week in weeks
    ]


def time_choice(slot: SlotOut) -> TimeChoice:
    """Return a free half hour as a page offers it."""
    return TimeChoice(slot.date, slot.appointment_time, as_text(slot.starts_at))


def next_times(refusal: Refusal) -> list[TimeChoice]:
    """Return the next free times that a refusal of the appointment book names; empty where it names none."""
    return [time_choice(SlotOut.model_validate(slot)) for slot in refusal.more().get("next_free", [])]
