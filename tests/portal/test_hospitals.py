"""The hospitals' pages: the list, one hospital and its copies, registering, changing, and taking out of use."""

from datetime import timedelta

import pytest
from django.utils import timezone

from core.models import AuditEvent, Job
from federation.models import Feed, Hospital, SyncProblem, SyncRun
from tests.factories.federation import make_hospital
from tests.portal.clinic_days import refusals
from tests.portal.pages import Page, fields_of
from tests.portal.rendering import count_queries, queries_while_rendering

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
NEW = {
    "name": "Riverside",
    "location": "Boston, MA",
    "api_endpoint": "https://riverside.example/records",
    "format": "json",
    "auth_token": "canary-4711",
    "sync_every_minutes": "60",
}


def shown(response) -> list[str]:
    return [attrs["href"] for attrs in Page(response).all("a") if "table__link" in attrs.get("class", "")]


def copied(hospital: Hospital, now, **more) -> SyncRun:
    """An attempt to copy the hospital, as it stands in the history."""
    columns = {"state": "complete", "generation": 1, "started_at": now, "finished_at": now, **more}
    return SyncRun.objects.create(hospital=hospital, **columns)


class TestList:
    @pytest.mark.parametrize("name", ["alice", "dr_diaz", "erin", "rita", "otto"])
    def test_shows_everybody_where_hospitals_are_and_nothing_more(self, sign_in, request, now, name):
        hospital = make_hospital("Riverside", location="Boston", feed={"error_detail": "broken", "failures": 1})

        page = Page(response := sign_in(request.getfixturevalue(name)).get("/hospitals/"))

        assert shown(response) == [f"/hospitals/{hospital.pk}/"]
        assert "Riverside" in page.text
        assert "Boston" in page.text
        for hidden in ("Failed", "broken", "elsewhere.example", "Add a hospital"):
            assert hidden not in page.text

    @pytest.mark.parametrize(
        ("state", "words"),
        [
            ({}, ["Never fetched", "when somebody asks"]),
            ({"fetched_at": timedelta(minutes=-5), "record_count": 12}, ["Fresh", "5 minutes ago", "12"]),
            ({"fetched_at": timedelta(days=-3)}, ["Stale", "3 days ago"]),
            (
                {"fetched_at": timedelta(hours=-2), "failures": 2, "error_detail": "It answered 503."},
                ["Failed", "last good copy 2 hours ago", "It answered 503."],
            ),
            ({"failures": 1, "error_detail": "Too slow."}, ["Failed", "no good copy yet", "Too slow."]),
            ({"failures": 6, "opens_until": timedelta(minutes=9)}, ["Left alone", "asked again in 8 minutes"]),
            ({"due_at": timedelta(minutes=31)}, ["in 30 minutes"]),
            ({"due_at": timedelta(minutes=-1)}, ["now"]),
        ],
    )
    def test_tells_administrators_how_fresh_each_copy_is(self, sign_in, ada, now, state, words):
        moments = {name: now + value if isinstance(value, timedelta) else value for name, value in state.items()}
        make_hospital("Riverside", feed=moments, fetched_at=moments.pop("fetched_at", None))

        page = Page(sign_in(ada).get("/hospitals/"))

        for word in words:
            assert word in page.text

    @pytest.mark.parametrize(
        ("q", "found"), [("", "hr"), ("river", "r"), ("BOSTON", "r"), ("hill clinic", "h"), ("gomez", "h"), ("zzz", "")]
    )
    def test_finds_by_name_and_location(self, sign_in, otto, q, found):
        hospitals = {
            "r": make_hospital("Riverside", location="Boston"),
            "h": make_hospital("Hillcrest Clinic", location="Gómez Palacio"),
        }

        response = sign_in(otto).get("/hospitals/", {"q": q}, headers=HTMX)

        assert shown(response) == [f"/hospitals/{hospitals[name].pk}/" for name in found]
        assert response.content.decode().strip().startswith('<section class="results" id="results"')
        assert response["HX-Push-Url"] == ("/hospitals/" if not q else f"/hospitals/?q={q.replace(' ', '+')}")

    def test_leaves_out_what_is_out_of_use(self, sign_in, ada, now):
        make_hospital("Riverside", deleted_at=now)

        assert "Add the first one" in Page(sign_in(ada).get("/hospitals/")).text

    def test_says_what_cannot_be_searched_for(self, sign_in, otto):
        response = sign_in(otto).get("/hospitals/", {"q": "x" * 201})

        assert response.status_code == 422
        assert "Name or location must have at most 200 characters." in Page(response).text

    def test_pages_lead_to_older_ones_and_back(self, sign_in, ada):
        for number in range(30):
            make_hospital(f"Hospital {number}")
        browser = sign_in(ada)
        first = browser.get("/hospitals/")
        [older] = [attrs["href"] for attrs in Page(first).all("a", rel="next")]
        second = browser.get(older)

        assert len(shown(first)) == 25
        assert len({*shown(first), *shown(second)}) == 30
        assert browser.get("/hospitals/", {"cursor": "broken"})["Location"] == "/hospitals/"

    def test_takes_as_many_queries_for_twenty_as_for_two(self, sign_in, ada, now):
        browser = sign_in(ada)
        for number in range(2):
            make_hospital(f"Hospital {number}", fetched_at=now)
        few = count_queries(browser, "/hospitals/")
        for number in range(18):
            make_hospital(f"Other {number}", fetched_at=now)

        assert count_queries(browser, "/hospitals/") == few


