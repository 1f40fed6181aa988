"""Signing in by API."""

from datetime import datetime

from core.actor import Actor
from core.audit import Subject, audited
from identity.models import User
from identity.schemas import LoginIn, SignedInOut
from identity.service.accounts import describe_user
from identity.service.passwords import OPEN_SESSION, check_password
from identity.service.sessions import actor_of, open_session


def sign_in(*, actor: Actor, body: LoginIn, address: str, now: datetime) -> SignedInOut:
    """Open a session for the account that the credentials open; raises NotSignedIn and TooManyAttempts."""
    kind, identifier = body.identifier()
    user = check_password(kind=kind, identifier=identifier, password=body.password, address=address, now=now)
    with audited(actor_of(user), OPEN_SESSION, Subject("user", user.pk)):
        User.objects.filter(pk=user.pk).update(last_login=now)
        session = open_session(user, now=now)
    return SignedInOut(user=describe_user(user), **session.tokens.model_dump())
