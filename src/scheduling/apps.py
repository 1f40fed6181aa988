"""Django's entry for scheduling."""

from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    """The appointment book."""

    name = "scheduling"
    verbose_name = "Scheduling"

    def ready(self) -> None:
        """Offer the reports of appointments."""
        import scheduling.tasks  # noqa: F401, PLC0415  registers them; its tables exist only now
