"""Django's authentication backend: it recognises sessions and opens none."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from identity.models import User


class SessionBackend(ModelBackend):
    """Finds the account of a portal session; passwords are checked in `identity.service` alone, which throttles."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:  # type: ignore[override]
        """Refuse: there is one door, `identity.service.check_password`."""
        return None
