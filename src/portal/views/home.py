"""The first page after signing in."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

import care.service
import federation.service
import scheduling.service
from core.actor import Actor
from identity.schemas import ProfileOut
from identity.service import get_profile
from portal.frame import frame_for
from portal.roles import ROLES
from portal.session import PortalRequest, signed_in

# The badge of a role request, by where it stands.
TONES = {"pending": "warning", "approved": "success", "denied": "danger"}


@dataclass(frozen=True, slots=True)
class RequestedRole:
    """A role somebody asked for, and what became of it."""

    label: str
    status: str
    tone: str


@require_safe
@signed_in
def home(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Greet by name, say the role and what it can do today, and lead on to the clinic's lists and the account."""
    profile = get_profile(actor=actor)
    context = {
        "frame": frame_for(request, actor),
        "profile": profile,
        "rights": care.service.get_clinic_rights(actor=actor),
        "desk": scheduling.service.get_desk_rights(actor=actor),
        "federation": federation.service.get_federation_rights(actor=actor),
        "requested_role": _requested_role(profile),
    }
    return render(request, "portal/home.html", context)


def _requested_role(profile: ProfileOut) -> RequestedRole | None:
    if profile.requested_role is None or profile.role_status is None:
        return None
    return RequestedRole(ROLES[profile.requested_role].label, profile.role_status, TONES[profile.role_status])
