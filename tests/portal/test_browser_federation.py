"""Hospitals and their records in a real Chromium: whole flows with and without JavaScript."""

import re
import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

import federation.service
from core import jobs
from core.models import Job
from federation.models import Feed, SyncProblem, SyncRun
from federation.schemas import HospitalIn
from tests.core.errands import listening
from tests.factories.federation import make_hospital, make_record
from tests.federation.fakes import open_town
from tests.portal.visits import Visit, obstacles, start_visit

pytestmark = pytest.mark.browser

PEOPLE = [
    {"patient_id": 1, "name": "Ana Gómez", "age": 45, "condition": "Flu"},
    {"patient_id": "B-2", "name": "Jane Smith", "age": 34, "diagnosis": "Cough"},
    {"name": "Without a number"},
]


@pytest.fixture
def town():
    """A place to open hospitals in; they are really asked, over the network of this machine."""
    with open_town() as town:
        yield town


@pytest.fixture(autouse=True)
def no_worker():
    """Nobody begins a job by himself: each test says when."""
    with listening(lambda job_id, delay: None):
        yield


@pytest.fixture
def riverside(live_server, ada, town):
    """A hospital that answers, and how it was asked."""
    return town.add("riverside", PEOPLE)


def enter(visit: Visit, path: str, who: str) -> None:
    """Sign in and go on to the page."""
    visit.open(path)
    visit.sign_in(who)
    visit.page.wait_for_url(re.compile(re.escape(path) + "$"))


def assert_nothing_went_wrong(visit: Visit) -> None:
    assert visit.foreign == []
    assert visit.complaints == []


def in_a_thread(work) -> None:
    """Do something with the database beside Playwright's loop, which keeps it from this thread; and wait for it."""
    failed = []

    def run():
        try:
            work()
        except Exception as failure:
            failed.append(failure)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    assert failed == []


def run_the_job() -> None:
    """Do what a worker does with the job that waits."""
    [job] = Job.objects.filter(state="queued")
    jobs.run_job(job.pk)


def test_a_hospital_is_tried_added_copied_and_its_records_found(riverside, either_visit):
    page = either_visit.page
    enter(either_visit, "/hospitals/", "ada")
    page.get_by_role("link", name="Add a hospital").click()

    page.get_by_label("Name").fill("Riverside")
    page.get_by_label("Address of its records").fill(riverside.url)
    page.get_by_label("Token").fill("canary-4711")
    page.get_by_role("button", name="Test this address").click()
    either_visit.see("It works. 2 records. 1 problem")
    assert page.get_by_label("Name").input_value() == "Riverside"
    # With JavaScript nothing of the form is touched; without, the page comes anew and a token is never sent back.
    kept = page.get_by_label("Token").input_value()
    assert kept == ("canary-4711" if either_visit.runs_script else "")
    assert page.get_by_text("Enter the token once more").count() == (0 if either_visit.runs_script else 1)
    page.get_by_label("Token").fill("canary-4711")
    page.get_by_role("button", name="Add the hospital").click()
    either_visit.see("Riverside is registered.")
    either_visit.see("Never fetched")

    page.get_by_role("button", name="Sync now").click()
    either_visit.see("Waiting to begin")
    in_a_thread(run_the_job)
    if not either_visit.runs_script:
        page.get_by_role("link", name="Refresh").click()
    either_visit.see("2 read on 1 page, 2 new or changed")
    page.get_by_text("Fresh", exact=True).wait_for()
    assert page.get_by_text("Waiting to begin").count() == 0
    page.get_by_text("1 problem").click()
    either_visit.see("The patient has no number; the record was left out.")
    assert riverside.asked == ["Bearer canary-4711"] * 2

    page.get_by_role("link", name="Its records").click()
    either_visit.see("2 records found")
    page.get_by_label("Patient’s name or number").press_sequentially("gomez")
    if not either_visit.runs_script:
        page.get_by_role("main").get_by_role("button", name="Search").click()
    either_visit.see("1 record found")
    page.get_by_role("link", name="Ana Gómez").click()
    either_visit.see("The hospital itself keeps this record.")
    assert_nothing_went_wrong(either_visit)


