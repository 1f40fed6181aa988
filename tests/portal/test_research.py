"""People without names as a page: what stands in a row, and everything that must not."""

import re
from datetime import timedelta

import pytest

from core.models import AuditEvent
from federation.models import Pseudonym
from portal.paging import asked_page
from tests.factories.federation import make_hospital, make_record
from tests.policy.leaks import everything_said
from tests.portal.pages import Page
from tests.portal.rendering import count_queries, queries_while_rendering

pytestmark = pytest.mark.django_db

CANARIES = ["kanari0001x", "kanari0002x", "kanari0003x", "1931-02-03", "kanari0004x", "kanari0005x"]


@pytest.fixture
def copies(db, now):
    """A hospital that many people share, and one of somebody in particular that could not be copied again."""
    riverside = make_hospital("Riverside", fetched_at=now)
    for number in range(12):
        make_record(riverside, f"P{number}", diagnosis="Influenza", gender="F", age_stated=34)
    name, patient_id, diagnosis, birth_date, hospital, location = CANARIES
    lonely = make_hospital(hospital, fetched_at=now - timedelta(days=3), location=location, feed={"failures": 2})
    make_record(lonely, patient_id, name=name, diagnosis=diagnosis, birth_date=birth_date, age_stated=None, gender="M")
    return riverside, lonely


@pytest.fixture
def four_a_page(monkeypatch):
    monkeypatch.setattr("portal.views.research.asked_page", lambda request, rows: asked_page(request, rows=4))


def test_shows_one_row_a_person_without_a_name(sign_in, rita, copies):
    page = Page(sign_in(rita).get("/research/"))

    assert len(page.all("code")) == 13
    assert page.text.count("Influenza 30 to 34 Female Riverside") == 12
    assert "Other 90 and over Male Other" in page.text


def test_a_pseudonym_is_short_and_its_whole_is_at_hand(sign_in, rita, copies):
    page = Page(sign_in(rita).get("/research/"))

    wholes = {code["title"] for code in page.all("code")}
    assert wholes == {str(value) for value in Pseudonym.objects.values_list("value", flat=True)}
    assert all(re.search(rf"\b{whole[:8]}\b", page.text) for whole in wholes)


def test_says_how_many_hospitals_are_up_to_date_and_of_when_the_oldest_copy_is(sign_in, rita, copies, now):
    text = Page(sign_in(rita).get("/research/")).text

    assert "Hospitals up to date 1 of 2 Fresh 1 Failed 1" in text
    assert f"The oldest copy is of {(now - timedelta(days=3)).day} " in text


def test_says_what_other_means(sign_in, rita, copies):
    text = Page(sign_in(rita).get("/research/")).text

    assert "named only where at least 11 people share it" in text
    assert "not anonymous in the sense of the GDPR" in text


def test_no_page_tells_who_somebody_is(sign_in, rita, copies, four_a_page):
    browser, path = sign_in(rita), "/research/"
    pages = []
    while path:
        pages.append(browser.get(path))
        path = next((link["href"] for link in Page(pages[-1]).all("a", rel="next")), None)

    said = "\n".join(everything_said(page) for page in pages)
    assert len(pages) == 4
    assert [canary for canary in CANARIES if canary in said] == []


def test_pages_hold_everybody_once(sign_in, rita, copies, four_a_page):
    browser, path, seen = sign_in(rita), "/research/", []
    while path:
        page = Page(browser.get(path))
        seen += [code["title"] for code in page.all("code")]
        path = next((link["href"] for link in page.all("a", rel="next")), None)

    assert len(seen) == len(set(seen)) == 13
    assert seen == sorted(seen)
    assert page.one("a", href="/research/", **{"class": "button"})


@pytest.mark.parametrize("name", ["alice", "dr_chen", "erin", "otto", "ada"])
def test_is_for_researchers(sign_in, request, copies, name):
    response = sign_in(request.getfixturevalue(name)).get("/research/")

    assert response.status_code == 403
    assert "Only researchers read de-identified records" in Page(response).text
    assert AuditEvent.objects.filter(action="record.deidentified", outcome="refused").count() == 1


def test_whoever_is_not_signed_in_is_sent_to_the_door(client, db):
    assert client.get("/research/")["Location"].startswith("/sign-in/")


def test_a_cursor_of_another_list_leads_to_the_first_page(sign_in, rita, copies):
    response = sign_in(rita).get("/research/?cursor=made-up")

    assert (response.status_code, response["Location"]) == (302, "/research/")


def test_another_researchers_cursor_leads_to_the_first_page(sign_in, rita, ada, copies, four_a_page):
    theirs = Page(sign_in(rita).get("/research/")).one("a", rel="next")["href"]
    rita.user.role = "official"
    rita.user.save()
    ada.user.role = "researcher"
    ada.user.save()

    assert sign_in(ada).get(theirs)["Location"] == "/research/"


def test_says_so_where_nobody_is_there_yet(sign_in, rita, db):
    assert "Records stand here once a hospital has been copied." in Page(sign_in(rita).get("/research/")).text


def test_every_page_that_is_opened_is_on_record(sign_in, rita, copies):
    browser = sign_in(rita)
    browser.get("/research/")
    browser.get("/research/")

    assert AuditEvent.objects.filter(action="record.deidentified", actor_id=rita.id).count() == 2


def test_takes_the_same_queries_for_any_number_and_none_while_rendering(sign_in, rita, copies):
    browser, path = sign_in(rita), "/research/"
    browser.get(path)
    few = count_queries(browser, path)
    for number in range(20, 30):
        make_record(copies[0], f"P{number}", diagnosis="Influenza")
    browser.get(path)

    assert count_queries(browser, path) == few
    assert queries_while_rendering(browser, path) == 0
