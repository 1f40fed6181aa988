"""Booking and moving an appointment, a doctor's hours and time off."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from pydantic import ValidationError as SchemaRefusal

from care.schemas import DoctorCard
from portal.forms.base import ExactText, PortalForm, SchemaForm
from portal.wording import WEEKDAYS
from scheduling.schemas import BookingIn, ReasonIn, RescheduleIn, ScheduleIn, TimeOffIn

# What a form says instead of a patient's id when somebody books for themselves: nothing is no answer.
MYSELF = "myself"

_DATE = "%Y-%m-%d"
_MOMENT = "%Y-%m-%dT%H:%M"
_WRITE_DATE = "Enter the date as year-month-day, such as 2026-03-27."
_WRITE_TIME = "Enter the time as hours and minutes, such as 08:30."
_REASON = {"autocomplete": "off"}


class DayField(forms.DateField):
    """A day, written as browsers send it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{
                "required": False,
                "widget": forms.DateInput(attrs={"type": "date"}, format=_DATE),
                "input_formats": [_DATE],
                "error_messages": {"invalid": _WRITE_DATE, "required": "Enter a date."},
                **kwargs,
            }
        )


class _ClockField(forms.TimeField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{
                "widget": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
                "input_formats": ["%H:%M", "%H:%M:%S"],
                "error_messages": {"invalid": _WRITE_TIME, "required": _WRITE_TIME},
                **kwargs,
            }
        )


class DoctorSelectForm(PortalForm):
    """Which doctor of some; the empty choice is worded by the page. Sent as a query, which the view reads itself."""

    doctor = forms.ChoiceField(label="Doctor", required=False)

    def __init__(self, *, doctors: Iterable[DoctorCard], empty: str, initial: Mapping[str, Any]) -> None:
        super().__init__(initial=initial)
        self.fields["doctor"].choices = [  # type: ignore[attr-defined]
            ("", empty),
            *((str(doctor.id), f"{doctor.name}, {doctor.specialization_display}") for doctor in doctors),
        ]


class DayForm(DoctorSelectForm):
    """Which day of the clinic or of one doctor is shown."""

    day = DayField(label="Day")


class BookingForm(SchemaForm[BookingIn]):
    """An appointment that is asked for: when and with whom stands in hidden fields, for whom on its buttons."""

    schema = BookingIn
    marks_required = False

    doctor = forms.UUIDField(widget=forms.HiddenInput)
    starts_at = forms.CharField(widget=forms.HiddenInput)
    patient = forms.CharField(widget=forms.HiddenInput, error_messages={"required": "Choose whom it is for."})
    notes = ExactText(
        label="Notes",
        help_text="What it is about. The doctor and everybody who sees the appointment can read it.",
        widget=forms.Textarea(attrs={"rows": 3, "form": "booking"}),
    )

    def given(self) -> dict[str, Any]:
        """Name no patient where somebody books for themselves; the service knows whose chart that is."""
        return {name: value for name, value in super().given().items() if (name, value) != ("patient", MYSELF)}


class MovingForm(SchemaForm[RescheduleIn]):
    """Another time for an appointment, also with another doctor, and why."""

    schema = RescheduleIn
    marks_required = False

    doctor = forms.UUIDField(widget=forms.HiddenInput)
    starts_at = forms.CharField(widget=forms.HiddenInput, error_messages={"required": "Choose a time."})
    reason = ExactText(label="Reason", widget=forms.TextInput(attrs=_REASON))


class ReasonForm(SchemaForm[ReasonIn]):
    """Why an appointment is moved in its state, if one likes to say."""

    schema = ReasonIn
    marks_required = False

    reason = ExactText(
        label="Reason",
        help_text="It is kept with the appointment, and everybody who sees that can read it.",
        widget=forms.TextInput(attrs=_REASON),
    )


