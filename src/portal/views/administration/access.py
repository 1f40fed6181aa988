"""Who the administrators' pages are for."""

from django.http import HttpRequest

from core.actor import Actor
from core.errors import NotAllowed
from portal.frame import Frame, frame_for


def administrators_frame(request: HttpRequest, actor: Actor) -> Frame:
    """Return the page's frame, or raise NotAllowed where the account manages no accounts."""
    frame = frame_for(request, actor)
    if not frame.account.manages_accounts:
        raise NotAllowed("This page is for administrators.")
    return frame