class TestHospital:
    @pytest.mark.parametrize(
        ("name", "offered"),
        [
            ("alice", {"records"}),
            ("erin", {"records"}),
            ("dr_diaz", {"records", "fetch"}),
            ("rita", set()),
            ("otto", set()),
            ("ada", {"records", "fetch", "sync", "edit", "delete"}),
        ],
    )
    def test_offers_only_what_one_may_do(self, sign_in, request, name, offered):
        hospital = make_hospital()
        page = Page(sign_in(request.getfixturevalue(name)).get(f"/hospitals/{hospital.pk}/"))

        found = {attrs.get("href") or attrs.get("action") for attrs in [*page.all("a"), *page.all("form")]}

        places = {place: f"/hospitals/{hospital.pk}/{place}/" for place in ("fetch", "sync", "edit", "delete")}
        places["records"] = f"/records/?hospital={hospital.pk}"
        assert {place for place, address in places.items() if address in found} == offered

    def test_says_that_there_is_a_token_and_never_which(self, sign_in, ada, monkeypatch):
        browser = sign_in(ada)
        address = browser.post("/hospitals/new/", NEW)["Location"]

        for path in (address, f"{address}edit/", "/hospitals/"):
            response = browser.get(path)
            assert "canary-4711" not in response.content.decode()
        page = Page(browser.get(address))
        assert "There is one; it is sent to this address alone" in page.text
        assert "https://riverside.example/records" in page.text

    def test_tells_what_became_of_each_copy(self, sign_in, ada, now):
        hospital = make_hospital(feed={"failures": 1, "error_detail": "It answered 503."})
        run = copied(hospital, now, pages=2, records_read=9, records_written=3, records_removed=1, problem_count=102)
        SyncProblem.objects.bulk_create(
            SyncProblem(run=run, page=1, code="no_patient_id", place=f"records[{number}]") for number in range(101)
        )
        copied(hospital, now, state="failed", error_code="status", error_detail="It answered 503.")

        page = Page(sign_in(ada).get(f"/hospitals/{hospital.pk}/"))

        for words in (
            "9 read on 2 pages, 3 new or changed, 1 gone",
            "102 problems",
            "The patient has no number; the record was left out. page 1, records[0]",
            "The first 100 are listed.",
            "Failed",
            "It answered 503.",
        ):
            assert words in page.text

    def test_words_a_problem_that_nobody_has_named_yet(self, sign_in, ada, now):
        hospital = make_hospital()
        run = copied(hospital, now, problem_count=1)
        SyncProblem.objects.create(run=run, page=1, code="upside_down", place="records[3]")

        assert "Upside down." in Page(sign_in(ada).get(f"/hospitals/{hospital.pk}/")).text

    def test_pages_through_its_history(self, sign_in, ada, now):
        hospital = make_hospital()
        for _ in range(12):
            copied(hospital, now)
        browser = sign_in(ada)
        first = Page(browser.get(f"/hospitals/{hospital.pk}/"))
        [older] = [attrs["href"] for attrs in first.all("a", rel="next")]

        assert len(first.all("li", **{"class": "sync"})) == 10
        assert len(Page(browser.get(older)).all("li", **{"class": "sync"})) == 2
        assert browser.get(f"/hospitals/{hospital.pk}/?cursor=broken")["Location"] == f"/hospitals/{hospital.pk}/"

    def test_takes_as_many_queries_for_ten_copies_as_for_one(self, sign_in, ada, now):
        browser, hospital = sign_in(ada), make_hospital()
        path = f"/hospitals/{hospital.pk}/"

        def add():
            run = copied(hospital, now, problem_count=1)
            SyncProblem.objects.create(run=run, page=1, code="no_name", place="records[3]")

        add()
        few = count_queries(browser, path)
        for _ in range(9):
            add()

        assert count_queries(browser, path) == few


