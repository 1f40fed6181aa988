"""Identity's endpoints."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Status

from core.actor import ANONYMOUS
from core.client import client_address
from core.idempotency import answer_once
from core.pagination import PageIn, with_next_link
from core.wire import SignedInRequest
from identity import service
from identity.schemas import (
    AuditEventOut,
    AuditFilters,
    LoginIn,
    PasswordChangeIn,
    RefreshIn,
    RegisteredOut,
    RegisterIn,
    RoleRequestFilters,
    RoleRequestIn,
    RoleRequestOut,
    SignedInOut,
    TokensOut,
)

router = Router(tags=["identity"])

# The documents spell these paths differently; each spelling is the same handler (CONTRACT: identity).
REGISTER_PATHS = ("/auth/register/", "/signup/")
LOGIN_PATHS = ("/auth/login/", "/login/", "/token/")
REFRESH_PATHS = ("/auth/refresh/", "/token/refresh/", "/auth/token/refresh/")


def register(request: HttpRequest, body: RegisterIn) -> Status:
    """Make an account; answers with its tokens, never with the password."""
    return Status(
        201, service.register(actor=ANONYMOUS, body=body, address=client_address(request), now=timezone.now())
    )


def sign_in(request: HttpRequest, body: LoginIn) -> SignedInOut:
    """Sign in with a password and exactly one of email, username and mobile_number."""
    return service.sign_in(actor=ANONYMOUS, body=body, address=client_address(request), now=timezone.now())


def refresh_session(request: HttpRequest, body: RefreshIn) -> TokensOut:
    """Exchange a refresh token for a new pair, once; showing it again ends the session."""
    return service.refresh_session(refresh=body.refresh, now=timezone.now())


def _mount(paths: tuple[str, ...], handler: Any, response: Any) -> None:
    for path in paths:
        spelling = path.strip("/").replace("/", "_")
        router.post(path, auth=None, response=response, operation_id=f"{handler.__name__}_{spelling}")(handler)


_mount(REGISTER_PATHS, register, {201: RegisteredOut})
_mount(LOGIN_PATHS, sign_in, SignedInOut)
_mount(REFRESH_PATHS, refresh_session, TokensOut)


@router.post("/auth/logout/", response={204: None})
def sign_out(request: SignedInRequest, all: Query[bool] = False) -> Status:
    """End this session, or with `?all=true` every session of the account."""
    service.sign_out(actor=request.auth, everywhere=all, now=timezone.now())
    return Status(204, None)


@router.post("/auth/password/change/", response=TokensOut)
def change_password(request: SignedInRequest, body: PasswordChangeIn) -> TokensOut:
    """Set a new password; every older token is refused from now on, the answer holds a new pair."""
    return service.change_password(actor=request.auth, body=body, address=client_address(request), now=timezone.now())


@router.get("/role-requests/", response=list[RoleRequestOut])
def list_role_requests(
    request: SignedInRequest, response: HttpResponse, filters: Query[RoleRequestFilters], page: Query[PageIn]
) -> list[RoleRequestOut]:
    """List the roles you asked for; administrators see everybody's."""
    found = service.list_role_requests(actor=request.auth, filters=filters, page=page)
    return with_next_link(request, response, found)


@router.post("/role-requests/", response={201: RoleRequestOut})
def ask_for_role(request: SignedInRequest, body: RoleRequestIn) -> HttpResponse | Status:
    """Ask for another role; an administrator decides."""
    return answer_once(request, lambda: service.ask_for_role(actor=request.auth, body=body, now=timezone.now()))


@router.get("/audit/", response=list[AuditEventOut])
def list_audit_events(
    request: SignedInRequest, response: HttpResponse, filters: Query[AuditFilters], page: Query[PageIn]
) -> list[AuditEventOut]:
    """Search the audit trail; administrators only, and on record itself."""
    found = service.list_audit_events(actor=request.auth, filters=filters, page=page)
    return with_next_link(request, response, found)
