"""What a changed account means for care: a role or activity changed, and with it who may see which patient.

These wrap identity's services, because only care can rebuild its grants in the same transaction.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db import transaction

import identity.service
from care.grants import refresh_grants
from care.models import CareTeamMember, Doctor
from care.permissions import visible_doctors
from care.schemas import ApprovalIn, DoctorIn
from care.service.doctors import create_doctor, link_doctor, verify_doctor
from care.service.names import split_name
from core.actor import Actor, Role
from core.audit import Subject, audited
from core.errors import Conflict, Invalid
from identity.schemas import DecisionIn, RoleRequestOut, UserChangeIn, UserDetailOut, UserOut


def set_role(*, actor: Actor, user_id: UUID, role: Role, now: datetime) -> UserOut:
    """Give an account another role; sessions end, and its grants follow. Raises as `identity.service.set_role`."""
    return _with_grants(user_id, lambda: identity.service.set_role(actor=actor, user_id=user_id, role=role, now=now))


def deactivate_user(*, actor: Actor, user_id: UUID, now: datetime) -> UserOut:
    """Close an account; sessions end, and its grants follow. Raises as `identity.service.deactivate_user`."""
    return _with_grants(user_id, lambda: identity.service.deactivate_user(actor=actor, user_id=user_id, now=now))


def activate_user(*, actor: Actor, user_id: UUID, now: datetime) -> UserOut:
    """Open a closed account again, and its grants with it. Raises as `identity.service.activate_user`."""
    return _with_grants(user_id, lambda: identity.service.activate_user(actor=actor, user_id=user_id, now=now))


def update_user(*, actor: Actor, user_id: UUID, body: UserChangeIn, now: datetime) -> UserDetailOut:
    """Change an account and its role together, or neither; a changed role ends its sessions, and its grants follow.

    Raises NotAllowed, NotFound, Invalid for a taken identifier, and Conflict for the own role.
    """
    with transaction.atomic():
        shown = identity.service.change_user(actor=actor, user_id=user_id, body=body, now=now)
        if body.role is None or body.role == shown.role:
            return shown
        set_role(actor=actor, user_id=user_id, role=body.role, now=now)
        return identity.service.get_user_detail(actor=actor, user_id=user_id)


def approve_role_request(*, actor: Actor, request_id: UUID, body: ApprovalIn, now: datetime) -> RoleRequestOut:
    """Give the role that was asked for; a new doctor is linked and verified in the same transaction.

    `doctor` names the directory entry that the account is; without it the account's own entry is verified, or one is
    made from the account's name. Raises NotFound, NotAllowed, Conflict (`already_decided`, `already_linked`), and
    Invalid for an unknown doctor, or one named for another role.
    """
    with audited(actor, "role-request.approve", Subject("role-request", request_id)) as act:
        decided = identity.service.decide_role_request(
            actor=actor, request_id=request_id, approve=True, reason=body.reason, now=now
        )
        act.about(Subject("user", decided.user))
        if decided.role is Role.DOCTOR:
            doctor_id = _entry_for(actor, decided, body.doctor, now=now)
            link_doctor(actor=actor, doctor_id=doctor_id, user_id=decided.user, now=now)
            verify_doctor(actor=actor, doctor_id=doctor_id, reason=body.reason, now=now)
        elif body.doctor is not None:
            raise Invalid({"doctor": ["is for role requests of doctors"]})
        _refresh_grants_of(decided.user)
        return decided


def deny_role_request(*, actor: Actor, request_id: UUID, body: DecisionIn, now: datetime) -> RoleRequestOut:
    """Refuse the role that was asked for, and say why. Raises NotFound, NotAllowed, and Conflict."""
    with audited(actor, "role-request.deny", Subject("role-request", request_id)) as act:
        decided = identity.service.decide_role_request(
            actor=actor, request_id=request_id, approve=False, reason=body.reason, now=now
        )
        act.about(Subject("user", decided.user))
        return decided


def _entry_for(actor: Actor, request: RoleRequestOut, named: UUID | None, *, now: datetime) -> UUID:
    """Return the directory entry that an approved doctor is; a new one where there is none."""
    own = visible_doctors(actor).filter(user_id=request.user).first()
    if named is None and own is not None:
        return own.pk
    if named is not None:
        entry = visible_doctors(actor).filter(pk=named).first()
        if entry is None:
            raise Invalid({"doctor": ["is not known"]})
        if own is not None or entry.user_id is not None:
            raise Conflict("This doctor has an account, or this account is a doctor.", code="already_linked")
        return entry.pk
    first, last = split_name(request.user_name or "Doctor")
    # An account's name may be longer than a doctor's; the entry is edited where it matters.
    body = DoctorIn(firstname=first[:150], lastname=last[:150], specialization="GEN")
    return create_doctor(actor=actor, body=body, now=now).id


def _with_grants(user_id: UUID, change: Callable[[], UserOut]) -> UserOut:
    with transaction.atomic():
        user = change()
        _refresh_grants_of(user_id)
        return user


def _refresh_grants_of(user_id: UUID) -> None:
    # The entries are held while their teams are read: an assignment that is under way either comes before, and is seen,
    # or after, and sees the new role.
    list(Doctor.objects.select_for_update(no_key=True).filter(user_id=user_id).order_by("pk").values_list("pk"))
    treated = CareTeamMember.objects.filter(doctor__user_id=user_id, ended_at__isnull=True)
    refresh_grants(list(treated.values_list("patient_id", flat=True)))
