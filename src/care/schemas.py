"""Care's published shapes."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import available_timezones

from ninja import Schema
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from care.specializations import find_specialization
from core.contact import normalise_email, normalise_phone
from core.text import Line, Name, OptionalName, Paragraph, SearchText, ShortLine, require_visible
from core.wire import Day, In, Out, Whole
from identity.schemas import DecisionIn, ProfileIn, ProfileOut

Gender = Literal["M", "F", "O", "U"]
BloodGroup = Literal["A+", "A-", "B+", "B-", "AB+", "AB-", "O+", "O-", ""]

_GENDER_WORDS = {"male": "M", "female": "F", "other": "O", "unknown": "U"}


def _read_gender(value: Any) -> Any:
    return _GENDER_WORDS.get(value.lower(), value.upper()) if isinstance(value, str) else value


def _read_specialization(value: str) -> str:
    code = find_specialization(value)
    if code is None:
        raise ValueError("is not a specialization we know; give a code such as CARD or a name such as cardiology")
    return code


def _require_time_zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError("must be an IANA time zone such as Asia/Dhaka")
    return value


def _empty_or(normalise: Any) -> AfterValidator:
    return AfterValidator(lambda value: normalise(value) if value else "")


GenderIn = Annotated[
    Gender, BeforeValidator(_read_gender), Field(description="M, F, O or U, or the words male, female, other, unknown.")
]
EmailIn = Annotated[str, Field(max_length=320), _empty_or(normalise_email)]
PhoneIn = Annotated[str, Field(max_length=40), _empty_or(normalise_phone)]
WholeName = Annotated[Name, Field(description="First and last name together, split before its last word.")]
SpecializationIn = Annotated[str, Field(max_length=100), AfterValidator(_read_specialization)]
TimeZoneIn = Annotated[str, Field(max_length=64), AfterValidator(_require_time_zone)]
Fee = Annotated[Decimal, Field(ge=0, max_digits=10, decimal_places=2)]
Age = Annotated[Whole, Field(ge=0, le=130)]


class _Changes(In):
    """A body whose absent fields mean "as it is"; `changes()` is what it names."""

    def changes(self) -> dict[str, Any]:
        """Return the named fields; null empties a text and forgets a date."""
        given = self.model_dump(exclude_unset=True)
        empty = dict.fromkeys(("lastname", "email", "phone", "address", "medical_history", "blood_group"), "")
        return {name: empty.get(name) if value is None else value for name, value in given.items()}


class PatientChangeIn(_Changes):
    """What may be changed of a chart.

    A client may send back the whole object: what equals the chart is no change. Of what differs, `firstname` and
    `lastname` go before `name`, `birth_date` before `age`.
    """

    read_only = frozenset(
        {"id", "user", "created_by", "created_at", "updated_at", "birth_date_estimated", "deleted_at"}
    )

    name: WholeName | None = None
    firstname: Name | None = None
    lastname: OptionalName | None = None
    birth_date: Day | None = None
    age: Age | None = None
    gender: GenderIn | None = None
    email: EmailIn | None = None
    phone: PhoneIn | None = None
    address: Line | None = None
    medical_history: Paragraph | None = None
    blood_group: BloodGroup | None = None


class PatientIn(PatientChangeIn):
    """A new chart: a name is needed, whole or in parts."""

    @model_validator(mode="after")
    def _require_name(self) -> "PatientIn":
        if not (self.firstname or self.name):
            raise ValueError("needs firstname (and lastname), or name")
        return self


class PatientFilters(Schema):
    """Which patients are asked for."""

    q: Annotated[SearchText | None, Field(description="Words of the name, the telephone number or the e-mail.")] = None
    gender: GenderIn | None = None
    doctor: Annotated[UUID | None, Field(description="Only patients this doctor treats now.")] = None


class PatientOut(Out):
    """A patient in lists; e-mail and medical history stand only on the single resource."""

    id: UUID
    name: str
    firstname: str
    lastname: str
    age: int | None
    birth_date: date | None
    birth_date_estimated: bool
    gender: Gender
    phone: str
    address: str
    blood_group: BloodGroup
    user: UUID | None
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime


class PatientDetailOut(PatientOut):
    """A patient's chart."""

    email: str
    medical_history: str


class DoctorChangeIn(_Changes):
    """What may be changed of a directory entry; a partial body is welcome, as is the whole object sent back."""

    read_only = frozenset(
        {
            "id",
            "user",
            "created_by",
            "created_at",
            "updated_at",
            "deleted_at",
            "verified",
            "patient_count",
            "specialization_display",
        }
    )

    name: WholeName | None = None
    firstname: Name | None = None
    lastname: OptionalName | None = None
    specialization: SpecializationIn | None = None
    gender: GenderIn | None = None
    license_number: ShortLine | None = None
    qualifications: Line | None = None
    experience_years: Annotated[Whole, Field(ge=0, le=80)] | None = None
    consultation_fee: Fee | None = None
    location: Line | None = None
    time_zone: TimeZoneIn | None = None
    email: EmailIn | None = None
    phone: PhoneIn | None = None
    is_available: bool | None = None
    max_appointments_per_day: Annotated[Whole, Field(ge=1, le=100)] | None = None


