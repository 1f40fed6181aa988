"""Role requests: which wait, and deciding one."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

import care.service
import identity.service
from care.schemas import ApprovalIn, DoctorFilters
from core.actor import Actor, Role
from core.audit import record_refusal
from core.errors import Conflict, Invalid
from core.pagination import PageIn
from identity.schemas import DecisionIn, RoleRequestFilters, RoleRequestOut
from portal.forms.administration import DecisionForm, EntryChoiceForm
from portal.fragments import page_or_fragment
from portal.paging import asked_page, first_page, pager
from portal.roles import ROLES
from portal.session import PortalRequest, signed_in
from portal.views.administration.access import administrators_frame

# The lists that there are, by the word in the address; the first is shown where none is named.
LISTS = {"pending": "Waiting", "approved": "Approved", "denied": "Denied", "all": "All"}
# How many entries of the directory are offered at once; who looks for another one types more.
_ENTRIES_OFFERED = 8


@dataclass(frozen=True, slots=True)
class ListTab:
    """One of the lists, and whether it is the one being shown."""

    label: str
    href: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A request, and the name of whoever decided it; None while it waits, or where the demo policy decided."""

    asked: RoleRequestOut
    decider: str | None


@dataclass(frozen=True, slots=True)
class EntryChoice:
    """An entry of the directory as it is offered; `is_free` says that it has no account yet."""

    id: UUID
    name: str
    about: str
    verified: bool
    is_free: bool
    is_chosen: bool


@require_safe
@signed_in
def list_role_decisions(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Show the requests that wait, or those that were decided, newest first."""
    frame = administrators_frame(request, actor)
    shown = request.GET.get("status", "")
    shown = shown if shown in LISTS else next(iter(LISTS))
    filters = RoleRequestFilters.model_validate({"status": None if shown == "all" else shown})
    query = {"status": shown}
    try:
        found = identity.service.list_role_requests(actor=actor, filters=filters, page=asked_page(request))
    except Invalid:
        return redirect(first_page(request, query))
    context = {
        "frame": frame,
        "tabs": [ListTab(label, first_page(request, {"status": name}), name == shown) for name, label in LISTS.items()],
        "shown": shown,
        "rows": _with_deciders(found.items),
        "pager": pager(request, query, found),
    }
    return render(request, page_or_fragment(request, "portal/administration/role_decisions.html", "results"), context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def decide_role_request(request: PortalRequest, actor: Actor, *, request_id: UUID) -> HttpResponse:
    """Show one request and decide it; for a doctor, find the entry of the directory that the account is.

    The form is sent by three buttons: two decide, the third only looks for entries and loses nothing that was typed.
    """
    now = timezone.now()
    decision = request.POST.get("decision")
    decides = decision in ("approve", "deny")
    if decides:
        # Only a request for the role of a doctor has the field that looks for entries.
        form = DecisionForm(request.POST, needs_entry=decision == "approve" and "q" in request.POST)
    else:
        form = DecisionForm(initial=request.POST.dict())
    status = 200
    if decides and form.is_valid():
        try:
            decided = _decide(actor, request_id, form.body(), approve=decision == "approve", now=now)
        except (Conflict, Invalid) as refusal:
            record_refusal(refusal)
            form.refuse_fields(refusal.errors if isinstance(refusal, Invalid) else {"": [refusal.detail]})
            status = refusal.status
        else:
            messages.success(request, _tell(decided))
            return redirect("portal:role-decisions")
    elif form.errors:
        status = 422
    frame = administrators_frame(request, actor)
    asked = identity.service.get_role_request(actor=actor, request_id=request_id)
    context = {
        "frame": frame,
        "asked": asked,
        "role": ROLES[asked.role],
        "account": identity.service.get_user_detail(actor=actor, user_id=asked.user),
        "decider": _with_deciders([asked])[0].decider,
        "form": form,
    }
    if asked.role is Role.DOCTOR and asked.status == "pending":
        context |= _offer_entries(request, actor, asked, now=now)
    template = page_or_fragment(request, "portal/administration/role_decision.html", "entries")
    return render(request, template, context, status=status)


def _decide(actor: Actor, request_id: UUID, body: ApprovalIn, *, approve: bool, now: datetime) -> RoleRequestOut:
    if approve:
        return care.service.approve_role_request(actor=actor, request_id=request_id, body=body, now=now)
    denial = DecisionIn(reason=body.reason)
    return care.service.deny_role_request(actor=actor, request_id=request_id, body=denial, now=now)


def _tell(decided: RoleRequestOut) -> str:
    name, role = decided.user_name or "The account", ROLES[decided.role].label
    if decided.status == "denied":
        return f"{name} does not get the role {role}."
    return f"{name} has the role {role} now" + (" and a verified entry in the directory." if role == "Doctor" else ".")


def _with_deciders(requests: list[RoleRequestOut]) -> list[DecisionRow]:
    names = identity.service.describe_users(asked.decided_by for asked in requests if asked.decided_by)
    return [DecisionRow(asked, names.get(asked.decided_by) if asked.decided_by else None) for asked in requests]


def _offer_entries(request: PortalRequest, actor: Actor, asked: RoleRequestOut, *, now: datetime) -> dict[str, object]:
    """Find entries by what was typed; before anything was, by the name of whoever asks."""
    search = EntryChoiceForm(request.POST if "q" in request.POST else {"q": asked.user_name})
    filters = search.body() if search.is_valid() else DoctorFilters()
    found = care.service.list_doctors(actor=actor, filters=filters, page=PageIn(limit=_ENTRIES_OFFERED), now=now)
    chosen = _as_id(request.POST.get("doctor", ""))
    choices = [
        EntryChoice(
            id=entry.id,
            name=entry.name,
            about=", ".join(part for part in (entry.specialization_display, entry.location) if part),
            verified=entry.verified,
            is_free=entry.user is None,
            is_chosen=entry.id == chosen,
        )
        for entry in found.items
    ]
    if chosen and all(choice.id != chosen for choice in choices):
        # What was chosen stays chosen while somebody goes on looking.
        choices = [*_card_of(chosen), *choices]
    return {
        "search": search,
        "entries": choices,
        "there_are_more": found.next_cursor is not None,
        # Nothing is chosen beforehand where there is a choice: a second entry for one doctor is hard to put right.
        "makes_entry": request.POST.get("doctor") == "" or not choices,
    }


def _card_of(doctor_id: UUID) -> list[EntryChoice]:
    cards = care.service.describe_doctors([doctor_id])
    return [
        EntryChoice(card.id, card.name, card.specialization_display, card.verified, is_free=True, is_chosen=True)
        for card in cards.values()
    ]


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
