"""Ask for errands as the clinic does: a job each, in a transaction that rings when it commits."""

import time
from typing import Any
from uuid import uuid4

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.utils import timezone

import tests.core.far_errands.tasks  # noqa: F401  registers the kinds
from core.jobs import submit


class Command(BaseCommand):
    """Submit so many jobs of a kind and print their ids."""

    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind")
        parser.add_argument("--count", type=int, default=1)
        parser.add_argument("--pause", type=float, default=0, help="Seconds between two of them.")

    def handle(self, *, kind: str, count: int, pause: float, **options: Any) -> None:
        for _ in range(count):
            with transaction.atomic():
                asked = submit(kind=kind, key=str(uuid4()), args={}, requested_by=None, now=timezone.now())
            self.stdout.write(str(asked))
            time.sleep(pause)
