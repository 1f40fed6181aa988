"""Django's entry for scheduling."""

from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    """The appointment book."""

    name = "scheduling"
    verbose_name = "Scheduling"
