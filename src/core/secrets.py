"""Secrets at rest: sealed under keys that are not in the database, each for one purpose alone.

`SECRETS_KEYS` holds the keys, newest first: the first seals, all of them open, so that a key is retired by putting a
new one before it, resealing, and taking it away. The last one is always derived from SECRET_KEY, and goes with it.
"""

from base64 import urlsafe_b64encode
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class CannotOpen(Exception):
    """A sealed value does not open: its key was taken away, it is for another purpose, or it was changed."""


def seal(text: str, *, purpose: str) -> str:
    """Return `text` sealed under the newest key, to be opened for the same `purpose` only."""
    return _cipher().encrypt(_bind(purpose) + text.encode()).decode()


def open_sealed(sealed: str, *, purpose: str) -> str:
    """Return what was sealed for `purpose`; raises CannotOpen, which says nothing of the value."""
    try:
        opened = _cipher().decrypt(sealed.encode())
    except InvalidToken:
        raise CannotOpen("no key in SECRETS_KEYS opens this value") from None
    bound, text = opened[: sha256().digest_size], opened[sha256().digest_size :]
    if bound != _bind(purpose):
        raise CannotOpen("this value was sealed for another purpose")
    return text.decode()


def reseal(sealed: str, *, purpose: str) -> str:
    """Return the value sealed anew under the newest key; raises CannotOpen."""
    return seal(open_sealed(sealed, purpose=purpose), purpose=purpose)


def _bind(purpose: str) -> bytes:
    """Return what goes before the text: Fernet binds nothing but itself."""
    return sha256(f"polyclinic.sealed:{purpose}".encode()).digest()


def _cipher() -> MultiFernet:
    return MultiFernet([Fernet(_fernet_key(key)) for key in settings.SECRETS_KEYS])


def _fernet_key(key: str) -> bytes:
    return urlsafe_b64encode(sha256(key.encode()).digest())
