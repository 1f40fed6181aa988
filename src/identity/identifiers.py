"""The three things a person may sign in with, each in one normal form.

The normal forms are disjoint: an e-mail address holds an `@`, a mobile number is digits behind an optional `+`, and a
username is neither. One unique column each therefore keeps an identifier unique across all three kinds
(docs/decisions/0002-identifiers.md).
"""

import unicodedata
from typing import Literal

from core.contact import looks_like_phone, normalise_email, normalise_phone
from core.text import require_line, require_visible

Kind = Literal["email", "username", "mobile_number"]
KINDS: tuple[Kind, ...] = ("email", "username", "mobile_number")


def normalise_username(value: str) -> str:
    """Return the name in Unicode normal form KC and without case, or raise ValueError; 1 to 150 characters."""
    name = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).strip().casefold())
    require_visible(require_line(name))
    if "@" in name:
        raise ValueError("must not contain @; use email for an e-mail address")
    if looks_like_phone(name):
        raise ValueError("must not look like a telephone number; use mobile_number for one")
    if len(name) > 150:
        raise ValueError("must have at most 150 characters")
    return name


_NORMALISERS = {"email": normalise_email, "username": normalise_username, "mobile_number": normalise_phone}


def normalise(kind: Kind, value: str) -> str:
    """Return the normal form of an identifier, or raise ValueError. Register and sign-in use this same function."""
    return _NORMALISERS[kind](value)


def guess_kind(value: str) -> Kind:
    """Tell which kind a person means who types any identifier into one field."""
    if "@" in value:
        return "email"
    return "mobile_number" if looks_like_phone(unicodedata.normalize("NFKC", value)) else "username"
