"""The lock: whoever changes calendars holds their rows, in ascending id order, so that rivals queue up."""

from collections.abc import Collection
from uuid import UUID

from django.db import connection

from scheduling.models import Calendar

# How long one waits for calendars, in PostgreSQL's words. Whoever holds them is done in a few milliseconds.
_PATIENCE = "2s"


def lock_calendars(ids: Collection[UUID]) -> None:
    """Hold these calendars until the transaction ends, making those that are missing.

    On PostgreSQL an OperationalError (`core.contention`) ends the wait for them. On SQLite the IMMEDIATE transaction is
    the lock and this only makes the rows.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_PATIENCE])
    Calendar.objects.bulk_create([Calendar(id=each) for each in sorted(ids)], ignore_conflicts=True)
    list(Calendar.objects.select_for_update().filter(pk__in=ids).order_by("pk"))
