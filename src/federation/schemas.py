"""Federation's published shapes."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import AfterValidator, AliasChoices, BeforeValidator, ConfigDict, Field

from care.schemas import Age, Gender, GenderIn
from core.text import Line, Name, SearchText, require_line
from core.wire import Day, In, Moment, Out, Whole

HospitalFormat = Literal["json", "fhir_r4"]
Freshness = Literal["fresh", "stale", "failed", "never"]
RecordOrigin = Literal["manual", "sync"]
Dimension = Literal["hospital", "diagnosis", "age_band", "gender"]
MockHospital = Literal["riverside", "hillcrest", "lakeside"]


def _as_text(value: Any) -> Any:
    """Return a whole number as its digits: some hospitals number their patients."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _require_token(value: str) -> str:
    """Return a token that an HTTP header can carry (RFC 9110, section 5.5); the refusal does not repeat it."""
    if not all("!" <= character <= "~" for character in value):
        raise ValueError("must be printable ASCII without spaces")
    return value


PatientIdIn = Annotated[
    Annotated[str, Field(min_length=1, max_length=255), AfterValidator(require_line)],
    BeforeValidator(_as_text),
    Field(description="The hospital's own id of the patient, a string or a number; kept as a string."),
]


def _named(body: In, empty: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that a body names; null becomes what `empty` says of the field, else the field is left out."""
    given = body.model_dump(exclude_unset=True)
    return {
        name: empty[name] if value is None else value
        for name, value in given.items()
        if value is not None or name in empty
    }


# --- Hospitals ------------------------------------------------------------------------------------------------------
class HospitalChangeIn(In):
    """What may be changed of a hospital; a new endpoint forgets the token unless one comes with it."""

    model_config = ConfigDict(hide_input_in_errors=True)
    read_only = frozenset({"id", "has_token", "status", "fetched_at", "created_at", "updated_at"})

    name: Name | None = None
    location: Line | None = None
    api_endpoint: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    format: HospitalFormat | None = None
    auth_token: Annotated[str, Field(max_length=4000), AfterValidator(_require_token)] | None = Field(
        default=None,
        repr=False,
        description="Sent as `Authorization: Bearer …` to exactly this origin; never shown again. Empty forgets it.",
    )
    sync_every_minutes: Annotated[Whole, Field(ge=5, le=43200)] | None = Field(
        default=None, description="How often it is copied by the clock, 5 minutes to 30 days; null: only when asked."
    )

    def changes(self) -> dict[str, Any]:
        """Return the named fields; null empties the location, the token and the clock, and changes nothing else."""
        empty = {"location": "", "auth_token": "", "sync_every_minutes": None}
        return _named(self, empty)


class HospitalIn(HospitalChangeIn):
    """A hospital as it is registered."""

    name: Name
    location: Line = ""
    api_endpoint: Annotated[str, Field(min_length=1, max_length=2000)]
    format: HospitalFormat = "json"


class HospitalOut(Out):
    """A hospital as everybody signed in sees it; administrators see `HospitalDetailOut`."""

    id: UUID
    name: str
    location: str


class HospitalDetailOut(HospitalOut):
    """A hospital as administrators see it. `has_token` says that there is a token, never which."""

    api_endpoint: str
    format: HospitalFormat
    has_token: bool
    sync_every_minutes: int | None
    status: Freshness
    fetched_at: datetime | None
    created_at: datetime
    updated_at: datetime


class EndpointTestIn(In):
    """An address to be tried before it is saved."""

    model_config = ConfigDict(hide_input_in_errors=True)

    api_endpoint: Annotated[str, Field(min_length=1, max_length=2000)]
    format: HospitalFormat = "json"
    auth_token: Annotated[str, Field(max_length=4000, repr=False), AfterValidator(_require_token)] = ""


class EndpointTestOut(Out):
    """What an address answered: how much of its first page can be read, or in `error` why it cannot; never what."""

    record_count: int
    problem_count: int
    has_more: bool
    error: str | None


class FetchedRecordOut(Out):
    """A record as a hospital has just given it; `age` in whole years today."""

    patient_id: str
    name: str
    age: int | None
    diagnosis: str
    gender: Gender
    birth_date: date | None


class FetchOut(Out):
    """What a hospital answered just now; `complete` when everything was read and nothing had to be left out."""

    hospital: UUID
    hospital_name: str
    location: str
    fetched_at: datetime
    complete: bool
    problem_count: int
    records: list[FetchedRecordOut]


class SyncRequestedOut(Out):
    """The job that copies the hospital."""

    job: UUID


class SyncProblemOut(Out):
    """Something in a hospital's answer that could not be taken: what and where."""

    page: int
    code: str
    place: str


class SyncOut(Out):
    """One attempt to copy a hospital; `problems` are the first hundred, `problem_count` counts them all."""

    id: UUID
    job: UUID | None
    state: Literal["running", "complete", "failed"]
    pages: int
    records_read: int
    records_written: int
    records_removed: int
    problem_count: int
    problems: list[SyncProblemOut]
    error_code: str
    error: str
    started_at: datetime
    finished_at: datetime | None


# --- Patient records ------------------------------------------------------------------------------------------------
class PatientRecordChangeIn(In):
    """What may be changed of a record that was typed in; `condition` is another word for `diagnosis`."""

    read_only = frozenset({"id", "hospital_name", "origin", "created_by", "created_at", "updated_at"})

    hospital: UUID | None = None
    patient_id: PatientIdIn | None = None
    name: Name | None = None
    age: Age | None = None
    diagnosis: Annotated[Line | None, Field(validation_alias=AliasChoices("diagnosis", "condition"))] = None
    gender: GenderIn | None = None
    birth_date: Day | None = None

    def changes(self) -> dict[str, Any]:
        """Return the named fields; null forgets what may be unknown, and changes nothing else."""
        return _named(self, {"age": None, "birth_date": None, "diagnosis": "", "gender": "U"})


class PatientRecordIn(PatientRecordChangeIn):
    """A record as it is typed in; `age` or `birth_date`, or neither where nobody knows."""

    hospital: UUID
    patient_id: PatientIdIn
    name: Name
    diagnosis: Annotated[Line, Field(validation_alias=AliasChoices("diagnosis", "condition"))] = ""
    gender: GenderIn = "U"


class PatientRecordOut(Out):
    """What one hospital says of one patient; `age` in whole years today."""

    id: UUID
    hospital: UUID
    hospital_name: str
    patient_id: str
    name: str
    age: int | None
    diagnosis: str
    gender: Gender
    birth_date: date | None
    origin: RecordOrigin
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime


class PatientRecordFilters(Schema):
    """Which records; every filter narrows. `from` (included) and `to` (not) are of `created_at`."""

    hospital: UUID | None = None
    age: Age | None = None
    diagnosis: SearchText | None = Field(default=None, description="Part of the diagnosis.")
    q: SearchText | None = Field(default=None, description="Part of the name or the patient's id.")
    from_: Annotated[Moment | Day | None, Field(alias="from")] = None
    to: Moment | Day | None = None


# --- Aggregated data ------------------------------------------------------------------------------------------------
class AggregatedFilters(Schema):
    """How fresh the combined data shall be."""

    live: bool = Field(
        default=False, description="Ask every hospital first, 8 seconds in all. Doctors and administrators."
    )


class HospitalFreshnessOut(Out):
    """How fresh our copy of one hospital is; `error` says in our words why the last attempt failed."""

    id: UUID
    name: str
    status: Freshness
    fetched_at: datetime | None
    record_count: int
    error: str | None


class AggregatedRecordOut(Out):
    """One record of the combined list."""

    hospital: UUID
    hospital_name: str
    patient_id: str
    name: str
    age: int | None
    diagnosis: str


class AggregatedOut(Out):
    """All hospitals together: `complete` such as `17 of 20`, each hospital's freshness, one page of records."""

    complete: str
    hospitals: list[HospitalFreshnessOut]
    records: list[AggregatedRecordOut]


class BlindFreshnessOut(Out):
    """How fresh a copy is, without saying whose."""

    status: Freshness
    fetched_at: datetime | None


class DeidentifiedRecordOut(Out):
    """A person without a name: `hospital` and `diagnosis` only where at least 11 people share them, else `other`."""

    pseudonym: UUID
    hospital: str
    age_band: str
    gender: Gender
    diagnosis: str


class DeidentifiedOut(Out):
    """All hospitals together for research."""

    complete: str
    hospitals: list[BlindFreshnessOut]
    records: list[DeidentifiedRecordOut]


class CellOut(Out):
    """One cell; `count` is null where it is hidden."""

    label: str
    count: int | None
    hidden: bool


class TableOut(Out):
    """One one-way table; `hidden` when the whole table had to be kept back."""

    dimension: Dimension
    cells: list[CellOut]
    hidden: bool


class StatisticsOut(Out):
    """The day's four tables; `total` people, rounded to 5. Recomputed once a day, the same for everybody."""

    day: date
    computed_at: datetime
    total: int | None
    tables: list[TableOut]


# --- The mock hospital ----------------------------------------------------------------------------------------------
class MockHospitalFilters(Schema):
    """Which of the synthetic hospitals answers; without a choice, the one of document 000."""

    hospital: MockHospital | None = Field(
        default=None, description="`riverside` and `hillcrest` answer records, `lakeside` is always out of order (503)."
    )


class MockRecordOut(Out):
    """A patient of the mock hospital, in the words of document 000."""

    patient_id: int
    name: str
    age: int
    condition: str


class MockHospitalOut(Out):
    """The mock hospital's document."""

    hospital_name: str
    location: str
    records: list[MockRecordOut]
