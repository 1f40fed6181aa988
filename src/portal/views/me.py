"""What is somebody's own: their chart, who has seen it, and their account."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

import care.service
import identity.service
from core.actor import Actor
from core.audit import record_refusal
from core.errors import Invalid, NotFound, TooManyAttempts
from portal.access import access_rows
from portal.forms import PasswordForm, ProfileForm
from portal.fragments import go_on, page_or_fragment
from portal.frame import frame_for
from portal.paging import EVENTS, asked_page, pager
from portal.session import PortalRequest, signed_in
from portal.views.patients import answer_edit


@require_safe
@signed_in
def show_record(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Show the own chart with its doctors; whoever has none is told how to get one."""
    now = timezone.now()
    context: dict[str, Any] = {"frame": frame_for(request, actor)}
    patient_id = care.service.get_my_profile(actor=actor).patient
    if patient_id is not None:
        context |= {
            "chart": care.service.get_patient(actor=actor, patient_id=patient_id, now=now),
            "team": care.service.list_care_team(actor=actor, patient_id=patient_id, now=now),
            "rights": care.service.get_patient_rights(actor=actor, patient_id=patient_id),
        }
    return render(request, "portal/me/record.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def edit_record(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Change what one may of the own chart."""
    patient_id = care.service.get_my_profile(actor=actor).patient
    if patient_id is None:
        raise NotFound
    return answer_edit(request, actor, patient_id, shown_at=resolve_url("portal:my-record"))


@require_safe
@signed_in
def show_access(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Show who has read or changed any chart that is the actor's own or that they keep, or tried to."""
    now = timezone.now()
    try:
        found = care.service.list_access(actor=actor, page=asked_page(request, rows=EVENTS), now=now)
    except Invalid:
        return redirect(request.path)
    ids = {patient_id for entry in found.items for patient_id in entry.patients}
    cards = care.service.describe_patients(ids, today=timezone.localdate(now))
    context = {
        "frame": frame_for(request, actor),
        "rows": access_rows(found.items, cards=cards),
        "pager": pager(request, {}, found),
    }
    return render(request, "portal/me/access.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def show_account(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Show the own account, and change how it is called and what it signs in with."""
    profile = care.service.get_my_profile(actor=actor)
    form = ProfileForm(request.POST if request.method == "POST" else None, profile=profile)
    if request.method == "POST" and form.is_valid():
        try:
            identity.service.update_profile(actor=actor, body=form.body(), now=timezone.now())
        except Invalid as refusal:
            record_refusal(refusal)
            form.refuse_fields(refusal.errors)
        else:
            messages.success(request, "The changes are saved.")
            return go_on(request, resolve_url("portal:my-account"))
    context = {"frame": frame_for(request, actor), "profile": profile, "form": form}
    template = page_or_fragment(request, "portal/me/account.html", "account-form")
    return render(request, template, context, status=422 if form.errors else 200)


@sensitive_post_parameters("old_password", "new_password", "repeated")
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def change_password(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Set a new password; this browser stays signed in, every other one has to sign in again."""
    form = PasswordForm(request.POST if request.method == "POST" else None)
    wait: int | None = None
    if request.method == "POST" and form.is_valid():
        try:
            identity.service.change_portal_password(actor=actor, request=request, body=form.body(), now=timezone.now())
        except Invalid as refusal:
            record_refusal(refusal)
            form.refuse_fields(refusal.errors)
        except TooManyAttempts as refusal:
            wait = refusal.retry_after
            form.add_error(None, refusal.detail)
        else:
            messages.success(request, "The password is changed. Other browsers and apps have to sign in again.")
            return go_on(request, resolve_url("portal:my-account"))
    context = {"frame": frame_for(request, actor), "form": form}
    template = page_or_fragment(request, "portal/me/password.html", "password-form")
    status = 200 if not form.errors else 422 if wait is None else 429
    response = render(request, template, context, status=status)
    if wait is not None:
        response["Retry-After"] = str(wait)
    return response
