"""`polyclinic verify-audit`: recompute the MAC of every audit event."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.audit import verify


class Command(BaseCommand):
    """See the module."""

    help = "Recompute every audit event's MAC; names rows that were edited or inserted past the application."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the verdict; exit 1 where a row is not what was written."""
        verdict = verify()
        for event_id in verdict.broken:
            self.stdout.write(f"broken: event {event_id}")
        if verdict.broken:
            raise CommandError(f"{len(verdict.broken)} of {verdict.checked} events are not what was written.")
        self.stdout.write(f"All {verdict.checked} events are as they were written.")
