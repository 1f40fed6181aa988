"""Asking for a role, and what became of it."""

from typing import get_args

import pytest
from django.test import Client
from django.utils import timezone

import care.service
import identity.service
from core.actor import Role
from core.errors import NotFound
from core.models import AuditEvent
from identity.models import RoleRequest
from identity.schemas import DecisionIn, RoleRequestIn
from portal.forms.administration import REQUESTABLE
from portal.roles import ROLES
from tests.conftest import Person
from tests.factories import PASSWORD, UserFactory
from tests.portal.administration import ask, refused
from tests.portal.pages import Page
from tests.portal.rendering import count_queries

ADDRESS = "/role-requests/"


def deny(asked: RoleRequest, admin: Person, reason: str = "Not yet") -> None:
    care.service.deny_role_request(
        actor=admin.actor, request_id=asked.pk, body=DecisionIn(reason=reason), now=timezone.now()
    )


@pytest.mark.parametrize("role", list(Role))
def test_offers_everybody_the_roles_they_do_not_have(sign_in, db, role):
    browser = sign_in(Person(UserFactory(username="someone", role=role)))

    page = Page(browser.get(ADDRESS))

    offered = [field["value"] for field in page.all("input", name="role")]
    assert offered == [each.value for each in REQUESTABLE if each is not role]
    assert ROLES[role].label in page.text
    # Administrators give roles; the way to ask for one stays out of their menu.
    assert bool(Page(browser.get("/")).all("a", href=ADDRESS)) is (role is not Role.ADMIN)


def test_offers_exactly_the_roles_that_can_be_asked_for():
    assert {role.value for role in REQUESTABLE} == set(get_args(RoleRequestIn.model_fields["role"].annotation))


def test_whoever_is_not_signed_in_is_sent_to_the_door(client, db):
    assert client.get(ADDRESS)["Location"] == "/sign-in/?next=%2Frole-requests%2F"
    assert client.post(ADDRESS, {"role": "staff"})["Location"] == "/sign-in/"
    assert not RoleRequest.objects.exists()


def test_asking_stores_a_request_and_gives_nothing(sign_in, bob):
    browser = sign_in(bob)

    response = browser.post(ADDRESS, {"role": "staff"})

    asked = RoleRequest.objects.get()
    bob.user.refresh_from_db()
    page = Page(browser.get(ADDRESS))
    assert response["Location"] == ADDRESS
    assert (asked.user_id, asked.role, asked.status, bob.user.role) == (bob.id, "staff", "pending", "patient")
    assert "You asked for the role Front desk. An administrator decides." in page.text
    assert "Your request waits" in page.text
    assert not page.all("input", name="role")
    assert AuditEvent.objects.filter(action="role-request.create", actor_id=bob.id, outcome="allowed").count() == 1


def test_shows_what_became_of_a_request_and_why(sign_in, bob, ada):
    deny(ask(bob, "doctor"), ada, "No licence was shown")

    page = Page(sign_in(bob).get(ADDRESS))

    assert "Doctor" in page.text
    assert "denied" in page.text
    assert "No licence was shown" in page.text
    # Another one may be asked for.
    assert page.all("input", name="role")


def test_shows_only_the_own_requests_even_to_administrators(sign_in, ada, bob):
    ask(bob, "doctor")

    page = Page(sign_in(ada).get(ADDRESS))

    assert "Nothing so far." in page.text
    assert page.all("input", name="role")


def test_the_requests_of_one_account_are_shown_to_it_and_to_administrators_alone(ada, alice, bob):
    asked = ask(bob, "doctor")
    ask(alice, "staff")
    query = {"user": str(bob.id)}

    assert [each["id"] for each in ada.api.get("/api/role-requests/", query).json()] == [str(asked.pk)]
    assert [each["id"] for each in bob.api.get("/api/role-requests/", query).json()] == [str(asked.pk)]
    assert alice.api.get("/api/role-requests/", query).json() == []
    with pytest.raises(NotFound):
        identity.service.get_role_request(actor=alice.actor, request_id=asked.pk)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "Choose the role that you ask for."),
        ({"role": ""}, "Choose the role that you ask for."),
        ({"role": "admin"}, "Select a valid choice."),
        ({"role": "patient"}, "Select a valid choice."),
        ({"role": "Staff"}, "Select a valid choice."),
    ],
)
def test_names_what_is_wrong_beside_the_choice(sign_in, bob, body, sentence):
    response = sign_in(bob).post(ADDRESS, body)

    page = Page(response)
    assert response.status_code == 422
    assert sentence in page.text
    assert page.one("fieldset")["aria-describedby"] == page.with_id("role-wrong")["id"]
    assert not RoleRequest.objects.exists()


def test_a_second_request_is_refused_on_the_page(sign_in, bob):
    browser = sign_in(bob)
    browser.post(ADDRESS, {"role": "staff"})

    response = browser.post(ADDRESS, {"role": "doctor"})

    assert response.status_code == 409
    assert "Another request of yours is waiting." in Page(response).text
    assert RoleRequest.objects.count() == 1
    assert refused("role-request.create", bob) == ["duplicate"]


@pytest.mark.parametrize("forbidden", ["status", "user", "decided_by", "reason"])
def test_takes_nothing_but_the_role(sign_in, bob, ada, forbidden):
    sign_in(bob).post(ADDRESS, {"role": "staff", forbidden: {"user": str(ada.id)}.get(forbidden, "approved")})

    asked = RoleRequest.objects.get()
    bob.user.refresh_from_db()
    assert (asked.user_id, asked.status, asked.reason, asked.decided_by_id) == (bob.id, "pending", "", None)
    assert bob.user.role == "patient"


def test_refuses_a_form_without_the_token_of_this_browser(bob):
    browser = Client(enforce_csrf_checks=True)
    token = Page(browser.get("/sign-in/")).one("input", name="csrfmiddlewaretoken")["value"]
    browser.post("/sign-in/", {"identifier": "bob", "password": PASSWORD, "csrfmiddlewaretoken": token})

    assert browser.post(ADDRESS, {"role": "staff"}).status_code == 403
    assert not RoleRequest.objects.exists()


def test_costs_the_same_however_much_was_asked_for(sign_in, bob, ada):
    browser = sign_in(bob)
    for _ in range(10):
        deny(ask(bob, "doctor"), ada)
    few = count_queries(browser, ADDRESS)
    for _ in range(90):
        deny(ask(bob, "doctor"), ada)

    assert count_queries(browser, ADDRESS) == few


def test_turns_the_pages_of_a_long_list(sign_in, bob, ada):
    for number in range(30):
        deny(ask(bob, "doctor"), ada, f"Refusal {number:02}")
    browser = sign_in(bob)

    first = Page(browser.get(ADDRESS))
    second = Page(browser.get(first.one("a", rel="next")["href"]))

    assert "Refusal 29" in first.text
    assert "Refusal 04" not in first.text
    assert "Refusal 04" in second.text
    assert browser.get(ADDRESS, {"cursor": "made up"})["Location"] == ADDRESS


def test_a_reason_is_shown_as_text_whatever_it_holds(sign_in, bob, ada):
    reason = "<img src=x hx-get=/sign-out/>"
    deny(ask(bob, "doctor"), ada, reason)

    page = Page(sign_in(bob).get(ADDRESS))

    assert reason in page.text
    assert not page.all("img", src="x")


def test_knows_no_other_method(sign_in, bob):
    assert sign_in(bob).delete(ADDRESS).status_code == 405
