"""Reading the audit trail, which is itself an act on record."""

from core.actor import Actor
from core.audit import Recorded, Subject, audited, find_events
from core.errors import NotAllowed
from core.pagination import Page, PageIn
from identity.permissions import may_read_audit
from identity.schemas import AuditEventOut, AuditFilters, AuditSubjectOut
from identity.service.accounts import describe_users

SYSTEM_NAME = "System"
UNKNOWN_NAME = "Deleted account"


def list_audit_events(*, actor: Actor, filters: AuditFilters, page: PageIn) -> Page[AuditEventOut]:
    """Return one page of events, newest first; for administrators. Raises NotAllowed."""
    about = [Subject("searched", filters.subject)] if filters.subject else []
    with audited(actor, "audit.list", *about):
        if not may_read_audit(actor):
            raise NotAllowed("Only administrators read the audit trail.")
        found = find_events(
            page=page,
            scope=f"{actor.user_id}:{filters.model_dump_json()}",
            actor_id=filters.actor,
            subject_ids=[filters.subject] if filters.subject else None,
            action=filters.action,
            outcome=filters.outcome,
            since=filters.from_,
            until=filters.to,
        )
    return found.map(_publish)


def _publish(events: list[Recorded]) -> list[AuditEventOut]:
    names = describe_users(event.actor_id for event in events if event.actor_id)
    return [
        AuditEventOut(
            id=event.id,
            at=event.at,
            actor=event.actor_id,
            actor_name=names.get(event.actor_id, UNKNOWN_NAME) if event.actor_id else SYSTEM_NAME,
            role=event.role,
            action=event.action,
            rule=event.rule,
            outcome=event.outcome,
            request_id=event.request_id,
            address=event.address,
            subjects=[AuditSubjectOut(kind=each.kind, id=each.id, rule=each.rule) for each in event.subjects],
        )
        for event in events
    ]
