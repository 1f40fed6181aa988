"""The pages of errors that no view of ours has caught."""

import pytest
from django.test import Client, RequestFactory

from portal.views import errors
from tests.portal.pages import Page


def test_a_missing_page_is_told_in_the_portals_own_look(client):
    response = client.get("/no/such/page/")

    page = Page(response)
    assert response.status_code == 404
    assert "There is nothing here" in page.text
    assert page.one("a", href="/")
    assert response["Cache-Control"] == "no-store"


def test_a_foreign_host_is_a_request_that_cannot_be_read(client):
    # Refused before any middleware of the portal has run.
    response = client.get("/", headers={"Host": "evil.example"})

    assert response.status_code == 400
    assert "This request could not be read" in Page(response).text
    assert "evil.example" not in response.content.decode()


@pytest.mark.parametrize(
    ("handler", "status", "sentence"),
    [
        (errors.bad_request, 400, "This request could not be read"),
        (errors.forbidden, 403, "You may not do this"),
        (errors.not_found, 404, "There is nothing here"),
        (errors.server_error, 500, "Something failed on our side"),
        (errors.csrf_failure, 403, "This page is out of date"),
    ],
)
def test_every_handler_works_on_a_bare_request(handler, status, sentence):
    # No session, no middleware, no database: as bad as it can get.
    response = handler(RequestFactory().get("/"))

    assert response.status_code == status
    assert sentence in Page(response).text


def test_the_reason_of_a_csrf_failure_is_not_shown():
    response = errors.csrf_failure(RequestFactory().post("/"), reason="CSRF cookie not set.")

    assert "cookie not set" not in response.content.decode()


def test_htmx_is_told_of_an_outdated_form_beside_it(db):
    client = Client(enforce_csrf_checks=True)

    response = client.post("/sign-in/", headers={"HX-Request": "true"})

    assert response.status_code == 403
    assert response["HX-Retarget"] == "#alerts"
    assert "This page is out of date." in Page(response).text
