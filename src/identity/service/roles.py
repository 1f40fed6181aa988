"""Roles and activity of accounts. Care wraps these, because a changed role changes who may see which patient."""

from datetime import datetime
from uuid import UUID

from core.actor import Actor, Role
from core.audit import Subject, audited
from core.errors import Conflict, NotAllowed, NotFound
from identity.models import User
from identity.permissions import may_manage_users, visible_users
from identity.schemas import UserOut
from identity.service.accounts import describe_user
from identity.service.sessions import end_sessions


def set_role(*, actor: Actor, user_id: UUID, role: Role, now: datetime) -> UserOut:
    """Give an account another role and end its sessions; nothing happens where it has the role already.

    Whoever stops being an administrator loses the technical window too.

    Call it through `care.service.set_role`, which rebuilds the grants in the same transaction. Raises NotAllowed,
    NotFound, and Conflict for the own account, so that the last administrator cannot lock everybody out.
    """
    with audited(actor, "user.role", Subject("user", user_id)):
        user = managed_account(actor, user_id)
        give_role(user, role, now=now)
        return describe_user(user)


def give_role(user: User, role: Role, *, now: datetime) -> None:
    """Set the role and end the sessions where it changes; for identity's own services, which hold the row."""
    if user.role == role:
        return
    user.role = role
    user.is_superuser = user.is_superuser and role is Role.ADMIN
    user.save(update_fields=["role", "is_superuser", "updated_at"])
    end_sessions(user, reason="role changed", now=now)


def deactivate_user(*, actor: Actor, user_id: UUID, now: datetime) -> UserOut:
    """Close an account and end its sessions; it stays readable. Call it through care, as `set_role`."""
    return _set_active(actor, user_id, active=False, now=now)


def activate_user(*, actor: Actor, user_id: UUID, now: datetime) -> UserOut:
    """Open a closed account again; its old tokens stay dead. Call it through care, as `set_role`."""
    return _set_active(actor, user_id, active=True, now=now)


def _set_active(actor: Actor, user_id: UUID, *, active: bool, now: datetime) -> UserOut:
    with audited(actor, "user.activate" if active else "user.deactivate", Subject("user", user_id)):
        user = managed_account(actor, user_id)
        if user.is_active != active:
            user.is_active = active
            user.save(update_fields=["is_active", "updated_at"])
            end_sessions(user, reason="activated" if active else "deactivated", now=now)
        return describe_user(user)


def managed_account(actor: Actor, user_id: UUID, *, own: bool = False) -> User:
    """Return the account, locked, for an administrator; the own one only where `own` allows it.

    For identity's own services. Raises NotAllowed, NotFound, and Conflict (`own_account`).
    """
    if not may_manage_users(actor):
        raise NotAllowed("Only administrators manage accounts.")
    if user_id == actor.user_id and not own:
        raise Conflict("Ask another administrator to change your own account.", code="own_account")
    user = visible_users(actor).select_for_update(no_key=True).filter(pk=user_id).first()
    if user is None:
        raise NotFound
    return user