def test_a_copy_is_watched_without_a_click_and_nothing_is_asked_once_it_has_ended(riverside, ada, visit):
    hospital = make_hospital_at(riverside.url, ada)
    page, asked = visit.page, []
    enter(visit, f"/hospitals/{hospital}/", "ada")
    page.evaluate("window.isTheSamePage = true")
    page.get_by_role("button", name="Sync now").click()
    visit.see("Waiting to begin")

    in_a_thread(lambda: _pretend_to_read(1200, of=5000))
    visit.see("1200 of about 5000 so far")
    assert page.get_by_role("progressbar").get_attribute("value") == "1200"
    assert obstacles(visit) == []
    in_a_thread(_let_go)
    in_a_thread(run_the_job)
    page.get_by_role("button", name="Sync now").wait_for()
    assert page.evaluate("window.isTheSamePage")

    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2500)
    assert asked == []
    assert_nothing_went_wrong(visit)


def make_hospital_at(url, ada):
    made = None

    def make():
        nonlocal made
        body = HospitalIn(name="Riverside", api_endpoint=url)
        made = federation.service.create_hospital(actor=ada.actor, body=body, now=timezone.now()).id

    in_a_thread(make)
    return made


def _pretend_to_read(done: int, *, of: int) -> None:
    lease = timezone.now() + timedelta(minutes=1)
    Job.objects.update(state="running", attempt=1, lease_until=lease, progress_done=done, progress_total=of)


def _let_go() -> None:
    Job.objects.update(state="queued", lease_until=None, attempt=0)


def test_a_double_click_asks_once(riverside, ada, visit):
    hospital = make_hospital_at(riverside.url, ada)
    enter(visit, f"/hospitals/{hospital}/", "ada")

    visit.page.get_by_role("button", name="Sync now").dblclick()

    visit.see("Waiting to begin")
    in_a_thread(run_the_job)
    visit.see("2 read on 1 page")
    assert visit.page.locator(".sync").count() == 1


def test_a_doctor_asks_a_hospital_directly_and_has_all_fetched(live_server, dr_diaz, town, either_visit):
    in_a_thread(lambda: make_hospital("Riverside", endpoint=town.add("riverside", PEOPLE).url))
    in_a_thread(lambda: make_hospital("Lakeside", endpoint=town.add("lakeside", status=503).url))
    page = either_visit.page
    enter(either_visit, "/hospitals/", "diaz")

    page.get_by_role("link", name="Riverside").click()
    page.get_by_role("button", name="Fetch now").click()
    either_visit.see("Only you see this answer")
    either_visit.see("This is not everything.")
    either_visit.see("Jane Smith")

    page.get_by_role("link", name="Hospital records").first.click()
    either_visit.see("0 of 2 hospitals complete")
    page.get_by_role("button", name="Fetch the 2 never fetched").click()
    either_visit.see("2 hospitals were asked.")
    either_visit.see("1 of 2 hospitals complete")
    either_visit.see("Jane Smith")
    assert_nothing_went_wrong(either_visit)


def test_a_record_is_typed_in_changed_and_deleted(live_server, ada, either_visit):
    in_a_thread(lambda: make_hospital("Riverside"))
    page = either_visit.page
    enter(either_visit, "/records/", "ada")

    page.get_by_role("link", name="Type a record in").click()
    page.get_by_label("Hospital").select_option("Riverside, Elsewhere")
    page.get_by_label("Patient’s number there").fill("A-7")
    page.get_by_role("button", name="Add the record").click()
    either_visit.see("Enter the patient's name.")
    page.get_by_label("Name").fill("Ana Gómez")
    page.get_by_label("Age in years").fill("41")
    page.get_by_role("button", name="Add the record").click()
    either_visit.see("The record is added.")

    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Diagnosis").fill("Asthma")
    page.get_by_role("button", name="Save the changes").click()
    either_visit.see("The changes are saved.")
    either_visit.see("Asthma")

    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete the record").click()
    either_visit.see("The record is deleted.")


def test_a_token_is_left_alone_while_other_fields_are_checked(live_server, ada, visit):
    page = visit.page
    enter(visit, "/hospitals/new/", "ada")

    page.get_by_label("Token").fill("canary-4711")
    page.get_by_label("Minutes between two copies").fill("1")
    page.keyboard.press("Tab")
    visit.see("Minutes between two copies must be at least 5.")

    assert page.get_by_label("Token").input_value() == "canary-4711"
    assert visit.complaints == []


