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
        """Have the queue's tables made with ours, and connect the jobs' bell with the queue."""
        # Its tables, and the queue that tasks belong to, exist only now.
        from core.jobs import use_bell  # noqa: PLC0415
        from core.tasks import ring  # noqa: PLC0415

        use_bell(ring)
        post_migrate.connect(_create_queue_tables, sender=self)


def _create_queue_tables(*, using: str, **_: Any) -> None:
    create_queue_tables(queue=settings.HUEY, using=using)
