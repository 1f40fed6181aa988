"""Long work as pages: whose it is, how it stands in words, pages that ask again until it has ended, and stopping it."""

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest

from core import jobs
from core.models import AuditEvent, Job
from federation.models import Hospital
from portal.paging import asked_page
from tests.core.errands import ask, errand, job
from tests.factories.federation import make_hospital
from tests.portal.clinic_days import refusals
from tests.portal.pages import Page
from tests.portal.rendering import count_queries, queries_while_rendering

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def kind():
    with errand(lambda run: {"report": str(uuid4()), "rows": 12}) as name:
        yield name


def put(job_id, **columns) -> None:
    Job.objects.filter(pk=job_id).update(**columns)


def refreshers(page: Page) -> list[dict[str, str]]:
    """The link that shows the page again, which htmx follows by itself while there is something to wait for."""
    return [link for link in page.all("a") if link.get("id") == "refresh"]


class TestTheList:
    def test_shows_ones_own_newest_first(self, sign_in, alice, bob):
        mine, newer, bobs = ask(requested_by=alice.id), ask(requested_by=alice.id), ask(requested_by=bob.id)

        page = Page(sign_in(alice).get("/jobs/"))

        links = [link["href"] for link in page.all("a", **{"class": "table__link"})]
        assert links == [f"/jobs/{newer}/", f"/jobs/{mine}/"]
        assert str(bobs) not in page.text

    def test_shows_administrators_everybodys_and_who_asked(self, sign_in, alice, ada):
        alice.user.name = "Alice Away"
        alice.user.save()
        for asker in (alice.id, ada.id, None, uuid4()):
            ask(requested_by=asker)

        text = Page(sign_in(ada).get("/jobs/")).text

        for words in ("Alice Away", "You", "The clinic, by the clock", "An account that is gone"):
            assert words in text

    def test_narrows_to_a_state_and_keeps_that_on_the_next_page(self, sign_in, alice, monkeypatch):
        monkeypatch.setattr("portal.views.jobs.asked_page", partial(asked_page, rows=1))
        first, second, done = (ask(requested_by=alice.id) for _ in range(3))
        jobs.run_job(done)
        browser = sign_in(alice)

        page = Page(browser.get("/jobs/?state=queued"))
        older = Page(browser.get(page.one("a", rel="next")["href"]))

        assert page.one("a", href="/jobs/?state=queued", **{"aria-current": "true"})
        assert page.one("a", **{"class": "table__link"})["href"] == f"/jobs/{second}/"
        assert older.one("a", **{"class": "table__link"})["href"] == f"/jobs/{first}/"

    def test_a_state_that_is_none_shows_all(self, sign_in, alice):
        ask(requested_by=alice.id)

        assert Page(sign_in(alice).get("/jobs/?state=lost")).one("a", href="/jobs/", **{"aria-current": "true"})

    def test_a_cursor_of_another_list_leads_to_the_first_page(self, sign_in, alice):
        response = sign_in(alice).get("/jobs/?state=done&cursor=made-up")

        assert (response.status_code, response["Location"]) == (302, "/jobs/?state=done")

    def test_says_so_where_there_is_none(self, sign_in, alice):
        assert "No jobs here" in Page(sign_in(alice).get("/jobs/")).text

    def test_asks_again_while_something_is_going_on_and_not_after(self, sign_in, alice):
        asked = ask(requested_by=alice.id)
        browser = sign_in(alice)

        live = Page(browser.get("/jobs/", headers=HTMX))
        jobs.run_job(asked)
        over = Page(browser.get("/jobs/", headers=HTMX))

        [link] = refreshers(live)
        assert link["hx-get"] == link["href"] == "/jobs/"
        assert link["hx-trigger"].startswith("every ")
        assert link["hx-target"] == "#results"
        assert refreshers(over) == []
        assert not live.all("html")  # only the part

    def test_takes_the_same_queries_for_any_number_and_none_while_rendering(self, sign_in, ada, alice, bob):
        ask(requested_by=alice.id)
        browser = sign_in(ada)
        few = count_queries(browser, "/jobs/")
        for asker in (bob.id, alice.id, ada.id, None):
            ask(requested_by=asker)

        assert count_queries(browser, "/jobs/") == few
        assert queries_while_rendering(browser, "/jobs/") == 0


