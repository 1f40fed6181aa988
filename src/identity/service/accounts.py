"""Accounts: registering, and what a person may read and change of the own one."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from core.actor import Actor, Role
from core.audit import Subject, audited
from core.client import network_of
from core.errors import Invalid, NotFound
from core.throttle import Limit, count_attempt
from identity.identifiers import KINDS, guess_kind, normalise
from identity.models import RoleRequest, User
from identity.permissions import may_manage_users, visible_role_requests, visible_users
from identity.schemas import (
    AccountCard,
    ProfileIn,
    ProfileOut,
    RegisteredOut,
    RegisterIn,
    UserDetailOut,
    UserOut,
    full_name_of,
)
from identity.service.sessions import open_session

REGISTER_BY_ADDRESS = Limit("register", amount=20, seconds=3600)

IDENTIFIER_BY_ACCOUNT = Limit("identifier", amount=30, seconds=3600)

# What SIGNUP_ROLE_POLICY=demo gives away; `staff` and `admin` never.
DEMO_ROLES = frozenset({Role.DOCTOR, Role.RESEARCHER, Role.OFFICIAL})


def register(*, actor: Actor, body: RegisterIn, address: str, now: datetime) -> RegisteredOut:
    """Make an account and sign it in.

    The account is a patient; another role is stored as a request. Throttled by address before anything is hashed.
    Raises TooManyAttempts, and Invalid for a password that is too weak or an identifier that is taken.
    """
    count_attempt([(REGISTER_BY_ADDRESS, network_of(address))], now=now)
    user = _new_account(body)
    with audited(actor, "user.register") as act:
        _insert_account(user, body, now=now)
        act.about(Subject("user", user.pk))
        session = open_session(user, now=now)
        shown = describe_user(user)
    return RegisteredOut(**shown.model_dump(), **session.tokens.model_dump())


def register_by_admin(*, actor: Actor, body: RegisterIn, now: datetime) -> UserOut:
    """Make an account on behalf of its owner, without throttle or tokens: for the demo and for operators' commands."""
    if not actor.is_admin:
        raise NotFound
    user = _new_account(body)
    with audited(actor, "user.register") as act:
        _insert_account(user, body, now=now)
        act.about(Subject("user", user.pk))
        return describe_user(user)


def register_superuser(*, actor: Actor, body: RegisterIn, now: datetime) -> UserOut:
    """Make an administrator who may also open `/admin/`: for operators' commands, so the system alone may do it.

    Raises NotFound for every person, and Invalid like `register`.
    """
    if not actor.is_system:
        raise NotFound
    user = _new_account(body)
    with audited(actor, "user.register") as act:
        _insert_account(user, body, now=now)
        act.about(Subject("user", user.pk))
        user.role, user.is_superuser = Role.ADMIN, True
        user.save(update_fields=["role", "is_superuser", "updated_at"])
        return describe_user(user)


def get_profile(*, actor: Actor) -> ProfileOut:
    """Return the own account."""
    return _profile(_own_account(actor))


def get_account_card(*, actor: Actor) -> AccountCard:
    """Return how the portal introduces the own account: one query, and one more for whoever manages accounts."""
    user = _own_account(actor)
    manages = may_manage_users(actor)
    waiting = visible_role_requests(actor).filter(status=RoleRequest.Status.PENDING)
    return AccountCard(
        id=user.pk,
        name=str(user),
        role=Role(user.role),
        opens_technical_window=user.is_superuser,
        manages_accounts=manages,
        role_requests_waiting=waiting.count() if manages else 0,
    )


def count_profile_change(*, actor: Actor, body: ProfileIn, now: datetime) -> None:
    """Count a try to take another identifier, before any transaction: its answer says whether somebody has it.

    Raises TooManyAttempts.
    """
    if body.model_fields_set & set(KINDS):
        count_attempt([(IDENTIFIER_BY_ACCOUNT, str(actor.account_id))], now=now)


def update_profile(*, actor: Actor, body: ProfileIn, now: datetime) -> ProfileOut:
    """Change what the body names of the own account.

    Raises Invalid for an identifier that is taken, and for taking the last identifier away.
    """
    with audited(actor, "user.update", Subject("user", actor.account_id)):
        user = _own_account(actor, lock=True)
        apply_changes(user, body.changes())
    return _profile(user)


