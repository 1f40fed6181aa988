"""Accounts on the administrators' pages."""

from datetime import UTC, datetime

import pytest
import time_machine

from core.actor import Role
from core.models import AuditEvent
from tests.conftest import Person
from tests.factories import PASSWORD, UserFactory
from tests.portal.administration import ask, refused
from tests.portal.pages import Page

HTMX = {"HX-Request": "true"}
LIST = "/administration/users/"


def address(person: Person, what: str = "") -> str:
    return f"{LIST}{person.id}/{what}"


@pytest.fixture
def crowd(db) -> None:
    """Accounts that differ in everything that can be searched for."""
    UserFactory(username="gomez", name="Rosa Gómez", email="rosa@ward.example", role=Role.STAFF)
    UserFactory(username="okafor", name="Amara Okafor", email=None, mobile_number="+16175550101", role=Role.DOCTOR)
    UserFactory(username="left", name="Lena Left", role=Role.STAFF, is_active=False)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["Rosa Gómez", "Amara Okafor", "Lena Left"]),
        ({"q": "okaf"}, ["Amara Okafor"]),
        ({"q": "ROSA@ward"}, ["Rosa Gómez"]),
        ({"q": "5550101"}, ["Amara Okafor"]),
        ({"role": "staff"}, ["Rosa Gómez", "Lena Left"]),
        ({"role": "staff", "active": "true"}, ["Rosa Gómez"]),
        ({"active": "false"}, ["Lena Left"]),
        ({"q": "nobody at all"}, []),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_finds_accounts(sign_in, ada, crowd, query, found, headers):
    page = Page(sign_in(ada).get(LIST, query, headers=headers))

    assert [name for name in ("Rosa Gómez", "Amara Okafor", "Lena Left") if name in page.text] == found
    assert ("Nobody matches" in page.text) == (not found)


def test_htmx_gets_the_results_alone_and_their_address(sign_in, ada, crowd):
    response = sign_in(ada).get(LIST, {"q": "rosa", "role": "", "active": ""}, headers=HTMX)

    assert Page(response).tags[0] == ("section", {"class": "results", "id": "results", "aria-label": "Accounts"})
    assert response["HX-Push-Url"] == f"{LIST}?q=rosa"


def test_says_what_an_account_may_do_and_what_it_asks_for(sign_in, ada, crowd, bob):
    ask(bob, "doctor")

    page = Page(sign_in(ada).get(LIST))

    assert "Bob Patient asks for Doctor bob@clinic.example" in page.text
    assert "Lena Left closed Front desk" in page.text
    assert "Amara Okafor Doctor okafor" in page.text


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"q": "x" * 201}, "at most 200 characters"),
        ({"role": "owner"}, "Select a valid choice."),
        ({"active": "perhaps"}, "Select a valid choice."),
        ({"q": "a\u202eb"}, "must not change the direction of the text."),
    ],
)
def test_names_what_cannot_be_searched_for(sign_in, ada, query, sentence):
    response = sign_in(ada).get(LIST, {"q": "kept", **query})

    page = Page(response)
    assert response.status_code == 422
    assert sentence in page.text
    assert page.one("input", name="q")["value"] == {"q": "kept", **query}["q"]


def test_turns_the_pages_of_a_long_list(sign_in, ada):
    for number in range(30):
        UserFactory(name=f"Clerk {number:02}", role=Role.STAFF)
    browser = sign_in(ada)

    first = Page(browser.get(LIST, {"role": "staff"}))
    second = Page(browser.get(first.one("a", rel="next")["href"]))

    assert "25 accounts on this page" in first.text
    assert "Clerk 04" not in first.text
    assert "Clerk 04" in second.text
    assert "Ada " not in second.text.split("Clerk 04")[0].split("Last sign-in")[-1]
    assert second.one("a", href=f"{LIST}?role=staff")
    assert browser.get(LIST, {"role": "staff", "cursor": "made up"})["Location"] == f"{LIST}?role=staff"


def test_shows_one_account_and_never_its_password(sign_in, ada, bob):
    with time_machine.travel(datetime(2026, 3, 2, 9, 3, tzinfo=UTC), tick=False):
        sign_in(bob)
    ask(bob, "researcher")

    response = sign_in(ada).get(address(bob))

    page = Page(response)
    for fact in ("Bob", "Patient", "bob@clinic.example", "2 March 2026, 09:03", str(bob.id), "Researcher", "waiting"):
        assert fact in page.text
    assert page.all("a", href=f"/administration/audit/?actor={bob.id}")
    assert page.all("a", href=f"/administration/audit/?subject={bob.id}")
    bob.user.refresh_from_db()
    for secret in ("argon2", bob.user.password, bob.user.get_session_auth_hash()):
        assert secret not in response.content.decode()


def test_reads_an_account_outside_of_any_transaction(transactional_db, sign_in, ada, bob):
    # PostgreSQL locks rows in a transaction only; nothing here needs a lock.
    assert sign_in(ada).get(address(bob)).status_code == 200
    assert ada.api.get(f"/api/users/{bob.id}/").status_code == 200


