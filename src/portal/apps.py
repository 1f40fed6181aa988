"""Django's entry for the portal."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Pages; no tables of its own."""

    name = "portal"
