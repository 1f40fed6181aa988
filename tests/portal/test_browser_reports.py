"""Reports, jobs and figures in a real Chromium: each flow with and without JavaScript, the work done for real."""

import csv
import io
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.db import connections

from core import jobs, reports
from core.reports import ReportIn
from tests.core.errands import ask, errand, listening
from tests.factories import PatientFactory
from tests.factories.federation import make_hospital, make_record
from tests.factories.scheduling import at, make_appointment
from tests.portal.clinic_days import next_monday, works_on
from tests.portal.visits import Visit, obstacles, start_visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PATIENCE = 10  # seconds


@pytest.fixture
def monday():
    return next_monday()


@pytest.fixture
def visits(live_server, dr_chen, monday):
    """Two patients in Lin Chen's calendar."""
    works_on(dr_chen.doctor, monday)
    for clock, name in (("09:00", "Ana"), ("09:30", "=1+1")):
        make_appointment(dr_chen.doctor, PatientFactory(firstname=name, lastname="Gómez"), at(monday, clock))


class Worker:
    """Does the jobs that the bell rang for, when the test says so, in a thread with its own database connection."""

    def __init__(self) -> None:
        self.rung: list[UUID] = []
        self._at_work: list[threading.Thread] = []

    def hear(self, job_id: UUID, _: float) -> None:
        self.rung.append(job_id)

    def begin(self) -> None:
        """Begin the newest job, and leave it at that."""
        self._at_work.append(threading.Thread(target=self._run, args=[self.rung[-1]]))
        self._at_work[-1].start()

    def finish(self) -> None:
        """Wait until what has begun has ended."""
        for thread in self._at_work:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def _run(self, job_id: UUID) -> None:
        try:
            jobs.run_job(job_id)
        finally:
            connections.close_all()


@pytest.fixture
def worker(live_server) -> Iterator[Worker]:
    """A worker that waits for the test instead of beginning at once."""
    hired = Worker()
    with listening(hired.hear):
        yield hired
        hired.finish()


def enter(visit: Visit, who: str, path: str) -> Visit:
    """Sign in and go on to the page."""
    visit.open(path)
    visit.sign_in(who)
    visit.page.wait_for_url(lambda address: "/sign-in/" not in address)
    return visit


def assert_nothing_went_wrong(visit: Visit) -> None:
    assert visit.foreign == []
    assert visit.complaints == []


def look_again(visit: Visit) -> None:
    """Without JavaScript the page stands still until somebody asks for it again."""
    if not visit.runs_script:
        visit.page.get_by_role("link", name="Refresh").click()


def test_a_report_is_asked_for_watched_and_downloaded(dr_chen, visits, monday, worker, either_visit):
    here = enter(either_visit, "chen", "/reports/")
    page = here.page

    page.get_by_label("From").fill(str(monday))
    page.get_by_label("Until").fill(str(monday))
    page.get_by_role("button", name="Write the report").click()
    here.see("The report is being written.")
    page.get_by_role("cell", name="Waiting").wait_for()
    assert page.get_by_role("link", name="Download").count() == 0

    worker.begin()
    worker.finish()
    look_again(here)
    here.see("2 appointments")
    assert page.get_by_role("link", name="Refresh").count() == 0
    with page.expect_download() as saved:
        page.get_by_role("link", name="Download").click()

    header, *rows = csv.reader(io.StringIO(Path(saved.value.path()).read_text("utf-8-sig"), newline=""))
    assert saved.value.suggested_filename.startswith("appointments-")
    assert header[:4] == ["Date", "Time", "Doctor", "Patient"]
    assert [row[:4] for row in rows] == [
        [str(monday), "09:00", "Lin Chen", "Ana Gómez"],
        [str(monday), "09:30", "Lin Chen", "'=1+1 Gómez"],
    ]
    assert_nothing_went_wrong(here)


def test_a_page_that_watches_asks_until_the_end_and_then_no_more(dr_chen, visits, worker, visit):
    here = enter(visit, "chen", "/reports/")
    here.page.get_by_role("button", name="Write the report").click()
    here.see("The report is being written.")
    here.page.evaluate("window.isTheSamePage = true")
    asked: list[str] = []
    here.page.on("request", lambda request: asked.append(request.url))

    with here.page.expect_response("**/reports/"):
        pass  # it asks by itself, before there is anything new
    worker.begin()
    here.page.get_by_role("link", name="Download").wait_for()
    heard_until_ready = len(asked)
    here.page.wait_for_timeout(2500)

    assert here.page.evaluate("window.isTheSamePage")
    assert heard_until_ready > 0
    assert len(asked) == heard_until_ready
    assert_nothing_went_wrong(here)


def test_a_period_that_is_none_is_told_and_the_days_stay(dr_chen, either_visit):
    here = enter(either_visit, "chen", "/reports/")
    here.page.get_by_label("From").fill("2026-02-02")
    here.page.get_by_label("Until").fill("2026-02-01")
    here.page.get_by_role("button", name="Write the report").click()

    here.see("Until must not lie before from.")
    assert here.page.get_by_label("From").input_value() == "2026-02-02"
    assert [told for told in here.complaints if "422" not in told] == []


def test_one_that_waits_is_stopped_before_it_begins(dr_chen, visits, worker, either_visit):
    here = enter(either_visit, "chen", "/reports/")
    here.page.get_by_role("button", name="Write the report").click()
    here.page.get_by_role("button", name="Stop").click()

    here.see("The job is stopped.")
    worker.begin()
    worker.finish()
    here.open("/reports/")
    here.page.get_by_role("cell", name="Stopped").wait_for()
    assert here.page.get_by_role("link", name="Download").count() == 0
    assert_nothing_went_wrong(here)


