"""Deciding role requests on the administrators' page."""

import pytest

from care.models import Doctor
from core.models import AuditEvent
from identity.models import RoleRequest
from tests.conftest import Person
from tests.factories import DoctorFactory, UserFactory
from tests.portal.administration import ask, refused
from tests.portal.pages import Page

HTMX = {"HX-Request": "true"}
LIST = "/administration/role-requests/"


@pytest.fixture
def vass(db) -> Person:
    """Somebody who is a doctor, and so far an account like any other."""
    return Person(UserFactory(username="vass", name="Peter Vass"))


@pytest.fixture
def entry(db) -> Doctor:
    """The same person in the directory."""
    return DoctorFactory(firstname="Peter", lastname="Vass", specialization="RHEU", location="Quincy", unverified=True)


def address(asked: RoleRequest) -> str:
    return f"{LIST}{asked.pk}/"


def decide(browser, asked, decision="approve", reason="Licence seen", headers=None, **more):
    return browser.post(address(asked), {"decision": decision, "reason": reason, **more}, headers=headers)


def test_shows_what_waits_and_keeps_what_is_decided_apart(sign_in, ada, alice, bob, vass):
    browser = sign_in(ada)
    decide(browser, ask(alice, "researcher"))
    decide(browser, ask(bob, "staff"), "deny", "Nobody we know")
    ask(vass, "doctor")
    browser.get("/")  # which tells what was done

    shown = {
        name: [who for who in ("Alice", "Bob", "Peter Vass") if f"{who} " in Page(browser.get(LIST, query)).text]
        for name, query in {
            "waiting": {},
            "unknown": {"status": "no such list"},
            "approved": {"status": "approved"},
            "denied": {"status": "denied"},
            "all": {"status": "all"},
        }.items()
    }

    assert shown == {
        "waiting": ["Peter Vass"],
        "unknown": ["Peter Vass"],
        "approved": ["Alice"],
        "denied": ["Bob"],
        "all": ["Alice", "Bob", "Peter Vass"],
    }
    assert "by Ada" in Page(browser.get(LIST, {"status": "denied"})).text


def test_says_when_nothing_waits(sign_in, ada):
    assert "Nothing waits" in Page(sign_in(ada).get(LIST)).text
    assert "Nothing here" in Page(sign_in(ada).get(LIST, {"status": "denied"})).text


def test_turns_the_pages_of_a_long_list(sign_in, ada):
    for number in range(30):
        ask(Person(UserFactory(username=f"asker{number}", name=f"Asker {number:02}")), "staff")
    browser = sign_in(ada)

    first = Page(browser.get(LIST))
    second = Page(browser.get(first.one("a", rel="next")["href"]))

    assert "Asker 29" in first.text
    assert "Asker 04" not in first.text
    assert "Asker 04" in second.text
    assert not second.all("a", rel="next")
    assert browser.get(LIST, {"cursor": "made up"})["Location"] == f"{LIST}?status=pending"


def test_htmx_gets_the_list_alone(sign_in, ada, bob):
    ask(bob, "staff")

    page = Page(sign_in(ada).get(LIST, headers=HTMX))

    assert page.tags[0] == ("section", {"class": "results", "id": "results", "aria-label": "Role requests"})
    assert not page.all("html")


def test_approving_gives_the_role_and_ends_the_sessions(sign_in, ada, bob):
    asked = ask(bob, "staff")
    bobs = sign_in(bob)

    response = decide(sign_in(ada), asked, reason="Starts on Monday")

    asked.refresh_from_db(), bob.user.refresh_from_db()
    assert response["Location"] == LIST
    assert (asked.status, asked.reason, asked.decided_by_id) == ("approved", "Starts on Monday", ada.id)
    assert bob.user.role == "staff"
    assert bobs.get("/")["Location"] == "/sign-in/?notice=ended"
    assert AuditEvent.objects.filter(action="role-request.approve", outcome="allowed", actor_id=ada.id).count() == 1


def test_says_what_was_done(sign_in, ada, bob):
    browser = sign_in(ada)
    decide(browser, ask(bob, "staff"))

    assert "Bob has the role Front desk now." in Page(browser.get(LIST)).text