def test_hostile_text_of_a_hospital_is_text_and_nothing_runs(live_server, ada, town, visit):
    name = '"><img src=/no hx-get=/sign-out/ hx-trigger=load onerror=alert(1)><script>alert(2)</script>'
    people = [{"patient_id": name, "name": name, "age": 40, "condition": name}]
    made = {}

    def make():
        hospital = make_hospital(name, location=name, endpoint=town.add("a", people).url)
        made["record"] = make_record(hospital, name, name=name, diagnosis=name).pk
        made["hospital"] = hospital.pk

    in_a_thread(make)
    asked: list[str] = []
    enter(visit, "/hospitals/", "ada")
    visit.page.on("request", lambda request: asked.append(request.url.removeprefix(visit.home)))
    visit.page.on("dialog", lambda dialog: asked.append(dialog.message))
    one, record = f"/hospitals/{made['hospital']}/", f"/records/{made['record']}/"
    paths = ["/hospitals/", one, f"{one}edit/", f"{one}delete/", "/records/", record]

    for path in paths:
        visit.open(path)
        visit.page.wait_for_load_state("networkidle")
    visit.open(one)
    visit.page.get_by_role("button", name="Fetch now").click()
    visit.see("1 record")
    visit.page.wait_for_load_state("networkidle")

    pages = [address for address in asked if not address.startswith("/static/")]
    assert pages == [*paths, one, f"{one}fetch/"]
    assert visit.complaints == []


@pytest.fixture
def hospitals(live_server, ada, dr_diaz, alice, now):
    """Hospitals in every state, with history and records; returns the pages that each person sees."""
    moments = {"fetched_at": now - timedelta(minutes=5), "sync_every_minutes": 60}
    fresh = make_hospital("Riverside", **moments, feed={"record_count": 4, "due_at": now + timedelta(minutes=55)})
    make_hospital("Hillcrest", fetched_at=now - timedelta(days=3))
    failing = make_hospital("Lakeside General Hospital and Trauma Centre of the Northern Counties")
    Feed.objects.filter(pk=failing.pk).update(
        failures=6, error_detail="It answered 503.", opens_until=now + timedelta(hours=1)
    )
    waiting = make_hospital("Northgate", format="fhir_r4")
    run = SyncRun.objects.create(
        hospital=failing, state="failed", generation=1, started_at=now, problem_count=1, error_detail="It answered 503."
    )
    SyncProblem.objects.create(run=run, page=1, code="no_name", place="records[17]")
    federation.service.request_sync(actor=ada.actor, hospital_id=waiting.pk, now=now)
    fetched = make_record(fresh, "1", run=run)
    typed = make_record(fresh, "H-7/2231", name="Ana Maria Fernández de la Vega", created_by=alice.user)
    one = f"/hospitals/{fresh.pk}/"
    return {
        "ada": [
            *("/hospitals/", "/hospitals/?q=zzz", "/hospitals/new/", one, f"{one}edit/", f"{one}delete/"),
            *(f"{one}fetch/", f"/hospitals/{failing.pk}/", f"/hospitals/{waiting.pk}/"),
            *("/records/", "/records/?q=zzz", "/records/?hospital=nowhere", "/records/new/", f"/records/{fetched.pk}/"),
            *(f"/records/{typed.pk}/{page}" for page in ("", "edit/", "delete/")),
        ],
        "diaz": ["/", "/hospitals/", one, "/records/"],
        "alice": ["/", "/hospitals/", one, "/records/", f"/records/{typed.pk}/"],
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("who", ["ada", "diaz", "alice"])
def test_no_page_has_a_serious_obstacle_or_scrolls_sideways(hospitals, browser, live_server, who, width, scheme):
    visit = start_visit(
        browser, live_server, viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    serious, too_wide = {}, []
    enter(visit, "/me/account/", who)

    for path in hospitals[who]:
        visit.open(path)
        for question in visit.page.locator("details > summary").all():
            question.click()
        found = obstacles(visit)
        if found:
            serious[path] = found
        if visit.page.evaluate("document.documentElement.scrollWidth") > width:
            too_wide.append(path)

    assert serious == {}
    assert too_wide == []
    assert [each for each in visit.complaints if "422" not in each] == []
