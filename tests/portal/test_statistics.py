"""The day's counts as a page: four tables, what is hidden in words, and nobody in particular."""

import pytest
from django.utils import timezone

from core.models import AuditEvent
from federation.models import Release
from tests.factories.federation import make_hospital, make_record
from tests.portal.pages import Page
from tests.portal.rendering import count_queries, queries_while_rendering

pytestmark = pytest.mark.django_db

READERS = ["dr_chen", "rita", "otto", "ada"]
OTHERS = ["alice", "erin"]
CANARY = "kanari0001x"


def people(hospital, count: int, **facts) -> None:
    for number in range(count):
        make_record(hospital, f"{CANARY}-{facts}-{number}", name=f"{CANARY} {number}", **facts)


@pytest.fixture
def hospitals(db, now):
    """Two hospitals; four genders and three diagnoses, of which one is rare."""
    riverside = make_hospital("Riverside", fetched_at=now)
    hillcrest = make_hospital("Hillcrest", fetched_at=now)
    people(riverside, 30, gender="F", diagnosis="Influenza", age_stated=34)
    people(hillcrest, 21, gender="M", diagnosis="Asthma", age_stated=85)
    people(hillcrest, 13, gender="U", diagnosis="Asthma", age_stated=50)
    people(riverside, 3, gender="O", diagnosis=f"{CANARY} syndrome", age_stated=50)
    return riverside, hillcrest


def table_of(page: Page, title: str) -> str:
    """The words of one table, from its title to the next one."""
    titles = ["Hospitals Hospital", "Diagnoses Diagnosis", "Ages Age in years", "Genders Gender", "Computed"]
    begin = page.text.index(next(each for each in titles if each.startswith(title)))
    ends = [page.text.find(each, begin + 1) for each in titles]
    return page.text[begin : min(end for end in ends if end > begin)]


@pytest.mark.parametrize("name", READERS)
def test_shows_the_days_four_tables(sign_in, request, hospitals, name):
    page = Page(sign_in(request.getfixturevalue(name)).get("/statistics/"))

    assert "Riverside 33" in table_of(page, "Hospitals")
    assert "Asthma 34" in table_of(page, "Diagnoses")
    assert "80 and over" in table_of(page, "Ages")
    assert "Female 30" in table_of(page, "Genders")
    assert f"counted on {timezone.localdate().day} " in page.text


@pytest.mark.parametrize("name", OTHERS)
def test_is_for_nobody_else_and_says_for_whom(sign_in, request, hospitals, name):
    response = sign_in(request.getfixturevalue(name)).get("/statistics/")

    assert response.status_code == 403
    assert "researchers, officials and administrators" in Page(response).text
    assert AuditEvent.objects.filter(action="statistics.read", outcome="refused").count() == 1


def test_whoever_is_not_signed_in_is_sent_to_the_door(client, db):
    assert client.get("/statistics/")["Location"].startswith("/sign-in/")


def test_a_hidden_number_is_told_in_words_and_never_shown(sign_in, otto, hospitals):
    page = Page(sign_in(otto).get("/statistics/"))

    genders = table_of(page, "Genders")
    assert "Other fewer than 11, or kept back so that they cannot be worked out" in genders
    # One small number alone would be the rest of the total: the next smallest is hidden with it.
    assert "Unknown fewer than 11, or kept back" in genders
    assert "13" not in genders


def test_the_total_is_rounded_to_five(sign_in, otto, hospitals):
    assert "People counted 65 rounded to 5" in Page(sign_in(otto).get("/statistics/")).text


def test_every_bar_has_its_words_and_its_length(sign_in, otto, hospitals):
    page = Page(sign_in(otto).get("/statistics/"))

    words = [bar["aria-label"] for bar in page.all("svg", role="img")]
    lengths = [rect["width"] for rect in page.all("rect", **{"class": "stripe__part"})]
    assert words.count("The largest number of this table") == lengths.count("100.0") == 4
    assert "70 % of the largest number of this table" in words
    assert "70.0" in lengths
    assert words.count("Nobody") == lengths.count("0.0")


def test_says_why_a_whole_table_is_kept_back(sign_in, otto, db, now):
    people(make_hospital(fetched_at=now), 5)

    page = Page(sign_in(otto).get("/statistics/"))

    assert page.text.count("This table is kept back.") == 4
    assert "People counted not told" in page.text
    assert not page.all("table")


def test_says_so_where_nobody_is_counted_yet(sign_in, otto, db):
    page = Page(sign_in(otto).get("/statistics/"))

    assert page.text.count("Nobody is counted yet.") == 2
    assert "Female 0" in page.text


def test_says_plainly_what_this_is_not(sign_in, otto, hospitals):
    text = Page(sign_in(otto).get("/statistics/")).text

    assert "No expert has determined that nobody can be recognised" in text
    assert "not anonymous in the sense of the GDPR" in text


@pytest.mark.parametrize("name", ["rita", "otto"])
def test_tells_of_nobody_in_particular(sign_in, request, hospitals, name):
    assert CANARY not in sign_in(request.getfixturevalue(name)).get("/statistics/").content.decode()


def test_only_researchers_are_led_to_the_records_without_names(sign_in, rita, otto, hospitals):
    assert Page(sign_in(rita).get("/statistics/")).all("a", href="/research/")
    assert not Page(sign_in(otto).get("/statistics/")).all("a", href="/research/")


def test_takes_the_same_queries_for_any_number_and_none_while_rendering(sign_in, otto, hospitals):
    browser = sign_in(otto)
    browser.get("/statistics/")
    few = count_queries(browser, "/statistics/")
    Release.objects.all().delete()
    people(make_hospital("Lakeside", fetched_at=timezone.now()), 40, diagnosis="Gout")
    browser.get("/statistics/")

    assert "Gout 40" in Page(browser.get("/statistics/")).text
    assert count_queries(browser, "/statistics/") == few
    assert queries_while_rendering(browser, "/statistics/") == 0