@pytest.fixture
def counting(dr_chen, worker) -> Iterator[tuple[UUID, threading.Event]]:
    """A job that has done three of ten pages, and the event without which it goes on until somebody stops it."""
    has_begun, is_over = threading.Event(), threading.Event()

    def count_pages(run: jobs.Run) -> dict[str, int]:
        run.progress(3, 10, "Page 3")
        has_begun.set()
        while not is_over.wait(0.1):
            run.keep()
        return {"pages": 10}

    with errand(count_pages) as kind:
        job_id = ask(kind, requested_by=dr_chen.id)
        worker.begin()
        assert has_begun.wait(PATIENCE)
        yield job_id, is_over
        is_over.set()
        worker.finish()


def test_a_job_is_watched_until_it_is_done(counting, worker, either_visit):
    job_id, is_over = counting
    here = enter(either_visit, "chen", "/jobs/")
    here.see("3 of 10: Page 3")
    here.page.get_by_role("row", name="At work").get_by_role("link").click()
    here.see("It is being done.")
    assert here.path() == f"/jobs/{job_id}/"
    assert here.page.get_by_role("progressbar").get_attribute("value") == "3"

    is_over.set()
    worker.finish()
    look_again(here)

    here.see("It is finished.")
    assert here.page.get_by_role("progressbar").count() == 0
    assert here.page.get_by_role("link", name="Refresh").count() == 0
    assert_nothing_went_wrong(here)


def test_a_job_at_work_stops_as_soon_as_it_notices(counting, worker, either_visit):
    here = enter(either_visit, "chen", f"/jobs/{counting[0]}/")

    here.page.get_by_role("button", name="Stop this job").click()
    here.see("The job will stop as soon as it notices.")
    worker.finish()
    if not here.runs_script:
        here.page.reload()  # it may have noticed before the page was shown

    here.see("It was stopped before it was finished.")
    assert here.page.get_by_role("button", name="Stop this job").count() == 0
    assert_nothing_went_wrong(here)


def test_a_page_that_asks_again_leaves_the_cursor_where_it_was(counting, visit):
    here = enter(visit, "chen", f"/jobs/{counting[0]}/")
    here.page.get_by_role("button", name="Stop this job").focus()

    with here.page.expect_response(f"**/jobs/{counting[0]}/"):
        pass
    here.page.wait_for_timeout(200)

    assert here.page.evaluate("document.activeElement.innerText") == "Stop this job"
    assert_nothing_went_wrong(here)


@pytest.fixture
def people(live_server, now):
    """Sixty people of one hospital, and three of another that could not be copied again."""
    riverside = make_hospital("Riverside", fetched_at=now)
    for number in range(60):
        make_record(riverside, f"P{number}", gender="F" if number % 3 else "M")
    lakeside = make_hospital("Lakeside", fetched_at=now - timedelta(days=2), feed={"failures": 1})
    for number in range(3):
        make_record(lakeside, f"P{number}", gender="O", diagnosis="Something rare", age_stated=95)


def test_a_researcher_finds_the_records_and_their_numbers_from_the_first_page(rita, people, either_visit):
    here = enter(either_visit, "rita", "/")
    main = here.page.get_by_role("main")

    main.get_by_role("link", name="Records without names").click()
    here.see("1 of 2")
    main.get_by_role("link", name="Next page").click()
    here.see("13 people on this page")
    main.get_by_role("link", name="Statistics").click()

    here.see("People counted")
    assert main.get_by_role("table").count() == 4
    assert main.get_by_role("img", name="The largest number of this table").count() > 0
    assert_nothing_went_wrong(here)


@pytest.fixture
def addresses(ada, rita, dr_chen, visits, people, counting, now) -> dict[str, list[str]]:
    """The addresses of every page, by who opens it, with something to show on each."""
    asked = [
        reports.create_report(actor=person.actor, body=ReportIn(kind="appointments"), now=now)
        for person in (ada, ada, dr_chen)
    ]
    jobs.run_job(asked[0].job)
    return {
        "ada": ["/reports/", "/jobs/", "/jobs/?state=done", f"/jobs/{counting[0]}/", f"/jobs/{asked[0].job}/"],
        "rita": ["/statistics/", "/research/"],
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_stands_in_the_way_of_anybody(addresses, browser, live_server, width, scheme):
    found = {}
    for who, paths in addresses.items():
        here = start_visit(browser, live_server, viewport={"width": width, "height": 900}, color_scheme=scheme)
        # Axe runs its own script on the page; the policy of the page is checked by every other test.
        enter(here, who, "/")
        for path in paths:
            here.open(path)
            found[path] = obstacles(here)

    assert {path: each for path, each in found.items() if each} == {}


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_narrow_screen_shows_everything_without_scrolling_sideways(addresses, browser, live_server, script):
    too_wide = []
    for who, paths in addresses.items():
        here = start_visit(
            browser, live_server, viewport={"width": 360, "height": 640}, java_script_enabled=script, has_touch=True
        )
        enter(here, who, "/")
        for path in paths:
            here.open(path)
            if here.page.evaluate("document.documentElement.scrollWidth") > 360:
                too_wide.append(path)
        assert_nothing_went_wrong(here)

    assert too_wide == []
