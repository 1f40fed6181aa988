"""`polyclinic worker`: runs tasks from the queue."""

import logging
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone

from config.processes import WORKER_OPTIONS
from core.jobs import is_worker_alive


class Command(BaseCommand):
    """Run huey's consumer with the options of this project."""

    help = "Run the worker in the foreground: tasks from the queue, and those that are due by the clock."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what further workers leave to the first, and the question of a health check."""
        parser.add_argument(
            "--no-periodic",
            action="store_true",
            help="Leave what is due by the clock to another worker; exactly one runs without this.",
        )
        parser.add_argument(
            "--check",
            action="store_true",
            help="Run nothing; say by the exit code whether this machine's worker lives.",
        )

    def handle(self, *, no_periodic: bool, check: bool, **options: Any) -> None:
        """Run until SIGTERM; tasks that have begun are finished first."""
        if check:
            _require_worker()
            return
        logger = logging.getLogger("huey")
        logger.setLevel(logging.WARNING)
        # A logger without a handler would be given one that writes every line a second time, not as JSON.
        logger.addHandler(logging.NullHandler())
        call_command("run_huey", **WORKER_OPTIONS, periodic=not no_periodic)


def _require_worker() -> None:
    """Raise CommandError unless a worker of this machine, or container, has said within a minute that it lives."""
    try:
        alive = is_worker_alive(timezone.now(), here=True)
    except DatabaseError:
        raise CommandError("the database does not answer") from None
    if not alive:
        raise CommandError("no worker of this machine has said within a minute that it lives")
