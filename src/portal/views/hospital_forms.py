"""Registering a hospital and changing it, and trying its address before either.

What a form asks for is tried first, so that the service judges and records it; only then is it asked what to offer.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render, resolve_url
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import reswap, retarget

import federation.service
from core.actor import Actor
from core.audit import record_refusal
from core.errors import Invalid, NotAllowed
from federation.schemas import EndpointTestOut, HospitalChangeIn, HospitalDetailOut, HospitalIn
from portal.forms.base import comes_from_change
from portal.forms.federation import EndpointTrialForm, HospitalChangeForm, HospitalForm, NewHospitalForm
from portal.fragments import go_on, page_or_fragment
from portal.frame import frame_for
from portal.session import PortalRequest, signed_in

# The form's second button; nothing is stored then.
_TRIES = "try"


@dataclass(frozen=True, slots=True)
class Trial:
    """What trying an address showed: what it answered, or why it was not asked, a sentence each."""

    answer: EndpointTestOut | None
    refusals: list[str]


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def add_hospital(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Register a hospital, or try its address."""
    form = NewHospitalForm(request.POST if request.method == "POST" else None)
    trial = None
    if _TRIES in request.POST:
        trial = _try_endpoint(request, actor, None, form, now=timezone.now())
    elif request.method == "POST" and form.is_valid():
        try:
            hospital = federation.service.create_hospital(actor=actor, body=form.body(), now=timezone.now())
        except Invalid as refusal:
            record_refusal(refusal)
            form.refuse_fields(refusal.errors)
        else:
            messages.success(request, f"{hospital.name} is registered.")
            return go_on(request, resolve_url("portal:hospitals-one", hospital.id))
    _require_management(actor)
    return _answer(request, actor, form, trial, page="portal/hospitals/add.html")


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def edit_hospital(request: PortalRequest, actor: Actor, *, hospital_id: UUID) -> HttpResponse:
    """Change a hospital, or try its address; a new address forgets the token unless one comes with it."""
    now = timezone.now()
    hospital = federation.service.get_hospital(actor=actor, hospital_id=hospital_id, now=now)
    if not isinstance(hospital, HospitalDetailOut):
        # Whoever does not manage hospitals sees no fields to change; what they send is for the service to refuse.
        if request.method == "POST":
            federation.service.update_hospital(actor=actor, hospital_id=hospital_id, body=HospitalChangeIn(), now=now)
        raise NotAllowed("Administrators register hospitals and change them.")
    form = HospitalChangeForm(request.POST if request.method == "POST" else None, hospital=hospital)
    trial = None
    if _TRIES in request.POST:
        trial = _try_endpoint(request, actor, hospital_id, form, now=now)
    elif request.method == "POST" and form.is_valid():
        try:
            changed = federation.service.update_hospital(
                actor=actor, hospital_id=hospital_id, body=form.body(), now=now
            )
        except Invalid as refusal:
            record_refusal(refusal)
            form.refuse_fields(refusal.errors)
        else:
            messages.success(request, _tell(hospital, changed))
            return go_on(request, resolve_url("portal:hospitals-one", hospital_id))
    return _answer(request, actor, form, trial, page="portal/hospitals/edit.html", hospital=hospital)


@require_POST
@signed_in
def check_hospital_field(request: PortalRequest, actor: Actor, *, field: str) -> HttpResponse:
    """Answer one field of the form above with what is wrong in it; nothing is stored, looked up or asked."""
    form = HospitalChangeForm(request.POST) if comes_from_change(request.POST) else NewHospitalForm(request.POST)
    # A token is never sent back, so that its field is left as it is.
    if field not in form.fields or field == "auth_token":
        raise Http404
    return HttpResponse(form.check_field(field))


def _try_endpoint(
    request: PortalRequest,
    actor: Actor,
    hospital_id: UUID | None,
    form: HospitalForm[HospitalIn] | HospitalForm[HospitalChangeIn],
    *,
    now: datetime,
) -> Trial:
    """Try the address that was typed in, and leave the rest of the form as it is."""
    form.leave_unjudged()
    asked = EndpointTrialForm(request.POST)
    if not asked.is_valid():
        return Trial(None, asked.refusals)
    try:
        answer = federation.service.test_endpoint(actor=actor, body=asked.body(), hospital_id=hospital_id, now=now)
    except Invalid as refusal:
        record_refusal(refusal)
        asked.refuse_fields(refusal.errors)
        return Trial(None, asked.refusals)
    return Trial(answer, [answer.error] if answer.error else [])


def _answer(
    request: PortalRequest,
    actor: Actor,
    form: HospitalForm[HospitalIn] | HospitalForm[HospitalChangeIn],
    trial: Trial | None,
    *,
    page: str,
    hospital: HospitalDetailOut | None = None,
) -> HttpResponse:
    """Show the form; htmx gets of a trial only what came of it, so that nothing that was typed is touched."""
    context = {"frame": frame_for(request, actor), "form": form, "trial": trial, "hospital": hospital}
    if trial is not None and request.htmx:
        response = render(request, "portal/hospitals/trial.html", context)
        return reswap(retarget(response, "#trial"), "outerHTML")
    template = page_or_fragment(request, page, "hospital-form")
    return render(request, template, context, status=422 if form.errors else 200)


def _require_management(actor: Actor) -> None:
    if not federation.service.get_federation_rights(actor=actor).can_manage_hospitals:
        raise NotAllowed("Administrators register hospitals and change them.")


def _tell(before: HospitalDetailOut, after: HospitalDetailOut) -> str:
    """Return the sentence that says what was saved, and what became of the token where it is gone."""
    if not (before.has_token and not after.has_token):
        return "The changes are saved."
    if before.api_endpoint != after.api_endpoint:
        return "The changes are saved. The address is another one, so the token is forgotten."
    return "The changes are saved and the token is forgotten."
