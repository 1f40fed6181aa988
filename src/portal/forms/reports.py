"""What the clinic's report is about, and asking for a report as a file."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms

from care.schemas import DoctorCard
from core.reports import ReportIn
from portal.forms.base import Body, SchemaForm
from portal.forms.scheduling import DayField
from portal.wording import REPORT_KINDS
from scheduling.schemas import ReportFilters


class PeriodForm(SchemaForm[Body]):
    """A form that asks for a period; both days are included, and an empty one means without end."""

    marks_required = False

    since = DayField(label="From")
    until = DayField(label="Until")

    # As the schema and the service name these fields.
    _NAMES = {"since": "from", "until": "to"}

    def given(self) -> dict[str, Any]:
        """Name the days as the schema does."""
        return {self._NAMES.get(name, name): value for name, value in super().given().items()}

    def refuse_fields(self, errors: Mapping[str, Sequence[str]]) -> None:
        """Say beside the days what the service refused, by the names that they have here."""
        names = {theirs: ours for ours, theirs in self._NAMES.items()}
        super().refuse_fields({names.get(name, name): told for name, told in errors.items()})


class ReportForm(PeriodForm[ReportFilters]):
    """Which appointments the clinic's report is about."""

    schema = ReportFilters

    doctor = forms.ChoiceField(label="Doctor", required=False)

    def __init__(self, data: Any, *, doctors: Iterable[DoctorCard]) -> None:
        super().__init__(data)
        self.fields["doctor"].choices = [  # type: ignore[attr-defined]
            ("", "All doctors"),
            *((str(doctor.id), doctor.name) for doctor in doctors),
        ]


class ReportRequestForm(PeriodForm[ReportIn]):
    """Which report is asked for."""

    schema = ReportIn

    kind = forms.ChoiceField(label="What", choices=list(REPORT_KINDS.items()))


def last_month(today: dt.date) -> dict[str, dt.date]:
    """Return the days of the month before this one, as a request begins."""
    until = today.replace(day=1) - dt.timedelta(days=1)
    return {"since": until.replace(day=1), "until": until}
