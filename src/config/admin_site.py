"""The site of Django's admin: superusers only, through the portal's door, for as long as the portal's sessions last.

It stands in a module of its own, imported by name (`config.apps`), because registering a table needs the site first.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn, TypeVar, cast

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from identity.service import actor_of_portal_session
from portal.session import sign_in_address

View = TypeVar("View", bound=Callable[..., Any])


class TechnicalSite(AdminSite):
    """The admin site; it knows no passwords, which are checked and changed in one place (`identity.service`)."""

    site_header = "Polyclinic: technical window"
    site_title = "Polyclinic"
    index_title = "Tables"

    def has_permission(self, request: HttpRequest) -> bool:
        """Superusers with a live session of the portal; the clinic's own roles give nothing here."""
        actor = actor_of_portal_session(request, now=timezone.now())
        request.actor = actor  # type: ignore[attr-defined]  # who every page here is on record for
        return actor is not None and request.user.is_active and request.user.is_superuser

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """Let superusers in; send others to the sign-in page, or refuse those who are signed in already."""
        guarded = super().admin_view(view, cacheable)

        @wraps(guarded)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if self.has_permission(request):
                return cast("HttpResponse", guarded(request, *args, **kwargs))
            return self.login(request)

        return cast("View", answer)

    def get_urls(self) -> list[Any]:
        """Leave out the way from a row to its page: no table of ours has one, and its look-up is on no record."""
        return [address for address in super().get_urls() if getattr(address, "name", None) != "view_on_site"]

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send whoever is not signed in to the portal's sign-in page."""
        if request.user.is_authenticated:
            raise PermissionDenied("Only superusers may open this window.")
        return redirect(sign_in_address(target=request.GET.get("next") or request.get_full_path()))

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> NoReturn:
        """Refuse: a door to guess the old password at, without the throttle."""
        raise Http404

    def password_change_done(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> NoReturn:
        """Refuse, like `password_change`."""
        raise Http404
