"""The API: who is asking, how refusals are worded, and which routers make it up."""

from typing import Any

import structlog
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.security.base import AuthBase

import care.api
import core.api
import federation.api
import identity.api
import scheduling.api
from core.actor import Actor
from core.audit import record_refusal
from core.errors import Invalid, NotSignedIn, Refusal
from core.problems import Problem, problem, problem_from
from core.wire import JSONRenderer, StrictParser
from identity.service import actor_from_access_token

log = structlog.get_logger("polyclinic.api")

DESCRIPTION = """
One backend for a clinic or a network of them. Sign in at `/api/auth/login/`, then send
`Authorization: Bearer <access>`. Lists are JSON arrays; the `Link` header names the next page. Every error is
`application/problem+json` (RFC 9457). Every path works with and without its trailing slash.
"""


class BearerAuth(AuthBase):
    """`Authorization: Bearer <access token>`, and nothing else: no cookie, no query parameter."""

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_bearerFormat = "JWT"  # noqa: N815  the name is OpenAPI's

    def __call__(self, request: HttpRequest) -> Actor:
        """Return the actor behind the token; raise NotSignedIn."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise NotSignedIn("Send an access token in the Authorization header.")
        return actor_from_access_token(token.strip(), now=timezone.now())


# Every creating POST of somebody signed in reads it (`core.idempotency`); handlers take the whole request, so Ninja
# does not see it.
_IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "description": "Of your choice, for 24 hours: sent again with the same body, the first answer comes again.",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


# What may be tried so often and no more (`core.throttle`), beside everything about signing in.
_THROTTLED = {
    ("post", "/api/appointments/"),
    ("post", "/api/appointments/book/"),
    ("put", "/api/profile/"),
    ("patch", "/api/profile/"),
    ("post", "/api/reports/"),
}


class PolyclinicAPI(NinjaAPI):
    """Ninja's API with every operation's refusals and the `Idempotency-Key` in its OpenAPI document."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """Return the OpenAPI document; each operation names the problems it can answer."""
        document = super().get_openapi_schema(**options)
        components = document.setdefault("components", {})
        components.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
        for path, operations in document["paths"].items():
            if "put" in operations and "patch" in operations:
                # One handler serves both; in the document each is an operation with an id of its own.
                operations["patch"] = {**operations["put"], "operationId": operations["put"]["operationId"] + "_partly"}
            for method, operation in operations.items():
                responses = operation["responses"]
                if method == "post" and {201, 202} & responses.keys() and operation.get("security"):
                    operation["parameters"] = [*operation.get("parameters", []), _IDEMPOTENCY_KEY]
                for status in _refusals(path, method, operation):
                    responses.setdefault(status, _problem_response(status))
        return document


# What operations answer beside what their kind does, by the last word of their path.
_OF_THEIR_OWN = {"fetch_records": {429, 502, 504}, "mock_hospital_data": {404}, "download": {409}}


def _refusals(path: str, method: str, operation: dict[str, Any]) -> list[int]:
    """Name the problem statuses an operation can answer, from what it takes."""
    statuses = {500, 503}
    if operation.get("security"):
        statuses |= {401, 403}
    if "{" in path:
        statuses.add(404)
    if operation.get("requestBody"):
        statuses |= {400, 411, 413, 415}
    if operation.get("requestBody") or operation.get("parameters"):
        statuses.add(422)
    if method in ("post", "put", "patch", "delete"):
        statuses |= {400, 404, 409, 413, 415}
    if "/auth/" in path or not operation.get("security"):
        statuses |= {401, 422, 429}
    if (method, path) in _THROTTLED:
        statuses.add(429)
    statuses |= _OF_THEIR_OWN.get(path.rstrip("/").rpartition("/")[2], set())
    return sorted(statuses)


def _problem_response(status: int) -> dict[str, Any]:
    return {
        "description": problem(status).reason_phrase,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


api = PolyclinicAPI(
    title="Polyclinic",
    version="1",
    description=DESCRIPTION,
    auth=BearerAuth(),
    parser=StrictParser(),
    renderer=JSONRenderer(),
    docs_url=None,
    openapi_url="/openapi.json",
    urls_namespace="api",
)
api.add_router("", core.api.router)
api.add_router("", identity.api.router)
api.add_router("", care.api.router)
api.add_router("", scheduling.api.router)
api.add_router("", federation.api.router)


@api.exception_handler(Refusal)
def answer_refusal(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """Answer what a service refused, once the attempt is on record."""
    record_refusal(refusal)
    return problem_from(refusal)


@api.exception_handler(ValidationError)
def answer_validation_error(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Answer what the schemas refused: field by field, without repeating what was sent."""
    errors: dict[str, list[str]] = {}
    for entry in error.errors:
        # ("body", <parameter>, field, …) or ("query", field); the outer names are ours, not the client's.
        source, *path = entry["loc"]
        if source == "body" and path:
            path = path[1:]
        field = ".".join(str(part) for part in path) or str(source)
        # An id that is none and an id of nothing are one error, so that ids cannot be probed.
        is_bad_id = source == "body" and entry["type"].startswith("uuid")
        sentence = "is not known" if is_bad_id else entry["msg"].removeprefix("Value error, ")
        errors.setdefault(field, []).append(sentence)
    return problem_from(Invalid(errors))


@api.exception_handler(HttpError)
def answer_http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    """Answer what Ninja itself refuses; a body that our parser refused says why."""
    if isinstance(error.__cause__, Refusal):
        return problem_from(error.__cause__)
    return problem(error.status_code)


@api.exception_handler(OperationalError)
def answer_busy(request: HttpRequest, failure: OperationalError) -> HttpResponse:
    """Answer that the database is busy or away (a lock not given, a deadlock resolved): nothing was done, come back."""
    log.error("database", exc_info=True)
    answer = problem(503)
    answer["Retry-After"] = "1"
    return answer


@api.exception_handler(Exception)
def answer_failure(request: HttpRequest, failure: Exception) -> HttpResponse:
    """Let Django record what nobody expected; the edge words the answer, in development too."""
    raise failure


urls = api.urls
