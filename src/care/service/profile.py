"""The own account as care completes it: with the own chart and, for a doctor, the own directory entry."""

from datetime import datetime

from django.db import transaction

import identity.service
from care.permissions import visible_patients
from care.schemas import MyProfileIn, MyProfileOut
from care.service.doctors import get_doctor, own_doctor_id, update_doctor
from core.actor import Actor
from core.errors import Invalid
from identity.schemas import ProfileOut


def get_my_profile(*, actor: Actor) -> MyProfileOut:
    """Return the own account with what belongs to it."""
    return _complete(actor, identity.service.get_profile(actor=actor))


def update_my_profile(*, actor: Actor, body: MyProfileIn, now: datetime) -> MyProfileOut:
    """Change the own account and the own entry together, or neither.

    Raises Invalid for a taken identifier, and for `doctor` where the account is none; NotAllowed as `update_doctor`.
    """
    with transaction.atomic():
        profile = identity.service.update_profile(actor=actor, body=body, now=now)
        if body.doctor is not None:
            doctor_id = own_doctor_id(actor=actor)
            if doctor_id is None:
                raise Invalid({"doctor": ["this account is not a doctor's"]})
            update_doctor(actor=actor, doctor_id=doctor_id, body=body.doctor, now=now)
        return _complete(actor, profile)


def _complete(actor: Actor, profile: ProfileOut) -> MyProfileOut:
    doctor_id = own_doctor_id(actor=actor)
    chart = visible_patients(actor).filter(user_id=actor.account_id).values_list("pk", flat=True).first()
    return MyProfileOut(
        **profile.model_dump(),
        patient=chart,
        doctor=get_doctor(actor=actor, doctor_id=doctor_id) if doctor_id else None,
    )
