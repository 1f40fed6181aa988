"""Who may open the administrators' pages, and what they cost."""

import pytest
from django.test import Client
from django.utils import timezone

import care.service
import identity.service
from care.schemas import PatientFilters
from core.actor import Role
from core.pagination import PageIn
from tests.conftest import Person
from tests.factories import PASSWORD, PatientFactory, UserFactory
from tests.portal.administration import ask, refused
from tests.portal.pages import Page
from tests.portal.rendering import count_queries, queries_while_rendering

LISTS = ["/administration/role-requests/", "/administration/users/", "/administration/audit/"]


@pytest.fixture
def pages(bob) -> list[str]:
    """Every administrators' page that is read."""
    asked = ask(bob, "staff")
    account = f"/administration/users/{bob.id}/"
    return [*LISTS, f"/administration/role-requests/{asked.pk}/", account, f"{account}role/", f"{account}deactivate/"]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_shows_the_pages_to_administrators_alone(sign_in, pages, ada, role):
    browser = sign_in(Person(UserFactory(username="someone", role=role)))

    answers = {path: browser.get(path) for path in pages}

    assert {answer.status_code for answer in answers.values()} == {403}
    assert not any("bob" in answer.content.decode().lower() for answer in answers.values())
    assert {path: sign_in(ada).get(path).status_code for path in pages} == dict.fromkeys(pages, 200)


def test_sends_whoever_is_not_signed_in_to_the_door(pages):
    for path in pages:
        assert Client().get(path)["Location"].startswith("/sign-in/?next=%2Fadministration%2F")


def test_shows_nobody_the_own_request_as_one_to_decide(sign_in, pages, bob):
    browser = sign_in(bob)

    assert [browser.get(path).status_code for path in pages] == [403] * len(pages)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_lets_nobody_else_change_anything(sign_in, bob, alice, role):
    asked = ask(bob, "staff")
    someone = Person(UserFactory(username="someone", role=role))
    browser = sign_in(someone)

    decided = browser.post(
        f"/administration/role-requests/{asked.pk}/", {"decision": "approve", "reason": "because I can"}
    )
    changed = browser.post(f"/administration/users/{alice.id}/role/", {"role": "admin", "confirmed": "yes"})
    closed = browser.post(f"/administration/users/{alice.id}/deactivate/")
    opened = browser.post(f"/administration/users/{alice.id}/activate/")

    # Somebody else's request is invisible, as by the API; accounts are there, and not theirs to manage.
    assert [answer.status_code for answer in (decided, changed, closed, opened)] == [404, 403, 403, 403]
    asked.refresh_from_db(), alice.user.refresh_from_db(), bob.user.refresh_from_db()
    assert (asked.status, bob.user.role, alice.user.role, alice.user.is_active) == (
        "pending",
        "patient",
        "patient",
        True,
    )
    assert refused("role-request.approve", someone) == ["not_found"]
    assert refused("user.deactivate", someone) == ["not_allowed"]
    assert refused("user.activate", someone) == ["not_allowed"]


def test_nobody_decides_the_own_request(sign_in, bob):
    asked = ask(bob, "staff")

    answer = sign_in(bob).post(
        f"/administration/role-requests/{asked.pk}/", {"decision": "approve", "reason": "I am good at it"}
    )

    asked.refresh_from_db()
    assert answer.status_code == 403
    assert asked.status == "pending"
    assert refused("role-request.approve", bob) == ["not_allowed"]


def test_an_attempt_to_read_the_audit_trail_is_on_record(sign_in, erin):
    assert sign_in(erin).get("/administration/audit/").status_code == 403

    assert refused("audit.list", erin) == ["not_allowed"]


@pytest.mark.parametrize("role", list(Role))
def test_offers_the_pages_in_the_navigation_to_administrators_alone(sign_in, db, role):
    page = Page(sign_in(Person(UserFactory(username="someone", role=role))).get("/"))

    offered = [path for path in LISTS if page.all("a", href=path)]

    assert offered == (LISTS if role is Role.ADMIN else [])


def test_the_navigation_says_how_many_requests_wait(sign_in, ada, alice, bob):
    browser = sign_in(ada)
    assert "waiting" not in Page(browser.get("/")).text

    ask(alice, "doctor"), ask(bob, "staff")

    assert "Role requests 2 waiting" in Page(browser.get("/")).text
    assert "waiting" not in Page(sign_in(alice).get("/")).text


def test_marks_the_section_that_a_page_belongs_to(sign_in, ada, pages):
    browser = sign_in(ada)

    for path in pages:
        section = Page(browser.get(path)).one("a", **{"aria-current": "page" if path in LISTS else "true"})
        assert path.startswith(section["href"])


