"""The door of the portal."""

from datetime import UTC, datetime

import pytest
import time_machine
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

import care.service
from tests.factories import PASSWORD, UserFactory
from tests.portal.pages import Page

REFUSED = "These details do not open an account."
HTMX = {"HX-Request": "true"}


def enter(client: Client, identifier: str, password: str = PASSWORD, **more):
    headers = more.pop("headers", None)
    return client.post("/sign-in/", {"identifier": identifier, "password": password, **more}, headers=headers)


@pytest.mark.parametrize(
    "identifier",
    ["erin", " ERIN ", "erin@clinic.example", "Erin@Clinic.Example", "+8801712345678", "+880 1712-345678"],
)
def test_opens_with_every_kind_of_identifier(client, db, identifier):
    UserFactory(username="erin", mobile_number="+8801712345678")

    response = enter(client, identifier)

    assert response.status_code == 302
    assert response["Location"] == "/"
    assert client.get("/").status_code == 200


def test_shows_one_field_for_any_identifier_and_one_for_the_password(client):
    page = Page(client.get("/sign-in/"))

    identifier, password = page.one("input", name="identifier"), page.one("input", name="password")
    assert (identifier["type"], identifier["autocomplete"]) == ("text", "username")
    assert (password["type"], password["autocomplete"]) == ("password", "current-password")
    assert [label["for"] for label in page.all("label")] == [identifier["id"], password["id"]]
    assert "autofocus" in identifier
    assert "autofocus" not in password


def test_is_read_without_a_session_and_stored_nowhere(client, db, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = client.get("/sign-in/")

    assert response["Cache-Control"] == "no-store"
    assert "sessionid" not in response.cookies


def test_refuses_wrong_unknown_and_inactive_with_one_sentence(client, erin):
    UserFactory(username="closed", is_active=False)

    answers = [enter(client, "erin", "not the password"), enter(client, "no such person"), enter(client, "closed")]

    assert [answer.status_code for answer in answers] == [422, 422, 422]
    assert [REFUSED in Page(answer).text for answer in answers] == [True, True, True]
    assert not Session.objects.exists()


def test_a_refusal_keeps_the_identifier_and_forgets_the_password(client, erin):
    page = Page(enter(client, "erin", "not the password"))

    assert page.one("input", name="identifier")["value"] == "erin"
    assert "value" not in page.one("input", name="password")
    assert "autofocus" in page.one("input", name="password")
    assert "autofocus" not in page.one("input", name="identifier")
    assert "Error: Sign in" in page.text


def test_a_refusal_marks_both_fields_and_ties_them_to_the_sentence(client, erin):
    page = Page(enter(client, "erin", "not the password"))

    for name in ("identifier", "password"):
        field = page.one("input", name=name)
        assert field["aria-invalid"] == "true"
        assert page.with_id(field["aria-describedby"])["role"] == "alert"


@pytest.mark.parametrize(
    ("given", "wrong", "sentence"),
    [
        ({"password": PASSWORD}, "identifier", "Enter your e-mail address, username or mobile number."),
        ({"identifier": "erin"}, "password", "Enter your password."),
        ({"identifier": "  ", "password": PASSWORD}, "identifier", "Enter your e-mail address, username"),
        ({"identifier": "erin\x00", "password": PASSWORD}, "identifier", "Null characters are not allowed."),
        ({"identifier": "e" * 321, "password": PASSWORD}, "identifier", "at most 320 characters"),
        ({"identifier": "erin", "password": "p" * 1025}, "password", "at most 1024 characters"),
    ],
)
def test_names_what_is_wrong_beside_the_field(client, erin, given, wrong, sentence):
    response = client.post("/sign-in/", given)

    page = Page(response)
    field = page.one("input", name=wrong)
    assert response.status_code == 422
    assert sentence in page.text
    assert field["aria-invalid"] == "true"
    assert page.with_id(field["aria-describedby"])["class"] == "errorlist"
    assert "autofocus" in field
    assert len(page.all("input", **{"aria-invalid": "true"})) == 1


def test_htmx_gets_the_form_alone(client, erin):
    response = enter(client, "erin", "not the password", headers=HTMX)

    assert response.status_code == 422
    assert response.content.decode().strip().startswith("<form")
    assert "<html" not in response.content.decode()
    assert Page(response).one("form")["id"] == "sign-in-form"
    assert REFUSED in Page(response).text


def test_htmx_is_sent_on_by_its_own_header(client, erin):
    response = enter(client, "erin", next="/?tab=account", headers=HTMX)

    assert response.status_code == 200
    assert response["HX-Redirect"] == "/?tab=account"
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_a_used_up_throttle_says_how_long_to_wait(client, erin, settings, headers):
    settings.RATE_LIMITS = True

    # 120 seconds before the end of a window of 300; eight tries of one account from one address are allowed in it.
    with time_machine.travel(datetime(2026, 3, 2, 9, 3, tzinfo=UTC), tick=False):
        tries = [enter(client, "erin", "not the password", headers=headers).status_code for _ in range(8)]
        refused = enter(client, "erin", headers=headers)

    assert tries == [422] * 8
    assert refused.status_code == 429
    assert refused["Retry-After"] == "120"
    assert "Too many attempts. Try again in 120 seconds." in Page(refused).text
    assert not Session.objects.exists()


def test_the_door_opens_again_when_the_wait_is_over(client, erin, settings):
    settings.RATE_LIMITS = True

    with time_machine.travel(datetime(2026, 3, 2, 9, 3, tzinfo=UTC), tick=False) as clock:
        for _ in range(9):
            enter(client, "erin", "not the password")
        clock.shift(120)

        assert enter(client, "erin").status_code == 302


@pytest.mark.parametrize("target", ["/admin/", "/swagger/?a=1&b=2", "http://testserver/redoc/"])
def test_goes_on_to_where_the_person_was_heading(client, erin, target):
    form = Page(client.get("/sign-in/", {"next": target}))

    response = enter(client, "erin", next=form.one("input", name="next")["value"])

    assert response["Location"] == target


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "\\\\evil.example/",
        "http:evil.example",
        "javascript:alert(1)",
        "ftp://testserver/",
        " https://evil.example/",
        "",
    ],
)
def test_never_goes_on_to_a_foreign_address(client, erin, target):
    assert Page(client.get("/sign-in/", {"next": target})).one("input", name="next")["value"] == "/"
    assert enter(client, "erin", next=target)["Location"] == "/"


