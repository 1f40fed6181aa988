"""Who has seen a chart: the part of the audit trail that belongs to whom the chart concerns."""

from datetime import datetime
from uuid import UUID

import identity.service
from care.permissions import may_work_with_patients, own_charts, visible_patients
from care.schemas import AccessOut
from core.actor import Actor
from core.audit import Recorded, find_events
from core.errors import NotAllowed, NotFound
from core.pagination import Page, PageIn


def list_access(*, actor: Actor, page: PageIn, now: datetime, patient_id: UUID | None = None) -> Page[AccessOut]:
    """Return one page of who read, changed or tried to reach a chart, newest first.

    Without `patient_id`: every chart of the actor's own, kept or linked. With it: that chart, for whom it concerns and
    for administrators. Raises NotFound, and NotAllowed where the actor sees the chart but not its log.
    """
    if patient_id is not None and not may_work_with_patients(actor):
        raise NotAllowed("Researchers and officials work with de-identified data only.")
    ids = set(own_charts(actor).values_list("pk", flat=True))
    if patient_id is not None:
        if not visible_patients(actor).filter(pk=patient_id).exists():
            raise NotFound
        if patient_id not in ids and not actor.is_admin:
            raise NotAllowed("Whom a chart concerns, and administrators, see who has read it.")
        ids = {patient_id}
    found = find_events(page=page, scope=f"access:{actor.user_id}:{patient_id}", subject_ids=ids)
    return found.map(lambda events: _publish(actor, events, ids))


def _publish(actor: Actor, events: list[Recorded], ids: set[UUID]) -> list[AccessOut]:
    names = identity.service.describe_users(event.actor_id for event in events if event.actor_id)
    entries = []
    for event in events:
        mine = [subject for subject in event.subjects if subject.id in ids]
        entries.append(
            AccessOut(
                id=event.id,
                at=event.at,
                actor_name=names.get(event.actor_id, "Deleted account") if event.actor_id else "System",
                role=event.role,
                action=event.action,
                # Only what concerns these charts: a list may show others' too.
                rule=", ".join(sorted({subject.rule for subject in mine if subject.rule})) or event.rule,
                outcome=event.outcome,
                own=event.actor_id == actor.user_id,
                patients=[subject.id for subject in mine],
            )
        )
    return entries
