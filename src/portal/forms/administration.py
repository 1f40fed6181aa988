"""Roles asked for and decided, accounts, and the audit trail."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms

from care.schemas import ApprovalIn
from core.actor import Role
from identity.schemas import AuditFilters, RoleRequestIn, UserChangeIn, UserFilters
from portal.forms.base import ExactText, SchemaForm
from portal.forms.patients import DoctorChoiceForm
from portal.roles import ROLES
from portal.trail import ACTIONS, describe_action

REQUESTABLE = (Role.DOCTOR, Role.STAFF, Role.RESEARCHER, Role.OFFICIAL)

_IDENTIFIER = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
_MOMENT = "%Y-%m-%dT%H:%M"


class RoleRequestForm(SchemaForm[RoleRequestIn]):
    """Which other role somebody would like to have."""

    schema = RoleRequestIn
    marks_required = False

    role = forms.ChoiceField(
        label="Role", widget=forms.RadioSelect, error_messages={"required": "Choose the role that you ask for."}
    )

    def __init__(self, data: Any = None, *, has: Role) -> None:
        super().__init__(data)
        self.offered = [role for role in REQUESTABLE if role is not has]
        self.fields["role"].choices = _choices(self.offered)  # type: ignore[attr-defined]


class DecisionForm(SchemaForm[ApprovalIn]):
    """Why a request is decided as it is, and for a doctor which entry of the directory the account is.

    `needs_entry` asks for that: an empty `doctor` is a new entry, a missing one is no answer.
    """

    schema = ApprovalIn

    doctor = forms.UUIDField(
        label="Directory entry", required=False, error_messages={"invalid": "Choose an entry from the list."}
    )
    reason = ExactText(
        label="Reason",
        required=True,
        help_text="Whoever asked reads it, and it is kept with the decision.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Say why; whoever asked reads it."},
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, needs_entry: bool = False, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.lacks_entry = needs_entry and data is not None and "doctor" not in data

    def clean(self) -> dict[str, Any]:
        """Refuse to guess which entry the account is."""
        cleaned = super().clean()
        if self.lacks_entry:
            self.add_error("doctor", "Choose the entry that this account is, or a new one.")
        return cleaned


class EntryChoiceForm(DoctorChoiceForm):
    """Which entries of the directory are offered to an account that becomes a doctor."""

    q = ExactText(
        label="Find the entry",
        help_text="Words of the name, the specialization or the location.",
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off", "spellcheck": "false"}),
    )


class UserSearchForm(SchemaForm[UserFilters]):
    """Which accounts are looked for; every field may stay empty."""

    schema = UserFilters

    q = ExactText(
        label="Name, e-mail, username or mobile number",
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off", "spellcheck": "false"}),
    )
    role = forms.ChoiceField(label="Role", required=False)
    active = forms.ChoiceField(
        label="Account", required=False, choices=[("", "All"), ("true", "Open"), ("false", "Closed")]
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.fields["role"].choices = [("", "All"), *_choices(Role)]  # type: ignore[attr-defined]


class RoleChangeForm(SchemaForm[UserChangeIn]):
    """Which role an account shall have from now on."""

    schema = UserChangeIn
    marks_required = False

    role = forms.ChoiceField(
        label="New role", widget=forms.RadioSelect, error_messages={"required": "Choose the new role."}
    )

    def __init__(self, data: Any = None, *, has: Role) -> None:
        super().__init__(data)
        self.fields["role"].choices = _choices(role for role in Role if role is not has)  # type: ignore[attr-defined]


class AuditSearchForm(SchemaForm[AuditFilters]):
    """Which events are looked for; every field may stay empty. Moments are the clinic's time."""

    schema = AuditFilters

    action = forms.ChoiceField(label="What was done", required=False)
    outcome = forms.ChoiceField(
        label="Outcome", required=False, choices=[("", "All"), ("allowed", "Allowed"), ("refused", "Refused")]
    )
    since = forms.DateTimeField(
        label="From",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=_MOMENT),
        error_messages={"invalid": "Enter date and time as 2026-03-27 08:30."},
    )
    until = forms.DateTimeField(
        label="Before",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=_MOMENT),
        error_messages={"invalid": "Enter date and time as 2026-03-27 08:30."},
    )
    actor = forms.UUIDField(
        label="Id of the account that did it",
        required=False,
        widget=forms.TextInput(attrs=_IDENTIFIER),
        error_messages={"invalid": "Enter the id of an account; its page shows it."},
    )
    subject = forms.UUIDField(
        label="Id of what it concerns",
        required=False,
        widget=forms.TextInput(attrs=_IDENTIFIER),
        error_messages={"invalid": "Enter the id of a patient, an account or whatever else it concerns."},
    )

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data)
        offered = dict(ACTIONS)
        if asked := data.get("action"):
            # Links name acts that are too rare to be offered, such as those of the technical window.
            offered.setdefault(asked, describe_action(asked))
        by_words = sorted(offered.items(), key=lambda each: each[1])
        self.fields["action"].choices = [("", "Anything"), *by_words]  # type: ignore[attr-defined]

    def given(self) -> dict[str, Any]:
        """Name the moments as the schema does."""
        names = {"since": "from", "until": "to"}
        return {names.get(name, name): value for name, value in super().given().items()}


def _choices(roles: Iterable[Role]) -> list[tuple[str, str]]:
    return [(role.value, ROLES[role].label) for role in roles]