class TestOneJob:
    def page(self, browser, job_id) -> Page:
        return Page(browser.get(f"/jobs/{job_id}/"))

    def test_waits_then_is_done_with_its_figures(self, sign_in, alice):
        asked = ask(requested_by=alice.id)
        browser = sign_in(alice)

        before = self.page(browser, asked)
        jobs.run_job(asked)
        after = self.page(browser, asked)

        assert "Waiting It begins as soon as a worker is free." in before.text
        assert "Done It is finished." in after.text
        assert "Rows 12" in after.text
        assert "Attempts 1" in after.text

    def test_shows_how_far_it_is(self, sign_in, alice, now):
        asked = ask(requested_by=alice.id)
        put(asked, state="running", attempt=1, lease_until=now, started_at=now)
        put(asked, progress_done=30, progress_total=120, progress_message="Page 3 of Riverside")

        page = self.page(sign_in(alice), asked)

        bar = page.one("progress")
        assert (bar["value"], bar["max"]) == ("30", "120")
        assert bar["aria-label"]
        assert "At work It is being done. 30 of 120: Page 3 of Riverside" in page.text

    def test_a_bar_without_an_end_says_so_by_having_no_value(self, sign_in, alice, now):
        asked = ask(requested_by=alice.id)
        put(asked, state="running", attempt=1, lease_until=now, progress_done=30)

        page = self.page(sign_in(alice), asked)

        assert "value" not in page.one("progress")
        assert "30 so far" in page.text

    def test_says_why_the_last_attempt_failed_and_when_it_is_tried_again(self, sign_in, alice, now):
        asked = ask(requested_by=alice.id)
        put(asked, attempt=2, run_after=now + timedelta(minutes=3))
        put(asked, error_code="timeout", error_detail="The hospital did not answer.")

        text = self.page(sign_in(alice), asked).text

        assert "Trying again The last attempt failed. It is tried again by itself." in text
        assert "The last attempt: The hospital did not answer." in text
        assert "Attempts 2, five at most Next attempt not before" in text

    def test_says_why_it_failed_for_good(self, sign_in, alice):
        asked = ask(requested_by=alice.id)
        put(asked, state="dead", attempt=5, error_code="timeout", error_detail="The hospital did not answer.")

        page = self.page(sign_in(alice), asked)

        assert "Failed It was tried 5 times and not finished. Why: The hospital did not answer." in page.text
        assert not page.all("progress")
        assert refreshers(page) == []

    @pytest.mark.parametrize("state", ["done", "dead", "cancelled"])
    def test_an_ended_one_is_not_asked_for_again(self, sign_in, alice, state):
        asked = ask(requested_by=alice.id)
        browser = sign_in(alice)
        [link] = refreshers(self.page(browser, asked))
        put(asked, state=state)

        part = Page(browser.get(f"/jobs/{asked}/", headers=HTMX))

        assert (link["href"], link["hx-get"], link["hx-target"]) == (f"/jobs/{asked}/", f"/jobs/{asked}/", "#job")
        assert part.with_id("job")
        assert refreshers(part) == []
        assert not part.all("form")

    def test_after_ten_minutes_it_is_asked_for_by_hand_so_that_a_session_can_end(self, sign_in, alice, now):
        asked = ask(requested_by=alice.id)
        put(asked, created_at=now - timedelta(minutes=11))

        [link] = refreshers(self.page(sign_in(alice), asked))

        assert "hx-get" not in link

    def test_leads_to_the_hospital_that_was_copied_while_it_is_in_use(self, sign_in, ada, now):
        hospital, asked = make_hospital(), ask(requested_by=ada.id)
        put(asked, state="done", result={"hospital": str(hospital.pk), "read": 12})
        browser = sign_in(ada)

        assert self.page(browser, asked).one("a", href=f"/hospitals/{hospital.pk}/")
        Hospital.objects.update(deleted_at=now)
        assert not self.page(browser, asked).all("a", href=f"/hospitals/{hospital.pk}/")

    @pytest.mark.parametrize("name", ["bob", "dr_chen", "erin", "rita", "otto"])
    def test_somebody_elses_is_not_there(self, sign_in, request, alice, name):
        asked = ask(requested_by=alice.id)
        browser = sign_in(request.getfixturevalue(name))

        for path in (f"/jobs/{asked}/", f"/jobs/{uuid4()}/"):
            assert browser.get(path).status_code == 404
        assert browser.post(f"/jobs/{asked}/cancel/").status_code == 404
        assert job(asked).state == "queued"

    def test_an_administrator_sees_everybodys(self, sign_in, alice, ada):
        asked = ask(requested_by=alice.id)

        assert sign_in(ada).get(f"/jobs/{asked}/").status_code == 200

    def test_whoever_is_not_signed_in_is_sent_to_the_door(self, client, alice):
        asked = ask(requested_by=alice.id)

        for path in ("/jobs/", f"/jobs/{asked}/"):
            assert client.get(path)["Location"].startswith("/sign-in/")
        assert client.post(f"/jobs/{asked}/cancel/")["Location"].startswith("/sign-in/")
        assert job(asked).state == "queued"

    def test_takes_no_query_while_rendering(self, sign_in, alice):
        assert queries_while_rendering(sign_in(alice), f"/jobs/{ask(requested_by=alice.id)}/") == 0


class TestStopping:
    def test_stops_a_waiting_one_at_once(self, sign_in, alice):
        asked = ask(requested_by=alice.id)
        browser = sign_in(alice)
        form = Page(browser.get(f"/jobs/{asked}/")).one("form", action=f"/jobs/{asked}/cancel/")

        response = browser.post(form["action"], follow=True)

        assert form["method"] == "post"
        assert "The job is stopped." in Page(response).text
        assert "Stopped It was stopped before it was finished." in Page(response).text
        assert job(asked).state == "cancelled"
        assert AuditEvent.objects.filter(action="job.cancel", actor_id=alice.id, outcome="allowed").count() == 1

    def test_asks_one_at_work_to_stop_once(self, sign_in, alice, now):
        asked = ask(requested_by=alice.id)
        put(asked, state="running", attempt=1, lease_until=now + timedelta(minutes=1))

        page = Page(sign_in(alice).post(f"/jobs/{asked}/cancel/", follow=True))

        assert "The job will stop as soon as it notices." in page.text
        assert "Stopping It was asked to stop, and stops as soon as it notices." in page.text
        assert not page.all("form", action=f"/jobs/{asked}/cancel/")
        assert refreshers(page)

    def test_one_that_has_ended_meanwhile_is_shown_as_it_ended(self, sign_in, alice):
        asked = ask(requested_by=alice.id)
        jobs.run_job(asked)

        response = sign_in(alice).post(f"/jobs/{asked}/cancel/")

        assert response.status_code == 409
        assert "Nothing was stopped. This job has ended already." in Page(response).text
        assert "Done It is finished." in Page(response).text
        assert refusals(alice, "job.cancel") == ["already_ended"]

    def test_leads_back_to_the_list_that_asked(self, sign_in, ada):
        asked = ask(requested_by=ada.id)

        assert sign_in(ada).post(f"/jobs/{asked}/cancel/", {"back": "reports"})["Location"] == "/reports/"
