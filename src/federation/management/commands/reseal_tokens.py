"""`polyclinic reseal-tokens`: after a new key in `SECRETS_KEYS`, before the old one is taken away."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

import federation.service
from core.actor import SYSTEM


class Command(BaseCommand):
    """See the module."""

    help = "Seal every hospital's token anew under the newest of SECRETS_KEYS. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print how many were sealed anew; exit with 1 where some open under none of the keys."""
        done = federation.service.reseal_tokens(actor=SYSTEM)
        self.stdout.write(f"Sealed {done.resealed} tokens anew.")
        if done.unreadable:
            raise CommandError(
                f"{done.unreadable} open under none of the keys; give those hospitals their tokens again."
            )
