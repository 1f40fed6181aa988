"""The form at the door."""

from django import forms

from portal.forms.base import PortalForm


class SignInForm(PortalForm):
    """One field for any identifier, and the password. Longer values are refused before anything is hashed."""

    identifier = forms.CharField(
        label="E-mail, username or mobile number",
        max_length=320,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}
        ),
        error_messages={"required": "Enter your e-mail address, username or mobile number."},
    )
    password = forms.CharField(
        label="Password",
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "Enter your password."},
    )

    def refuse(self, sentence: str) -> None:
        """Say why well-formed details opened nothing; which of the two is wrong is not told, so both are marked."""
        self.add_error(None, sentence)
        for name in self.fields:
            self.fields[name].widget.attrs |= {"aria-invalid": "true", "aria-describedby": "sign-in-refused"}
        self.focus("password")
