"""Problem details (RFC 9457): the one shape of every answer of 400 and above under /api/."""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from ninja import Schema

from core.errors import Invalid, Malformed, NotFound, NotSignedIn, Refusal, TooManyAttempts, UnsupportedMediaType

CONTENT_TYPE = "application/problem+json"


class Problem(Schema):
    """What went wrong: `code` for programs, `detail` for people, `errors` from field to sentences."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: dict[str, list[str]] | None = None


# Answers that Django or the server give before any of our code runs, by status: (code, title).
_PLAIN = {
    400: (Malformed.code, Malformed.title),
    401: (NotSignedIn.code, NotSignedIn.title),
    403: ("forbidden", "This request is not accepted"),
    404: (NotFound.code, NotFound.title),
    405: ("method_not_allowed", "This method is not allowed here"),
    411: ("length_required", "Say how long the body is"),
    413: ("body_too_large", "The body is too large"),
    415: (UnsupportedMediaType.code, UnsupportedMediaType.title),
    500: ("internal_error", "Something failed on our side; it has been recorded"),
    503: ("unavailable", "The service is not ready"),
}


def problem(
    status: int, *, code: str | None = None, title: str | None = None, detail: str | None = None, **more: Any
) -> HttpResponse:
    """Build a problem answer; code and title default to the usual ones of the status."""
    usual_code, usual_title = _PLAIN.get(status, ("error", "The request failed"))
    title = title or usual_title
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail or title,
        "code": code or usual_code,
        **more,
    }
    return HttpResponse(orjson.dumps(body, default=str), status=status, content_type=CONTENT_TYPE)


def problem_from(refusal: Refusal) -> HttpResponse:
    """Answer a refusal: its status, code and sentence, and the headers that belong to the status."""
    more: dict[str, Any] = dict(refusal.more())
    if isinstance(refusal, Invalid):
        more["errors"] = refusal.errors
    response = problem(refusal.status, code=refusal.code, title=refusal.title, detail=refusal.detail, **more)
    if isinstance(refusal, NotSignedIn):
        response["WWW-Authenticate"] = 'Bearer realm="polyclinic"'
    if isinstance(refusal, TooManyAttempts):
        response["Retry-After"] = str(refusal.retry_after)
    return response


# Django's error handlers under /api/, so that a stranger's wrong path never renders a page (see `core.edge`).
def answer_bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django refuses before any handler: a foreign host, a broken upload."""
    return problem(400)


def answer_forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django forbids before any handler."""
    return problem(403)


def answer_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an unknown path, in the words of a missing thing."""
    return problem(404)


def answer_failure(request: HttpRequest) -> HttpResponse:
    """Answer a failure that nobody expected."""
    return problem(500)