class TestSync:
    def ask(self, browser, hospital, **more):
        return browser.post(f"/hospitals/{hospital.pk}/sync/", **more)

    def test_submits_one_job_and_shows_how_far_it_is(self, sign_in, ada):
        browser, hospital = sign_in(ada), make_hospital()

        response = self.ask(browser, hospital)
        self.ask(browser, hospital)

        assert Job.objects.get().args == {"hospital": str(hospital.pk)}
        page = Page(browser.get(response["Location"]))
        assert "Waiting to begin" in page.text
        assert "No worker is running at the moment" in page.text
        assert not page.all("form", action=f"/hospitals/{hospital.pk}/sync/")
        refresh = page.with_id("refresh")
        assert refresh["href"] == refresh["hx-get"] == f"/hospitals/{hospital.pk}/"
        assert "every 1s" in refresh["hx-trigger"]

    def test_htmx_gets_the_part_that_changes(self, sign_in, ada):
        response = self.ask(sign_in(ada), make_hospital(), headers=HTMX)

        assert response.content.decode().strip().startswith('<section class="card" id="copies"')
        assert Page(response).with_id("copying")

    def test_a_poll_gets_how_far_it_is_and_no_more_than_that(self, sign_in, ada):
        browser, hospital = sign_in(ada), make_hospital()
        self.ask(browser, hospital)
        Job.objects.update(
            state="running",
            lease_until=timezone.now(),
            attempt=1,
            progress_done=1200,
            progress_total=5000,
            progress_message="page 3",
        )

        response = browser.get(f"/hospitals/{hospital.pk}/", headers=HTMX)

        page = Page(response)
        assert response.content.decode().strip().startswith('<div class="copying" id="copying"')
        assert "1200 of about 5000 so far, page 3" in page.text
        assert (page.one("progress")["value"], page.one("progress")["max"]) == ("1200", "5000")
        assert "HX-Retarget" not in response

    def test_the_last_poll_takes_the_place_of_all_that_changed_and_asks_no_more(self, sign_in, ada, now):
        browser, hospital = sign_in(ada), make_hospital()
        self.ask(browser, hospital)
        Job.objects.update(state="done", finished_at=now)
        Feed.objects.update(fetched_at=now, record_count=7)

        response = browser.get(f"/hospitals/{hospital.pk}/", headers=HTMX)

        page = Page(response)
        assert response["HX-Retarget"] == "#copies"
        assert response.content.decode().strip().startswith('<section class="card" id="copies"')
        assert "Fresh" in page.text
        assert [attrs for _, attrs in page.tags if "every" in attrs.get("hx-trigger", "")] == []

    def test_whoever_watches_a_hospital_that_goes_out_of_use_is_led_away(self, sign_in, ada, now):
        browser, hospital = sign_in(ada), make_hospital()
        self.ask(browser, hospital)
        Hospital.objects.update(deleted_at=now)

        response = browser.get(f"/hospitals/{hospital.pk}/", headers=HTMX)

        assert response["HX-Redirect"] == "/hospitals/"
        assert browser.get(f"/hospitals/{hospital.pk}/").status_code == 404

    def test_says_why_it_tries_again_and_when(self, sign_in, ada, now):
        browser, hospital = sign_in(ada), make_hospital()
        self.ask(browser, hospital)
        Job.objects.update(
            attempt=1, run_after=now + timedelta(minutes=3), error_code="later", error_detail="It answered 503."
        )

        page = Page(browser.get(f"/hospitals/{hospital.pk}/"))

        assert "Tries again in 2 minutes" in page.text
        assert "It answered 503." in page.text

    @pytest.mark.parametrize("name", ["alice", "dr_diaz", "erin", "rita", "otto"])
    def test_is_an_administrators_alone(self, sign_in, request, name):
        person, hospital = request.getfixturevalue(name), make_hospital()

        assert self.ask(sign_in(person), hospital).status_code == 403
        assert not Job.objects.exists()
        assert refusals(person, "hospital.sync") == ["not_allowed"]


