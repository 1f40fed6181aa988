"""The appointment book in a real Chromium: each flow with and without JavaScript."""

from datetime import timedelta

import pytest
from django.utils import timezone

import care.service
from tests.factories import DoctorFactory, PatientFactory
from tests.factories.scheduling import at, make_appointment, make_time_off
from tests.portal.clinic_days import next_monday, works_on
from tests.portal.visits import Visit, obstacles, start_visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def monday():
    return next_monday()


@pytest.fixture
def chen(live_server, monday):
    """A cardiologist who works on the Monday from nine to twelve."""
    doctor = DoctorFactory(firstname="Lin", lastname="Chen", specialization="CARD")
    works_on(doctor, monday)
    return doctor


@pytest.fixture
def ana(live_server, erin):
    return PatientFactory(firstname="Ana", lastname="Gómez", phone="+16175550101", created_by=erin.user)


class Clicks:
    """Clicks on the page, counted; what is typed and sent with Enter is no click."""

    def __init__(self, visit: Visit) -> None:
        self.page, self.count = visit.page, 0

    def on(self, target) -> None:
        target.click()
        self.count += 1
        self.page.wait_for_load_state()


def enter(visit: Visit, who: str, path: str = "/") -> Visit:
    """Sign in and go on to the page."""
    visit.open(path)
    visit.sign_in(who)
    visit.page.wait_for_url(lambda address: "/sign-in/" not in address)
    return visit


def assert_nothing_went_wrong(visit: Visit) -> None:
    assert visit.foreign == []
    assert visit.complaints == []


@pytest.fixture
def soon(chen):
    """Lin Chen works on the day after tomorrow as well."""
    works_on(chen, timezone.now().date() + timedelta(days=2))


def test_the_desk_books_for_a_found_patient_in_under_five_clicks(erin, chen, soon, ana, either_visit):
    here = enter(either_visit, "erin")
    page, clicks = here.page, Clicks(here)

    clicks.on(page.get_by_role("link", name="Book", exact=True))
    clicks.on(page.get_by_role("main").get_by_role("link", name="Cardiology"))
    clicks.on(page.get_by_role("link", name="09:30 on"))
    page.get_by_label("Name, telephone or e-mail").press_sequentially("gomez")
    if not here.runs_script:
        page.keyboard.press("Enter")
    clicks.on(page.get_by_role("button", name="Book for Ana Gómez"))

    here.see("Booked: Ana Gómez with Lin Chen")
    assert clicks.count == 4
    assert_nothing_went_wrong(here)


def test_typing_finds_the_patient_without_loading_the_page_again(erin, chen, ana, monday, visit):
    here = enter(visit, "erin", f"/book/at/?doctor={chen.pk}&at={monday}T09:00:00Z")
    here.page.evaluate("window.isTheSamePage = true")
    here.page.get_by_label("Notes").fill("Test results")

    here.page.get_by_label("Name, telephone or e-mail").press_sequentially("ana")
    here.page.get_by_role("button", name="Book for Ana Gómez").wait_for()

    assert here.page.evaluate("window.isTheSamePage")
    assert here.page.get_by_label("Notes").input_value() == "Test results"
    here.page.get_by_role("button", name="Book for Ana Gómez").click()
    here.see("Test results")
    assert_nothing_went_wrong(here)


def test_a_new_patient_is_added_and_booked(erin, chen, monday, either_visit):
    here = enter(either_visit, "erin", f"/book/at/?doctor={chen.pk}&at={monday}T09:00:00Z")
    page = here.page

    page.get_by_text("A new patient").click()
    page.get_by_label("First name").fill("Zoë")
    page.get_by_label("Last name").fill("Marsh")
    page.get_by_role("button", name="Add the patient and book").click()

    here.see("Booked: Zoë Marsh with Lin Chen")
    assert_nothing_went_wrong(here)


