"""Saying whose chart it is: the account is found, shown by its name, and connected once that is confirmed."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

import care.service
from care.service import FoundAccount
from core.actor import Actor
from core.audit import record_refusal
from core.errors import Conflict, Invalid, NotAllowed
from portal.forms import AccountForm
from portal.frame import frame_for
from portal.session import PortalRequest, signed_in


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def link_chart(request: PortalRequest, actor: Actor, *, patient_id: UUID) -> HttpResponse:
    """Ask for the account, show whose it is, and connect the chart with it."""
    form = AccountForm(request.POST if request.method == "POST" else None)
    found, status = None, 200
    if form.is_valid():
        try:
            found = care.service.find_account(
                actor=actor, patient_id=patient_id, identifier=form.cleaned_data["account"]
            )
            if form.cleaned_data["confirmed"] == found.id:
                return _link(request, actor, patient_id, found)
        except Invalid as refusal:
            record_refusal(refusal)
            form.refuse_fields(refusal.errors)
        except Conflict as refusal:
            record_refusal(refusal)
            form.add_error(None, refusal.detail)
            found, status = None, refusal.status
    now = timezone.now()
    chart = care.service.get_patient(actor=actor, patient_id=patient_id, now=now)
    if not care.service.get_patient_rights(actor=actor, patient_id=patient_id).can_link:
        raise NotAllowed("The front desk says whose chart this is.")
    context = {"frame": frame_for(request, actor), "chart": chart, "form": form, "found": found}
    if form.errors and status == 200:
        status = 422
    return render(request, "portal/patients/link.html", context, status=status)


def _link(request: PortalRequest, actor: Actor, patient_id: UUID, found: FoundAccount) -> HttpResponse:
    care.service.link_patient(actor=actor, patient_id=patient_id, user_id=found.id, now=timezone.now())
    messages.success(request, f"This chart belongs to the account of {found.name} from now on.")
    return redirect("portal:patients-chart", patient_id)
