"""Finding a doctor, filling in an entry of the directory, and vouching for one."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings

from care.schemas import DoctorChangeIn, DoctorDetailOut, DoctorFilters, DoctorIn, SpecializationOut, VerificationIn
from portal.forms.base import Body, ExactText, SchemaForm
from portal.wording import gender_choices

LICENCE_WARNING = "A changed number takes the verification back until an administrator has seen the new one."


class DoctorSearchForm(SchemaForm[DoctorFilters]):
    """Which doctors are looked for; every field may stay empty."""

    schema = DoctorFilters

    q = ExactText(
        label="Name",
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off", "spellcheck": "false"}),
    )
    specialization = forms.ChoiceField(label="Specialization", required=False)
    location = ExactText(label="Location", widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}))
    available = forms.ChoiceField(
        label="Appointments", required=False, choices=[("", "All"), ("true", "Takes them"), ("false", "Takes none")]
    )

    def __init__(self, data: Any, *, specializations: Sequence[SpecializationOut]) -> None:
        super().__init__(data)
        self.fields["specialization"].choices = [  # type: ignore[attr-defined]
            ("", "All"),
            *((each.code, each.label) for each in specializations),
        ]


class DoctorForm(SchemaForm[Body]):
    """The fields of an entry of the directory."""

    check_route = "portal:doctors-check"

    firstname = ExactText(
        label="First name", required=True, error_messages={"required": "Enter the doctor's first name."}
    )
    lastname = ExactText(label="Last name")
    specialization = forms.ChoiceField(
        label="Specialization", error_messages={"required": "Choose what the doctor is specialized in."}
    )
    gender = forms.ChoiceField(label="Gender", required=False, choices=gender_choices())
    license_number = ExactText(label="Licence number", widget=forms.TextInput(attrs={"autocomplete": "off"}))
    qualifications = ExactText(label="Qualifications", help_text="Such as MD, FACC.")
    experience_years = forms.IntegerField(
        label="Years of experience",
        widget=forms.NumberInput(attrs={"min": 0, "max": 80, "inputmode": "numeric"}),
    )
    location = ExactText(label="Location")
    phone = ExactText(label="Telephone", widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}))
    email = ExactText(
        label="E-mail",
        widget=forms.TextInput(attrs={"inputmode": "email", "autocomplete": "off", "spellcheck": "false"}),
    )
    consultation_fee = forms.DecimalField(
        widget=forms.NumberInput(attrs={"min": 0, "step": "0.01", "inputmode": "decimal"})
    )
    max_appointments_per_day = forms.IntegerField(
        label="Appointments a day",
        help_text="At most.",
        widget=forms.NumberInput(attrs={"min": 1, "max": 100, "inputmode": "numeric"}),
    )
    time_zone = ExactText(
        label="Time zone",
        help_text="Where the doctor's hours are meant, such as America/New_York.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    is_available = forms.BooleanField(label="Takes appointments", required=False)

    def __init__(self, data: Any = None, *, specializations: Sequence[SpecializationOut], **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields["specialization"].choices = [  # type: ignore[attr-defined]
            ("", "Choose one"),
            *((each.code, each.label) for each in specializations),
        ]
        self.fields["consultation_fee"].label = f"Consultation fee in {settings.CURRENCY}"


class NewDoctorForm(DoctorForm[DoctorIn]):
    """An entry that is added."""

    schema = DoctorIn

    def __init__(self, data: Any = None, *, specializations: Sequence[SpecializationOut]) -> None:
        initial = {
            "gender": "U",
            "experience_years": 0,
            "consultation_fee": "0.00",
            "max_appointments_per_day": 10,
            "is_available": True,
            "time_zone": settings.TIME_ZONE,
        }
        super().__init__(data, specializations=specializations, initial=initial)


class EntryForm(DoctorForm[DoctorChangeIn]):
    """An entry that is changed; `loses_verification` warns that a changed licence number takes it back."""

    schema = DoctorChangeIn

    def __init__(
        self,
        data: Any = None,
        *,
        specializations: Sequence[SpecializationOut],
        entry: DoctorDetailOut | None = None,
        loses_verification: bool = False,
    ) -> None:
        initial = entry.model_dump() if entry else {}
        super().__init__(data, specializations=specializations, initial=initial, is_change=True)
        if loses_verification:
            self.fields["license_number"].help_text = LICENCE_WARNING


class VerificationForm(SchemaForm[VerificationIn]):
    """Why an administrator vouches for an entry, or takes that back."""

    schema = VerificationIn

    reason = ExactText(
        label="Reason",
        required=True,
        help_text="What you have seen or heard; it is kept with the decision.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Enter the reason."},
    )
    verified = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def given(self) -> dict[str, Any]:
        """Leave out which way it goes: that is the page's to say, no part of the reason."""
        return {name: value for name, value in super().given().items() if name != "verified"}
