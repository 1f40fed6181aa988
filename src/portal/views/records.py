"""Hospitals' patient records: finding one among all, where it comes from, and those that are typed in here.

What a form asks for is tried first, so that the service judges and records it; only then is it asked what to offer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import push_url

import federation.service
from core.actor import Actor, Role
from core.audit import record_refusal
from core.errors import Conflict, Invalid, NotAllowed, Refusal
from federation.schemas import PatientRecordOut
from federation.service import Provenance
from portal.forms.base import PortalForm, comes_from_change
from portal.forms.federation import NewRecordForm, RecordChangeForm, RecordSearchForm
from portal.fragments import go_on, page_or_fragment
from portal.frame import frame_for
from portal.paging import asked_page, first_page, pager
from portal.session import PortalRequest, signed_in

# Which records the list holds, by who reads it.
LEADS = {
    Role.PATIENT: "What you have typed in of what other hospitals say.",
    Role.DOCTOR: "What every hospital says of its patients, fetched and typed in.",
    Role.STAFF: "What every hospital says of its patients, fetched and typed in.",
    Role.ADMIN: "What every hospital says of its patients, fetched and typed in.",
}
# Of hospitals that did not answer, how many are named.
_NAMED = 5
_NOT_THEIRS = "Researchers and officials work with de-identified data only."


@dataclass(frozen=True, slots=True)
class RecordRow:
    """A record and where it comes from; `is_own` where the reader typed it in."""

    record: PatientRecordOut
    provenance: Provenance
    is_own: bool

    @property
    def is_fetched(self) -> bool:
        """Whether the hospital itself said it."""
        return self.record.origin == "sync"


@require_safe
@signed_in
def list_records(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Show the records the actor may see, newest first; htmx replaces the results while somebody types."""
    now = timezone.now()
    rights = federation.service.get_federation_rights(actor=actor)
    hospitals = federation.service.name_hospitals(actor=actor)
    form = RecordSearchForm(request.GET, hospitals=hospitals)
    context = {
        "frame": frame_for(request, actor),
        "form": form,
        "rights": rights,
        "has_hospitals": bool(hospitals),
        "lead": LEADS.get(actor.role) if actor.role else None,
    }
    template = page_or_fragment(request, "portal/records/list.html", "results")
    if rights.can_read_combined and not request.htmx:
        context["completeness"] = federation.service.get_completeness(actor=actor, now=now)
    if not form.is_valid():
        return render(request, template, context, status=422)
    filters = form.cleaned_data
    try:
        found = federation.service.list_patient_records(
            actor=actor, filters=form.body(), page=asked_page(request), now=now
        )
    except Invalid as refusal:
        record_refusal(refusal)
        return redirect(first_page(request, filters))
    ways = pager(request, filters, found)
    context |= {
        "rows": _rows(actor, found.items),
        "pager": ways,
        "is_filtered": any(value not in (None, "") for value in filters.values()),
    }
    response = render(request, template, context)
    return push_url(response, ways.here) if request.htmx else response


