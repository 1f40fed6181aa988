"""Searching the audit trail on its page."""

import ast
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from django.utils import timezone

import care
import care.service
import identity
from care.schemas import PatientFilters
from core.actor import Role
from core.audit import ALLOWED, Act, Subject, record, record_refusal
from core.errors import NotAllowed
from core.ids import new_id
from core.models import AuditEvent
from core.pagination import PageIn
from portal.trail import ACTIONS
from tests.conftest import Person
from tests.factories import PatientFactory, UserFactory
from tests.portal.pages import Page

HTMX = {"HX-Request": "true"}
TRAIL = "/administration/audit/"


@pytest.fixture
def read(erin, bobs_chart) -> AuditEvent:
    """The front desk read bob's chart one morning."""
    with time_machine.travel(datetime(2026, 3, 2, 9, 3, tzinfo=UTC), tick=False):
        care.service.get_patient(actor=erin.actor, patient_id=bobs_chart.pk, now=timezone.now())
    return AuditEvent.objects.get(action="patient.read")


@pytest.fixture
def tried(rita, bobs_chart) -> AuditEvent:
    """A researcher tried to, in the afternoon."""
    with time_machine.travel(datetime(2026, 3, 2, 15, 0, tzinfo=UTC), tick=False):
        with pytest.raises(NotAllowed) as refusal:
            care.service.get_patient(actor=rita.actor, patient_id=bobs_chart.pk, now=timezone.now())
        record_refusal(refusal.value)
    return AuditEvent.objects.get(outcome="refused")


def rows(page: Page) -> str:
    """The words of the events, or nothing where there are none."""
    return page.text.partition("Concerns Outcome")[2]


def test_shows_who_did_what_by_which_rule_and_how_it_ended(sign_in, ada, erin, rita, read, tried, bobs_chart):
    page = Page(sign_in(ada).get(TRAIL))

    end = f"#{str(bobs_chart.pk)[-8:]}"
    assert "2 Mar 2026, 09:03:00 Erin Front desk Read a chart" in page.text
    assert f"Patient {end} events of Patient {end} allowed by the rule front-desk" in page.text
    assert "2 Mar 2026, 15:00:00 Rita Researcher Read a chart" in page.text
    assert f"Patient {end} events of Patient {end} refused because not_allowed" in page.text
    assert page.all("a", href=f"/patients/{bobs_chart.pk}/")
    assert page.all("a", href=f"/administration/users/{erin.id}/")
    assert page.all("a", href=f"{TRAIL}?subject={bobs_chart.pk}")
    # What is clinical or personal of a patient is nowhere in it.
    assert "Boris" not in page.text


def test_reading_the_trail_is_itself_on_record(sign_in, ada):
    browser = sign_in(ada)

    browser.get(TRAIL)

    assert AuditEvent.objects.filter(action="audit.list", actor_id=ada.id, outcome="allowed").count() == 1
    assert "Searched the audit trail" in rows(Page(browser.get(TRAIL)))


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"Erin", "Rita"}),
        ({"outcome": "refused"}, {"Rita"}),
        ({"outcome": "allowed", "action": "patient.read"}, {"Erin"}),
        ({"action": "mapping.create"}, set()),
        ({"since": "2026-03-02T09:03", "until": "2026-03-02T15:00"}, {"Erin"}),
        ({"since": "2026-03-02T09:04", "until": "2026-03-02T15:01"}, {"Rita"}),
        ({"since": "2026-03-02T09:04", "until": "2026-03-02T15:00"}, set()),
    ],
)
def test_every_filter_narrows(sign_in, ada, read, tried, query, found, headers):
    page = Page(sign_in(ada).get(TRAIL, query, headers=headers))

    assert {name for name in ("Erin", "Rita") if f"{name} " in rows(page)} == found
    assert ("Nothing of this kind is on record" in page.text) == (not found)


def test_filters_by_who_did_it_and_by_what_it_concerns(sign_in, ada, erin, read, tried, bobs_chart):
    browser = sign_in(ada)

    by_erin = rows(Page(browser.get(TRAIL, {"actor": str(erin.id)})))
    about_the_chart = rows(Page(browser.get(TRAIL, {"subject": str(bobs_chart.pk)})))
    about_nothing = rows(Page(browser.get(TRAIL, {"subject": str(new_id())})))

    assert "Erin" in by_erin
    assert "Rita" not in by_erin
    assert "Erin" in about_the_chart
    assert "Rita" in about_the_chart
    assert about_nothing == ""


