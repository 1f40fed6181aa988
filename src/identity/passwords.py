"""What a password must be."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError


class LengthValidator:
    """12 to 256 characters in production, 8 to 256 in development (CONTRACT: passwords)."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError for a password that is too short or too long."""
        if len(password) < settings.PASSWORD_MIN_LENGTH:
            raise ValidationError(f"must have at least {settings.PASSWORD_MIN_LENGTH} characters")
        if len(password) > settings.PASSWORD_MAX_LENGTH:
            raise ValidationError(f"must have at most {settings.PASSWORD_MAX_LENGTH} characters")

    def get_help_text(self) -> str:
        """Say the rule to people."""
        return f"{settings.PASSWORD_MIN_LENGTH} to {settings.PASSWORD_MAX_LENGTH} characters."