@require_POST
@signed_in
def renew_copies(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Ask the hospitals that were never fetched, or all of them, and wait for them; then show what there is."""
    live = request.POST.get("which") == "all"
    renewal = federation.service.renew_copies(actor=actor, live=live, now=timezone.now())
    if renewal.unreached:
        names = ", ".join(renewal.unreached[:_NAMED])
        more = f" and {len(renewal.unreached) - _NAMED} more" if len(renewal.unreached) > _NAMED else ""
        messages.warning(request, f"Of {renewal.asked} hospitals some did not answer in time: {names}{more}.")
    elif renewal.asked:
        messages.success(request, f"{renewal.asked} hospital{'s were' if renewal.asked > 1 else ' was'} asked.")
    else:
        messages.info(request, "There was no hospital to ask; those that keep failing are left alone for a while.")
    return go_on(request, resolve_url("portal:records"))


@require_safe
@signed_in
def show_record(request: PortalRequest, actor: Actor, *, record_id: UUID) -> HttpResponse:
    """Show one record and where it comes from."""
    record = federation.service.get_patient_record(actor=actor, record_id=record_id, now=timezone.now())
    [row] = _rows(actor, [record])
    context = {
        "frame": frame_for(request, actor),
        "row": row,
        "record": record,
        "rights": federation.service.get_record_rights(actor=actor, record_id=record_id),
        "federation_rights": federation.service.get_federation_rights(actor=actor),
    }
    return render(request, "portal/records/record.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def add_record(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Type in what a hospital says of a patient."""
    hospitals = federation.service.name_hospitals(actor=actor)
    data = request.POST if request.method == "POST" else None
    form = NewRecordForm(data, hospitals=hospitals, chosen=request.GET.get("hospital", ""))
    if data is not None and form.is_valid():
        try:
            record = federation.service.create_patient_record(actor=actor, body=form.body(), now=timezone.now())
        except (Conflict, Invalid) as refusal:
            _refuse(form, refusal)
        else:
            messages.success(request, "The record is added.")
            return go_on(request, resolve_url("portal:records-one", record.id))
    if not federation.service.get_federation_rights(actor=actor).can_work_with_records:
        raise NotAllowed(_NOT_THEIRS)
    context = {"frame": frame_for(request, actor), "form": form, "has_hospitals": bool(hospitals)}
    template = page_or_fragment(request, "portal/records/add.html", "record-form")
    return render(request, template, context, status=422 if form.errors else 200)


@require_POST
@signed_in
def check_record_field(request: PortalRequest, actor: Actor, *, field: str) -> HttpResponse:
    """Answer one field of the form above with what is wrong in it; nothing is stored."""
    hospitals = federation.service.name_hospitals(actor=actor)
    kind = RecordChangeForm if comes_from_change(request.POST) else NewRecordForm
    form = kind(request.POST, hospitals=hospitals)
    if field not in form.fields:
        raise Http404
    return HttpResponse(form.check_field(field))


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def edit_record(request: PortalRequest, actor: Actor, *, record_id: UUID) -> HttpResponse:
    """Change a record that was typed in."""
    now = timezone.now()
    record = federation.service.get_patient_record(actor=actor, record_id=record_id, now=now)
    data = request.POST if request.method == "POST" else None
    form = RecordChangeForm(data, hospitals=federation.service.name_hospitals(actor=actor), record=record)
    if data is not None and form.is_valid():
        try:
            federation.service.update_patient_record(actor=actor, record_id=record_id, body=form.body(), now=now)
        except (Conflict, Invalid) as refusal:
            _refuse(form, refusal)
        else:
            messages.success(request, "The changes are saved.")
            return go_on(request, resolve_url("portal:records-one", record_id))
    if not federation.service.get_record_rights(actor=actor, record_id=record_id).can_change:
        raise NotAllowed("The hospital itself keeps this record; the next copy would undo the change.")
    context = {"frame": frame_for(request, actor), "form": form, "record": record}
    template = page_or_fragment(request, "portal/records/edit.html", "record-form")
    return render(request, template, context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def delete_record(request: PortalRequest, actor: Actor, *, record_id: UUID) -> HttpResponse:
    """Ask whether the record shall really go, and take it out of sight."""
    now = timezone.now()
    if request.method == "POST":
        federation.service.delete_patient_record(actor=actor, record_id=record_id, now=now)
        messages.success(request, "The record is deleted.")
        return redirect("portal:records")
    record = federation.service.get_patient_record(actor=actor, record_id=record_id, now=now)
    if not federation.service.get_record_rights(actor=actor, record_id=record_id).can_delete:
        raise NotAllowed("Only who typed a record in, and administrators, delete it.")
    return render(request, "portal/records/delete.html", {"frame": frame_for(request, actor), "record": record})


def _rows(actor: Actor, records: Sequence[PatientRecordOut]) -> list[RecordRow]:
    """Return the records with where each comes from, in the same number of queries for any number of them."""
    sources = federation.service.describe_provenance(actor=actor, record_ids=[record.id for record in records])
    # Of a record that has gone since it was read nothing more is known.
    unknown = Provenance(run=None, confirmed_at=None, is_vouched=False, is_in_use=False)
    return [
        RecordRow(
            record=record,
            provenance=sources.get(record.id, unknown),
            is_own=record.created_by == actor.user_id,
        )
        for record in records
    ]


def _refuse(form: PortalForm, refusal: Refusal) -> None:
    """Say beside its field what the service refused: a second record of the same patient is the number's."""
    record_refusal(refusal)
    if isinstance(refusal, Invalid):
        form.refuse_fields(refusal.errors)
    else:
        form.refuse_fields({"patient_id": [refusal.detail]})
