"""Where records come from, for the pages that show them: which copy brought what a fetched one says."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.actor import Actor
from core.errors import NotAllowed
from federation.models import PatientRecord
from federation.permissions import may_work_with_records, visible_records


@dataclass(frozen=True, slots=True)
class Provenance:
    """Of a fetched record the copy that last changed it, and when the last good copy was made where that had it too.

    Both are None where the record was typed in; `is_vouched` then says that a doctor or the front desk did. Who it was
    stands in the audit trail: accounts are not named to everybody who may read a record. `is_in_use` says that the
    hospital is not taken out of use meanwhile.
    """

    run: UUID | None
    confirmed_at: datetime | None
    is_vouched: bool
    is_in_use: bool


def describe_provenance(*, actor: Actor, record_ids: Iterable[UUID]) -> dict[UUID, Provenance]:
    """Return where each of these records comes from, in one query; those that the actor does not see are absent.

    The caller has read, and so recorded, the records themselves. Raises NotAllowed for research accounts.
    """
    if not may_work_with_records(actor):
        raise NotAllowed("Researchers and officials work with de-identified data only.")
    rows = visible_records(actor).filter(pk__in=set(record_ids)).select_related("hospital__feed")
    return {
        record.pk: Provenance(
            run=record.run_id,
            confirmed_at=_confirmed_at(record),
            is_vouched=record.is_vouched,
            is_in_use=record.hospital.deleted_at is None,
        )
        for record in rows
    }


def _confirmed_at(record: PatientRecord) -> datetime | None:
    """Return when the hospital last said that it has this record; one of a copy that broke off is not confirmed yet."""
    copied_at = record.hospital.feed.fetched_at
    if record.origin != PatientRecord.Origin.SYNC or copied_at is None or record.created_at > copied_at:
        return None
    return copied_at
