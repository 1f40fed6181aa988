"""A hospital's token: sealed for one hospital and one origin, opened only to be sent there."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from core.actor import Actor
from core.audit import Subject, audited
from core.errors import NotAllowed
from core.http import OutboundError, origin_of
from core.secrets import CannotOpen, open_sealed, reseal, seal
from federation.models import Hospital
from federation.permissions import may_manage_hospitals


def keep_token(hospital: Hospital, token: str) -> None:
    """Put a token on the hospital, sealed for its present address; "" forgets the one there is. Saves nothing."""
    hospital.token_origin = origin_of(hospital.api_endpoint) if token else ""
    hospital.sealed_token = seal(token, purpose=_purpose(hospital)) if token else ""


def open_token(hospital: Hospital) -> str:
    """Return the token for the hospital's present address; "" where there is none, or none for this origin.

    Raises OutboundError where its key was taken away: without the token the hospital need not be asked.
    """
    if not hospital.sealed_token or hospital.token_origin != origin_of(hospital.api_endpoint):
        return ""
    try:
        return open_sealed(hospital.sealed_token, purpose=_purpose(hospital))
    except CannotOpen:
        raise OutboundError("unauthorized", "Its token can no longer be read here; give it again.") from None


@dataclass(frozen=True, slots=True)
class Resealed:
    """How many tokens were sealed anew, and how many open under none of the keys and were left as they are."""

    resealed: int
    unreadable: int


def reseal_tokens(*, actor: Actor) -> Resealed:
    """Seal every token anew under the newest key, each in a transaction of its own. Safe to repeat. For administrators.

    Tokens of hospitals out of use too, so that a key that is taken away leaves nothing behind.
    """
    if not may_manage_hospitals(actor):
        raise NotAllowed("Administrators keep hospitals' tokens.")
    with_token = Hospital.objects.exclude(sealed_token="").order_by("pk")
    sealed = [_reseal(actor, hospital_id) for hospital_id in with_token.values_list("pk", flat=True)]
    return Resealed(resealed=sealed.count(True), unreadable=sealed.count(False))


def _reseal(actor: Actor, hospital_id: UUID) -> bool:
    with transaction.atomic():
        hospital = Hospital.objects.select_for_update(no_key=True).get(pk=hospital_id)
        if not hospital.sealed_token:  # forgotten meanwhile: nothing is left to seal
            return True
        try:
            hospital.sealed_token = reseal(hospital.sealed_token, purpose=_purpose(hospital))
        except CannotOpen:
            return False
        with audited(actor, "hospital.reseal", Subject("hospital", hospital_id)):
            hospital.save(update_fields=["sealed_token"])
        return True


def _purpose(hospital: Hospital) -> str:
    return f"hospital-token:{hospital.pk}:{hospital.token_origin}"
