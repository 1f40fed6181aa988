"""Whole pages for browsers, parts of them for htmx; and where either goes after something was done."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django_htmx.http import HttpResponseClientRedirect

from portal.session import PortalRequest


def page_or_fragment(request: PortalRequest, page: str, fragment: str) -> str:
    """Return the template to render: the page, or for htmx only the partial of it that has the id it replaces.

    When htmx restores a page that it no longer has, it needs all of it.
    """
    wants_part = request.htmx and not request.htmx.history_restore_request
    return f"{page}#{fragment}" if wants_part else page


def go_on(request: PortalRequest, address: str) -> HttpResponse:
    """Send the browser to the page that shows what was done."""
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)
