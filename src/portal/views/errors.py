"""What Django shows when a request fails before or outside a page; named in `config.urls` and in the settings."""

from django.http import HttpRequest, HttpResponse

from portal.error_pages import render_error


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: the request itself is not one we read."""
    return render_error(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: seen, but not allowed."""
    return render_error(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: missing and invisible are one page."""
    return render_error(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: a defect of ours; the page asks neither the database nor the session."""
    return render_error(request, 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the form did not carry the token of this browser; `reason` is for developers and is not shown."""
    return render_error(
        request,
        403,
        title="This page is out of date",
        detail="For your safety nothing was done. Reload the page and try again; cookies must be allowed.",
    )
