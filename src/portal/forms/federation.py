"""Finding hospitals and their patients' records, registering a hospital, trying its address, typing a record in."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone
from ninja import Schema

from core.text import SearchText
from federation.schemas import (
    EndpointTestIn,
    HospitalChangeIn,
    HospitalDetailOut,
    HospitalIn,
    HospitalOut,
    PatientRecordChangeIn,
    PatientRecordFilters,
    PatientRecordIn,
    PatientRecordOut,
)
from portal.forms.base import Body, ExactText, SchemaForm
from portal.wording import HOSPITAL_FORMATS, gender_choices

_SEARCH = {"type": "search", "autocomplete": "off", "spellcheck": "false"}
_PLAIN = {"autocomplete": "off", "spellcheck": "false"}


class HospitalFilters(Schema):
    """Which hospitals; their list has no filter of its own on the wire."""

    q: SearchText = ""


class HospitalSearchForm(SchemaForm[HospitalFilters]):
    """Which hospitals are looked for."""

    schema = HospitalFilters

    q = ExactText(label="Name or location", widget=forms.TextInput(attrs=_SEARCH))


class HospitalForm(SchemaForm[Body]):
    """The fields of a hospital; a token that was typed in is never sent back, neither here nor when it is saved."""

    check_route = "portal:hospitals-check"

    name = ExactText(label="Name", required=True, error_messages={"required": "Enter the hospital's name."})
    location = ExactText(label="Location")
    api_endpoint = ExactText(
        label="Address of its records",
        required=True,
        help_text="The JSON document, or the base address of the FHIR server. https, unless the operator allows more.",
        widget=forms.TextInput(attrs={"inputmode": "url", **_PLAIN}),
        error_messages={"required": "Enter the address where the hospital answers."},
    )
    format = forms.ChoiceField(
        label="Format", choices=list(HOSPITAL_FORMATS.items()), error_messages={"required": "Choose what it speaks."}
    )
    auth_token = ExactText(
        label="Token",
        help_text="Where the hospital asks for one. It is sent to this address alone and never shown again.",
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    forget_token = forms.BooleanField(label="Forget the token", required=False)
    sync_every_minutes = forms.IntegerField(
        label="Minutes between two copies",
        required=False,
        help_text="Between 5 and 43,200 (30 days). Empty: only when somebody asks.",
        widget=forms.NumberInput(attrs={"min": 5, "max": 43200, "inputmode": "numeric"}),
    )

    @property
    def lost_token(self) -> bool:
        """Whether a token was typed in that has to be typed once more."""
        return self.is_bound and bool(self.data.get("auth_token"))

    def leave_unjudged(self) -> None:
        """Show what was typed without saying what is wrong in it: nobody asked for that yet."""
        self._errors = forms.utils.ErrorDict()
        self.cleaned_data: dict[str, Any] = {}

    def given(self) -> dict[str, Any]:
        """Send a token that was typed in, an empty one where it shall be forgotten, else none: it stays as it is."""
        given = {name: value for name, value in super().given().items() if name != "forget_token"}
        if not given.get("auth_token"):
            given.pop("auth_token", None)
            if self.cleaned_data.get("forget_token"):
                given["auth_token"] = ""
        return given


class NewHospitalForm(HospitalForm[HospitalIn]):
    """A hospital that is registered."""

    schema = HospitalIn

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial={"format": "json", "sync_every_minutes": 60})
        del self.fields["forget_token"]


class HospitalChangeForm(HospitalForm[HospitalChangeIn]):
    """A hospital that is changed; its token is kept unless something is said of it."""

    schema = HospitalChangeIn

    def __init__(self, data: Any = None, *, hospital: HospitalDetailOut | None = None) -> None:
        super().__init__(data, initial=hospital.model_dump() if hospital else {}, is_change=True)
        for name in ("auth_token", "forget_token"):
            self.fields[name].show_hidden_initial = False
        if hospital is None:
            return
        if hospital.has_token:
            self.fields["api_endpoint"].help_text += " Another address forgets the token, unless you enter one for it."
            self.fields["auth_token"].help_text = "There is one. Leave this empty to keep it; it is never shown."
        else:
            del self.fields["forget_token"]


class EndpointTrialForm(SchemaForm[EndpointTestIn]):
    """Of the form above what is needed to try the address."""

    schema = EndpointTestIn

    api_endpoint = HospitalForm.base_fields["api_endpoint"]
    format = HospitalForm.base_fields["format"]
    auth_token = HospitalForm.base_fields["auth_token"]

    @property
    def refusals(self) -> list[str]:
        """What is wrong in these fields, a sentence each."""
        return [str(sentence) for sentences in self.errors.values() for sentence in sentences]


class RecordSearchForm(SchemaForm[PatientRecordFilters]):
    """Which records are looked for; every field may stay empty."""

    schema = PatientRecordFilters

    q = ExactText(label="Patient’s name or number", widget=forms.TextInput(attrs=_SEARCH))
    diagnosis = ExactText(label="Diagnosis", widget=forms.TextInput(attrs=_SEARCH))
    hospital = forms.ChoiceField(label="Hospital", required=False)
    age = forms.IntegerField(
        label="Age", required=False, widget=forms.NumberInput(attrs={"min": 0, "max": 130, "inputmode": "numeric"})
    )

    def __init__(self, data: QueryDict, *, hospitals: Iterable[HospitalOut]) -> None:
        super().__init__(data)
        _offer(self.fields["hospital"], "All", hospitals)


class RecordForm(SchemaForm[Body]):
    """The fields of a record that is typed in."""

    check_route = "portal:records-check"

    hospital = forms.ChoiceField(
        label="Hospital", error_messages={"required": "Choose the hospital that says this of the patient."}
    )
    patient_id = ExactText(
        label="Patient’s number there",
        required=True,
        help_text="As the hospital itself numbers its patients.",
        widget=forms.TextInput(attrs=_PLAIN),
        error_messages={"required": "Enter the number that the hospital gives the patient."},
    )
    name = ExactText(
        label="Name",
        required=True,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Enter the patient's name."},
    )
    birth_date = forms.DateField(
        label="Birth date",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": "Enter the date as year-month-day, such as 1984-03-27."},
    )
    age = forms.IntegerField(
        label="Age in years",
        required=False,
        help_text="Only where the birth date is not known.",
        widget=forms.NumberInput(attrs={"min": 0, "max": 130, "inputmode": "numeric"}),
    )
    gender = forms.ChoiceField(label="Gender", required=False, choices=gender_choices())
    diagnosis = ExactText(label="Diagnosis", widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, data: Any = None, *, hospitals: Iterable[HospitalOut], **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        _offer(self.fields["hospital"], "Choose one", hospitals)

    def clean_birth_date(self) -> date | None:
        """Refuse what has not happened yet while the form is filled in; the service refuses it in any case."""
        birth_date: date | None = self.cleaned_data["birth_date"]
        if birth_date is not None and birth_date > timezone.localdate():
            raise ValidationError("Birth date must not lie in the future.")
        return birth_date

    def given(self) -> dict[str, Any]:
        """Send no age beside a birth date: that says it better."""
        given = super().given()
        if self.cleaned_data.get("birth_date") is not None:
            given.pop("age", None)
        return given


class NewRecordForm(RecordForm[PatientRecordIn]):
    """A record that is typed in."""

    schema = PatientRecordIn

    def __init__(self, data: Any = None, *, hospitals: Iterable[HospitalOut], chosen: str = "") -> None:
        super().__init__(data, hospitals=hospitals, initial={"gender": "U", "hospital": chosen})


class RecordChangeForm(RecordForm[PatientRecordChangeIn]):
    """A record that is changed."""

    schema = PatientRecordChangeIn

    def __init__(
        self, data: Any = None, *, hospitals: Iterable[HospitalOut], record: PatientRecordOut | None = None
    ) -> None:
        offered = list(hospitals)
        if record is not None and all(each.id != record.hospital for each in offered):
            # The hospital may be out of use meanwhile; the record stays with it.
            offered.append(HospitalOut(id=record.hospital, name=record.hospital_name, location=""))
        super().__init__(data, hospitals=offered, initial=_shown(record) if record else {}, is_change=True)


def _shown(record: PatientRecordOut) -> dict[str, Any]:
    """Return a record as the form shows it: an age that follows from the birth date is not typed in beside it."""
    initial = {**record.model_dump(), "hospital": str(record.hospital)}
    return initial if record.birth_date is None else {**initial, "age": None}


def _offer(field: forms.Field, empty: str, hospitals: Iterable[HospitalOut]) -> None:
    names = [(str(each.id), f"{each.name}, {each.location}" if each.location else each.name) for each in hospitals]
    field.choices = [("", empty), *names]  # type: ignore[attr-defined]