def test_denying_changes_nothing_and_says_why(sign_in, ada, bob):
    asked = ask(bob, "researcher")
    browser = sign_in(ada)

    decide(browser, asked, "deny", "No ethics approval yet")

    asked.refresh_from_db(), bob.user.refresh_from_db()
    assert (asked.status, asked.reason, bob.user.role) == ("denied", "No ethics approval yet", "patient")
    assert "Bob does not get the role Researcher." in Page(browser.get(LIST)).text
    decided = Page(browser.get(address(asked)))
    assert "No ethics approval yet" in decided.text
    assert "by Ada" in decided.text
    assert not decided.all("button", name="decision")


@pytest.mark.parametrize("reason", ["", "   ", "x" * 256, "two\nlines"])
@pytest.mark.parametrize("decision", ["approve", "deny"])
def test_needs_a_reason_and_loses_nothing(sign_in, ada, vass, entry, decision, reason):
    asked = ask(vass, "doctor")

    response = decide(sign_in(ada), asked, decision, reason, doctor=str(entry.pk), q="quincy")

    page = Page(response)
    asked.refresh_from_db()
    assert response.status_code == 422
    assert asked.status == "pending"
    field = page.one("input", name="reason")
    assert field["aria-invalid"] == "true"
    assert page.with_id(field["aria-describedby"].split()[-1])["class"] == "errorlist"
    assert field.get("value", "") == reason
    assert "checked" in page.one("input", name="doctor", value=str(entry.pk))
    assert page.one("input", name="q")["value"] == "quincy"


def test_offers_the_entries_that_have_the_name_of_whoever_asks(sign_in, ada, vass, entry, a_doctor):
    page = Page(sign_in(ada).get(address(ask(vass, "doctor"))))

    assert [field["value"] for field in page.all("input", name="doctor")] == [str(entry.pk), ""]
    # Which one it is, a person says.
    assert not any("checked" in field for field in page.all("input", name="doctor"))
    assert "Peter Vass Rheumatology, Quincy not verified" in page.text


def test_a_new_entry_is_the_only_way_where_nobody_has_the_name(sign_in, ada, vass, a_doctor):
    page = Page(sign_in(ada).get(address(ask(vass, "doctor"))))

    assert page.one("input", name="doctor") == {"type": "radio", "name": "doctor", "value": "", "checked": ""}
    assert "No entry matches." in page.text


def test_approving_a_doctor_links_and_verifies_the_chosen_entry(sign_in, ada, vass, entry):
    asked = ask(vass, "doctor")

    response = decide(sign_in(ada), asked, doctor=str(entry.pk), q="Peter Vass", reason="Licence MA-2 seen")

    entry.refresh_from_db(), vass.user.refresh_from_db()
    assert response.status_code == 302
    assert (entry.user_id, entry.verified, entry.verification_reason) == (vass.id, True, "Licence MA-2 seen")
    assert vass.user.role == "doctor"
    assert Doctor.objects.count() == 1


def test_approving_a_doctor_makes_an_entry_where_that_was_chosen(sign_in, ada, vass, entry):
    decide(sign_in(ada), ask(vass, "doctor"), doctor="", q="Peter Vass")

    made = Doctor.objects.exclude(pk=entry.pk).get()
    entry.refresh_from_db()
    assert (made.name, made.user_id, made.verified) == ("Peter Vass", vass.id, True)
    assert (entry.user_id, entry.verified) == (None, False)


def test_which_entry_it_is_must_be_said(sign_in, ada, vass, entry):
    asked = ask(vass, "doctor")
    browser = sign_in(ada)

    response = decide(browser, asked, q="Peter Vass")

    page = Page(response)
    asked.refresh_from_db()
    assert response.status_code == 422
    assert asked.status == "pending"
    assert "Choose the entry that this account is, or a new one." in page.text
    assert page.one("fieldset")["aria-describedby"] == page.with_id("entries-wrong")["id"]
    assert page.one("input", name="reason")["value"] == "Licence seen"
    # Whoever is denied needs no entry.
    assert decide(browser, asked, "deny", q="Peter Vass").status_code == 302


def test_an_entry_that_has_an_account_is_shown_and_cannot_be_chosen(sign_in, ada, dr_diaz):
    other = Person(UserFactory(username="other", name="Rosa Diaz"))
    asked = ask(other, "doctor")
    browser = sign_in(ada)

    offered = Page(browser.get(address(asked)))
    forced = decide(browser, asked, doctor=str(dr_diaz.doctor.pk), q="Diaz")

    asked.refresh_from_db(), other.user.refresh_from_db()
    assert "disabled" in offered.one("input", name="doctor", value=str(dr_diaz.doctor.pk))
    assert "has an account" in offered.text
    assert forced.status_code == 409
    assert "This doctor has an account, or this account is a doctor." in Page(forced).text
    assert Page(forced).one("input", name="reason")["value"] == "Licence seen"
    assert (asked.status, other.user.role) == ("pending", "patient")
    assert refused("role-request.approve", ada) == ["already_linked"]


