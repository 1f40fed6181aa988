"""Doctors: the directory, an entry, adding and changing it, and vouching for it.

What a form asks for is tried first, so that the service judges and records it; only then is it asked what to offer.
"""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import push_url

import care.service
from core.actor import Actor
from core.errors import Invalid, NotAllowed
from portal.forms import DoctorSearchForm, EntryForm, NewDoctorForm, VerificationForm, comes_from_change
from portal.fragments import go_on, page_or_fragment
from portal.frame import frame_for
from portal.paging import asked_page, first_page, pager
from portal.session import PortalRequest, signed_in


@require_safe
@signed_in
def list_doctors(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Show the directory, newest first; htmx replaces the results while somebody types."""
    form = DoctorSearchForm(request.GET, specializations=care.service.list_specializations(actor=actor))
    context = {
        "frame": frame_for(request, actor),
        "form": form,
        "rights": care.service.get_clinic_rights(actor=actor),
    }
    template = page_or_fragment(request, "portal/doctors/list.html", "results")
    if not form.is_valid():
        return render(request, template, context, status=422)
    filters = form.cleaned_data
    try:
        found = care.service.list_doctors(
            actor=actor, filters=form.body(), page=asked_page(request), now=timezone.now()
        )
    except Invalid:
        return redirect(first_page(request, filters))
    ways = pager(request, filters, found)
    context |= {"doctors": found.items, "pager": ways, "is_filtered": any(filters.values())}
    response = render(request, template, context)
    return push_url(response, ways.here) if request.htmx else response


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def add_doctor(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Add an entry; it is verified at once where an administrator adds it."""
    data = request.POST if request.method == "POST" else None
    form = NewDoctorForm(data, specializations=care.service.list_specializations(actor=actor))
    if data is not None and form.is_valid():
        entry = care.service.create_doctor(actor=actor, body=form.body(), now=timezone.now())
        messages.success(request, f"{entry.name} is in the directory.")
        return go_on(request, resolve_url("portal:doctors-entry", entry.id))
    if not care.service.get_clinic_rights(actor=actor).can_add_doctors:
        raise NotAllowed("Researchers and officials read the directory only.")
    context = {"frame": frame_for(request, actor), "form": form}
    template = page_or_fragment(request, "portal/doctors/add.html", "doctor-form")
    return render(request, template, context, status=422 if form.errors else 200)


@require_POST
@signed_in
def check_doctor_field(request: PortalRequest, actor: Actor, *, field: str) -> HttpResponse:
    """Answer one field of the form above with what is wrong in it; nothing is stored or looked up."""
    kind = EntryForm if comes_from_change(request.POST) else NewDoctorForm
    form = kind(request.POST, specializations=care.service.list_specializations(actor=actor))
    if field not in form.fields:
        raise Http404
    return HttpResponse(form.check_field(field))


@require_safe
@signed_in
def show_entry(request: PortalRequest, actor: Actor, *, doctor_id: UUID) -> HttpResponse:
    """Show one entry of the directory, and whether the clinic vouches for it."""
    return _render_entry(request, actor, doctor_id, VerificationForm())


@require_POST
@signed_in
def decide_verification(request: PortalRequest, actor: Actor, *, doctor_id: UUID) -> HttpResponse:
    """Vouch for an entry, or take that back; the form says which, so that sending it twice changes nothing."""
    form = VerificationForm(request.POST)
    if not form.is_valid():
        if not care.service.get_doctor_rights(actor=actor, doctor_id=doctor_id).can_verify:
            raise NotAllowed("Only administrators vouch for a doctor.")
        return _render_entry(request, actor, doctor_id, form)
    verified = form.cleaned_data["verified"]
    entry = care.service.verify_doctor(
        actor=actor, doctor_id=doctor_id, verified=verified, reason=form.body().reason, now=timezone.now()
    )
    messages.success(request, f"{entry.name} is verified." if verified else f"{entry.name} is no longer verified.")
    return redirect("portal:doctors-entry", doctor_id)


def _render_entry(request: PortalRequest, actor: Actor, doctor_id: UUID, form: VerificationForm) -> HttpResponse:
    context = {
        "entry": care.service.get_doctor(actor=actor, doctor_id=doctor_id),
        "rights": care.service.get_doctor_rights(actor=actor, doctor_id=doctor_id),
        "clinic_rights": care.service.get_clinic_rights(actor=actor),
        "frame": frame_for(request, actor),
        "form": form,
        "currency": settings.CURRENCY,
    }
    return render(request, "portal/doctors/entry.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def edit_entry(request: PortalRequest, actor: Actor, *, doctor_id: UUID) -> HttpResponse:
    """Change an entry; a changed licence number takes the verification back, unless an administrator changes it."""
    rights = care.service.get_doctor_rights(actor=actor, doctor_id=doctor_id)
    entry = care.service.get_doctor(actor=actor, doctor_id=doctor_id)
    data = request.POST if request.method == "POST" else None
    form = EntryForm(
        data,
        specializations=care.service.list_specializations(actor=actor),
        entry=entry,
        loses_verification=entry.verified and not rights.can_verify,
    )
    if data is not None and form.is_valid():
        care.service.update_doctor(actor=actor, doctor_id=doctor_id, body=form.body(), now=timezone.now())
        messages.success(request, "The changes are saved.")
        return go_on(request, resolve_url("portal:doctors-entry", doctor_id))
    if not rights.can_change:
        raise NotAllowed("This entry is kept by its creator until it is verified, then by the doctor and the desk.")
    context = {"frame": frame_for(request, actor), "form": form, "entry": entry}
    template = page_or_fragment(request, "portal/doctors/edit.html", "doctor-form")
    return render(request, template, context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def delete_entry(request: PortalRequest, actor: Actor, *, doctor_id: UUID) -> HttpResponse:
    """Ask whether the entry shall really go, and take it out of the directory."""
    if request.method == "POST":
        care.service.delete_doctor(actor=actor, doctor_id=doctor_id, now=timezone.now())
        messages.success(request, "The entry is deleted.")
        return redirect("portal:doctors")
    if not care.service.get_doctor_rights(actor=actor, doctor_id=doctor_id).can_delete:
        raise NotAllowed("Only administrators delete an entry, and its creator while it is unverified.")
    entry = care.service.get_doctor(actor=actor, doctor_id=doctor_id)
    return render(request, "portal/doctors/delete.html", {"frame": frame_for(request, actor), "entry": entry})
