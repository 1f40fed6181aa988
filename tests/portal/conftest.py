"""The portal in the hands of one person, and in a real browser."""

from collections.abc import Callable, Iterator

import pytest
from django.test import Client

from tests.conftest import Person
from tests.factories import PASSWORD
from tests.portal.visits import CHROMIUM_SWITCHES, Visit, chromium_path, start_visit

SignIn = Callable[..., Client]


@pytest.fixture
def sign_in() -> SignIn:
    """Sign a person in by the form, as a browser does, and return the browser."""

    def through_the_door(person: Person, client: Client | None = None) -> Client:
        client = client or Client()
        response = client.post("/sign-in/", {"identifier": person.user.username, "password": PASSWORD})
        assert response.status_code == 302, response.content.decode()
        return client

    return through_the_door


@pytest.fixture
def browser(live_server, erin) -> Iterator[object]:
    """A Chromium of this test alone.

    Playwright keeps an event loop running in this thread, beside which Django's ORM refuses to work. So whoever is in
    the test is made before it starts, the test meets the database through pages alone, and the browser is gone before
    the database is emptied.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.fail("The browser tests need Playwright: pip install -r requirements-dev.txt")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_SWITCHES)
        try:
            yield chromium
        finally:
            chromium.close()


@pytest.fixture
def visit(browser, live_server) -> Visit:
    """A window with JavaScript."""
    return start_visit(browser, live_server)


@pytest.fixture
def plain_visit(browser, live_server) -> Visit:
    """A window that runs no script."""
    return start_visit(browser, live_server, java_script_enabled=False)


@pytest.fixture(params=["visit", "plain_visit"], ids=["with JavaScript", "without JavaScript"])
def either_visit(request) -> Visit:
    return request.getfixturevalue(request.param)
