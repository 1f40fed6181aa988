"""The own account: who it is, and its password."""

from typing import Any

from django import forms

from identity.schemas import PasswordChangeIn, ProfileIn, ProfileOut
from portal.forms.base import ExactText, SchemaForm


class ProfileForm(SchemaForm[ProfileIn]):
    """How the account is called, and what it signs in with."""

    schema = ProfileIn

    name = ExactText(label="Name", widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = ExactText(
        label="E-mail",
        widget=forms.TextInput(attrs={"inputmode": "email", "autocomplete": "email", "spellcheck": "false"}),
    )
    username = ExactText(
        label="Username",
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )
    mobile_number = ExactText(
        label="Mobile number", widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"})
    )
    address = ExactText(label="Address", widget=forms.TextInput(attrs={"autocomplete": "street-address"}))

    def __init__(self, data: Any = None, *, profile: ProfileOut) -> None:
        super().__init__(data, initial=profile.model_dump(), is_change=True)

    def given(self) -> dict[str, Any]:
        """Take an identifier away where its field was emptied; a name cannot be taken away."""
        given = super().given()
        identifiers = ("email", "username", "mobile_number")
        return {name: None if name in identifiers and value == "" else value for name, value in given.items()}


class PasswordForm(SchemaForm[PasswordChangeIn]):
    """The old password proves who asks; the new one is typed twice, because nobody can read it."""

    schema = PasswordChangeIn

    old_password = forms.CharField(
        label="Current password",
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "Enter the password you sign in with now."},
    )
    new_password = forms.CharField(
        label="New password",
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": "Enter a new password."},
    )
    repeated = forms.CharField(
        label="New password again",
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": "Enter the new password once more."},
    )

    def given(self) -> dict[str, Any]:
        """Leave out the repetition; it is for this form alone."""
        return {name: value for name, value in super().given().items() if name != "repeated"}

    def clean(self) -> dict[str, Any]:
        """Compare the two."""
        cleaned = super().clean()
        new, repeated = cleaned.get("new_password"), cleaned.get("repeated")
        if new and repeated and new != repeated:
            self.add_error("repeated", "This is not what you entered above.")
        return cleaned
