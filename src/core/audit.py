"""Who did what: one event for each read and each change of patient data, allowed or refused.

An event and what it records share one transaction: if it cannot be written, nothing is served and nothing is changed.
A refused act rolls back, so its event is written afterwards, in a transaction of its own, by the boundary that words
the refusal (`record_refusal`). Events hold ids and rules, never clinical content. Each carries a MAC under a key that
is not in the database, so that an edited or inserted row shows (`verify`).
"""

import hmac
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

import orjson
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core.actor import Actor
from core.errors import Refusal
from core.ids import new_id
from core.models import AuditEvent, AuditSubject
from core.pagination import Page, PageIn, paginate
from core.trace import current_trace

# Who listens to what is being written, where somebody does.
_witness: ContextVar[list["Subject"] | None] = ContextVar("polyclinic_audit_witness", default=None)

ALLOWED = AuditEvent.Outcome.ALLOWED
REFUSED = AuditEvent.Outcome.REFUSED


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event is about; opaque to core. `rule` is what allowed the actor this very thing."""

    kind: str
    id: UUID
    rule: str = ""


@dataclass(slots=True)
class Act:
    """An act in progress: whoever performs it adds what it turns out to be about."""

    actor: Actor
    action: str
    subjects: list[Subject] = field(default_factory=list)

    def about(self, *subjects: Subject) -> None:
        """Add subjects, known before or while acting."""
        self.subjects.extend(subjects)


@contextmanager
def audited(actor: Actor, action: str, *subjects: Subject) -> Iterator[Act]:
    """Perform an act in a transaction together with its event.

    Leaving the block writes the event. A Refusal rolls both back and remembers the attempt for `record_refusal`.
    """
    act = Act(actor, action, list(subjects))
    try:
        with transaction.atomic():
            yield act
            record(act, outcome=ALLOWED)
    except Refusal as refusal:
        # An act within an act was only a part of what somebody tried; the outermost one comes last and stays.
        refusal.attempt = act
        raise


@contextmanager
def audited_call(actor: Actor, action: str, *subjects: Subject) -> Iterator[Act]:
    """Perform an act that waits for another server: as `audited`, but no transaction is open while it waits.

    Leaving the block writes the event, so nothing that was learnt is answered without one.
    """
    act = Act(actor, action, list(subjects))
    try:
        yield act
        with transaction.atomic():
            record(act, outcome=ALLOWED)
    except Refusal as refusal:
        refusal.attempt = act
        raise


def record_refusal(refusal: Refusal) -> None:
    """Write the event of a refused act; call it at the boundary, after the act's transaction has rolled back."""
    act = refusal.attempt
    if isinstance(act, Act):
        with transaction.atomic():
            record(act, outcome=REFUSED, rule=refusal.code)


def record(act: Act, *, outcome: str, rule: str = "") -> AuditEvent:
    """Write one event with its subjects, each once; must run in the transaction of what it records."""
    trace = current_trace()
    subjects = sorted({(subject.kind, subject.id): subject for subject in act.subjects}.values(), key=_subject_order)
    event = AuditEvent(
        id=new_id(),
        at=timezone.now(),
        actor_kind=act.actor.kind,
        actor_id=act.actor.user_id,
        role=act.actor.role or "",
        action=act.action,
        rule=rule or ", ".join(sorted({subject.rule for subject in subjects if subject.rule})),
        outcome=outcome,
        request_id=trace.request_id,
        address=trace.address,
    )
    rows = [
        AuditSubject(event=event, kind=subject.kind, subject_id=subject.id, rule=subject.rule) for subject in subjects
    ]
    event.mac = mac(event, rows)
    event.save(force_insert=True)
    AuditSubject.objects.bulk_create(rows)
    if (witness := _witness.get()) is not None:
        witness += subjects
    return event


def mac(event: AuditEvent, subjects: Iterable[AuditSubject]) -> str:
    """Return the event's HMAC-SHA-256 over everything it says, under `AUDIT_KEY`."""
    said = [
        str(event.pk),
        event.at.astimezone(UTC).isoformat(),
        *(event.actor_kind, str(event.actor_id), event.role, event.action, event.rule, event.outcome),
        *(event.request_id, event.address),
        sorted([subject.kind, str(subject.subject_id), subject.rule] for subject in subjects),
    ]
    return hmac.new(settings.AUDIT_KEY.encode(), orjson.dumps(said), sha256).hexdigest()


@contextmanager
def witnessed() -> Iterator[list[Subject]]:
    """Collect whatever the events that are written inside the block are about."""
    seen: list[Subject] = []
    token = _witness.set(seen)
    try:
        yield seen
    finally:
        _witness.reset(token)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as it is read back; subjects in the order of their kind and id."""

    id: UUID
    at: datetime
    actor_id: UUID | None
    role: str
    action: str
    rule: str
    outcome: str
    request_id: str
    address: str
    subjects: list[Subject]


def find_events(
    *,
    page: PageIn,
    scope: str,
    actor_id: UUID | None = None,
    subject_ids: Collection[UUID] | None = None,
    action: str | None = None,
    outcome: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Page[Recorded]:
    """Return one page of events, newest first; every condition narrows it. `since` is included, `until` is not.

    Asks no permission: the context that calls knows who may read which events.
    """
    events = AuditEvent.objects.prefetch_related("subjects")
    if subject_ids is not None:
        about = AuditSubject.objects.filter(subject_id__in=subject_ids)
        events = events.filter(pk__in=about.values("event"))
    conditions = {"actor_id": actor_id, "action": action, "outcome": outcome, "at__gte": since, "at__lt": until}
    events = events.filter(**{name: value for name, value in conditions.items() if value is not None})
    return paginate(events, page=page, scope=f"audit:{scope}").map(lambda rows: [_recorded(row) for row in rows])


def _recorded(event: AuditEvent) -> Recorded:
    subjects = [Subject(row.kind, row.subject_id, row.rule) for row in event.subjects.all()]
    return Recorded(
        id=event.pk,
        at=event.at,
        actor_id=event.actor_id,
        role=event.role,
        action=event.action,
        rule=event.rule,
        outcome=event.outcome,
        request_id=event.request_id,
        address=event.address,
        subjects=sorted(subjects, key=_subject_order),
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many events were checked, and the ids of those whose MAC does not fit."""

    checked: int
    broken: list[UUID]


def verify(*, since: datetime | None = None) -> Verdict:
    """Recompute every event's MAC, oldest first, in bounded memory; names edited and inserted rows.

    A deleted event leaves no row to name: what is deleted shows only against an outside copy.
    """
    events = AuditEvent.objects.order_by("pk").prefetch_related("subjects")
    if since is not None:
        events = events.filter(at__gte=since)
    checked, broken = 0, []
    for event in events.iterator(chunk_size=500):
        checked += 1
        if not hmac.compare_digest(mac(event, event.subjects.all()), event.mac):
            broken.append(event.pk)
    return Verdict(checked, broken)


def _subject_order(subject: Subject) -> tuple[str, UUID]:
    return subject.kind, subject.id
