"""The portal's forms. Each names its errors beside the field, and ties them to it for screen readers."""

from portal.forms.account import PasswordForm, ProfileForm
from portal.forms.base import PortalForm, SchemaForm, comes_from_change
from portal.forms.doctors import DoctorSearchForm, EntryForm, NewDoctorForm, VerificationForm
from portal.forms.patients import (
    AccountForm,
    AssignmentForm,
    ChartForm,
    DoctorChoiceForm,
    NewPatientForm,
    PatientSearchForm,
)
from portal.forms.sign_in import SignInForm

__all__ = [
    "AccountForm",
    "AssignmentForm",
    "ChartForm",
    "DoctorChoiceForm",
    "DoctorSearchForm",
    "EntryForm",
    "NewDoctorForm",
    "NewPatientForm",
    "PasswordForm",
    "PatientSearchForm",
    "PortalForm",
    "ProfileForm",
    "SchemaForm",
    "SignInForm",
    "VerificationForm",
    "comes_from_change",
]
