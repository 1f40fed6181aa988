"""The rows behind the clinic's report, all of them, for a file."""

from collections.abc import Iterator
from uuid import UUID

from core.actor import Actor
from core.audit import audited
from core.errors import NotAllowed
from scheduling.models import Appointment
from scheduling.permissions import may_read_reports
from scheduling.schemas import AppointmentOut, ReportFilters
from scheduling.service.publish import about_patients, publish_appointments
from scheduling.service.reports import in_period

# Rows read and named at a time: memory stays the same for any period.
_CHUNK = 500


def export_report(*, actor: Actor, filters: ReportFilters) -> Iterator[AppointmentOut]:
    """Return the appointments of the report in the order of their beginning, read while they are asked for.

    Which ones is settled and recorded before the first is read, in one event about every patient in them. Raises
    NotAllowed, and Invalid for no period, at once and not while reading.
    """
    with audited(actor, "report.export") as act:
        if not may_read_reports(actor):
            raise NotAllowed("Only administrators read the clinic's report.")
        found = list(in_period(filters).only("doctor", "patient").order_by("starts_at", "pk"))
        act.about(*about_patients(actor, found))
    return _read([appointment.pk for appointment in found])


def _read(ids: list[UUID]) -> Iterator[AppointmentOut]:
    for start in range(0, len(ids), _CHUNK):
        rows = Appointment.objects.filter(pk__in=ids[start : start + _CHUNK])
        yield from publish_appointments(rows.order_by("starts_at", "pk"))
