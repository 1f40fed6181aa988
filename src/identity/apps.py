"""Django's entry for identity."""

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    """Accounts and sessions."""

    name = "identity"
    verbose_name = "Identity"
