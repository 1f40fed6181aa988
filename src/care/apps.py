"""Django's entry for care."""

from django.apps import AppConfig


class CareConfig(AppConfig):
    """Patients, doctors and care teams."""

    name = "care"
    verbose_name = "Care"