@pytest.mark.parametrize("what", ["role", "deactivate", "activate"])
def test_refuses_a_form_without_the_token_of_this_browser(ada, bob, what):
    browser = Client(enforce_csrf_checks=True)
    token = Page(browser.get("/sign-in/")).one("input", name="csrfmiddlewaretoken")["value"]
    browser.post("/sign-in/", {"identifier": "ada", "password": PASSWORD, "csrfmiddlewaretoken": token})

    answer = browser.post(f"/administration/users/{bob.id}/{what}/", {"role": "staff", "confirmed": "yes"})

    bob.user.refresh_from_db()
    assert answer.status_code == 403
    assert "This page is out of date" in Page(answer).text
    assert (bob.user.role, bob.user.is_active) == ("patient", True)


def test_refuses_a_decision_without_the_token_of_this_browser(ada, bob):
    asked = ask(bob, "staff")
    browser = Client(enforce_csrf_checks=True)
    token = Page(browser.get("/sign-in/")).one("input", name="csrfmiddlewaretoken")["value"]
    browser.post("/sign-in/", {"identifier": "ada", "password": PASSWORD, "csrfmiddlewaretoken": token})
    path, body = f"/administration/role-requests/{asked.pk}/", {"decision": "approve", "reason": "seen"}

    assert browser.post(path, body).status_code == 403
    asked.refresh_from_db()
    assert asked.status == "pending"

    # With the token of the page itself the same form is taken.
    token = Page(browser.get(path)).all("input", name="csrfmiddlewaretoken")[0]["value"]
    assert browser.post(path, {**body, "csrfmiddlewaretoken": token}).status_code == 302


@pytest.mark.parametrize(
    "path",
    [
        "/administration/users/01a1fba8-0000-7000-8000-000000000000/",
        "/administration/users/01a1fba8-0000-7000-8000-000000000000/role/",
        "/administration/users/01a1fba8-0000-7000-8000-000000000000/deactivate/",
        "/administration/role-requests/01a1fba8-0000-7000-8000-000000000000/",
        "/administration/users/no-such-thing/",
    ],
)
def test_what_is_missing_is_nowhere(sign_in, ada, path):
    assert sign_in(ada).get(path).status_code == 404


def test_knows_no_other_method(sign_in, ada, bob):
    browser = sign_in(ada)

    assert [browser.post(path).status_code for path in LISTS] == [405, 405, 405]
    assert browser.get(f"/administration/users/{bob.id}/activate/").status_code == 405
    assert browser.post(f"/administration/users/{bob.id}/").status_code == 405
    assert browser.head("/administration/users/").content == b""


def make_rows(count: int, start: int = 0) -> None:
    """Accounts that each ask for a role, and charts that somebody lists and reads."""
    clerk = Person(UserFactory(username=f"clerk{start}", role=Role.STAFF))
    charts = [PatientFactory() for _ in range(count)]
    for number, chart in enumerate(charts):
        ask(Person(UserFactory(username=f"asker{start + number}")), "doctor" if number % 2 else "staff")
        care.service.get_patient(actor=clerk.actor, patient_id=chart.pk, now=timezone.now())
    care.service.list_patients(actor=clerk.actor, filters=PatientFilters(), page=PageIn(limit=100), now=timezone.now())


def test_lists_cost_the_same_however_long_they_are(sign_in, ada):
    browser = sign_in(ada)
    make_rows(10)
    few = {path: count_queries(browser, path) for path in LISTS}
    make_rows(100, start=10)

    assert {path: count_queries(browser, path) for path in LISTS} == few
    # The session, its account, the frame with its number, the rows with what belongs to them, and the audit event.
    assert max(few.values()) <= 12


def test_no_template_asks_the_database(sign_in, ada, pages, a_doctor):
    browser = sign_in(ada)
    asked = ask(Person(UserFactory(username="somebody", name="Jane Doe")), "doctor")

    asking = [*pages, f"/administration/role-requests/{asked.pk}/", "/role-requests/"]

    assert {path: queries_while_rendering(browser, path) for path in asking} == dict.fromkeys(asking, 0)


def test_names_are_shown_as_text_whatever_they_hold(sign_in, ada):
    name = "<script>alert(1)</script><img src=x hx-get=/sign-out/>"
    someone = Person(UserFactory(username="someone", name=name))
    asked = ask(someone, "doctor")
    browser = sign_in(ada)

    for path in [
        *LISTS,
        f"/administration/role-requests/{asked.pk}/",
        f"/administration/users/{someone.id}/",
        f"/administration/users/{someone.id}/role/",
        f"/administration/users/{someone.id}/deactivate/",
    ]:
        page = Page(browser.get(path))
        assert name in page.text
        assert not page.all("img", src="x")
        assert all("src" in script for script in page.all("script"))


def test_an_account_without_any_name_can_still_be_found(sign_in, ada):
    someone = Person(UserFactory(username=None, email="only@clinic.example", name=""))
    asked = ask(someone, "staff")
    browser = sign_in(ada)

    assert "Account without a name" in Page(browser.get("/administration/users/")).text
    assert "Account without a name" in Page(browser.get("/administration/role-requests/")).text
    assert "only@clinic.example" in Page(browser.get(f"/administration/role-requests/{asked.pk}/")).text
    assert identity.service.describe_users([someone.id]) == {someone.id: "Account without a name"}
