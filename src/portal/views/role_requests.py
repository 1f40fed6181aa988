"""The roles that somebody asked for, and asking for one."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

import identity.service
from core.actor import Actor
from core.audit import record_refusal
from core.errors import Conflict, Invalid
from core.pagination import PageIn
from identity.schemas import RoleRequestFilters
from portal.forms.administration import RoleRequestForm
from portal.fragments import page_or_fragment
from portal.frame import frame_for
from portal.paging import asked_page, first_page, pager
from portal.roles import ROLES
from portal.session import PortalRequest, signed_in


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def own_role_requests(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Show what the actor asked for and what became of it; take a new request while none waits."""
    frame = frame_for(request, actor)
    form = RoleRequestForm(request.POST if request.method == "POST" else None, has=frame.account.role)
    status = 200
    if form.is_valid():
        try:
            asked = identity.service.ask_for_role(actor=actor, body=form.body(), now=timezone.now())
        except Conflict as refusal:
            record_refusal(refusal)
            form.add_error(None, refusal.detail)
            status = refusal.status
        else:
            messages.success(request, f"You asked for the role {ROLES[asked.role].label}. An administrator decides.")
            return redirect("portal:role-requests")
    elif form.errors:
        status = 422
    own = RoleRequestFilters(user=actor.account_id)
    waiting = RoleRequestFilters(user=actor.account_id, status="pending")
    try:
        found = identity.service.list_role_requests(actor=actor, filters=own, page=asked_page(request))
    except Invalid:
        return redirect(first_page(request, {}))
    context = {
        "frame": frame,
        "form": form,
        "offers": [(role, ROLES[role]) for role in form.offered],
        "requests": found.items,
        "waiting": identity.service.list_role_requests(actor=actor, filters=waiting, page=PageIn(limit=1)).items,
        "pager": pager(request, {}, found),
    }
    template = page_or_fragment(request, "portal/role_requests/own.html", "requests")
    return render(request, template, context, status=status)
