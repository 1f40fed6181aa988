"""Which accounts an actor may see, and which accounts count as what."""

from django.db.models import QuerySet

from core.actor import Actor, Role
from identity.models import RoleRequest, User


def visible_users(actor: Actor) -> "QuerySet[User]":
    """Return every account for administrators, the own one for everybody else."""
    if actor.is_admin:
        return User.objects.all()
    return User.objects.filter(pk=actor.account_id)


def may_manage_users(actor: Actor) -> bool:
    """Only administrators set roles and (de)activate accounts."""
    return actor.is_admin


def may_ask_for_roles(actor: Actor) -> bool:
    """Administrators decide requests and make none."""
    return not actor.is_admin


def may_read_audit(actor: Actor) -> bool:
    """Only administrators read every event; what concerns own charts is care's access log."""
    return actor.is_admin


def visible_role_requests(actor: Actor) -> "QuerySet[RoleRequest]":
    """Return every request for administrators, the own ones for everybody else."""
    return RoleRequest.objects.filter(user__in=visible_users(actor))


def practising_accounts() -> "QuerySet[User]":
    """Return the accounts that may act as a doctor now: active, with the role; for composing, columns stay unread."""
    return User.objects.filter(role=Role.DOCTOR, is_active=True)
