"""`polyclinic worker`: runs tasks from the queue."""

import logging
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from config.processes import WORKER_OPTIONS


class Command(BaseCommand):
    """Run huey's consumer with the options of this project."""

    help = "Run the worker in the foreground: tasks from the queue, and those that are due by the clock."
    requires_system_checks = []

    def handle(self, **options: Any) -> None:
        """Run until SIGTERM; tasks that have begun are finished first."""
        logger = logging.getLogger("huey")
        logger.setLevel(logging.WARNING)
        # A logger without a handler would be given one that writes every line a second time, not as JSON.
        logger.addHandler(logging.NullHandler())
        call_command("run_huey", **WORKER_OPTIONS)