def test_a_time_taken_meanwhile_is_told_and_the_next_one_is_a_click_away(
    erin, chen, ana, monday, either_visit, browser, live_server
):
    path = f"/book/at/?doctor={chen.pk}&at={monday}T09:00:00Z&patient={ana.pk}"
    here = enter(either_visit, "erin", path)
    rival = enter(start_visit(browser, live_server), "erin", f"/book/at/?doctor={chen.pk}&at={monday}T09:00:00Z")
    rival.page.get_by_text("A new patient").click()
    rival.page.get_by_label("First name").fill("Faster")
    rival.page.get_by_role("button", name="Add the patient and book").click()
    rival.see("Booked: Faster")

    here.page.get_by_role("button", name="Book", exact=True).click()
    here.see("Somebody else has just taken this time.")
    here.page.get_by_role("button", name=f"{monday:%a} {monday.day} {monday:%b}, 09:30").click()

    here.see("Booked: Ana Gómez with Lin Chen")
    here.see("09:30")
    assert here.foreign == []
    # Chromium notes the refusal's status, where it notes anything.
    assert [told for told in here.complaints if "409" not in told] == []


def test_a_patient_books_and_cancels_with_a_reason(alice, chen, monday, either_visit):
    here = enter(either_visit, "alice", f"/book/?doctor={chen.pk}&from={monday}")
    page = here.page
    page.get_by_role("link", name="10:00 on").click()
    page.get_by_role("button", name="Book for yourself").click()
    here.see("Booked: Alice with Lin Chen")

    page.get_by_role("link", name="My appointments").click()
    page.get_by_text("Cancel", exact=False).first.click()
    page.get_by_label("Reason").fill("Feels better")
    page.get_by_role("button", name="Cancel the appointment").click()

    here.see("The appointment of Alice is cancelled")
    assert here.path() == "/me/appointments/"
    page.get_by_role("link", name="10:00").click()
    here.see("Feels better")
    assert_nothing_went_wrong(here)


def test_a_patient_moves_an_appointment_with_one_click(alice, chen, monday, either_visit):
    here = enter(either_visit, "alice", f"/book/at/?doctor={chen.pk}&at={monday}T09:00:00Z")
    here.page.get_by_role("button", name="Book for yourself").click()
    here.see("Booked: Alice")

    here.page.get_by_role("link", name="Another time").click()
    here.see("Choose another time")
    here.open(f"{here.path()}?from={monday}")
    here.page.get_by_role("button", name="11:30 on").click()

    here.see("at 11:30, Lin Chen.")
    assert_nothing_went_wrong(here)


@pytest.fixture
def visits(chen, ana, monday):
    """Ana and Ben are booked on the Monday."""
    make_appointment(chen, ana, at(monday, "09:00"))
    make_appointment(chen, PatientFactory(firstname="Ben"), at(monday, "09:30"))


def test_one_click_on_the_day_board_says_who_is_here(erin, visits, monday, either_visit):
    here = enter(either_visit, "erin", f"/today/?day={monday}")

    here.page.get_by_role("button", name="Arrived Ana Gómez").click()

    here.see("Ana Gómez is here.")
    here.page.get_by_role("button", name="Done Ana Gómez").click()
    here.see("The appointment of Ana Gómez is done.")
    here.see("Over")
    assert here.page.get_by_role("button", name="Arrived Ben").is_visible()
    assert f"day={monday}" in here.page.url
    assert_nothing_went_wrong(here)


def test_a_click_replaces_the_board_alone_and_keeps_the_place(erin, visits, monday, visit):
    here = enter(visit, "erin", f"/today/?day={monday}")
    here.page.evaluate("window.isTheSamePage = true")

    here.page.get_by_role("button", name="Arrived Ana Gómez").press("Enter")
    here.page.get_by_role("button", name="Done Ana Gómez").wait_for()

    assert here.page.evaluate("window.isTheSamePage")
    assert here.page.evaluate("document.activeElement.innerText").startswith("Done")
    assert_nothing_went_wrong(here)