def test_moments_are_the_clinics_time(sign_in, ada, read, settings):
    settings.TIME_ZONE = "Asia/Dhaka"  # six hours ahead
    browser = sign_in(ada)

    shown = Page(browser.get(TRAIL, {"since": "2026-03-02T15:03", "until": "2026-03-02T15:04"}))
    hidden = Page(browser.get(TRAIL, {"since": "2026-03-02T09:03", "until": "2026-03-02T09:04"}))

    assert "2 Mar 2026, 15:03:00 Erin" in shown.text
    assert "times of Asia/Dhaka" in shown.text
    assert "Erin" not in rows(hidden)


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("actor", "erin", "Enter the id of an account; its page shows it."),
        ("subject", "Boris", "Enter the id of a patient, an account or whatever else it concerns."),
        ("since", "yesterday", "Enter date and time as 2026-03-27 08:30."),
        ("until", "2026-02-30T10:00", "Enter date and time as 2026-03-27 08:30."),
        ("outcome", "perhaps", "Select a valid choice."),
        ("action", "x" * 201, "at most 200 characters"),
    ],
)
def test_names_what_cannot_be_searched_for_and_loses_nothing(sign_in, ada, read, name, typed, sentence):
    response = sign_in(ada).get(TRAIL, {"actor": str(new_id()), "subject": str(new_id()), name: typed})

    page = Page(response)
    assert response.status_code == 422
    assert sentence in page.text
    assert rows(page) == ""
    if name in ("actor", "subject", "since", "until"):
        field = page.one("input", name=name)
        assert (field["value"], field["aria-invalid"]) == (typed, "true")
        assert "value" in page.one("input", name="subject")
    # A search that was not made is not on record.
    assert not AuditEvent.objects.filter(action="audit.list").exists()


def test_turns_the_pages_of_a_long_trail(sign_in, ada, read):
    for _ in range(30):
        record(Act(ada.actor, "patient.update"), outcome=ALLOWED)
    browser = sign_in(ada)
    query = {"action": "patient.update"}

    first = Page(browser.get(TRAIL, query))
    second = Page(browser.get(first.one("a", rel="next")["href"]))

    assert rows(first).count("Changed a chart") == 25
    assert rows(second).count("Changed a chart") == 5
    assert second.one("a", href=f"{TRAIL}?action=patient.update")
    refused = browser.get(TRAIL, {**query, "cursor": "made up"})
    assert refused["Location"] == f"{TRAIL}?action=patient.update"
    assert AuditEvent.objects.filter(action="audit.list", outcome="refused", rule="invalid").count() == 1


def test_a_long_list_of_subjects_is_folded(sign_in, ada, erin):
    for _ in range(5):
        PatientFactory()
    care.service.list_patients(actor=erin.actor, filters=PatientFilters(), page=PageIn(), now=timezone.now())

    page = Page(sign_in(ada).get(TRAIL, {"action": "patient.list"}))

    assert "and 2 more" in page.text
    assert rows(page).count("Patient #") == 10  # each with its link to its events


def test_shows_acts_of_the_system_of_deleted_things_and_of_unknown_kinds(sign_in, ada):
    browser = sign_in(ada)
    record(Act(ada.actor, "admin.patient.view", [Subject("patient", new_id(), "technical-window")]), outcome=ALLOWED)
    record(Act(ada.actor, "stars.count", [Subject("far-galaxy", new_id())]), outcome=ALLOWED)

    page = Page(browser.get(TRAIL))

    assert "Technical window: patient shown" in page.text
    assert "stars.count" in page.text
    assert "Far galaxy #" in page.text


def test_an_action_too_rare_to_be_offered_can_be_named_in_the_address(sign_in, ada):
    browser = sign_in(ada)
    record(Act(ada.actor, "admin.patient.view"), outcome=ALLOWED)

    page = Page(browser.get(TRAIL, {"action": "admin.patient.view"}))

    assert "1 event found" in page.text
    assert page.one("option", value="admin.patient.view", selected="")


def test_names_the_accounts_that_an_event_concerns(sign_in, ada, bob):
    browser = sign_in(ada)
    browser.post(f"/administration/users/{bob.id}/deactivate/")

    page = Page(browser.get(TRAIL, {"action": "user.deactivate"}))

    assert "Closed an account" in page.text
    assert "Account Bob" in rows(page)


def test_a_name_is_shown_as_text_whatever_it_holds(sign_in, ada, bobs_chart):
    name = "<script>alert(1)</script>"
    clerk = Person(UserFactory(username="clerk", name=name, role=Role.STAFF))
    care.service.get_patient(actor=clerk.actor, patient_id=bobs_chart.pk, now=timezone.now())

    page = Page(sign_in(ada).get(TRAIL))

    assert name in page.text
    assert all("src" in script for script in page.all("script"))


def recorded_actions(folder: Path) -> set[str]:
    """The actions that a context's services name where they begin an act."""
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "audited":
                found |= {each.value for each in ast.walk(node.args[1]) if isinstance(each, ast.Constant)}
    return {action for action in found if isinstance(action, str) and "." in action and not action.startswith(".")}


@pytest.mark.parametrize("context", [identity, care], ids=["identity", "care"])
def test_every_action_of_the_services_has_its_words(context):
    actions = recorded_actions(Path(context.__file__).parent)

    assert len(actions) > 5
    assert actions <= ACTIONS.keys()
