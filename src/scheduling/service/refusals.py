"""What the appointment book refuses, each by its name."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from care.schemas import BookingTerms
from core.errors import Conflict, Invalid
from scheduling.service.free_time import find_first_free_slots, publish_slot

NEXT_FREE = 3
_LOOK_AHEAD = timedelta(days=14)


class TimeGone(Conflict):
    """The base of refusals that name the doctor's next free slots after a moment, as `next_free`.

    They are looked for when the refusal is worded: by then the act has rolled back, and nobody waits for the calendars.
    """

    def __init__(self, terms: BookingTerms, *, after: datetime) -> None:
        super().__init__()
        self._terms, self._after = terms, after

    def more(self) -> Mapping[str, Any]:
        """Return `next_free`: three free slots at most, within two weeks."""
        before = self._after + _LOOK_AHEAD
        free = find_first_free_slots([self._terms], after=self._after, before=before, limit=NEXT_FREE)
        return {"next_free": [publish_slot(slot).model_dump(mode="json") for slot in free]}


class SlotTaken(TimeGone):
    """Somebody has this time."""

    code = "slot_taken"
    title = "This time is taken"


class DayFull(TimeGone):
    """The doctor takes no more appointments on this day."""

    code = "day_full"
    title = "The doctor's day is full"


class PatientBusy(Conflict):
    """The patient has another appointment at this time."""

    code = "patient_busy"
    title = "The patient has another appointment then"


class DoctorNotBookable(Conflict):
    """The entry is unverified, unavailable or gone."""

    code = "doctor_not_bookable"
    title = "This doctor takes no appointments"


class BadTime(Invalid):
    """The time itself cannot be booked: `past`, `off_grid` or `outside_schedule`."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__({"appointment_time": [sentence]}, sentence)
        self.code = code
