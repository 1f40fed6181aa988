"""What an actor may do with hospitals and records, said beforehand: a page offers only what is not refused.

Nothing is decided here. Each answer is that of the function which the service itself asks, at this moment; the service
asks it again when the act is tried. No fact about a patient is told, so no event is recorded.
"""

from dataclasses import dataclass
from uuid import UUID

from core.actor import Actor
from core.errors import NotAllowed, NotFound
from federation.models import PatientRecord
from federation.permissions import (
    may_delete_record,
    may_fetch_records,
    may_manage_hospitals,
    may_read_combined,
    may_read_deidentified,
    may_read_statistics,
    may_work_with_records,
    visible_records,
)


@dataclass(frozen=True, slots=True)
class FederationRights:
    """What an actor may do with other hospitals' data, whatever there is of it."""

    can_manage_hospitals: bool
    can_fetch_records: bool
    can_work_with_records: bool
    can_read_combined: bool
    can_read_deidentified: bool
    can_read_statistics: bool


@dataclass(frozen=True, slots=True)
class RecordRights:
    """What an actor may do now with one record they see; a fetched one is the hospital's to change."""

    can_change: bool
    can_delete: bool


def get_federation_rights(*, actor: Actor) -> FederationRights:
    """Return what the actor may do with other hospitals' data; no query."""
    return FederationRights(
        can_manage_hospitals=may_manage_hospitals(actor),
        can_fetch_records=may_fetch_records(actor),
        can_work_with_records=may_work_with_records(actor),
        can_read_combined=may_read_combined(actor),
        can_read_deidentified=may_read_deidentified(actor),
        can_read_statistics=may_read_statistics(actor),
    )


def get_record_rights(*, actor: Actor, record_id: UUID) -> RecordRights:
    """Return what the actor may do with this record; raises NotAllowed for research accounts, else NotFound."""
    if not may_work_with_records(actor):
        raise NotAllowed("Researchers and officials work with de-identified data only.")
    record = visible_records(actor).filter(pk=record_id).first()
    if record is None:
        raise NotFound
    is_typed_in = record.origin == PatientRecord.Origin.MANUAL
    return RecordRights(can_change=is_typed_in, can_delete=is_typed_in and may_delete_record(actor, record))