@pytest.mark.parametrize(
    ("doctor", "sentence"),
    [
        ("01a1fba8-0000-7000-8000-000000000000", "Directory entry is not known."),
        ("no such thing", "Choose an entry from the list."),
    ],
)
def test_an_entry_that_is_none_is_named_beside_the_list(sign_in, ada, vass, doctor, sentence):
    asked = ask(vass, "doctor")

    response = decide(sign_in(ada), asked, doctor=doctor, q="")

    asked.refresh_from_db()
    assert response.status_code == 422
    assert sentence in Page(response).text
    assert asked.status == "pending"


def test_an_entry_is_for_doctors_alone(sign_in, ada, bob, entry):
    asked = ask(bob, "staff")
    browser = sign_in(ada)

    response = decide(browser, asked, doctor=str(entry.pk))

    asked.refresh_from_db(), entry.refresh_from_db()
    assert not Page(browser.get(address(asked))).all("input", name="q")
    assert response.status_code == 422
    assert (asked.status, entry.user_id) == ("pending", None)
    assert refused("role-request.approve", ada) == ["invalid"]


@pytest.mark.parametrize("again", ["approve", "deny"])
def test_a_request_is_decided_once(sign_in, ada, bob, again):
    asked = ask(bob, "staff")
    browser = sign_in(ada)
    decide(browser, asked, "deny", "Not now")

    response = decide(browser, asked, again, "Changed my mind")

    asked.refresh_from_db()
    page = Page(response)
    assert response.status_code == 409
    assert "This request has been decided." in page.text
    assert "Not now" in page.text
    assert (asked.status, asked.reason) == ("denied", "Not now")
    assert refused(f"role-request.{again}", ada) == ["already_decided"]


def test_finding_an_entry_without_javascript_loses_nothing(sign_in, ada, vass, entry, a_doctor):
    asked = ask(vass, "doctor")

    response = sign_in(ada).post(
        address(asked), {"find": "entries", "q": "jane", "reason": "Half a sent", "doctor": str(entry.pk)}
    )

    page = Page(response)
    asked.refresh_from_db()
    assert response.status_code == 200
    assert asked.status == "pending"
    assert page.one("input", name="reason")["value"] == "Half a sent"
    assert page.one("input", name="q")["value"] == "jane"
    # What was chosen stays on offer, beside what was found.
    assert [field["value"] for field in page.all("input", name="doctor")] == [str(entry.pk), str(a_doctor.pk), ""]
    assert "checked" in page.one("input", name="doctor", value=str(entry.pk))
    assert "errorlist" not in response.content.decode()


def test_htmx_gets_the_entries_alone_while_somebody_types(sign_in, ada, vass, entry, a_doctor):
    browser = sign_in(ada)
    body = {"q": "jan", "reason": "", "doctor": "not an id"}

    response = browser.post(address(ask(vass, "doctor")), body, headers=HTMX)

    page = Page(response)
    assert page.tags[0][0] == "fieldset"
    assert [field["value"] for field in page.all("input", name="doctor")] == [str(a_doctor.pk), ""]
    assert "1 entry found." in page.text


def test_a_search_that_cannot_be_made_is_told(sign_in, ada, vass, entry):
    response = sign_in(ada).post(address(ask(vass, "doctor")), {"q": "x" * 201}, headers=HTMX)

    assert response.status_code == 200
    assert "at most 200 characters" in Page(response).text


def test_asks_to_narrow_a_long_search_down(sign_in, ada, vass):
    for _ in range(9):
        DoctorFactory(lastname="Vass", firstname="Peter")

    page = Page(sign_in(ada).get(address(ask(vass, "doctor"))))

    assert len(page.all("input", name="doctor")) == 8 + 1
    assert "There are more; type to narrow them down." in page.text


def test_a_decision_of_another_kind_decides_nothing(sign_in, ada, bob):
    asked = ask(bob, "staff")

    response = decide(sign_in(ada), asked, "postpone")

    asked.refresh_from_db()
    assert response.status_code == 200
    assert asked.status == "pending"
