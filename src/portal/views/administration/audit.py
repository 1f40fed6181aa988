"""The audit trail: who did what, by which rule, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe
from django_htmx.http import push_url

import identity.service
from core.actor import Actor
from core.audit import record_refusal
from core.errors import Invalid
from identity.schemas import AuditEventOut, AuditSubjectOut
from portal.forms.administration import AuditSearchForm
from portal.fragments import page_or_fragment
from portal.paging import asked_page, first_page, pager
from portal.session import PortalRequest, signed_in
from portal.trail import describe_action, describe_kind, page_of
from portal.views.administration.access import administrators_frame

# What an event concerns is shown at once up to here; the rest of a long list is folded away.
_SUBJECTS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class SubjectLink:
    """What an event concerns: its kind, its name or the end of its id, its page where there is one, its own events."""

    kind: str
    label: str
    href: str | None
    events: str


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as the page shows it."""

    event: AuditEventOut
    done: str
    was_allowed: bool
    actor_href: str | None
    subjects: list[SubjectLink]
    more_subjects: list[SubjectLink]


@require_safe
@signed_in
def search_audit(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Show the events that the filters leave, newest first; reading them is itself on record."""
    form = AuditSearchForm(request.GET)
    context = {"form": form, "time_zone": settings.TIME_ZONE}
    template = page_or_fragment(request, "portal/administration/audit.html", "results")
    if not form.is_valid():
        return render(request, template, context | {"frame": administrators_frame(request, actor)}, status=422)
    asked = {name: request.GET.get(name, "") for name in form.fields}
    try:
        found = identity.service.list_audit_events(actor=actor, filters=form.body(), page=asked_page(request))
    except Invalid as refusal:
        record_refusal(refusal)
        return redirect(first_page(request, asked))
    ways = pager(request, asked, found)
    context |= {
        "frame": administrators_frame(request, actor),
        "events": _rows(request, found.items),
        "pager": ways,
        "is_filtered": any(asked.values()),
    }
    response = render(request, template, context)
    return push_url(response, ways.here) if request.htmx else response


def _rows(request: PortalRequest, events: list[AuditEventOut]) -> list[EventRow]:
    names = identity.service.describe_users(
        subject.id for event in events for subject in event.subjects if subject.kind == "user"
    )
    rows = []
    for event in events:
        subjects = [_link(request, subject, names) for subject in event.subjects]
        rows.append(
            EventRow(
                event=event,
                done=describe_action(event.action),
                was_allowed=event.outcome == "allowed",
                actor_href=page_of("user", event.actor) if event.actor else None,
                subjects=subjects[:_SUBJECTS_SHOWN],
                more_subjects=subjects[_SUBJECTS_SHOWN:],
            )
        )
    return rows


def _link(request: PortalRequest, subject: AuditSubjectOut, names: Mapping[UUID, str]) -> SubjectLink:
    # Of ids made at the same time only the ends differ (UUIDv7).
    return SubjectLink(
        kind=describe_kind(subject.kind),
        label=names.get(subject.id) or f"#{str(subject.id)[-8:]}",
        href=page_of(subject.kind, subject.id),
        events=first_page(request, {"subject": subject.id}),
    )
