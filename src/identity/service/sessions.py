"""Sessions of API clients: families of tokens that rotate, and end when one is shown twice."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F
from ninja_jwt.settings import api_settings

from core.actor import Actor, Role
from core.audit import Subject, audited
from core.errors import NotSignedIn
from core.ids import new_id
from identity import tokens
from identity.models import RefreshSession, User
from identity.schemas import TokensOut

REFUSED = "The token is invalid, expired or no longer accepted."


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session just opened or rotated, with the only copy of its tokens."""

    id: UUID
    tokens: TokensOut


def refresh_session(*, refresh: str, now: datetime) -> TokensOut:
    """Exchange a refresh token for a new pair, once.

    One conditional UPDATE decides between parallel requests with the same token: exactly one succeeds. A token that was
    exchanged before is reuse and ends the whole session, for the thief and for the owner (RFC 9700, section 4.14.2).
    Raises NotSignedIn.
    """
    claims = tokens.read_refresh_token(refresh)
    session = _live_session(claims, now=now)
    access, new_refresh, digest, expires_at = _make_pair(session.pk, session.user_id, now)
    rotated = RefreshSession.objects.filter(
        pk=session.pk, token_digest=claims.digest, ended_at__isnull=True, seal=session.seal
    ).update(token_digest=digest, rotated_at=now, expires_at=expires_at)
    if not rotated:
        RefreshSession.objects.filter(pk=session.pk, ended_at__isnull=True).update(ended_at=now, end_reason="reuse")
        raise NotSignedIn(REFUSED)
    return TokensOut(access=access, refresh=new_refresh)


def sign_out(*, actor: Actor, everywhere: bool, now: datetime) -> None:
    """End the actor's session, or every session of the account, the portal's included."""
    with audited(actor, "session.close", Subject("user", actor.account_id)):
        if everywhere:
            user = User.objects.select_for_update(no_key=True).get(pk=actor.account_id)
            end_sessions(user, reason="signed out everywhere", now=now)
        elif actor.session_id is not None:
            own = RefreshSession.objects.filter(pk=actor.session_id, user_id=actor.account_id, ended_at__isnull=True)
            own.update(ended_at=now, end_reason="signed out")


def actor_from_access_token(raw: str, *, now: datetime) -> Actor:
    """Return who shows this access token, with the role the account has now; one query. Raises NotSignedIn."""
    session = _live_session(tokens.read_access_token(raw), now=now)
    return Actor("person", session.user_id, Role(session.user.role), session.pk)


def actor_from_user_id(user_id: UUID) -> Actor:
    """Return the actor an account is now, as a job or a command needs it; raises NotSignedIn when it is no more."""
    user = User.objects.filter(pk=user_id, is_active=True).only("role").first()
    if user is None:
        raise NotSignedIn("There is no such active account.")
    return actor_of(user)


def actor_of(user: User) -> Actor:
    """Return the actor that an account is, without a session; for identity's own services."""
    return Actor("person", user.pk, Role(user.role))


def forget_expired_sessions(*, now: datetime) -> int:
    """Delete sessions whose tokens have all expired; returns how many. Safe to repeat."""
    deleted, _ = RefreshSession.objects.filter(expires_at__lt=now).delete()
    return deleted


def open_session(user: User, *, now: datetime) -> OpenedSession:
    """Start a session family; for identity's own services, inside their transaction."""
    session_id = new_id()
    access, refresh, digest, expires_at = _make_pair(session_id, user.pk, now)
    RefreshSession.objects.create(
        id=session_id,
        user=user,
        token_digest=digest,
        seal=user.get_session_auth_hash(),
        created_at=now,
        rotated_at=now,
        expires_at=expires_at,
    )
    return OpenedSession(session_id, TokensOut(access=access, refresh=refresh))


def end_sessions(user: User, *, reason: str, now: datetime) -> None:
    """End every session of an account, the portal's included; the caller holds the account's row."""
    RefreshSession.objects.filter(user=user, ended_at__isnull=True).update(ended_at=now, end_reason=reason)
    User.objects.filter(pk=user.pk).update(token_version=F("token_version") + 1)
    user.refresh_from_db(fields=["token_version"])


def _live_session(claims: tokens.Claims, *, now: datetime) -> RefreshSession:
    session = RefreshSession.objects.select_related("user").filter(pk=claims.session_id, user_id=claims.user_id).first()
    if (
        session is None
        or not session.is_live(now)
        or not session.user.is_active
        or not session.user.is_sealed_by(session.seal)
    ):
        raise NotSignedIn(REFUSED)
    return session


def _make_pair(session_id: UUID, user_id: UUID, now: datetime) -> tuple[str, str, str, datetime]:
    expires_at = now + api_settings.REFRESH_TOKEN_LIFETIME
    access = tokens.make_access_token(user_id=user_id, session_id=session_id)
    refresh, digest = tokens.make_refresh_token(user_id=user_id, session_id=session_id, expires_at=expires_at)
    return access, refresh, digest, expires_at
