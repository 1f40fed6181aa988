"""Accounts as administrators see and change them. Care wraps the changes, as it does for roles."""

from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from core.actor import Actor
from core.audit import Subject, audited
from core.errors import NotAllowed, NotFound
from core.pagination import Page, PageIn, paginate
from identity.models import User
from identity.permissions import may_manage_users, visible_users
from identity.schemas import UserChangeIn, UserDetailOut, UserFilters
from identity.service.accounts import apply_changes, describe_account
from identity.service.roles import managed_account


def list_users(*, actor: Actor, filters: UserFilters, page: PageIn) -> Page[UserDetailOut]:
    """Return one page of accounts, newest first; for administrators. Raises NotAllowed."""
    with audited(actor, "user.list") as act:
        _require_administrator(actor)
        rows = _filtered(visible_users(actor), filters).prefetch_related("role_requests")
        found = paginate(rows, page=page, scope=f"users:{actor.user_id}:{filters.model_dump_json()}")
        act.about(*(Subject("user", user.pk) for user in found.items))
    return found.map(lambda users: [describe_account(user) for user in users])


def get_user_detail(*, actor: Actor, user_id: UUID) -> UserDetailOut:
    """Return one account in full, for administrators. Raises NotAllowed and NotFound."""
    with audited(actor, "user.read", Subject("user", user_id)):
        _require_administrator(actor)
        user = visible_users(actor).filter(pk=user_id).first()
        if user is None:
            raise NotFound
        return describe_account(user)


def change_user(*, actor: Actor, user_id: UUID, body: UserChangeIn, now: datetime) -> UserDetailOut:
    """Change an account's name, identifiers or address; its role is `set_role`'s. Raises as `set_role`, and Invalid."""
    with audited(actor, "user.update", Subject("user", user_id)):
        user = managed_account(actor, user_id, own=True)
        apply_changes(user, body.changes())
        return describe_account(user)


def _require_administrator(actor: Actor) -> None:
    if not may_manage_users(actor):
        raise NotAllowed("Only administrators manage accounts.")


def _filtered(rows: "QuerySet[User]", filters: UserFilters) -> "QuerySet[User]":
    if filters.q:
        columns = ("name", "username", "email", "mobile_number")
        anywhere = Q()
        for column in columns:
            anywhere |= Q(**{f"{column}__icontains": filters.q})
        rows = rows.filter(anywhere)
    if filters.role:
        rows = rows.filter(role=filters.role)
    if filters.active is not None:
        rows = rows.filter(is_active=filters.active)
    return rows
