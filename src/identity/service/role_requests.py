"""Roles people ask for. Care decides them, because an approved doctor is also linked and verified there."""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from core.actor import Actor, Role
from core.audit import Subject, audited
from core.errors import Conflict, NotAllowed, NotFound
from core.pagination import Page, PageIn, paginate
from identity.models import RoleRequest, User
from identity.permissions import may_ask_for_roles, may_manage_users, visible_role_requests
from identity.schemas import RoleRequestFilters, RoleRequestIn, RoleRequestOut
from identity.service.roles import give_role


def list_role_requests(*, actor: Actor, filters: RoleRequestFilters, page: PageIn) -> Page[RoleRequestOut]:
    """Return one page of requests, newest first: every one for administrators, the own ones for everybody else."""
    rows = visible_role_requests(actor).select_related("user")
    if filters.status:
        rows = rows.filter(status=filters.status)
    if filters.user:
        rows = rows.filter(user=filters.user)
    found = paginate(rows, page=page, scope=f"role-requests:{actor.user_id}:{filters.model_dump_json()}")
    return found.map(lambda requests: [_publish(request) for request in requests])


def get_role_request(*, actor: Actor, request_id: UUID) -> RoleRequestOut:
    """Return one request, the own one or for administrators anybody's. Raises NotFound."""
    return _publish(_visible(actor, request_id))


def ask_for_role(*, actor: Actor, body: RoleRequestIn, now: datetime) -> RoleRequestOut:
    """Store a request; it gives nothing. Raises Conflict while another one waits (`duplicate`), and `has_role`."""
    with audited(actor, "role-request.create", Subject("user", actor.account_id)) as act:
        if not may_ask_for_roles(actor):
            raise NotAllowed("Administrators decide requests and make none.")
        user = User.objects.select_for_update(no_key=True).get(pk=actor.account_id)
        if user.role == body.role:
            raise Conflict("You have this role already.", code="has_role")
        try:
            with transaction.atomic():
                request = RoleRequest.objects.create(user=user, role=body.role, created_at=now)
        except IntegrityError:
            raise Conflict("Another request of yours is waiting.", code="duplicate") from None
        act.about(Subject("role-request", request.pk))
        return _publish(request)


def decide_role_request(*, actor: Actor, request_id: UUID, approve: bool, reason: str, now: datetime) -> RoleRequestOut:
    """Approve or deny a request, once; approving gives the role and ends the account's sessions.

    Only `care.service` calls this, in its own audited transaction. Raises NotFound, NotAllowed, and Conflict
    (`already_decided`).
    """
    request = _visible(actor, request_id)
    if not may_manage_users(actor):
        raise NotAllowed("Administrators decide role requests.")
    if request.user_id == actor.user_id:
        raise Conflict("Ask another administrator to decide your own request.", code="own_account")
    # The account before its requests, as when one asks: two people who take both never wait for each other.
    user = User.objects.select_for_update(no_key=True).get(pk=request.user_id)
    request = _visible(actor, request_id)
    if request.status != RoleRequest.Status.PENDING:
        raise Conflict("This request has been decided.", code="already_decided")
    request.status = RoleRequest.Status.APPROVED if approve else RoleRequest.Status.DENIED
    request.reason, request.decided_at, request.decided_by_id = reason, now, actor.user_id
    request.save(update_fields=["status", "reason", "decided_at", "decided_by"])
    if approve:
        give_role(user, Role(request.role), now=now)
    return _publish(request)


def _visible(actor: Actor, request_id: UUID) -> RoleRequest:
    request = visible_role_requests(actor).select_related("user").filter(pk=request_id).first()
    if request is None:
        raise NotFound
    return request


def _publish(request: RoleRequest) -> RoleRequestOut:
    return RoleRequestOut(
        id=request.pk,
        user=request.user_id,
        user_name=request.user.name or request.user.username or "",
        role=Role(request.role),
        status=request.status,  # type: ignore[arg-type]  # the column's choices are these words
        reason=request.reason,
        created_at=request.created_at,
        decided_at=request.decided_at,
        decided_by=request.decided_by_id,
    )
