"""Scheduling's published shapes."""

import datetime as dt
import re
from datetime import datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from care.schemas import DoctorChangeIn, DoctorDetailOut, MyProfileIn, MyProfileOut
from core.text import Line, Paragraph, SearchText
from core.wire import Day, In, Moment, Out, Whole
from scheduling.clock import MIDNIGHT

Status = Literal["booked", "arrived", "fulfilled", "cancelled", "noshow"]


def _within_reach(moment: datetime) -> datetime:
    if not 2000 <= moment.year <= 2200:
        raise ValueError("must lie between the years 2000 and 2200")
    return moment


def _read_wall_clock(value: Any) -> Any:
    """Take a time as clocks show it: no zone, no seconds, no number of seconds since midnight."""
    if isinstance(value, time):
        if value.tzinfo is None and value.second == value.microsecond == 0:
            return value
    elif isinstance(value, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d(:00)?", value):
        return value
    raise ValueError("must be a time such as 09:30, without a zone")


def _read_end(value: Any) -> Any:
    """Take the end of working hours: 24:00 is the midnight that ends the day, and so is 00:00."""
    return MIDNIGHT if value == "24:00" else _read_wall_clock(value)


BookableMoment = Annotated[Moment, AfterValidator(_within_reach)]
WallClock = Annotated[time, BeforeValidator(_read_wall_clock)]
EndOfHours = Annotated[time, BeforeValidator(_read_end), Field(description="24:00 is the end of the day.")]


class _Times(In):
    """Working hours as they are typed: one date, or a weekday between two dates."""

    date: Day | None = None
    weekday: Annotated[Whole | None, Field(ge=0, le=6, description="Monday is 0.")] = None
    from_: Annotated[Day | None, Field(alias="from")] = None
    until: Day | None = None
    start_time: WallClock | None = None
    end_time: EndOfHours | None = None


class ScheduleIn(_Times):
    """New working hours, in the doctor's time zone: `date`, or `weekday` with `from` and `until`."""

    read_only = frozenset({"id", "time_zone", "created_at", "updated_at"})

    doctor: UUID
    start_time: WallClock
    end_time: EndOfHours

    @model_validator(mode="after")
    def _require_days(self) -> "ScheduleIn":
        weekly = (self.weekday, self.from_, self.until)
        one_date = self.date is not None and all(part is None for part in weekly)
        if not one_date and (self.date is not None or any(part is None for part in weekly)):
            raise ValueError("needs either date, or weekday with from and until")
        return self


class ScheduleChangeIn(_Times):
    """What may be changed of working hours; a partial body is welcome."""

    read_only = frozenset({"id", "doctor", "time_zone", "created_at", "updated_at"})


class ScheduleOut(Out):
    """Working hours, in the zone they were entered in."""

    id: UUID
    doctor: UUID
    date: dt.date | None
    weekday: int | None
    from_: Annotated[dt.date | None, Field(serialization_alias="from")]
    until: dt.date | None
    start_time: str
    end_time: str
    time_zone: str


class ScheduleFilters(Schema):
    """Whose working hours are asked for."""

    doctor: UUID | None = None


class TimeOffIn(In):
    """A stretch in which a doctor offers no time."""

    read_only = frozenset({"id", "live_appointments", "created_at"})

    doctor: UUID
    starts_at: BookableMoment
    ends_at: BookableMoment
    reason: Line = ""


class TimeOffOut(Out):
    """A stretch in which a doctor offers no time; live appointments in it stay until somebody moves them."""

    id: UUID
    doctor: UUID
    starts_at: datetime
    ends_at: datetime
    reason: str
    live_appointments: int


class SlotFilters(Schema):
    """When; `from` is included, `to` is not. At most 31 days; a week from now unless said."""

    from_: Annotated[Moment | Day | None, Field(alias="from")] = None
    to: Moment | Day | None = None


class SlotSearch(SlotFilters):
    """When, and with whom."""

    specialization: SearchText | None = None
    location: SearchText | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class SlotOut(Out):
    """A free half hour; `date` and `appointment_time` are local to its schedule."""

    schedule: UUID
    date: dt.date
    appointment_time: str
    starts_at: datetime
    ends_at: datetime


class DoctorSlotOut(SlotOut):
    """A free half hour of some doctor."""

    doctor: UUID
    doctor_name: str
    specialization: str
    location: str


class _When(In):
    """A time of a doctor: by schedule and clock, as the fourth document shows it, or by instant."""

    schedule: UUID | None = None
    appointment_time: WallClock | None = None
    date: Annotated[Day | None, Field(description="Needed with a weekly schedule.")] = None
    starts_at: BookableMoment | None = None

    @model_validator(mode="after")
    def _require_time(self) -> "_When":
        by_clock = self.schedule is not None and self.appointment_time is not None
        if by_clock == (self.starts_at is not None):
            raise ValueError("needs either schedule and appointment_time, or starts_at")
        return self


class BookingIn(_When):
    """An appointment asked for; without `patient` it is for oneself."""

    read_only = frozenset(
        {"id", "status", "fee", "currency", "doctor_name", "patient_name", "ends_at", "created_at", "updated_at"}
    )

    doctor: UUID
    patient: UUID | None = None
    notes: Paragraph = ""


class RescheduleIn(_When):
    """Another time, also with another doctor."""

    read_only = BookingIn.read_only | {"patient", "notes"}

    doctor: UUID | None = None
    reason: Line = ""


class ReasonIn(In):
    """Why, if one likes to say."""

    reason: Line = ""


class AppointmentChangeIn(In):
    """An administrator's override."""

    read_only = BookingIn.read_only - {"status"} | {
        *("doctor", "patient", "schedule", "date", "appointment_time", "starts_at", "history"),
    }

    status: Status | None = None
    notes: Paragraph | None = None
    reason: Line = ""


class AppointmentOut(Out):
    """An appointment; `date` and `appointment_time` are local to its schedule."""

    id: UUID
    doctor: UUID
    doctor_name: str
    patient: UUID
    patient_name: str
    schedule: UUID
    date: dt.date
    appointment_time: str
    starts_at: datetime
    ends_at: datetime
    status: Status
    fee: Decimal
    currency: str
    notes: str
    created_at: datetime
    updated_at: datetime


class AppointmentEventOut(Out):
    """A move in an appointment's history."""

    at: datetime
    by: UUID | None
    by_name: str
    from_status: str
    to_status: str
    from_starts_at: datetime | None
    to_starts_at: datetime
    reason: str


class AppointmentDetailOut(AppointmentOut):
    """An appointment with its history, oldest first."""

    history: list[AppointmentEventOut]


class AppointmentFilters(Schema):
    """Which appointments; `from` is included, `to` is not."""

    status: Status | None = None
    doctor: UUID | None = None
    patient: UUID | None = None
    from_: Annotated[Moment | Day | None, Field(alias="from")] = None
    to: Moment | Day | None = None


class ReportFilters(Schema):
    """Which period, by local date of the clinic, both included; and which doctor."""

    from_: Annotated[Day | None, Field(alias="from")] = None
    to: Day | None = None
    doctor: UUID | None = None


class DoctorTotalsOut(Out):
    """One doctor's appointments in the period, by status; revenue is of fulfilled ones only."""

    doctor: UUID
    doctor_name: str
    total: int
    booked: int
    arrived: int
    fulfilled: int
    cancelled: int
    noshow: int
    revenue: Decimal


class ClinicReportOut(Out):
    """The clinic's report; `booked_details` is one page of it, newest first (`Link` names the next)."""

    from_: Annotated[dt.date | None, Field(serialization_alias="from")]
    to: dt.date | None
    total_appointments: int
    total_revenue: Decimal
    currency: str
    appointments_per_doctor: list[DoctorTotalsOut]
    booked_details: list[AppointmentOut]


class ScheduleNestedIn(_Times):
    """Working hours inside the own profile: with `id` changed, without added; absent ones stay."""

    read_only = frozenset({"doctor", "time_zone"})

    id: UUID | None = None


class DoctorWithSchedulesIn(DoctorChangeIn):
    """The own entry and its working hours."""

    schedules: list[ScheduleNestedIn] | None = Field(default=None, max_length=100)

    def changes(self) -> dict[str, Any]:
        """Return what the body names of the entry itself."""
        return {name: value for name, value in super().changes().items() if name != "schedules"}


class DoctorWithSchedulesOut(DoctorDetailOut):
    """The own entry and its working hours."""

    schedules: list[ScheduleOut]


class FullProfileIn(MyProfileIn):
    """What a person may change of the own account, entry and working hours."""

    doctor: DoctorWithSchedulesIn | None = None


class FullProfileOut(MyProfileOut):
    """The own account with chart, entry and working hours."""

    doctor: DoctorWithSchedulesOut | None
