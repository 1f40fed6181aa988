"""Signing in and out."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from core.errors import NotSignedIn, TooManyAttempts
from identity.service import actor_of_portal_session, close_portal_session, open_portal_session
from portal.forms import SignInForm
from portal.session import ENDED, SIGNED_OUT, PortalRequest, sign_in_address

# Why somebody sees this page, by the word in its address. Only these sentences can be shown, never the word itself.
NOTICES = {
    ENDED: "Your session has ended. Sign in to go on.",
    SIGNED_OUT: "You have signed out.",
}


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: PortalRequest) -> HttpResponse:
    """Open a session with any identifier and the password, then go where the person was heading.

    Wrong, unknown and inactive are one sentence (422); a used-up throttle says how long to wait (429).
    """
    now = timezone.now()
    target = _safe_target(request)
    context: dict[str, Any] = {"target": target, "idle_minutes": settings.SESSION_IDLE_SECONDS // 60}
    if request.method != "POST":
        if actor_of_portal_session(request, now=now) is not None:
            return redirect(target)
        context |= {"form": SignInForm(), "notice": NOTICES.get(request.GET.get("notice", ""))}
        return render(request, "portal/sign_in.html", context)

    form = SignInForm(request.POST)
    wait: int | None = None
    if form.is_valid():
        try:
            open_portal_session(request, **form.cleaned_data, now=now)
        except NotSignedIn:
            form.refuse("These details do not open an account. Check them and try again.")
        except TooManyAttempts as refusal:
            wait = refusal.retry_after
            form.refuse(f"Too many attempts. Try again in {wait} seconds.")
        else:
            return HttpResponseClientRedirect(target) if request.htmx else redirect(target)
    template = "portal/sign_in.html" + ("#sign-in-form" if request.htmx else "")
    response = render(request, template, context | {"form": form}, status=422 if wait is None else 429)
    if wait is not None:
        response["Retry-After"] = str(wait)
    return response


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session and everything in it; safe to repeat."""
    close_portal_session(request)
    return redirect(sign_in_address(notice=SIGNED_OUT))


def _safe_target(request: HttpRequest) -> str:
    """Return where to go after signing in: `next` where it is an address of ours, else the home page."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        return target
    return resolve_url("portal:home")
