"""Accounts: finding one, its role, closing and opening it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import push_url

import care.service
import identity.service
from core.actor import Actor, Role
from core.audit import record_refusal
from core.errors import Conflict, Invalid
from core.pagination import PageIn
from identity.schemas import RoleRequestFilters
from portal.forms.administration import RoleChangeForm, UserSearchForm
from portal.fragments import page_or_fragment
from portal.paging import asked_page, first_page, pager
from portal.roles import ROLES
from portal.session import PortalRequest, signed_in
from portal.views.administration.access import administrators_frame

_REQUESTS_SHOWN = 10


@require_safe
@signed_in
def list_users(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Show the accounts, newest first; htmx replaces the results while somebody types."""
    form = UserSearchForm(request.GET)
    context = {"frame": administrators_frame(request, actor), "form": form}
    template = page_or_fragment(request, "portal/administration/users.html", "results")
    if not form.is_valid():
        return render(request, template, context, status=422)
    filters = form.cleaned_data
    try:
        found = identity.service.list_users(actor=actor, filters=form.body(), page=asked_page(request))
    except Invalid:
        return redirect(first_page(request, filters))
    ways = pager(request, filters, found)
    context |= {"users": found.items, "pager": ways, "is_filtered": any(filters.values())}
    response = render(request, template, context)
    return push_url(response, ways.here) if request.htmx else response


@require_safe
@signed_in
def show_user(request: PortalRequest, actor: Actor, *, user_id: UUID) -> HttpResponse:
    """Show one account, its role and the roles it asked for; never its password."""
    asked = RoleRequestFilters(user=user_id)
    context = {
        "account": identity.service.get_user_detail(actor=actor, user_id=user_id),
        "frame": administrators_frame(request, actor),
        "is_own": user_id == actor.user_id,
        "requests": identity.service.list_role_requests(
            actor=actor, filters=asked, page=PageIn(limit=_REQUESTS_SHOWN)
        ).items,
    }
    return render(request, "portal/administration/user.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def change_role(request: PortalRequest, actor: Actor, *, user_id: UUID) -> HttpResponse:
    """Choose another role for an account, read what that means, and confirm it."""
    account = identity.service.get_user_detail(actor=actor, user_id=user_id)
    form = RoleChangeForm(request.POST if request.method == "POST" else None, has=account.role)
    status = 200
    if form.is_valid() and "confirmed" in request.POST:
        role = Role(form.cleaned_data["role"])
        try:
            care.service.set_role(actor=actor, user_id=user_id, role=role, now=timezone.now())
        except Conflict as refusal:
            record_refusal(refusal)
            form.add_error(None, refusal.detail)
            status = refusal.status
        else:
            messages.success(request, f"The role is {ROLES[role].label} now. Every session of the account has ended.")
            return redirect("portal:users-account", user_id)
    elif form.errors:
        status = 422
    chosen = Role(form.cleaned_data["role"]) if form.is_valid() else None
    context = {
        "frame": administrators_frame(request, actor),
        "account": account,
        "form": form,
        "has": ROLES[account.role],
        "chosen": ROLES[chosen] if chosen else None,
        "gets_everything": chosen is Role.ADMIN,
    }
    return render(request, "portal/administration/user_role.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def deactivate_user(request: PortalRequest, actor: Actor, *, user_id: UUID) -> HttpResponse:
    """Ask whether the account shall really be closed, and close it."""
    if request.method == "POST":
        care.service.deactivate_user(actor=actor, user_id=user_id, now=timezone.now())
        messages.success(request, "The account is closed. Every session of it has ended.")
        return redirect("portal:users-account", user_id)
    context = {
        "account": identity.service.get_user_detail(actor=actor, user_id=user_id),
        "frame": administrators_frame(request, actor),
    }
    return render(request, "portal/administration/user_deactivate.html", context)


@require_POST
@signed_in
def activate_user(request: PortalRequest, actor: Actor, *, user_id: UUID) -> HttpResponse:
    """Open a closed account again; sessions from before stay ended."""
    care.service.activate_user(actor=actor, user_id=user_id, now=timezone.now())
    messages.success(request, "The account is open again.")
    return redirect("portal:users-account", user_id)