def test_asks_for_the_secure_scheme_where_the_portal_is_reached_by_it(erin):
    client = Client()

    response = client.post(
        "/sign-in/", {"identifier": "erin", "password": PASSWORD, "next": "http://testserver/"}, secure=True
    )

    assert response["Location"] == "/"


def test_whoever_is_signed_in_already_goes_home(sign_in, erin):
    browser = sign_in(erin)

    assert browser.get("/sign-in/")["Location"] == "/"
    assert browser.get("/sign-in/", {"next": "//evil.example/"})["Location"] == "/"


def test_the_session_gets_a_new_id_at_the_door(client, erin):
    planted = client.session
    planted["planted"] = "by somebody else"
    planted.save()

    enter(client, "erin")

    assert client.session.session_key != planted.session_key
    assert not SessionStore().exists(planted.session_key)
    assert "planted" in client.session


def test_nothing_of_the_person_before_is_left_to_the_next(sign_in, erin, alice):
    browser = sign_in(erin)
    session = browser.session
    session["erins"] = "things"
    session.save()

    sign_in(alice, browser)

    assert "Welcome, Alice" in Page(browser.get("/")).text
    assert "erins" not in browser.session
    assert not SessionStore().exists(session.session_key)


def test_refuses_a_form_without_the_token_of_this_browser(erin):
    client = Client(enforce_csrf_checks=True)

    response = enter(client, "erin")

    assert response.status_code == 403
    assert "This page is out of date" in Page(response).text
    assert not Session.objects.exists()


def test_refuses_a_form_that_a_foreign_page_sent(erin):
    client = Client(enforce_csrf_checks=True)
    token = Page(client.get("/sign-in/")).one("input", name="csrfmiddlewaretoken")["value"]

    foreign = enter(client, "erin", csrfmiddlewaretoken=token, headers={"Origin": "https://evil.example"})
    own = enter(client, "erin", csrfmiddlewaretoken=token, headers={"Origin": "http://testserver"})

    assert foreign.status_code == 403
    assert own.status_code == 302


def test_an_account_that_is_opened_again_may_enter_again(client, erin, ada):
    care.service.deactivate_user(actor=ada.actor, user_id=erin.id, now=timezone.now())
    assert enter(client, "erin").status_code == 422

    care.service.activate_user(actor=ada.actor, user_id=erin.id, now=timezone.now())
    assert enter(client, "erin").status_code == 302


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_knows_no_other_method(client, method):
    assert getattr(client, method)("/sign-in/").status_code == 405


def test_answers_head_like_get(client):
    response = client.head("/sign-in/")

    assert response.status_code == 200
    assert response.content == b""
