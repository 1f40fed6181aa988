"""Django's entry for federation."""

from django.apps import AppConfig


class FederationConfig(AppConfig):
    """Other hospitals' records."""

    name = "federation"
    verbose_name = "Federation"

    def ready(self) -> None:
        """Say who copies hospitals; no query is made, because the consumer forks."""
        from federation import tasks  # noqa: F401, PLC0415
