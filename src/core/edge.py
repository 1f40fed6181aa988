"""The edge of the house: what is the same for every request, whatever it asks.

Outermost middleware. Under /api/ it accepts both spellings of a path, answers HEAD and OPTIONS, refuses bodies that are
too large or endless, and makes every error a problem document, also those that Django and the server raise before any
of our handlers runs. Everywhere it names the request, forbids caching and writes one access line without query, path
ids or any other patient data.
"""

import re
import time
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from core.client import client_address
from core.ids import new_id
from core.problems import CONTENT_TYPE as PROBLEM
from core.problems import problem
from core.trace import begin_trace

log = structlog.get_logger("polyclinic.access")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_BODY_METHODS = ("POST", "PUT", "PATCH", "DELETE")
_KEPT_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate", "Vary")


def log_failure(sender: object, **_: Any) -> None:
    """Log an exception that no handler caught, by its type and places (see `core.logs`)."""
    log.error("unhandled", exc_info=True)


got_request_exception.connect(log_failure, dispatch_uid="core.edge.log_failure")

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class EdgeMiddleware:
    """See the module; stands first in `MIDDLEWARE`."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request and log it by its route."""
        started = time.perf_counter()
        offered = request.headers.get("X-Request-ID", "")
        request_id = offered if _REQUEST_ID.fullmatch(offered) else str(new_id())
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        begin_trace(request_id, client_address(request))
        is_api = request.path_info == "/api" or request.path_info.startswith("/api/")
        response = self._answer_api(request) if is_api else self._answer_page(request)
        response["X-Request-ID"] = request_id
        response["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
        response.setdefault("Cache-Control", "no-store")
        match = request.resolver_match
        log.info(
            "request",
            method=request.method,
            route=match.route if match else None,
            status=response.status_code,
            milliseconds=round((time.perf_counter() - started) * 1000, 1),
        )
        return response

    def _answer_page(self, request: HttpRequest) -> HttpResponseBase:
        if "\x00" in request.path_info or _query_has_nul(request):
            return HttpResponse("Bad request", status=400, content_type="text/plain")
        return self.get_response(request)

    def _answer_api(self, request: HttpRequest) -> HttpResponseBase:
        refused = _refuse_early(request)
        if refused is not None:
            return refused
        if not request.path_info.endswith(("/", ".json")):
            request.path_info += "/"
        # Its own addresses: the same endpoints, but with error handlers that render no page.
        request.urlconf = settings.API_URLCONF
        method = request.method
        if method == "HEAD":
            request.method = "GET"
        response = self.get_response(request)
        request.method = method
        if response.status_code == 405:
            response = _complete_allow(request, response)
        if response.status_code >= 400 and not response.get("Content-Type", "").startswith(PROBLEM):
            response = _as_problem(response)
        if method == "HEAD" and isinstance(response, HttpResponse):
            response["Content-Length"] = str(len(response.content))
            response.content = b""
        return response


def _refuse_early(request: HttpRequest) -> HttpResponse | None:
    """Refuse what no handler should see: NUL, endless and oversized bodies."""
    if "\x00" in request.path_info:
        return problem(404)
    if _query_has_nul(request):
        return problem(
            422,
            code="invalid",
            title="Some fields are not valid",
            errors={"query": ["must not contain the NUL character"]},
        )
    return _refuse_body(request) if request.method in _BODY_METHODS else None


def _refuse_body(request: HttpRequest) -> HttpResponse | None:
    if request.META.get("HTTP_TRANSFER_ENCODING") and not request.META.get("CONTENT_LENGTH"):
        return problem(411)
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit():
        return problem(400)
    if int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        return problem(413, detail=f"The body may hold {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes at most.")
    return None


def _query_has_nul(request: HttpRequest) -> bool:
    return "%00" in request.META.get("QUERY_STRING", "")


def _complete_allow(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Name HEAD and OPTIONS among the allowed methods, and answer OPTIONS itself."""
    allowed = {method.strip() for method in response.get("Allow", "").split(",") if method.strip()}
    allowed |= {"OPTIONS"} | ({"HEAD"} if "GET" in allowed else set())
    if request.method == "OPTIONS":
        response = HttpResponse(status=204)
        del response["Content-Type"]
    response["Allow"] = ", ".join(sorted(allowed))
    return response


def _as_problem(response: HttpResponseBase) -> HttpResponse:
    """Say the same in problem+json; what Django worded for a browser is dropped, its headers of meaning stay."""
    answer = problem(response.status_code)
    for name in _KEPT_HEADERS:
        if response.has_header(name):
            answer[name] = response[name]
    answer.cookies = response.cookies
    return answer