def test_a_role_is_changed_in_two_steps(sign_in, ada, bob):
    browser, bobs = sign_in(ada), sign_in(bob)

    choice = Page(browser.get(address(bob, "role/")))
    question = Page(browser.post(address(bob, "role/"), {"role": "staff"}))
    bob.user.refresh_from_db()

    # Every role but the one that it has.
    assert [field["value"] for field in choice.all("input", name="role")] == [
        role.value for role in Role if role is not Role.PATIENT
    ]
    assert "Make Bob Front desk?" in question.text
    assert bob.user.role == "patient"
    assert bobs.get("/").status_code == 200

    body = {field["name"]: field["value"] for field in question.all("input", type="hidden") if "name" in field}
    button = question.one("button", name="confirmed")
    done = browser.post(address(bob, "role/"), {**body, "confirmed": button["value"]})

    bob.user.refresh_from_db()
    assert done["Location"] == address(bob)
    assert bob.user.role == "staff"
    assert "The role is Front desk now." in Page(browser.get(address(bob))).text
    assert bobs.get("/")["Location"] == "/sign-in/?notice=ended"
    assert AuditEvent.objects.filter(action="user.role", outcome="allowed", actor_id=ada.id).count() == 1


def test_warns_before_somebody_becomes_an_administrator(sign_in, ada, bob):
    browser = sign_in(ada)
    warning = "An administrator sees every patient"

    assert warning in Page(browser.post(address(bob, "role/"), {"role": "admin"})).text
    assert warning not in Page(browser.post(address(bob, "role/"), {"role": "doctor"})).text


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "Choose the new role."),
        ({"role": "owner", "confirmed": "yes"}, "Select a valid choice."),
        # The role that it has already is no change.
        ({"role": "patient", "confirmed": "yes"}, "Select a valid choice."),
    ],
)
def test_names_what_is_wrong_with_a_role(sign_in, ada, bob, body, sentence):
    response = sign_in(ada).post(address(bob, "role/"), body)

    page = Page(response)
    bob.user.refresh_from_db()
    assert response.status_code == 422
    assert sentence in page.text
    assert page.one("fieldset")["aria-describedby"] == page.with_id("role-wrong")["id"]
    assert bob.user.role == "patient"


def test_nobody_changes_the_own_account(sign_in, ada):
    browser = sign_in(ada)

    shown = Page(browser.get(address(ada)))
    role = browser.post(address(ada, "role/"), {"role": "patient", "confirmed": "yes"})
    closed = browser.post(address(ada, "deactivate/"))

    ada.user.refresh_from_db()
    assert "This is your own account." in shown.text
    assert not shown.all("a", href=address(ada, "role/"))
    assert not shown.all("a", href=address(ada, "deactivate/"))
    assert (role.status_code, closed.status_code) == (409, 409)
    assert "Ask another administrator to change your own account." in Page(role).text
    assert "Ask another administrator to change your own account." in Page(closed).text
    assert (ada.user.role, ada.user.is_active) == ("admin", True)
    assert refused("user.role", ada) == ["own_account"]
    assert refused("user.deactivate", ada) == ["own_account"]
    assert browser.get("/").status_code == 200


def test_closing_an_account_is_asked_first_and_ends_its_sessions(sign_in, ada, bob):
    browser, bobs = sign_in(ada), sign_in(bob)
    token = bob.api.token

    question = Page(browser.get(address(bob, "deactivate/")))
    bob.user.refresh_from_db()
    assert "Close the account of Bob?" in question.text
    assert bob.user.is_active

    done = browser.post(address(bob, "deactivate/"))

    bob.user.refresh_from_db()
    assert done["Location"] == address(bob)
    assert not bob.user.is_active
    assert bobs.get("/")["Location"] == "/sign-in/?notice=ended"
    assert bob.api.get("/api/profile/", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert bobs.post("/sign-in/", {"identifier": "bob", "password": PASSWORD}).status_code == 422
    shown = Page(browser.get(address(bob)))
    assert "The account is closed." in shown.text
    assert not shown.all("a", href=address(bob, "deactivate/"))


def test_a_closed_account_is_opened_again(sign_in, ada, bob):
    browser = sign_in(ada)
    browser.post(address(bob, "deactivate/"))

    form = Page(browser.get(address(bob))).one("form", action=address(bob, "activate/"))
    done = browser.post(form["action"])

    bob.user.refresh_from_db()
    assert done["Location"] == address(bob)
    assert bob.user.is_active
    assert "The account is open again." in Page(browser.get(address(bob))).text
    assert sign_in(bob).get("/").status_code == 200


def test_closing_and_opening_twice_is_harmless(sign_in, ada, bob):
    browser = sign_in(ada)

    assert [browser.post(address(bob, "deactivate/")).status_code for _ in range(2)] == [302, 302]
    assert [browser.post(address(bob, "activate/")).status_code for _ in range(2)] == [302, 302]
    assert sign_in(bob).get("/").status_code == 200
