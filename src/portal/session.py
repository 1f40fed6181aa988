"""Who is signed in: the one way from a request of the portal to an Actor."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

import structlog
from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.utils import timezone
from django.utils.http import urlencode
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from core.actor import Actor
from core.audit import record_refusal
from core.errors import NotSignedIn, Refusal
from identity.service import actor_of_portal_session
from portal.error_pages import render_busy, render_refusal

log = structlog.get_logger("polyclinic.portal")

# Why the sign-in page is shown, as a word in its address.
ENDED = "ended"
SIGNED_OUT = "signed-out"

P = ParamSpec("P")


class PortalRequest(HttpRequest):
    """A request as the middleware hands it to the pages."""

    htmx: HtmxDetails


def signed_in(
    view: Callable[Concatenate[PortalRequest, Actor, P], HttpResponseBase],
) -> Callable[Concatenate[PortalRequest, P], HttpResponseBase]:
    """Give the view the Actor behind the session as its second argument; without one, send to the sign-in page.

    A Refusal that the view lets through becomes the page that says so, and so does a database that is busy or away.
    """

    @wraps(view)
    def guarded(request: PortalRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        actor = actor_of_portal_session(request, now=timezone.now())
        if actor is None:
            return _send_to_sign_in(request)
        try:
            return view(request, actor, *args, **kwargs)
        except NotSignedIn:
            return _send_to_sign_in(request)
        except Refusal as refusal:
            record_refusal(refusal)
            return render_refusal(request, refusal)
        except OperationalError:
            log.error("database", exc_info=True)
            return render_busy(request)

    return guarded


def sign_in_address(*, target: str | None = None, notice: str | None = None) -> str:
    """Return the sign-in page's address; `target` is where to go afterwards, `notice` the word for why."""
    wanted = {"next": target if target != resolve_url("portal:home") else None, "notice": notice}
    query = urlencode({name: value for name, value in wanted.items() if value})
    return resolve_url("portal:sign-in") + (f"?{query}" if query else "")


def _send_to_sign_in(request: PortalRequest) -> HttpResponse:
    """Redirect; whoever brought a session cookie is told that the session has ended."""
    notice = ENDED if settings.SESSION_COOKIE_NAME in request.COOKIES else None
    if request.htmx:
        return HttpResponseClientRedirect(sign_in_address(target=request.htmx.current_url_abs_path, notice=notice))
    target = request.get_full_path() if request.method in ("GET", "HEAD") else None
    return redirect(sign_in_address(target=target, notice=notice))