class DoctorIn(DoctorChangeIn):
    """A new directory entry: a name is needed, whole or in parts, and a specialization."""

    specialization: SpecializationIn

    @model_validator(mode="after")
    def _require_name(self) -> "DoctorIn":
        if not (self.firstname or self.name):
            raise ValueError("needs firstname (and lastname), or name")
        return self


class DoctorFilters(Schema):
    """Which doctors are asked for; alone and together."""

    specialization: Annotated[SearchText | None, Field(description="Code, name or synonym, in any case.")] = None
    location: Annotated[SearchText | None, Field(description="Words of the location.")] = None
    available: Annotated[bool | None, Field(description="Takes appointments, and has time to offer.")] = None
    q: Annotated[SearchText | None, Field(description="Words of the name, specialization or location.")] = None
    max_fee: Fee | None = None
    verified: bool | None = None


class DoctorOut(Out):
    """A doctor in lists. Phone is null where the reader may not have it."""

    id: UUID
    name: str
    firstname: str
    lastname: str
    specialization: str
    specialization_display: str
    gender: Gender
    license_number: str
    qualifications: str
    experience_years: int
    consultation_fee: Decimal
    location: str
    time_zone: str
    phone: str | None
    is_available: bool
    max_appointments_per_day: int
    patient_count: int
    verified: bool
    user: UUID | None
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime


class DoctorDetailOut(DoctorOut):
    """A doctor; e-mail is null where the reader may not have it."""

    email: str | None


class SpecializationOut(Out):
    """A specialization: the code that is stored, and what people call it."""

    code: str
    label: str


class PatientCard(Out):
    """A patient inside something else."""

    id: UUID
    name: str
    firstname: str
    lastname: str
    age: int | None
    gender: Gender
    created_by: UUID | None


class DoctorCard(Out):
    """A doctor inside something else."""

    id: UUID
    name: str
    firstname: str
    lastname: str
    specialization: str
    specialization_display: str
    max_appointments_per_day: int
    gender: Gender
    verified: bool


class CareTeamMemberIn(In):
    """Who shall treat whom."""

    read_only = frozenset({"id", "patient_name", "doctor_name", "doctor_specialization", "is_active", "assigned_at"})

    patient: UUID
    doctor: UUID
    notes: Paragraph = ""


class CareTeamMemberOut(Out):
    """Who treats whom: a mapping, on the wire."""

    id: UUID
    patient: PatientCard
    doctor: DoctorCard
    patient_name: str
    doctor_name: str
    doctor_specialization: str
    notes: str
    is_active: bool
    assigned_at: datetime
    ended_at: datetime | None


class TreatingDoctorOut(Out):
    """One of a patient's doctors, with the mapping that says so."""

    id: UUID
    mapping_id: UUID
    firstname: str
    lastname: str
    specialization: str
    max_appointments_per_day: int
    gender: Gender


class PatientDoctorsOut(Out):
    """A patient's doctors now, newest first."""

    patient: str
    patient_id: UUID
    doctors: list[TreatingDoctorOut]


class VerificationIn(In):
    """Why an entry is vouched for."""

    reason: Annotated[Line, Field(min_length=1), AfterValidator(require_visible)]


class LinkIn(In):
    """Whose chart it is."""

    user: UUID


class ApprovalIn(DecisionIn):
    """Why a role is given, and for a doctor which directory entry the account is."""

    doctor: UUID | None = None


class MyProfileIn(ProfileIn):
    """What a person may change of the own account, and a doctor of the own entry."""

    read_only = ProfileIn.read_only - {"doctor"} | {"patient"}

    doctor: DoctorChangeIn | None = None

    def changes(self) -> dict[str, Any]:
        """Return what the body names of the account itself."""
        return {name: value for name, value in super().changes().items() if name != "doctor"}


class MyProfileOut(ProfileOut):
    """The own account, with the own chart's id and, for a doctor, the own entry."""

    patient: UUID | None
    doctor: DoctorDetailOut | None


class AccessOut(Out):
    """Somebody read or changed a chart of mine, or tried to; `own` says that it was me."""

    id: UUID
    at: datetime
    actor_name: str
    role: str
    action: str
    rule: str
    outcome: str
    own: bool
    patients: list[UUID]


class BookingTerms(Out):
    """What the appointment book needs to know of a doctor; for the contexts above, not on the wire."""

    id: UUID
    name: str
    specialization: str
    location: str
    time_zone: str
    consultation_fee: Decimal
    max_appointments_per_day: int
    bookable: bool
