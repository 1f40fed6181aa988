"""Other hospitals: finding one, how fresh our copy of it is, copying it now, asking it, and taking it out of use."""

from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import push_url, retarget

import federation.service
from core.actor import Actor
from core.audit import record_refusal
from core.errors import Invalid, NotAllowed, NotFound, Refusal
from federation.schemas import HospitalDetailOut
from portal.forms.federation import HospitalSearchForm
from portal.fragments import go_on, page_or_fragment
from portal.frame import frame_for
from portal.paging import asked_page, first_page, pager
from portal.session import PortalRequest, signed_in

# Attempts to copy a hospital, a page.
_SYNCS = 10
# Of a hospital's answer, what a page shows; all of it is copied.
_RECORDS_SHOWN = 100
# Statuses that say that the hospital failed, not we.
_FAILED_THERE = (502, 504)


@require_safe
@signed_in
def list_hospitals(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Show the hospitals, newest first, to administrators with how fresh each copy is."""
    now = timezone.now()
    rights = federation.service.get_federation_rights(actor=actor)
    form = HospitalSearchForm(request.GET)
    context = {"frame": frame_for(request, actor), "form": form, "rights": rights}
    template = page_or_fragment(request, "portal/hospitals/list.html", "results")
    if not form.is_valid():
        return render(request, template, context, status=422)
    filters = form.cleaned_data
    try:
        found = federation.service.find_hospitals(actor=actor, q=form.body().q, page=asked_page(request), now=now)
    except Invalid:
        return redirect(first_page(request, filters))
    feeds = {}
    if rights.can_manage_hospitals:
        ids = [hospital.id for hospital in found.items]
        feeds = federation.service.describe_feeds(actor=actor, hospital_ids=ids, now=now)
    ways = pager(request, filters, found)
    context |= {
        "rows": [(hospital, feeds.get(hospital.id)) for hospital in found.items],
        "pager": ways,
        "is_filtered": any(filters.values()),
    }
    response = render(request, template, context)
    return push_url(response, ways.here) if request.htmx else response


@require_safe
@signed_in
def show_hospital(request: PortalRequest, actor: Actor, *, hospital_id: UUID) -> HttpResponse:
    """Show one hospital; to administrators how it is reached, how its copies went, and how far the present one is.

    htmx asks again and again while a copy is at work, and gets how far it is; once it has ended, the answer takes the
    place of all that the copy has changed, and nothing asks any more.
    """
    now = timezone.now()
    try:
        hospital = federation.service.get_hospital(actor=actor, hospital_id=hospital_id, now=now)
    except NotFound:
        if not request.htmx:
            raise
        # Taken out of use while somebody watched: an alert would be told once a second, so this leads away.
        return go_on(request, resolve_url("portal:hospitals"))
    context = {
        "frame": frame_for(request, actor),
        "hospital": hospital,
        "rights": federation.service.get_federation_rights(actor=actor),
    }
    if not isinstance(hospital, HospitalDetailOut):
        return render(request, "portal/hospitals/hospital.html", context)
    try:
        context |= _copies(request, actor, hospital_id, now=now)
    except Invalid:
        return redirect(request.path)
    has_ended = context["at_work"] is None
    fragment = "copies" if has_ended else "copying"
    template = page_or_fragment(request, "portal/hospitals/hospital.html", fragment)
    response = render(request, template, context)
    return retarget(response, "#copies") if template.endswith("#copies") else response


@require_POST
@signed_in
def sync_hospital(request: PortalRequest, actor: Actor, *, hospital_id: UUID) -> HttpResponse:
    """Have the hospital copied; whoever asks while it is being copied watches that."""
    now = timezone.now()
    federation.service.request_sync(actor=actor, hospital_id=hospital_id, now=now)
    if not request.htmx:
        return redirect("portal:hospitals-one", hospital_id)
    context = {
        "hospital": federation.service.get_hospital(actor=actor, hospital_id=hospital_id, now=now),
        **_copies(request, actor, hospital_id, now=now),
    }
    return render(request, "portal/hospitals/hospital.html#copies", context)


def _copies(request: PortalRequest, actor: Actor, hospital_id: UUID, *, now: datetime) -> dict[str, object]:
    """Return how fresh the copy is, the copy that is at work, and a page of those that were."""
    # What works is looked up before what it wrote: a copy that ends in between is shown with all that it changed.
    at_work = federation.service.find_copy_at_work(actor=actor, hospital_id=hospital_id, now=now)
    found = federation.service.list_syncs(actor=actor, hospital_id=hospital_id, page=asked_page(request, rows=_SYNCS))
    feeds = federation.service.describe_feeds(actor=actor, hospital_ids=[hospital_id], now=now)
    return {
        "at_work": at_work,
        "feed": feeds[hospital_id],
        "syncs": found.items,
        "pager": pager(request, {}, found),
    }


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def fetch_hospital(request: PortalRequest, actor: Actor, *, hospital_id: UUID) -> HttpResponse:
    """Ask the hospital directly and show what it answers, to nobody else; nothing of it is kept."""
    now = timezone.now()
    answer, refused = None, None
    if request.method == "POST":
        try:
            answer = federation.service.fetch_records(actor=actor, hospital_id=hospital_id, now=now)
        except Refusal as refusal:
            if refusal.status not in _FAILED_THERE:
                raise
            record_refusal(refusal)
            refused = refusal
    hospital = federation.service.get_hospital(actor=actor, hospital_id=hospital_id, now=now)
    if not federation.service.get_federation_rights(actor=actor).can_fetch_records:
        raise NotAllowed("Doctors and administrators ask a hospital for its records.")
    context = {
        "frame": frame_for(request, actor),
        "hospital": hospital,
        "answer": answer,
        "records": answer.records[:_RECORDS_SHOWN] if answer else [],
        "refused": refused,
        "last_good_copy_at": parse_datetime(refused.more().get("last_good_copy_at") or "") if refused else None,
    }
    return render(request, "portal/hospitals/fetch.html", context, status=refused.status if refused else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def delete_hospital(request: PortalRequest, actor: Actor, *, hospital_id: UUID) -> HttpResponse:
    """Ask whether the hospital shall really go, and take it out of use."""
    now = timezone.now()
    if request.method == "POST":
        federation.service.delete_hospital(actor=actor, hospital_id=hospital_id, now=now)
        messages.success(request, "The hospital is out of use; its records stay.")
        return redirect("portal:hospitals")
    hospital = federation.service.get_hospital(actor=actor, hospital_id=hospital_id, now=now)
    if not federation.service.get_federation_rights(actor=actor).can_manage_hospitals:
        raise NotAllowed("Administrators take hospitals out of use.")
    return render(request, "portal/hospitals/delete.html", {"frame": frame_for(request, actor), "hospital": hospital})
