"""`polyclinic rebuild-grants`: repair the index of who may see which patient."""

from typing import Any

from django.core.management.base import BaseCommand

from care.grants import rebuild_all_grants


class Command(BaseCommand):
    """See the module."""

    help = "Compare every patient's grants with the facts and repair what differs. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print how many rows were wrong."""
        wrong = rebuild_all_grants()
        self.stdout.write("All grants were right." if not wrong else f"Repaired {wrong} grants.")
