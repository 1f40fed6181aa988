"""Every page of the portal obeys the same table as the API, and shows nobody what is not theirs to know."""

from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from portal.urls import urlpatterns
from tests.factories import PASSWORD
from tests.policy.cast import SIGNED_IN, World
from tests.policy.conftest import taken_back
from tests.policy.leaks import secrets_told
from tests.policy.pages import FORMS, KINDS, PAGE_KINDS, PAGE_PARAMETERS, PAGES
from tests.policy.table import ACTORS, ADMIN, ANONYMOUS, PATIENT

pytestmark = pytest.mark.django_db

PATTERNS = {pattern.name: pattern for pattern in urlpatterns}
METHODS = ("GET", "POST")


@pytest.fixture(scope="module")
def cookies(world, django_db_blocker) -> dict[str, SimpleCookie]:
    """The session of each actor, opened by the form as a browser does."""
    opened = {ANONYMOUS: SimpleCookie()}
    for actor in SIGNED_IN:
        browser, user = Client(), world.people[actor].user
        assert browser.post("/sign-in/", {"identifier": user.username, "password": PASSWORD}).status_code == 302
        opened[actor] = browser.cookies
    return opened


def test_every_page_has_a_row():
    assert None not in PATTERNS
    assert set(PATTERNS) - {name for _, name in PAGES} == set()


def test_every_row_has_a_page():
    assert {name for _, name in PAGES} - set(PATTERNS) == set()


def test_every_page_with_an_id_has_its_targets():
    for (method, name), rows in PAGES.items():
        if PATTERNS[name].pattern.converters.keys() & KINDS.keys():
            assert {"own", "foreign", "missing"} <= rows.keys(), (method, name)


def test_every_cell_of_a_page_says_what_an_actor_gets():
    for page, rows in PAGES.items():
        for target, row in rows.items():
            assert len(row.split()) == len(ACTORS), (page, target)


def address(world: World, name: str, target: str, actor: str) -> str:
    ids = {
        parameter: world.id_of({**KINDS, **PAGE_KINDS.get(name, {})}[parameter], target, actor)
        for parameter in PATTERNS[name].pattern.converters
        if parameter in KINDS
    }
    return reverse(f"portal:{name}", kwargs={**ids, **PAGE_PARAMETERS.get(name, {})})


def visit(world: World, cookies: dict[str, SimpleCookie], method: str, name: str, target: str, actor: str) -> Any:
    """Ask for a page, or send its form, once; what that did is taken back."""
    question = method, name, target, actor
    if question not in world.answers:
        world.answers[question] = _visit(world, cookies, method, name, target, actor)
    return world.answers[question]


def _visit(world: World, cookies: dict[str, SimpleCookie], method: str, name: str, target: str, actor: str) -> Any:
    browser = Client(raise_request_exception=False)
    browser.cookies = SimpleCookie({key: morsel.value for key, morsel in cookies[actor].items()})
    path = address(world, name, target, actor)
    with taken_back():
        if method == "GET":
            return browser.get(path)
        form = FORMS.get(name)
        return browser.post(path, form(world, target, actor) if form else {})


@pytest.mark.parametrize("actor", ACTORS)
@pytest.mark.parametrize("page", PAGES, ids=" ".join)
def test_shows_what_the_table_says_and_no_secret(world, cookies, page, actor):
    method, name = page
    found = []
    for target, row in PAGES[page].items():
        answer = visit(world, cookies, method, name, target, actor)
        wanted = int(row.split()[ACTORS.index(actor)])
        strange = [] if answer.status_code == wanted else [f"answers {answer.status_code} instead of {wanted}"]
        if wanted == 302 and name not in ("sign-in", "sign-out"):
            strange += strange_way(answer, address(world, name, target, actor), is_known=actor != ANONYMOUS)
        strange += secrets_told(world, [answer], actor)
        found += [f"{method} {name} ({target}) as {actor}: {what}" for what in strange]

    assert found == []


def strange_way(answer: Any, asked: str, *, is_known: bool) -> list[str]:
    """Say whether a redirect leads elsewhere than to the door, or for who is signed in, to it."""
    way = answer.headers.get("Location", "nowhere")
    if is_known:
        return [f"leads to {way}"] if way.startswith("/sign-in/") else []
    if way in ("/sign-in/", f"/sign-in/?{urlencode({'next': asked})}"):
        del answer["Location"]  # it repeats what was asked, and says nothing more
        return []
    return [f"leads to {way}"]


@pytest.mark.parametrize(
    "page",
    [
        (method, name)
        for name in sorted({name for _, name in PAGES})
        for method in METHODS
        if (method, name) not in PAGES
    ],
    ids=" ".join,
)
def test_a_method_without_rows_is_refused(world, cookies, page):
    method, name = page
    for actor in (ANONYMOUS, PATIENT, ADMIN):
        assert visit(world, cookies, method, name, "own", actor).status_code == 405


@pytest.mark.parametrize("page", [page for page, rows in PAGES.items() if "missing" in rows], ids=" ".join)
def test_a_page_out_of_scope_looks_like_a_missing_one(world, cookies, page):
    for actor in SIGNED_IN:
        missing = visit(world, cookies, *page, "missing", actor)
        for target in PAGES[page]:
            answer = visit(world, cookies, *page, target, actor)
            if answer.status_code == missing.status_code == 404:
                assert apart_from_request_id(answer) == apart_from_request_id(missing), (target, actor)


def apart_from_request_id(answer: Any) -> str:
    return answer.content.decode().replace(answer["X-Request-ID"], "")
