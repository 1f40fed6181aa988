"""The first page after signing in."""

import pytest
from django.core.signals import request_finished
from django.db import connection
from django.test.signals import template_rendered
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import identity.service
from core.actor import SYSTEM, Role
from identity.schemas import RegisterIn
from portal.roles import ROLES
from tests.conftest import Person
from tests.factories import PASSWORD, UserFactory
from tests.portal.pages import Page


@pytest.mark.parametrize("role", list(Role))
def test_greets_by_name_and_says_the_role_and_what_it_can_do(sign_in, db, role):
    person = Person(UserFactory(username="someone", name="Sam One", role=role))

    page = Page(sign_in(person).get("/"))

    assert "Welcome, Sam One" in page.text
    assert f"You are signed in as {ROLES[role].label} ." in page.text
    assert ROLES[role].today in page.text


def test_greets_whoever_gave_no_name_by_an_identifier(sign_in, db):
    person = Person(UserFactory(username="someone", name=""))

    assert "Welcome, someone" in Page(sign_in(person).get("/")).text


def test_shows_the_own_account(sign_in, db):
    person = Person(UserFactory(username="someone", email="some@clinic.example", mobile_number="+8801712345678"))

    page = Page(sign_in(person).get("/"))

    for fact in ("some@clinic.example", "someone", "+8801712345678"):
        assert fact in page.text
    assert "Role asked for" not in page.text


def test_leaves_out_what_the_account_does_not_have(sign_in, db):
    person = Person(UserFactory(username="someone", email=None))

    page = Page(sign_in(person).get("/"))

    assert "E-mail" not in page.text
    assert "None" not in page.text


def test_shows_a_role_that_was_asked_for_and_where_the_request_stands(client, db):
    body = RegisterIn(username="someone", password=PASSWORD, role="doctor")
    identity.service.register(actor=SYSTEM, body=body, address="192.0.2.7", now=timezone.now())
    client.post("/sign-in/", {"identifier": "someone", "password": PASSWORD})

    page = Page(client.get("/"))

    assert "Role asked for Doctor pending" in page.text
    assert "You are signed in as Patient ." in page.text


def test_everybody_finds_the_documentation_of_the_api(sign_in, alice):
    page = Page(sign_in(alice).get("/"))

    assert page.all("a", href="/swagger/")
    assert page.all("a", href="/redoc/")


def test_superusers_alone_find_the_technical_window(sign_in, ada, db):
    clerk = Person(UserFactory(username="clerk", role=Role.ADMIN))

    assert Page(sign_in(ada).get("/")).all("a", href="/admin/")
    assert not Page(sign_in(clerk).get("/")).all("a", href="/admin/")


def test_a_name_is_shown_as_text_whatever_it_holds(sign_in, db):
    name = "<script>alert(1)</script><img src=x hx-get=/sign-out/>"
    person = Person(UserFactory(username="someone", name=name))

    page = Page(sign_in(person).get("/"))

    assert page.text.count(name) == 2
    assert not page.all("img", src="x")
    assert all("src" in script for script in page.all("script"))


def test_rendering_the_page_asks_the_database_nothing(sign_in, erin):
    browser = sign_in(erin)
    asked_at: dict[str, int] = {}

    def note_start(sender, template, **_):
        if template.name == "portal/home.html":
            asked_at["start"] = len(captured)

    def note_end(sender, **_):
        asked_at["end"] = len(captured)

    template_rendered.connect(note_start)
    request_finished.connect(note_end)
    try:
        with CaptureQueriesContext(connection) as captured:
            browser.get("/")
    finally:
        template_rendered.disconnect(note_start)
        request_finished.disconnect(note_end)

    # The session, its account, the card of the frame, the profile and the role asked for.
    assert asked_at == {"start": 5, "end": 5}


def test_is_there_for_reading_only(sign_in, erin):
    assert sign_in(erin).post("/").status_code == 405
