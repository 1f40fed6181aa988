"""Finding a patient, filling in a chart, and choosing a doctor for one."""

from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from care.schemas import (
    CareTeamMemberIn,
    DoctorFilters,
    PatientChangeIn,
    PatientDetailOut,
    PatientFilters,
    PatientIn,
)
from portal.forms.base import Body, ExactText, PortalForm, SchemaForm
from portal.wording import BLOOD_GROUPS, gender_choices


class PatientSearchForm(SchemaForm[PatientFilters]):
    """Which patients are looked for; every field may stay empty."""

    schema = PatientFilters

    q = ExactText(
        label="Name, telephone or e-mail",
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off", "spellcheck": "false"}),
    )
    gender = forms.ChoiceField(label="Gender", required=False, choices=gender_choices("All"))
    doctor = forms.UUIDField(required=False, widget=forms.HiddenInput)


class PatientForm(SchemaForm[Body]):
    """The fields of a chart."""

    check_route = "portal:patients-check"

    firstname = ExactText(
        label="First name", required=True, error_messages={"required": "Enter the patient's first name."}
    )
    lastname = ExactText(label="Last name")
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
    blood_group = forms.ChoiceField(
        label="Blood group", required=False, choices=[("", "Not known"), *((group, group) for group in BLOOD_GROUPS)]
    )
    phone = ExactText(label="Telephone", widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}))
    email = ExactText(
        label="E-mail",
        widget=forms.TextInput(attrs={"inputmode": "email", "autocomplete": "off", "spellcheck": "false"}),
    )
    address = ExactText(label="Address", widget=forms.TextInput(attrs={"autocomplete": "off"}))
    medical_history = ExactText(label="Medical history", widget=forms.Textarea(attrs={"rows": 6}))

    def clean_birth_date(self) -> date | None:
        """Refuse what has not happened yet while the form is filled in; the service refuses it in any case."""
        birth_date: date | None = self.cleaned_data["birth_date"]
        if birth_date is not None and birth_date > timezone.localdate():
            raise ValidationError("Birth date must not lie in the future.")
        return birth_date

    def given(self) -> dict[str, Any]:
        """Send the birth date where there is one, else the age; neither means that it is not known."""
        given = super().given()
        if not given.keys() & {"birth_date", "age"}:
            return given
        rest = {name: value for name, value in given.items() if name not in ("birth_date", "age")}
        born, age = self.cleaned_data.get("birth_date"), self.cleaned_data.get("age")
        if born is not None:
            return rest | {"birth_date": born}
        return rest | ({"birth_date": None} if age is None else {"age": age})


class NewPatientForm(PatientForm[PatientIn]):
    """A chart that is added."""

    schema = PatientIn

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial={"gender": "U"})


class ChartForm(PatientForm[PatientChangeIn]):
    """A chart that is changed; `everything=False` leaves out what only the care team changes."""

    schema = PatientChangeIn

    def __init__(self, data: Any = None, *, chart: PatientDetailOut | None = None, everything: bool = True) -> None:
        super().__init__(data, initial=_shown(chart) if chart else {}, is_change=True)
        if not everything:
            del self.fields["blood_group"], self.fields["medical_history"]


def _shown(chart: PatientDetailOut) -> dict[str, Any]:
    """Return the chart as the form shows it: an estimated birth date is no date anybody gave, so its age is shown."""
    initial = chart.model_dump()
    if chart.birth_date_estimated:
        return {**initial, "birth_date": None}
    return {**initial, "age": None}


class DoctorChoiceForm(SchemaForm[DoctorFilters]):
    """Which doctors are offered for a care team."""

    schema = DoctorFilters

    q = ExactText(
        label="Find a doctor",
        help_text="Words of the name, the specialization or the location.",
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off", "spellcheck": "false"}),
    )


class AssignmentForm(SchemaForm[CareTeamMemberIn]):
    """Which doctor shall treat the patient, and why."""

    schema = CareTeamMemberIn

    doctor = forms.UUIDField(
        label="Doctor",
        widget=forms.HiddenInput,
        error_messages={"required": "Choose a doctor.", "invalid": "Choose a doctor from the list."},
    )
    notes = ExactText(
        label="Notes",
        help_text="What the doctor is asked to look after. Everybody who sees the chart can read it.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, data: Any = None, *, patient_id: UUID) -> None:
        super().__init__(data)
        self.patient_id = patient_id

    def given(self) -> dict[str, Any]:
        """Name the patient, who stands in the page's address."""
        return {**super().given(), "patient": self.patient_id}


class AccountForm(PortalForm):
    """Whose chart it is, by anything that they sign in with; and the account found, once it is shown and confirmed."""

    account = forms.CharField(
        label="E-mail, username or mobile number",
        help_text="Exactly as the patient signs in with it.",
        max_length=320,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
        error_messages={"required": "Enter what the patient signs in with."},
    )
    confirmed = forms.UUIDField(required=False, widget=forms.HiddenInput)
