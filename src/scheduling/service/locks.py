"""The lock: whoever changes calendars holds their rows, in ascending id order, so that rivals queue up."""

from collections.abc import Collection
from uuid import UUID

from scheduling.models import Calendar


def lock_calendars(ids: Collection[UUID]) -> None:
    """Hold these calendars until the transaction ends, making those that are missing.

    On SQLite the IMMEDIATE transaction is the lock and this only makes the rows.
    """
    Calendar.objects.bulk_create([Calendar(id=each) for each in sorted(ids)], ignore_conflicts=True)
    list(Calendar.objects.select_for_update().filter(pk__in=ids).order_by("pk"))
