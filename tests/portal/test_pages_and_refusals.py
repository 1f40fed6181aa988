"""What every page of somebody signed in gets: its frame, its messages, and refusals as pages."""

import pytest
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path

from config.urls import handler400, handler403, handler404, handler500  # noqa: F401  a URLconf names its own
from core.actor import Actor
from core.errors import Conflict, Invalid, NotAllowed, NotFound, NotSignedIn, TooManyAttempts
from portal.frame import frame_for
from portal.session import PortalRequest, signed_in
from tests.portal.pages import Page

REFUSALS = {
    "not-allowed": NotAllowed("Only the front desk moves <b>appointments</b>."),
    "not-found": NotFound("patient 7 is somebody else's"),
    "conflict": Conflict("Somebody else changed this first."),
    "invalid": Invalid({"name": ["must not be empty"]}),
    "too-often": TooManyAttempts(42),
    "not-signed-in": NotSignedIn(),
}


@signed_in
def refuse(request: PortalRequest, actor: Actor, *, how: str) -> HttpResponse:
    raise REFUSALS[how]


@signed_in
def note(request: PortalRequest, actor: Actor) -> HttpResponse:
    messages.success(request, "The chart of <b>Alma</b> is saved.")
    return render(request, "portal/frame.html", {"frame": frame_for(request, actor)})


def break_down(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("nobody expected this")


urlpatterns = [
    path("refuse/<str:how>/", refuse),
    path("note/", note),
    path("break/", break_down),
    path("", include("config.urls")),
]

pytestmark = pytest.mark.urls(__name__)


@pytest.mark.parametrize(
    ("how", "status", "sentence"),
    [
        ("not-allowed", 403, "Only the front desk moves <b>appointments</b>."),
        ("not-found", 404, "There is nothing here"),
        ("conflict", 409, "Somebody else changed this first."),
        ("invalid", 422, "Some fields are not valid"),
        ("too-often", 429, "Try again in 42 seconds."),
    ],
)
def test_a_refusal_of_a_service_becomes_a_page(sign_in, erin, how, status, sentence):
    response = sign_in(erin).get(f"/refuse/{how}/")

    assert response.status_code == status
    assert sentence in Page(response).text
    assert f"Error {status}" in Page(response).text
    assert response.get("Retry-After") == ("42" if how == "too-often" else None)


def test_what_is_invisible_looks_like_what_is_missing(sign_in, erin):
    browser = sign_in(erin)

    invisible = browser.get("/refuse/not-found/", headers={"X-Request-ID": "same-for-both"})
    missing = browser.get("/no-such-page/", headers={"X-Request-ID": "same-for-both"})

    assert invisible.content == missing.content
    assert invisible.status_code == missing.status_code == 404


def test_htmx_gets_a_refusal_as_an_alert_on_the_page_it_is_on(sign_in, erin):
    response = sign_in(erin).get("/refuse/conflict/", headers={"HX-Request": "true"})

    assert response.status_code == 409
    assert (response["HX-Retarget"], response["HX-Reswap"]) == ("#alerts", "innerHTML")
    assert Page(response).tags[0] == ("div", {"class": "alert alert--danger", "role": "alert"})
    assert "Somebody else changed this first." in Page(response).text


def test_an_account_that_is_gone_in_the_middle_is_sent_to_the_door(sign_in, erin):
    response = sign_in(erin).get("/refuse/not-signed-in/")

    assert response["Location"] == "/sign-in/?next=%2Frefuse%2Fnot-signed-in%2F&notice=ended"


def test_a_form_of_nobody_is_not_repeated_after_signing_in(client, db):
    assert client.post("/note/")["Location"] == "/sign-in/"


def test_messages_are_shown_once_and_as_text(sign_in, erin):
    page = Page(sign_in(erin).get("/note/"))

    assert "The chart of <b>Alma</b> is saved." in page.text
    assert page.all("div", role="status") == [{"class": "alert alert--success", "role": "status"}]


def test_a_failure_of_ours_is_a_page_that_needs_no_database(client):
    # No database fixture: a query here would be refused.
    client.raise_request_exception = False

    response = client.get("/break/", headers={"X-Request-ID": "tell-us-this"})

    page = Page(response)
    assert response.status_code == 500
    assert "Something failed on our side" in page.text
    assert "tell-us-this" in page.text
    assert "nobody expected this" not in response.content.decode()


def test_htmx_is_told_of_a_failure_of_ours_too(client):
    client.raise_request_exception = False

    response = client.get("/break/", headers={"HX-Request": "true"})

    assert response.status_code == 500
    assert response["HX-Retarget"] == "#alerts"
    assert "Something failed on our side." in Page(response).text
