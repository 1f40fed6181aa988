"""Passwords: the one place where they are checked, and where they are changed."""

from datetime import datetime

from django.contrib.auth.hashers import check_password as hash_matches
from django.contrib.auth.hashers import make_password

from core.actor import ANONYMOUS, Actor
from core.audit import Act, Subject, audited
from core.client import network_of
from core.errors import Invalid, NotSignedIn
from core.throttle import Limit, count_attempt
from identity.identifiers import Kind, normalise
from identity.models import User
from identity.schemas import PasswordChangeIn, TokensOut
from identity.service.accounts import require_good_password
from identity.service.sessions import end_sessions, open_session

# One address stays below an account's limit of the hour, so it cannot shut others out of the account.
LOGIN_BY_ACCOUNT_AND_ADDRESS = Limit("login.pair", amount=8, seconds=300)
LOGIN_BY_ADDRESS = Limit("login.address", amount=20, seconds=60)
LOGIN_BY_ACCOUNT = Limit("login.account", amount=100, seconds=3600)

REFUSED = "The credentials are not right."
OPEN_SESSION = "session.open"


def check_password(*, kind: Kind, identifier: str, password: str, address: str, now: datetime) -> User:
    """Return the active account that these credentials open, or raise NotSignedIn; for identity's own services.

    Counted by address and by account before hashing (TooManyAttempts). Unknown, wrong and inactive are one answer and
    take the same time: where there is no account a hash is computed all the same.
    """
    try:
        value = normalise(kind, identifier)
    except ValueError:
        value = identifier[:300]  # counted like any other; it opens nothing
    user = User.objects.filter(**{kind: value}).first()
    # An account is counted as one, by whichever identifier it is tried.
    account = str(user.pk) if user else f"{kind}:{value}"
    network = network_of(address)
    count_attempt(
        [
            (LOGIN_BY_ACCOUNT_AND_ADDRESS, f"{account}:{network}"),
            (LOGIN_BY_ADDRESS, network),
            (LOGIN_BY_ACCOUNT, account),
        ],
        now=now,
    )
    if user is None:
        make_password(password)
        raise _refused()
    if not hash_matches(password, user.password) or not user.is_active:
        raise _refused(user)
    return user


def _refused(user: User | None = None) -> NotSignedIn:
    """Word the one answer for every failure; only the audit learns which account was tried."""
    refusal = NotSignedIn(REFUSED)
    refusal.attempt = Act(ANONYMOUS, OPEN_SESSION, [Subject("user", user.pk)] if user else [])
    return refusal


def change_password(*, actor: Actor, body: PasswordChangeIn, address: str, now: datetime) -> TokensOut:
    """Set a new password, end every session of the account and open a new one.

    Old access and refresh tokens, this session's included, are refused from the next request on; the answer holds the
    pair that goes on. Raises Invalid naming the field, and TooManyAttempts (old passwords are counted like sign-ins).
    """
    user = replace_password(actor=actor, body=body, address=address, now=now)
    return open_session(user, now=now).tokens


def replace_password(*, actor: Actor, body: PasswordChangeIn, address: str, now: datetime) -> User:
    """Set a new password and end every session of the account; for identity's own services.

    Returns the account as it is now, so that the caller can open the session that goes on. Raises as `change_password`.
    """
    account, network = str(actor.account_id), network_of(address)
    count_attempt(
        [
            (LOGIN_BY_ACCOUNT_AND_ADDRESS, f"{account}:{network}"),
            (LOGIN_BY_ADDRESS, network),
            (LOGIN_BY_ACCOUNT, account),
        ],
        now=now,
    )
    # Hashing takes its time, and a transaction that writes holds SQLite's only lock: hash first, then compare and set.
    seen = User.objects.filter(pk=actor.account_id, is_active=True).first()
    matches = seen is not None and hash_matches(body.old_password, seen.password)
    if seen is not None and matches:
        require_good_password(body.new_password, seen, field="new_password")
    new_hash = make_password(body.new_password)
    with audited(actor, "user.password", Subject("user", actor.account_id)):
        user = User.objects.select_for_update(no_key=True).filter(pk=actor.account_id, is_active=True).first()
        if user is None or seen is None:
            raise NotSignedIn(REFUSED)
        if not matches or user.password != seen.password:
            raise Invalid({"old_password": ["is not right"]})
        user.password = new_hash
        user.save(update_fields=["password", "updated_at"])
        end_sessions(user, reason="password changed", now=now)
        return user
