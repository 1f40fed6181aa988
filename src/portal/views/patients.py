"""Patients: finding one, the chart, adding and changing it, and who treats whom.

What a form asks for is tried first, so that the service judges and records it; only then is it asked what to offer.
"""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import push_url

import care.service
from care.schemas import DoctorFilters
from core.actor import Actor, Role
from core.audit import record_refusal
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.pagination import PageIn
from portal.access import access_rows
from portal.forms import (
    AssignmentForm,
    ChartForm,
    DoctorChoiceForm,
    NewPatientForm,
    PatientSearchForm,
    comes_from_change,
)
from portal.fragments import go_on, page_or_fragment
from portal.frame import frame_for
from portal.paging import EVENTS, asked_page, first_page, pager
from portal.session import PortalRequest, signed_in

# Whose charts the list holds, by who reads it.
LEADS = {
    Role.PATIENT: "Your own chart and those that you keep.",
    Role.DOCTOR: "The patients you treat, and the charts that you keep.",
    Role.STAFF: "Every patient of the clinic.",
    Role.ADMIN: "Every patient of the clinic.",
}
# How many doctors are offered at once; who looks for another one types more.
_DOCTORS_OFFERED = 12


@require_safe
@signed_in
def list_patients(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Show the patients the actor may see, newest first; htmx replaces the results while somebody types."""
    rights = care.service.get_clinic_rights(actor=actor)
    form = PatientSearchForm(request.GET)
    context = {"form": form, "rights": rights, "lead": LEADS.get(actor.role) if actor.role else None}
    template = page_or_fragment(request, "portal/patients/list.html", "results")
    if not form.is_valid():
        return render(request, template, context | {"frame": frame_for(request, actor)}, status=422)
    filters = form.cleaned_data
    try:
        found = care.service.list_patients(
            actor=actor, filters=form.body(), page=asked_page(request), now=timezone.now()
        )
    except Invalid as refusal:
        record_refusal(refusal)
        return redirect(first_page(request, filters))
    ways = pager(request, filters, found)
    context |= {
        "frame": frame_for(request, actor),
        "patients": found.items,
        "pager": ways,
        "is_filtered": any(filters.values()),
        "doctor": care.service.describe_doctors([filters["doctor"]]).get(filters["doctor"]),
        "without_doctor": first_page(request, {**filters, "doctor": None}),
    }
    response = render(request, template, context)
    return push_url(response, ways.here) if request.htmx else response


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def add_patient(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Add a chart that the actor keeps."""
    form = NewPatientForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            chart = care.service.create_patient(actor=actor, body=form.body(), now=timezone.now())
        except Invalid as refusal:
            record_refusal(refusal)
            form.refuse_fields(refusal.errors)
        else:
            messages.success(request, "The patient is added. You keep this chart.")
            return go_on(request, resolve_url("portal:patients-chart", chart.id))
    if not care.service.get_clinic_rights(actor=actor).can_add_patients:
        raise NotAllowed("Researchers and officials work with de-identified data only.")
    context = {"frame": frame_for(request, actor), "form": form}
    template = page_or_fragment(request, "portal/patients/add.html", "patient-form")
    return render(request, template, context, status=422 if form.errors else 200)


@require_POST
@signed_in
def check_patient_field(request: PortalRequest, actor: Actor, *, field: str) -> HttpResponse:
    """Answer one field of the form above with what is wrong in it; nothing is stored or looked up."""
    form = ChartForm(request.POST) if comes_from_change(request.POST) else NewPatientForm(request.POST)
    if field not in form.fields:
        raise Http404
    return HttpResponse(form.check_field(field))


@require_safe
@signed_in
def show_chart(request: PortalRequest, actor: Actor, *, patient_id: UUID) -> HttpResponse:
    """Show one chart: who it is, the history, who treats them, and who has looked."""
    now = timezone.now()
    context = {
        "chart": care.service.get_patient(actor=actor, patient_id=patient_id, now=now),
        "team": care.service.list_care_team(actor=actor, patient_id=patient_id, now=now),
        "rights": care.service.get_patient_rights(actor=actor, patient_id=patient_id),
        "frame": frame_for(request, actor),
    }
    return render(request, "portal/patients/chart.html", context)


@require_safe
@signed_in
def show_access(request: PortalRequest, actor: Actor, *, patient_id: UUID) -> HttpResponse:
    """Show who has read or changed one chart, or tried to, newest first."""
    now = timezone.now()
    try:
        found = care.service.list_access(
            actor=actor, page=asked_page(request, rows=EVENTS), now=now, patient_id=patient_id
        )
    except Invalid:
        return redirect(request.path)
    context = {
        "frame": frame_for(request, actor),
        "chart": care.service.describe_patients([patient_id], today=timezone.localdate(now))[patient_id],
        "rows": access_rows(found.items, cards={}),
        "pager": pager(request, {}, found),
    }
    return render(request, "portal/patients/access.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def edit_chart(request: PortalRequest, actor: Actor, *, patient_id: UUID) -> HttpResponse:
    """Change a chart."""
    return answer_edit(request, actor, patient_id, shown_at=resolve_url("portal:patients-chart", patient_id))


def answer_edit(request: PortalRequest, actor: Actor, patient_id: UUID, *, shown_at: str) -> HttpResponse:
    """Offer what the actor may change of this chart and store what was changed; then go where it is shown."""
    chart = care.service.get_patient(actor=actor, patient_id=patient_id, now=timezone.now())
    rights = care.service.get_patient_rights(actor=actor, patient_id=patient_id)
    data = request.POST if request.method == "POST" else None
    form = ChartForm(data, chart=chart, everything=rights.can_change_everything)
    if data is not None and form.is_valid():
        try:
            care.service.update_patient(actor=actor, patient_id=patient_id, body=form.body(), now=timezone.now())
        except Invalid as refusal:
            record_refusal(refusal)
            form.refuse_fields(refusal.errors)
        else:
            messages.success(request, "The changes are saved.")
            return go_on(request, shown_at)
    context = {"frame": frame_for(request, actor), "form": form, "chart": chart, "rights": rights, "shown_at": shown_at}
    template = page_or_fragment(request, "portal/patients/edit.html", "patient-form")
    return render(request, template, context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def delete_chart(request: PortalRequest, actor: Actor, *, patient_id: UUID) -> HttpResponse:
    """Ask whether the chart shall really go, and take it out of sight."""
    now = timezone.now()
    if request.method == "POST":
        care.service.delete_patient(actor=actor, patient_id=patient_id, now=now)
        messages.success(request, "The chart is deleted.")
        return redirect("portal:patients")
    chart = care.service.get_patient(actor=actor, patient_id=patient_id, now=now)
    if not care.service.get_patient_rights(actor=actor, patient_id=patient_id).can_delete:
        raise NotAllowed("Only who added a chart, and administrators, delete it.")
    return render(request, "portal/patients/delete.html", {"frame": frame_for(request, actor), "chart": chart})


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def assign_doctor(request: PortalRequest, actor: Actor, *, patient_id: UUID) -> HttpResponse:
    """Find a doctor while typing, and put them on the care team."""
    now = timezone.now()
    chart = care.service.get_patient(actor=actor, patient_id=patient_id, now=now)
    form = AssignmentForm(request.POST if request.method == "POST" else None, patient_id=patient_id)
    if request.method == "POST" and form.is_valid():
        try:
            member = care.service.assign_doctor(actor=actor, body=form.body(), now=now)
        except (Conflict, Invalid) as refusal:
            record_refusal(refusal)
            form.refuse_fields(refusal.errors if isinstance(refusal, Invalid) else {"doctor": [refusal.detail]})
        else:
            messages.success(request, f"{member.doctor_name} is on the care team.")
            return go_on(request, resolve_url("portal:patients-chart", patient_id))
    if not care.service.get_patient_rights(actor=actor, patient_id=patient_id).can_assign:
        raise NotAllowed("Who added the chart, and the front desk, say who treats the patient.")
    search = DoctorChoiceForm(request.POST if request.method == "POST" else request.GET)
    filters = search.body() if search.is_valid() else DoctorFilters()
    found = care.service.list_doctors(actor=actor, filters=filters, page=PageIn(limit=_DOCTORS_OFFERED), now=now)
    team = care.service.list_care_team(actor=actor, patient_id=patient_id, now=now)
    context = {
        "frame": frame_for(request, actor),
        "chart": chart,
        "form": form,
        "search": search,
        "doctors": found.items,
        "there_are_more": found.next_cursor is not None,
        "on_team": {member.doctor.id for member in team},
        "chosen": form.data.get("doctor"),
    }
    template = page_or_fragment(request, "portal/patients/assign.html", "doctors")
    return render(request, template, context, status=422 if form.errors or search.errors else 200)


@require_POST
@signed_in
def end_membership(request: PortalRequest, actor: Actor, *, patient_id: UUID, membership_id: UUID) -> HttpResponse:
    """Take a doctor off the care team."""
    now = timezone.now()
    member = care.service.get_membership(actor=actor, membership_id=membership_id, now=now)
    if member.patient.id != patient_id:
        raise NotFound
    care.service.end_membership(actor=actor, membership_id=membership_id, now=now)
    messages.success(request, f"{member.doctor_name} is no longer on the care team.")
    return redirect("portal:patients-chart", patient_id)
