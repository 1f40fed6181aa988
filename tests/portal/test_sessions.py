"""How long a session of the portal lives, and what ends it."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

import care.service
import identity.service
from core.actor import Role
from identity.schemas import PasswordChangeIn
from tests.factories import PASSWORD
from tests.portal.pages import Page

MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def clock():
    with time_machine.travel(MORNING, tick=False) as traveller:
        yield traveller


def test_sends_whoever_is_not_signed_in_to_the_door(client, db):
    response = client.get("/")

    assert response.status_code == 302
    assert response["Location"] == "/sign-in/"


def test_the_door_remembers_the_page_that_was_asked_for(client, db):
    response = client.get("/?tab=account")

    assert response["Location"] == "/sign-in/?next=%2F%3Ftab%3Daccount"


def test_a_request_of_htmx_leaves_the_page_for_the_door(client, db):
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/?tab=account"}

    response = client.get("/", headers=headers)

    assert response.status_code == 200
    assert response["HX-Redirect"] == "/sign-in/?next=%2F%3Ftab%3Daccount"
    assert response.content == b""


def test_a_request_of_htmx_from_a_foreign_page_is_not_remembered(client, db):
    headers = {"HX-Request": "true", "HX-Current-URL": "https://evil.example/"}

    assert client.get("/", headers=headers)["HX-Redirect"] == "/sign-in/"


def test_fifteen_idle_minutes_end_a_session(clock, sign_in, erin):
    browser = sign_in(erin)

    clock.shift(15 * 60)
    assert browser.get("/").status_code == 200
    clock.shift(15 * 60 + 1)
    response = browser.get("/")

    assert response["Location"] == "/sign-in/?notice=ended"
    assert not Session.objects.exists()
    assert browser.get("/").status_code == 302


def test_twelve_hours_end_a_session_however_busy(clock, sign_in, erin):
    browser = sign_in(erin)

    for _ in range(12 * 6):
        clock.shift(10 * 60)
        assert browser.get("/").status_code == 200
    clock.shift(60)

    assert browser.get("/")["Location"] == "/sign-in/?notice=ended"


def test_the_door_says_that_the_session_ended(clock, sign_in, erin):
    browser = sign_in(erin)
    clock.shift(16 * 60)

    page = Page(browser.get("/", follow=True))

    assert "Your session has ended. Sign in to go on." in page.text


def test_the_door_repeats_no_words_of_the_address(client):
    page = Page(client.get("/sign-in/", {"notice": "Call 555-0100 to unlock your account"}))

    assert "555-0100" not in page.text


def change_role(person, admin):
    care.service.set_role(actor=admin.actor, user_id=person.id, role=Role.RESEARCHER, now=timezone.now())


def change_password(person, admin):
    body = PasswordChangeIn(old_password=PASSWORD, new_password="another horse battery")
    identity.service.change_password(actor=person.actor, body=body, address="192.0.2.7", now=timezone.now())


def deactivate(person, admin):
    care.service.deactivate_user(actor=admin.actor, user_id=person.id, now=timezone.now())


def sign_out_everywhere(person, admin):
    identity.service.sign_out(actor=person.actor, everywhere=True, now=timezone.now())


@pytest.mark.parametrize("change", [change_role, change_password, deactivate, sign_out_everywhere])
def test_a_change_of_the_account_ends_its_sessions_on_the_next_request(sign_in, erin, ada, change):
    browser, another = sign_in(erin), sign_in(erin)
    bystander = sign_in(ada)
    assert browser.get("/").status_code == 200

    change(erin, ada)

    assert browser.get("/")["Location"] == "/sign-in/?notice=ended"
    assert another.get("/")["Location"] == "/sign-in/?notice=ended"
    assert bystander.get("/").status_code == 200


def test_a_session_from_before_the_deactivation_stays_dead(sign_in, erin, ada):
    browser = sign_in(erin)
    deactivate(erin, ada)
    care.service.activate_user(actor=ada.actor, user_id=erin.id, now=timezone.now())

    assert browser.get("/").status_code == 302


def test_signing_out_ends_the_session(sign_in, erin):
    browser = sign_in(erin)
    stolen = browser.cookies["sessionid"].value

    response = browser.post("/sign-out/")

    assert response["Location"] == "/sign-in/?notice=signed-out"
    assert "You have signed out." in Page(browser.get(response["Location"])).text
    assert not Session.objects.exists()
    thief = Client()
    thief.cookies["sessionid"] = stolen
    assert thief.get("/").status_code == 302


def test_signing_out_ends_no_session_but_this_one(sign_in, erin):
    browser, another = sign_in(erin), sign_in(erin)

    browser.post("/sign-out/")

    assert another.get("/").status_code == 200


def test_signing_out_twice_is_harmless(client, db):
    assert client.post("/sign-out/").status_code == 302
    assert client.post("/sign-out/").status_code == 302


def test_a_link_cannot_sign_anybody_out(sign_in, erin):
    browser = sign_in(erin)

    response = browser.get("/sign-out/")

    assert response.status_code == 405
    assert response["Allow"] == "POST"
    assert browser.get("/").status_code == 200


def test_a_foreign_form_cannot_sign_anybody_out(erin):
    browser = Client(enforce_csrf_checks=True)
    token = Page(browser.get("/sign-in/")).one("input", name="csrfmiddlewaretoken")["value"]
    browser.post("/sign-in/", {"identifier": "erin", "password": PASSWORD, "csrfmiddlewaretoken": token})

    assert browser.post("/sign-out/").status_code == 403
    home = Page(browser.get("/"))
    token = home.one("input", name="csrfmiddlewaretoken")["value"]
    assert browser.post("/sign-out/", {"csrfmiddlewaretoken": token}).status_code == 302


def test_the_cookie_is_for_this_site_and_not_for_scripts(client, erin):
    client.post("/sign-in/", {"identifier": "erin", "password": PASSWORD})

    cookie = client.cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["max-age"] == timedelta(hours=12).total_seconds()


def test_an_access_token_opens_no_page(client, erin):
    response = client.get("/", headers={"Authorization": f"Bearer {erin.api.token}"})

    assert response["Location"] == "/sign-in/"


def test_a_session_opens_no_api(sign_in, erin):
    browser = sign_in(erin)

    assert browser.get("/api/profile/").status_code == 401