class HoursForm(PortalForm):
    """Working hours by the doctor's clocks: on one date, or on some weekdays between two dates."""

    kind = forms.ChoiceField(
        label="When", choices=[("weekly", "Every week"), ("once", "On one date")], widget=forms.RadioSelect
    )
    weekdays = forms.TypedMultipleChoiceField(
        label="Weekdays",
        required=False,
        coerce=int,
        choices=list(enumerate(WEEKDAYS)),
        widget=forms.CheckboxSelectMultiple,
    )
    first = DayField(label="From")
    until = DayField(label="Until")
    date = DayField(label="Date")
    start_time = _ClockField(label="Begins")
    end_time = _ClockField(label="Ends", help_text="00:00 is midnight, the end of the day.")

    # As the schema and the service name these fields.
    _NAMES = {"weekday": "weekdays", "from": "first"}

    def __init__(self, data: Any = None, *, doctor_id: UUID, first: dt.date, until: dt.date) -> None:
        initial = {
            "kind": "weekly",
            "weekdays": list(range(5)),
            "first": first,
            "until": until,
            "start_time": "09:00",
            "end_time": "12:00",
        }
        super().__init__(data, initial=initial, prefix="hours")
        self.doctor_id = doctor_id

    def clean(self) -> dict[str, Any]:
        """Require what the chosen kind needs, and let the schema judge the rest."""
        cleaned = super().clean() or {}
        weekly = cleaned.get("kind") != "once"
        needed = {"weekdays": "Choose at least one day of the week.", "first": "Enter the first day."}
        needed |= {"until": "Enter the last day."}
        for name, sentence in (needed if weekly else {"date": "Enter the date."}).items():
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, sentence)
        if not self.errors:
            self._bodies = self._judge(cleaned, weekly=weekly)
        return cleaned

    def bodies(self) -> Sequence[ScheduleIn]:
        """Return a body for each day of the week that was chosen, or the one; ask only a valid form."""
        return self._bodies

    def refuse_fields(self, errors: Mapping[str, Sequence[str]]) -> None:
        """Say beside the fields what was refused, by the names that they have here."""
        super().refuse_fields({self._NAMES.get(name, name): told for name, told in errors.items()})

    def _judge(self, cleaned: dict[str, Any], *, weekly: bool) -> list[ScheduleIn]:
        times = {name: cleaned[name] for name in ("start_time", "end_time")} | {"doctor": self.doctor_id}
        days: list[dict[str, Any]] = (
            [{"weekday": day, "from": cleaned["first"], "until": cleaned["until"]} for day in cleaned["weekdays"]]
            if weekly
            else [{"date": cleaned["date"]}]
        )
        try:
            return [ScheduleIn.model_validate({**times, **each}) for each in days]
        except SchemaRefusal as refused:
            self.refuse_fields(
                {str(error["loc"][0]) if error["loc"] else "": ["is not valid"] for error in refused.errors()}
            )
            return []


class _MomentField(forms.DateTimeField):
    """A moment as it is typed: date and clock time, without a zone."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{
                "widget": forms.DateTimeInput(attrs={"type": "datetime-local"}, format=_MOMENT),
                "error_messages": {
                    "invalid": "Enter date and time as 2026-03-27 08:30.",
                    "required": "Enter date and time.",
                },
                **kwargs,
            }
        )

    def to_python(self, value: Any) -> datetime | None:
        """Return the moment as a wall clock shows it; its zone is the doctor's, which the form knows."""
        found = super().to_python(value)
        return None if found is None else found.replace(tzinfo=None)


class TimeOffForm(SchemaForm[TimeOffIn]):
    """A stretch in which a doctor is away, by the doctor's clocks."""

    schema = TimeOffIn
    marks_required = False

    starts_at = _MomentField(label="From")
    ends_at = _MomentField(label="Until")
    reason = ExactText(
        label="Reason",
        help_text="Such as holidays. Only who keeps the calendar sees it.",
        widget=forms.TextInput(attrs=_REASON),
    )

    def __init__(self, data: Any = None, *, doctor_id: UUID, zone: ZoneInfo) -> None:
        super().__init__(data, prefix="off")
        self.doctor_id, self.zone = doctor_id, zone

    def clean_starts_at(self) -> datetime:
        """Take the first of two moments that show the same on the clock."""
        return self._instant("starts_at", fold=0)

    def clean_ends_at(self) -> datetime:
        """Take the second of two moments that show the same on the clock: time off lasts until it is over."""
        return self._instant("ends_at", fold=1)

    def given(self) -> dict[str, Any]:
        """Name the doctor, who stands in the page's address."""
        return {**super().given(), "doctor": self.doctor_id}

    def word(self, name: str, sentence: str) -> str:
        """Name the other field as this form does."""
        return super().word(name, sentence.replace("starts_at", "the beginning"))

    def _instant(self, name: str, *, fold: int) -> datetime:
        shown: datetime = self.cleaned_data[name]
        if not 2000 <= shown.year < 2200:
            raise ValidationError("This must lie between the years 2000 and 2200.")
        instant = shown.replace(tzinfo=self.zone, fold=fold).astimezone(UTC)
        if instant.astimezone(self.zone).replace(tzinfo=None) != shown:
            raise ValidationError("This time does not exist on that day: the clocks skip it.")
        return instant
