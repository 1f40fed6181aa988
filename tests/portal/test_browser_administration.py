"""The administrators' pages in a real Chromium: each flow with and without JavaScript."""

import pytest

from tests.conftest import Person
from tests.factories import DoctorFactory, UserFactory
from tests.portal.administration import ask
from tests.portal.visits import Visit, start_visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def vass(live_server) -> Person:
    """Peter Vass asks for the role of a doctor; the directory has two of his name, and somebody else."""
    DoctorFactory(firstname="Peter", lastname="Vass", specialization="RHEU", location="Quincy", unverified=True)
    DoctorFactory(firstname="Petra", lastname="Vass", specialization="CARD", location="Boston")
    DoctorFactory(firstname="Jane", lastname="Doe")
    person = Person(UserFactory(username="vass", name="Peter Vass"))
    ask(person, "doctor")
    return person


def as_ada(visit: Visit, path: str = "/") -> Visit:
    visit.open(path)
    visit.sign_in("ada")
    return visit


def has_javascript(visit: Visit) -> bool:
    return visit.page.evaluate("typeof htmx") == "object"


def assert_nothing_went_wrong(visit: Visit) -> None:
    assert visit.foreign == []
    assert visit.complaints == []


def test_a_doctors_request_is_approved_with_the_right_entry(ada, vass, either_visit):
    here = as_ada(either_visit)
    page = here.page
    page.get_by_role("link", name="Role requests").click()
    page.get_by_role("link", name="Peter Vass").click()
    here.see("Peter Vass asks for the role Doctor")
    page.get_by_label("Reason").fill("Licence MA-2 seen")

    page.get_by_label("Find the entry").fill("vass")
    if has_javascript(here):
        page.get_by_role("status").get_by_text("2 entries found.").wait_for(state="attached")
    else:
        page.get_by_role("button", name="Find").click()
        page.wait_for_load_state()
    assert page.get_by_role("radio").count() == 3
    assert page.get_by_label("Reason").input_value() == "Licence MA-2 seen"

    page.get_by_label("Rheumatology, Quincy").check()
    page.get_by_role("button", name="Approve").click()

    here.see("Peter Vass has the role Doctor now and a verified entry in the directory.")
    here.see("Nothing waits")
    page.get_by_role("link", name="Approved").click()
    here.see("by Ada")
    here.open("/doctors/?q=quincy")
    page.get_by_role("link", name="Peter Vass").click()
    page.wait_for_load_state()
    assert page.get_by_text("not verified").count() == 0
    assert_nothing_went_wrong(here)


def test_enter_in_the_search_never_decides(ada, vass, either_visit):
    here = as_ada(either_visit)
    here.page.get_by_role("link", name="Role requests").click()
    here.page.get_by_role("link", name="Peter Vass").click()
    here.page.get_by_label("Reason").fill("Half a sentence")

    here.page.get_by_label("Find the entry").fill("jane")
    here.page.keyboard.press("Enter")

    here.see("Jane Doe")
    assert here.page.get_by_role("button", name="Approve").is_visible()
    assert here.page.get_by_label("Reason").input_value() == "Half a sentence"
    assert_nothing_went_wrong(here)


def test_typing_replaces_the_entries_and_nothing_else(ada, vass, visit):
    here = as_ada(visit)
    page = here.page
    page.get_by_role("link", name="Role requests").click()
    page.get_by_role("link", name="Peter Vass").click()
    page.evaluate("window.isTheSamePage = true")
    page.get_by_label("Rheumatology, Quincy").check()

    page.get_by_label("Find the entry").press_sequentially("zzz")
    page.get_by_text("No entry matches").or_(page.get_by_text("1 entry found.")).first.wait_for(state="attached")

    assert page.evaluate("window.isTheSamePage")
    assert page.evaluate("document.activeElement.name") == "q"
    # The choice stays until another one is made.
    assert page.get_by_label("Peter Vass Rheumatology").is_checked()
    assert_nothing_went_wrong(here)


def test_an_account_is_found_and_closed(ada, vass, either_visit):
    here = as_ada(either_visit)
    page = here.page
    page.get_by_role("link", name="Accounts").click()
    page.get_by_label("Name, e-mail, username or mobile number").fill("vass")
    if not has_javascript(here):
        page.get_by_role("button", name="Search").click()
    here.see("1 account found")
    page.get_by_role("link", name="Peter Vass").click()

    page.get_by_role("link", name="Close the account").click()
    here.see("Close the account of Peter Vass?")
    page.get_by_role("button", name="Close the account").click()

    here.see("The account is closed.")
    page.get_by_role("button", name="Open the account again").click()
    here.see("The account is open again.")
    assert_nothing_went_wrong(here)


def test_a_search_of_accounts_can_be_reloaded_and_gone_back_to(ada, vass, visit):
    here = as_ada(visit, "/administration/users/")
    here.page.get_by_label("Name, e-mail, username or mobile number").fill("vass")
    here.see("1 account found")

    assert here.page.url.endswith("/administration/users/?q=vass")
    here.page.reload()
    here.see("1 account found")
    here.page.get_by_role("link", name="Peter Vass").click()
    here.see("Roles it asked for")
    here.page.go_back()
    here.see("1 account found")
    assert_nothing_went_wrong(here)


def test_a_role_is_changed_after_a_question(ada, vass, either_visit):
    here = as_ada(either_visit, f"/administration/users/{vass.id}/")

    here.page.get_by_role("link", name="Change the role").click()
    here.page.get_by_label("Front desk").check()
    here.page.get_by_role("button", name="Go on").click()
    here.see("Make Peter Vass Front desk?")
    here.page.get_by_role("button", name="Change the role").click()

    here.see("The role is Front desk now.")
    assert_nothing_went_wrong(here)


def test_the_audit_trail_is_searched(ada, vass, either_visit):
    here = as_ada(either_visit)
    page = here.page
    page.get_by_role("link", name="Audit trail").click()
    page.get_by_label("What was done").select_option("Asked for a role")
    if not has_javascript(here):
        page.get_by_role("button", name="Search").click()

    here.see("1 event found")
    page.get_by_text("Details").click()
    here.see("role-request.create")
    page.get_by_role("link", name="events of Account Peter Vass").click()
    page.wait_for_load_state()
    assert page.get_by_label("Id of what it concerns").input_value() == str(vass.id)
    assert_nothing_went_wrong(here)


def test_somebody_asks_for_a_role(bob, either_visit):
    here = either_visit
    here.open("/")
    here.sign_in("bob")

    here.page.get_by_role("link", name="Ask for a role").click()
    here.page.get_by_label("Researcher").check()
    here.page.get_by_role("button", name="Ask for this role").click()

    here.see("Your request waits")
    assert here.page.get_by_role("radio").count() == 0
    assert_nothing_went_wrong(here)


def test_a_narrow_screen_shows_everything_without_scrolling_sideways(ada, vass, browser, live_server):
    here = start_visit(browser, live_server, viewport={"width": 360, "height": 640}, has_touch=True)
    as_ada(here, "/administration/role-requests/")
    request = here.page.get_by_role("link", name="Peter Vass").get_attribute("href")
    account = f"/administration/users/{vass.id}/"
    too_wide = []

    for path in [
        "/administration/role-requests/",
        request,
        "/administration/users/",
        account,
        f"{account}role/",
        f"{account}deactivate/",
        "/administration/audit/",
        "/role-requests/",
    ]:
        here.open(path)
        if here.page.evaluate("document.documentElement.scrollWidth") > 360:
            too_wide.append(path)

    assert too_wide == []
    assert_nothing_went_wrong(here)
