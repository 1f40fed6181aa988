"""Identity's published shapes."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import AfterValidator, Field, model_validator

from core.actor import Role
from core.text import Line, Name, OptionalName, SearchText, require_visible
from core.wire import In, Moment, Out
from identity.identifiers import KINDS, Kind, normalise

RoleStatus = Literal["pending", "approved", "denied"]
RequestableRole = Literal["patient", "doctor", "staff", "researcher", "official"]

Email = Annotated[
    str, Field(max_length=320, json_schema_extra={"format": "email"}), AfterValidator(lambda v: normalise("email", v))
]
Username = Annotated[str, Field(max_length=300), AfterValidator(lambda v: normalise("username", v))]
MobileNumber = Annotated[str, Field(max_length=40), AfterValidator(lambda v: normalise("mobile_number", v))]
# Checked against the deployment's rules by the service; here only bounded, so that hashing is.
Password = Annotated[str, Field(min_length=1, max_length=1024, json_schema_extra={"format": "password"})]


class RegisterIn(In):
    """A new account: at least one identifier, a password, and as much of a name as one likes."""

    read_only = frozenset({"id", "access", "refresh", "requested_role", "role_status"})

    email: Email | None = None
    username: Username | None = None
    mobile_number: MobileNumber | None = None
    password: Password
    name: Name | None = None
    full_name: Name | None = None
    firstname: Name | None = None
    lastname: OptionalName | None = None
    address: Line = ""
    role: RequestableRole = "patient"

    @model_validator(mode="after")
    def _require_identifier(self) -> "RegisterIn":
        if not any(getattr(self, kind) for kind in KINDS):
            raise ValueError("needs at least one of email, username and mobile_number")
        return self


class LoginIn(In):
    """A password and exactly one identifier, of any kind."""

    email: Annotated[str | None, Field(max_length=320)] = None
    username: Annotated[str | None, Field(max_length=320)] = None
    mobile_number: Annotated[str | None, Field(max_length=320)] = None
    password: Password

    @model_validator(mode="after")
    def _require_one_identifier(self) -> "LoginIn":
        if sum(getattr(self, kind) is not None for kind in KINDS) != 1:
            raise ValueError("needs exactly one of email, username and mobile_number")
        return self

    def identifier(self) -> tuple[Kind, str]:
        """Return the identifier that was given, with its kind."""
        return next((kind, getattr(self, kind)) for kind in KINDS if getattr(self, kind) is not None)


class RefreshIn(In):
    """A refresh token, to be exchanged once."""

    refresh: Annotated[str, Field(max_length=4096)]


class PasswordChangeIn(In):
    """The old password proves who asks."""

    old_password: Password
    new_password: Password


class ProfileIn(In):
    """What a person may change of the own account; a partial body is welcome."""

    read_only = frozenset(
        {"id", "role", "requested_role", "role_status", "created_at", "updated_at", "doctor", "is_active"}
    )

    name: Name | None = None
    full_name: Name | None = None
    firstname: Name | None = None
    lastname: OptionalName | None = None
    email: Email | None = None
    username: Username | None = None
    mobile_number: MobileNumber | None = None
    address: Line | None = None

    def changes(self) -> dict[str, Any]:
        """Return what the body names, as columns; null takes an identifier away."""
        given = self.model_dump(exclude_unset=True)
        name = full_name_of(self)
        for spelling in ("name", "full_name", "firstname", "lastname"):
            given.pop(spelling, None)
        if name:
            given["name"] = name
        if given.get("address", "") is None:
            given["address"] = ""
        return given


def full_name_of(body: RegisterIn | ProfileIn) -> str:
    """Return the name in whichever of the documents' spellings it came, or the empty string."""
    parts = " ".join(part for part in (body.firstname, body.lastname) if part)
    return body.name or body.full_name or parts


class UserOut(Out):
    """An account as its owner and administrators see it."""

    id: UUID
    username: str | None
    email: str | None
    mobile_number: str | None
    name: str
    role: Role
    requested_role: Role | None
    role_status: RoleStatus | None


class ProfileOut(UserOut):
    """The own account."""

    address: str
    created_at: datetime
    updated_at: datetime


class AccountCard(Out):
    """The own account as the portal's frame introduces it, on every page.

    `role_requests_waiting` is how many requests the account could decide now; 0 where it manages no accounts.
    """

    id: UUID
    name: str
    role: Role
    opens_technical_window: bool
    manages_accounts: bool
    role_requests_waiting: int


class TokensOut(Out):
    """A pair of tokens: `access` for the Authorization header, `refresh` to be exchanged once."""

    access: str
    refresh: str


class RegisteredOut(UserOut, TokensOut):
    """A new account, already signed in."""


class SignedInOut(TokensOut):
    """Tokens, and whose they are."""

    user: UserOut


class RoleRequestIn(In):
    """A role asked for; `admin` cannot be."""

    read_only = frozenset({"id", "user", "user_name", "status", "created_at", "decided_at", "decided_by"})

    role: Annotated[Literal["doctor", "staff", "researcher", "official"], Field(description="Never admin.")]


class RoleRequestFilters(Schema):
    """Which requests are asked for."""

    status: RoleStatus | None = None
    user: Annotated[UUID | None, Field(description="Only what this account asked for.")] = None


class DecisionIn(In):
    """Why a request is decided as it is."""

    reason: Annotated[Line, Field(min_length=1), AfterValidator(require_visible)]


class RoleRequestOut(Out):
    """A role somebody asked for, and what became of it."""

    id: UUID
    user: UUID
    user_name: str
    role: Role
    status: RoleStatus
    reason: str
    created_at: datetime
    decided_at: datetime | None
    decided_by: UUID | None


class UserFilters(Schema):
    """Which accounts are asked for."""

    q: Annotated[SearchText | None, Field(description="Part of the name or of an identifier.")] = None
    role: Role | None = None
    active: bool | None = None


class UserDetailOut(ProfileOut):
    """An account as administrators see it; never its password."""

    is_active: bool
    last_login: datetime | None


class UserChangeIn(ProfileIn):
    """What an administrator may change of an account; a changed role ends its sessions."""

    read_only = ProfileIn.read_only - {"role"} | {"last_login"}

    role: Role | None = None

    def changes(self) -> dict[str, Any]:
        """Return what the body names of the account itself; the role is changed by its own service."""
        return {name: value for name, value in super().changes().items() if name != "role"}


class AuditFilters(Schema):
    """Which events are asked for; `from` is included, `to` is not."""

    actor: UUID | None = None
    subject: UUID | None = None
    action: Annotated[SearchText | None, Field(description="Such as patient.read.")] = None
    outcome: Literal["allowed", "refused"] | None = None
    from_: Annotated[Moment | None, Field(alias="from")] = None
    to: Moment | None = None


class AuditSubjectOut(Out):
    """What an event is about."""

    kind: str
    id: UUID
    rule: str


class AuditEventOut(Out):
    """Who did what, by which rule, and how it ended; `actor` is null for the system."""

    id: UUID
    at: datetime
    actor: UUID | None
    actor_name: str
    role: str
    action: str
    rule: str
    outcome: str
    request_id: str
    address: str
    subjects: list[AuditSubjectOut]
