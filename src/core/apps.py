"""Django's entry for core."""

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_migrate

from core.queue import create_queue_tables


class CoreConfig(AppConfig):
    """The ground floor."""

    name = "core"
    verbose_name = "Core"

    def ready(self) -> None:
        """Have the queue's tables made with ours."""
        post_migrate.connect(_create_queue_tables, sender=self)


def _create_queue_tables(*, using: str, **_: Any) -> None:
    create_queue_tables(queue=settings.HUEY, using=using)
