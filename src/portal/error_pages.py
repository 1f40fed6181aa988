"""Refusals and failures as pages, or, where htmx asked, as an alert on the page that is already there."""

from django.http import HttpRequest, HttpResponse
from django.template import loader
from django_htmx.http import reswap, retarget
from structlog.contextvars import get_contextvars

from core.errors import NotFound, Refusal, TooManyAttempts

# Title and sentence of each status that has no refusal of its own to say it better.
TEXTS = {
    400: ("This request could not be read", "Go back, reload the page and try again."),
    403: ("You may not do this", "Your role does not allow it. An administrator of the clinic can help."),
    404: ("There is nothing here", "It does not exist, or it is not yours to see."),
    500: ("Something failed on our side", "It has been recorded. Try again in a moment."),
    503: ("The clinic is busy at the moment", "Nothing was done. Wait a moment and try again."),
}


def render_error(
    request: HttpRequest, status: int, *, title: str | None = None, detail: str | None = None
) -> HttpResponse:
    """Render the page of an error; title and detail default to the usual ones of the status.

    Must work when nothing else does: it runs no context processor, no query and no middleware's work, so it reads the
    header of htmx itself.
    """
    usual_title, usual_detail = TEXTS.get(status, TEXTS[400])
    context = {
        "status": status,
        "title": title or usual_title,
        "detail": detail or usual_detail,
        "reference": get_contextvars().get("request_id"),
    }
    if request.headers.get("HX-Request") != "true":
        return HttpResponse(loader.render_to_string("portal/error.html", context), status=status)
    alert = HttpResponse(loader.render_to_string("portal/error.html#alert", context), status=status)
    return reswap(retarget(alert, "#alerts"), "innerHTML")


def render_refusal(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """Render what a service refused and no page said beside a field."""
    if isinstance(refusal, NotFound):
        return render_error(request, 404)
    response = render_error(request, refusal.status, title=refusal.title, detail=refusal.detail)
    if isinstance(refusal, TooManyAttempts):
        response["Retry-After"] = str(refusal.retry_after)
    return response


def render_busy(request: HttpRequest) -> HttpResponse:
    """Render that the database is busy or away (a lock not given, a deadlock resolved): nothing was done, come back."""
    response = render_error(request, 503)
    response["Retry-After"] = "1"
    return response