def apply_changes(user: User, changes: dict[str, Any]) -> None:
    """Write the changes into an account that the caller holds; for identity's own services. Raises Invalid."""
    for column, value in changes.items():
        setattr(user, column, value)
    if not any(getattr(user, kind) for kind in KINDS):
        raise Invalid({kind: ["an account needs at least one identifier"] for kind in KINDS if kind in changes})
    if changes:
        _require_free({kind: changes[kind] for kind in KINDS if kind in changes}, except_user=user.pk)
        _save_identifiers(user, [*changes, "updated_at"])


def get_user(*, actor: Actor, user_id: UUID) -> UserOut:
    """Return an account the actor may see, else raise NotFound."""
    user = visible_users(actor).filter(pk=user_id).first()
    if user is None:
        raise NotFound
    return describe_user(user)


def describe_users(ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the display name of each account, in one query; unknown ids are absent. For pages and cards."""
    users = User.objects.filter(pk__in=set(ids)).only("name", "username")
    # Never an address or a number: these names are also shown to people who may not have those.
    return {user.pk: user.name or user.username or "Account without a name" for user in users}


def find_account(identifier: str) -> UUID | None:
    """Return the account with exactly this identifier, of any kind, or None; the caller may look accounts up."""
    kind = guess_kind(identifier)
    try:
        value = normalise(kind, identifier)
    except ValueError:
        return None
    return User.objects.filter(**{kind: value}).values_list("pk", flat=True).first()


def describe_user(user: User) -> UserOut:
    """Publish an account together with the newest role it asked for."""
    return UserOut(**_shown(user))


def _profile(user: User) -> ProfileOut:
    return ProfileOut(**_shown(user), address=user.address, created_at=user.created_at, updated_at=user.updated_at)


def describe_account(user: User) -> UserDetailOut:
    """Publish an account as administrators see it; reads its role requests, which a list prefetches."""
    return UserDetailOut(**_profile(user).model_dump(), is_active=user.is_active, last_login=user.last_login)


def _shown(user: User) -> dict[str, Any]:
    asked = max(user.role_requests.all(), key=lambda request: request.pk, default=None)
    return {
        "id": user.pk,
        "username": user.username,
        "email": user.email,
        "mobile_number": user.mobile_number,
        "name": user.name,
        "role": Role(user.role),
        "requested_role": Role(asked.role) if asked else None,
        "role_status": asked.status if asked else None,
    }


def _own_account(actor: Actor, *, lock: bool = False) -> User:
    rows = User.objects.select_for_update(no_key=True) if lock else User.objects.all()
    user = rows.filter(pk=actor.account_id, is_active=True).first()
    if user is None:
        raise NotFound
    return user


def _new_account(body: RegisterIn) -> User:
    """Build an account without saving it; hashing takes its time and belongs outside of every transaction."""
    asked = Role(body.role)
    granted = asked if settings.SIGNUP_ROLE_POLICY == "demo" and asked in DEMO_ROLES else Role.PATIENT
    identifiers = {kind: getattr(body, kind) for kind in KINDS}
    user = User(**identifiers, name=full_name_of(body), address=body.address, role=granted)
    require_good_password(body.password, user, field="password")
    user.set_password(body.password)
    return user


def _insert_account(user: User, body: RegisterIn, *, now: datetime) -> None:
    """Save the account and the role it asks for; raises Invalid for an identifier that is taken."""
    _require_free({kind: getattr(user, kind) for kind in KINDS})
    _save_identifiers(user)
    asked = Role(body.role)
    if asked is Role.PATIENT:
        return
    approved = user.role == asked
    RoleRequest.objects.create(
        user=user,
        role=asked,
        created_at=now,
        status=RoleRequest.Status.APPROVED if approved else RoleRequest.Status.PENDING,
        decided_at=now if approved else None,
        reason="granted at sign-up (demo policy)" if approved else "",
    )


def require_good_password(password: str, user: User, *, field: str) -> None:
    """Raise Invalid naming the field where the password breaks a rule of this deployment."""
    try:
        validate_password(password, user)
    except ValidationError as weak:
        raise Invalid({field: weak.messages}) from None


def _require_free(identifiers: dict[Any, str | None], except_user: UUID | None = None) -> None:
    taken = {
        kind: ["is taken"]
        for kind, value in identifiers.items()
        if value and User.objects.filter(**{kind: value}).exclude(pk__in=[except_user] if except_user else []).exists()
    }
    if taken:
        raise Invalid(taken)


def _save_identifiers(user: User, columns: list[str] | None = None) -> None:
    """Save; the unique columns decide between two people who take the same identifier at the same time."""
    try:
        with transaction.atomic():
            user.save(update_fields=columns)
    except IntegrityError:
        _require_free({kind: getattr(user, kind) for kind in KINDS}, except_user=user.pk)
        raise
