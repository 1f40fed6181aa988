"""A port: what care asks of the appointment book, which stands above it.

`config` connects the book at start (`use`); until then there are no schedules and no appointments.
"""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from django.db.models import Q

from core.errors import Conflict


class LiveAppointments(Conflict):
    """Somebody still has an appointment that is booked or has begun; cancel it first."""

    code = "live_appointments"
    title = "There are live appointments"


class CalendarPort(Protocol):
    """What the appointment book answers."""

    def doctors_offering_time(self, after: datetime) -> Q:
        """Return a condition on Doctor rows: no schedule at all, or one that ends after the moment."""

    def require_no_live_appointments(
        self, *, patient_id: UUID | None = None, doctor_id: UUID | None = None, now: datetime
    ) -> None:
        """Lock the calendar of the patient or doctor and raise LiveAppointments where one is booked or arrived."""

    def hand_over_appointments(
        self, *, from_patient: UUID, to_patient: UUID, by: UUID | None, now: datetime
    ) -> list[UUID]:
        """Make every appointment of one chart another chart's, and return their ids; the two are one person's.

        Locks both calendars. Raises Conflict (`patient_busy`) where appointments of the two overlap.
        """


class NoCalendar:
    """The answers of a clinic that keeps no appointment book."""

    def doctors_offering_time(self, after: datetime) -> Q:
        """Return a condition that every doctor meets: without schedules the flag alone decides."""
        return Q(pk__isnull=False)

    def require_no_live_appointments(
        self, *, patient_id: UUID | None = None, doctor_id: UUID | None = None, now: datetime
    ) -> None:
        """Accept: where nothing can be booked, nothing is live."""
        return

    def hand_over_appointments(
        self, *, from_patient: UUID, to_patient: UUID, by: UUID | None, now: datetime
    ) -> list[UUID]:
        """Hand nothing over: there is nothing."""
        return []


_port: CalendarPort = NoCalendar()


def use(port: CalendarPort) -> None:
    """Connect the appointment book; called once, at start."""
    global _port
    _port = port


def connected() -> CalendarPort:
    """Return the port in use."""
    return _port
