"""Sessions of the portal: Django's own, in a cookie, opened by the same password check as the API's."""

from datetime import datetime

from django.conf import settings
from django.contrib.auth import login, logout
from django.http import HttpRequest

from core.actor import Actor
from core.audit import Subject, audited
from core.client import client_address
from identity.identifiers import guess_kind
from identity.models import User
from identity.schemas import PasswordChangeIn
from identity.service.passwords import OPEN_SESSION, check_password, replace_password
from identity.service.sessions import actor_of

_SEEN = "seen_at"
_OPENED = "opened_at"
# The idle clock is written at most this often, in seconds: a page view is not worth a write.
_SEEN_EVERY = 60


def open_portal_session(request: HttpRequest, *, identifier: str, password: str, now: datetime) -> Actor:
    """Sign in with any identifier; the session gets a new id. Raises NotSignedIn and TooManyAttempts."""
    user = check_password(
        kind=guess_kind(identifier),
        identifier=identifier,
        password=password,
        address=client_address(request),
        now=now,
    )
    with audited(actor_of(user), OPEN_SESSION, Subject("user", user.pk)):
        _enter(request, user, now=now)
    return actor_of(user)


def actor_of_portal_session(request: HttpRequest, *, now: datetime) -> Actor | None:
    """Return who is signed in, or None; a session idle for 15 minutes or older than 12 hours ends here."""
    user = request.user
    if not isinstance(user, User):
        return None
    seen = int(now.timestamp())
    last_seen = request.session.get(_SEEN, 0)
    age = seen - request.session.get(_OPENED, 0)
    if seen - last_seen > settings.SESSION_IDLE_SECONDS or age > settings.SESSION_COOKIE_AGE:
        logout(request)
        return None
    if seen - last_seen >= _SEEN_EVERY:
        request.session[_SEEN] = seen
    return actor_of(user)


def change_portal_password(*, actor: Actor, request: HttpRequest, body: PasswordChangeIn, now: datetime) -> None:
    """Set a new password; every session of the account ends but this browser's, which gets a new id.

    Raises Invalid naming the field, and TooManyAttempts, as `change_password` does for API clients.
    """
    user = replace_password(actor=actor, body=body, address=client_address(request), now=now)
    _enter(request, user, now=now)


def close_portal_session(request: HttpRequest) -> None:
    """Sign out: the session and everything in it is gone."""
    logout(request)


def _enter(request: HttpRequest, user: User, *, now: datetime) -> None:
    """Bind the browser to the account, sealed as the account is now; whatever session it had before is gone."""
    login(request, user, backend="identity.backends.SessionBackend")
    request.session[_OPENED] = request.session[_SEEN] = int(now.timestamp())