def test_asks_before_a_hospital_goes_out_of_use(sign_in, ada):
    browser, hospital = sign_in(ada), make_hospital("Riverside")

    assert "Take Riverside out of use?" in Page(browser.get(f"/hospitals/{hospital.pk}/delete/")).text
    hospital.refresh_from_db()
    assert hospital.deleted_at is None

    assert browser.post(f"/hospitals/{hospital.pk}/delete/")["Location"] == "/hospitals/"
    assert browser.get(f"/hospitals/{hospital.pk}/").status_code == 404


@pytest.mark.parametrize("name", ["alice", "dr_diaz", "erin", "rita"])
def test_only_administrators_take_a_hospital_out_of_use(sign_in, request, name):
    person, hospital = request.getfixturevalue(name), make_hospital()
    browser = sign_in(person)

    assert browser.get(f"/hospitals/{hospital.pk}/delete/").status_code == 403
    assert browser.post(f"/hospitals/{hospital.pk}/delete/").status_code == 403
    hospital.refresh_from_db()
    assert hospital.deleted_at is None


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "\"'><b>{{ 7 }}", "张&nbsp;é"])
def test_text_is_shown_exactly_as_it_was_typed(sign_in, ada, now, text):
    hospital = make_hospital(text, location=text, endpoint=f"https://elsewhere.example/{text}")
    Feed.objects.update(failures=1, error_detail=text)
    run = copied(hospital, now, state="failed", error_detail=text, problem_count=1)
    SyncProblem.objects.create(run=run, page=1, code="no_name", place=text)
    browser = sign_in(ada)

    for place in ("", f"{hospital.pk}/", f"{hospital.pk}/delete/", f"{hospital.pk}/fetch/"):
        page = Page(browser.get(f"/hospitals/{place}"))
        assert text in page.text
        assert all("src" in script for script in page.all("script"))
    assert fields_of(browser.get(f"/hospitals/{hospital.pk}/edit/"))["name"] == text


@pytest.mark.parametrize("place", ["", "?q=zzz", "new/", "one/", "one/edit/", "one/delete/", "one/fetch/"])
def test_rendering_asks_the_database_nothing(sign_in, ada, now, place):
    hospital = make_hospital(fetched_at=now)
    run = copied(hospital, now, problem_count=1)
    SyncProblem.objects.create(run=run, page=1, code="no_name", place="records[3]")
    browser = sign_in(ada)
    browser.post(f"/hospitals/{hospital.pk}/sync/")

    assert queries_while_rendering(browser, "/hospitals/" + place.replace("one", str(hospital.pk))) == 0


def test_reading_and_changing_hospitals_is_on_record(sign_in, ada):
    browser = sign_in(ada)
    address = browser.post("/hospitals/new/", NEW)["Location"]
    browser.post(f"{address}sync/")
    browser.post(f"{address}delete/")

    page = Page(browser.get("/administration/audit/"))
    kept = AuditEvent.objects.filter(action__startswith="hospital.").values_list("action", flat=True)
    assert {"hospital.create", "hospital.sync", "hospital.delete"} <= set(kept)
    for action in kept:
        assert page.text.count(action)
    assert page.all("a", href=address)
