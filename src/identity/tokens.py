"""JSON Web Tokens: what they say and how they are read. Signing and checking is ninja-jwt's."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ninja_jwt.exceptions import TokenError
from ninja_jwt.tokens import AccessToken, RefreshToken, Token

from core.errors import NotSignedIn

_REFUSED = "The token is invalid, expired or no longer accepted."


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token of ours says, once its signature, kind and times have been checked."""

    user_id: UUID
    session_id: UUID
    digest: str


def make_access_token(*, user_id: UUID, session_id: UUID) -> str:
    """Return a signed access token (`ACCESS_TOKEN_LIFETIME_MIN` minutes); rights are looked up, not carried."""
    return str(_fill(AccessToken(), user_id, session_id))


def make_refresh_token(*, user_id: UUID, session_id: UUID, expires_at: datetime) -> tuple[str, str]:
    """Return a signed refresh token that expires with its session, and the digest by which the session knows it."""
    token = _fill(RefreshToken(), user_id, session_id)
    token["exp"] = int(expires_at.timestamp())
    return str(token), _digest(token["jti"])


def read_access_token(raw: str) -> Claims:
    """Return the claims of an access token, or raise NotSignedIn."""
    return _read(AccessToken, raw)


def read_refresh_token(raw: str) -> Claims:
    """Return the claims of a refresh token, or raise NotSignedIn."""
    return _read(RefreshToken, raw)


def _fill(token: Any, user_id: UUID, session_id: UUID) -> Any:
    token["sub"] = str(user_id)
    token["sid"] = str(session_id)
    return token


def _read(kind: type[Token], raw: str) -> Claims:
    try:
        token = kind(raw)
        return Claims(UUID(token["sub"]), UUID(token["sid"]), _digest(token["jti"]))
    except (TokenError, KeyError, ValueError, TypeError, AttributeError, OverflowError, OSError):
        # Whatever is wrong with it, be it a time outside every calendar (OverflowError, OSError), a stranger learns
        # only that it is not accepted.
        raise NotSignedIn(_REFUSED) from None


def _digest(jti: str) -> str:
    return hashlib.sha256(jti.encode()).hexdigest()
