"""`polyclinic demo`: a believable clinic to try things on."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from config.demo import ADDRESS, DemoAccount, make_demo_clinic


class Command(BaseCommand):
    """See the module."""

    help = "Make the demo clinic: doctors, patients, care teams, an account a role. Safe to repeat; not in production."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the address that the clinic's neighbours answer at."""
        parser.add_argument(
            "--address", default=ADDRESS, help="Where the web server runs; it serves the mock hospitals too."
        )

    def handle(self, *args: Any, address: str, **options: Any) -> None:
        """Print whether the clinic was made or was there, and how to sign in to it."""
        clinic = make_demo_clinic(now=timezone.now(), address=address)
        if clinic.is_new:
            self.stdout.write("The demo clinic is ready. Its accounts:")
        else:
            self.stdout.write("The demo clinic was here already; nothing was changed. Its accounts at first:")
        self.stdout.write(as_table(clinic.accounts))


def as_table(accounts: tuple[DemoAccount, ...]) -> str:
    """Return the accounts as aligned lines: username, password, role, purpose."""
    rows = [("username", "password", "role", "")]
    rows += [(account.username, account.password, account.role, account.purpose) for account in accounts]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        "  " + "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]).rstrip()
        for row in rows
    )