def test_a_double_click_moves_nobody_else(erin, visits, monday, visit):
    here = enter(visit, "erin", f"/today/?day={monday}")
    box = here.page.get_by_role("button", name="Cancel Ana Gómez").bounding_box()
    place = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    here.page.wait_for_timeout(700)

    here.page.mouse.click(*place)
    here.see("The appointment of Ana Gómez is cancelled")
    here.page.mouse.click(*place)
    here.page.wait_for_timeout(300)

    # Ben stands where Ana stood.
    assert here.page.get_by_role("button", name="Cancel Ben").is_visible()
    assert_nothing_went_wrong(here)


def test_hours_are_added_for_several_weekdays(erin, chen, monday, either_visit):
    here = enter(either_visit, "erin", f"/schedules/{chen.pk}/?day={monday}")
    page = here.page

    page.get_by_text("Add working hours").click()
    assert not page.get_by_label("Date", exact=True).is_visible()
    page.get_by_label("Begins").fill("14:00")
    page.get_by_label("Ends").fill("16:00")
    page.get_by_label("Until").first.fill(str(monday.replace(year=monday.year + 1)))
    page.get_by_role("button", name="Add the hours").click()

    here.see("The working hours are added.")
    assert page.locator(".members").get_by_text("14:00–16:00").first.is_visible()
    assert_nothing_went_wrong(here)


def test_the_report_is_shown_and_its_file_is_saved(ada, visits, either_visit):
    here = enter(either_visit, "ada", "/report/?all=yes")
    here.see("Ana Gómez")

    with here.page.expect_download() as saved:
        here.page.get_by_role("link", name="Export as CSV").click()

    assert saved.value.suggested_filename.startswith("appointments-")
    assert here.foreign == []


@pytest.fixture
def full_week(ada, chen, ana, visits, monday, now) -> list[str]:
    """The addresses of every page of the appointment book, with something to show on each."""
    make_time_off(chen, at(monday, "11:00"), at(monday, "12:00"))
    own = PatientFactory(firstname="Ada")
    care.service.link_patient(actor=ada.actor, patient_id=own.pk, user_id=ada.id, now=now)
    appointment = make_appointment(chen, own, at(monday, "10:00")).pk
    return [
        f"/today/?day={monday}",
        f"/book/?specialization=CARD&from={monday}",
        f"/book/at/?doctor={chen.pk}&at={monday}T09:00:00Z&q=a",
        f"/book/at/?doctor={chen.pk}&at={monday}T10:30:00Z&q=a",
        f"/appointments/{appointment}/",
        f"/appointments/{appointment}/reschedule/?from={monday}",
        "/me/appointments/",
        "/schedules/",
        f"/schedules/{chen.pk}/?day={monday}",
        "/report/?all=yes",
        f"/patients/{ana.pk}/account/",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_stands_in_the_way_of_anybody(ada, full_week, browser, live_server, width, scheme):
    here = start_visit(browser, live_server, viewport={"width": width, "height": 900}, color_scheme=scheme)
    # Axe runs its own script on the page; the policy of the page is checked by every other test.
    enter(here, "ada")
    found = {}
    for path in full_week:
        here.open(path)
        here.page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
        found[path] = obstacles(here)

    assert {path: each for path, each in found.items() if each} == {}


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_narrow_screen_shows_everything_without_scrolling_sideways(ada, full_week, browser, live_server, script):
    here = start_visit(
        browser, live_server, viewport={"width": 360, "height": 640}, java_script_enabled=script, has_touch=True
    )
    enter(here, "ada")
    too_wide = []
    for path in full_week:
        here.open(path)
        if here.page.evaluate("document.documentElement.scrollWidth") > 360:
            too_wide.append(path)

    assert too_wide == []
    assert_nothing_went_wrong(here)
