"""Connecting a chart with an account: found exactly, shown by name, connected once that is confirmed."""

import pytest

from care.models import Patient
from tests.factories import PatientFactory
from tests.factories.scheduling import at, make_appointment
from tests.portal.clinic_days import next_monday, refusals, works_on
from tests.portal.pages import Page, fields_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def chart(erin) -> Patient:
    return PatientFactory(firstname="Robert", lastname="Real", created_by=erin.user)


@pytest.fixture
def path(chart) -> str:
    return f"/patients/{chart.pk}/account/"


@pytest.mark.parametrize("who", ["erin", "ada"])
def test_the_desk_finds_it_from_the_chart_and_connects_in_two_steps(request, sign_in, bob, chart, path, who):
    browser = sign_in(request.getfixturevalue(who))
    assert Page(browser.get(f"/patients/{chart.pk}/")).one("a", href=path)

    shown = browser.post(path, {"account": " BOB "})
    page = Page(shown)
    chart.refresh_from_db()
    assert (shown.status_code, chart.user) == (200, None)
    assert "is the account of Bob" in page.text

    done = browser.post(path, fields_of(shown), follow=True)
    chart.refresh_from_db()
    assert chart.user == bob.user
    assert "This chart belongs to the account of Bob from now on." in Page(done).text
    assert not Page(browser.get(f"/patients/{chart.pk}/")).all("a", href=path)
    assert "It belongs to a patient's account already." in Page(browser.get(path)).text


@pytest.mark.parametrize(
    ("account", "sentence"),
    [
        ("nobody@nowhere.example", "No account has this e-mail address, username or mobile number."),
        ("\u200b", "No account has this e-mail address, username or mobile number."),
        ("", "Enter what the patient signs in with."),
        ("x" * 321, "at most 320 characters"),
    ],
)
def test_what_names_no_account_is_said_beside_the_field(sign_in, erin, path, account, sentence):
    answer = sign_in(erin).post(path, {"account": account})

    page = Page(answer)
    assert answer.status_code == 422
    assert sentence in page.text
    assert page.one("input", name="account")["aria-invalid"] == "true"


def test_a_confirmation_of_another_account_connects_nothing(sign_in, erin, alice, bob, chart, path):
    """Somebody changes the field behind the page's back: the account that is shown is the one that counts."""
    answer = sign_in(erin).post(path, {"account": "bob", "confirmed": str(alice.id)})

    chart.refresh_from_db()
    assert (answer.status_code, chart.user) == (200, None)
    assert "is the account of Bob" in Page(answer).text


def test_an_account_with_a_chart_of_its_own_is_told_what_to_do(sign_in, erin, bob, chart, path):
    other = PatientFactory(created_by=erin.user)
    browser = sign_in(erin)
    for number in (other.pk, chart.pk):
        answer = browser.post(f"/patients/{number}/account/", {"account": "bob", "confirmed": str(bob.id)})

    assert answer.status_code == 409
    assert "copy it into this chart and have an administrator delete the other one" in Page(answer).text
    assert refusals(erin, "patient.link") == ["already_linked"]


def test_two_appointments_at_the_same_time_are_told(sign_in, erin, bob, a_doctor, dr_chen, chart, path):
    monday = next_monday()
    for doctor in (a_doctor, dr_chen.doctor):
        works_on(doctor, monday)
    make_appointment(dr_chen.doctor, chart, at(monday, "09:00"))
    body = {"doctor": str(a_doctor.pk), "starts_at": at(monday, "09:00").isoformat()}
    assert bob.api.post("/api/appointments/", body).status_code == 201

    answer = sign_in(erin).post(path, {"account": "bob", "confirmed": str(bob.id)})

    assert answer.status_code == 409
    assert "cancel one of the two first" in Page(answer).text


def test_the_history_of_an_appointment_says_that_it_changed_charts(sign_in, erin, bob, a_doctor, chart, path):
    monday = next_monday()
    works_on(a_doctor, monday)
    body = {"doctor": str(a_doctor.pk), "starts_at": at(monday, "09:00").isoformat()}
    booked = bob.api.post("/api/appointments/", body).json()["id"]
    browser = sign_in(erin)
    browser.post(path, {"account": "bob", "confirmed": str(bob.id)})

    assert "Moved to another chart" in Page(browser.get(f"/appointments/{booked}/")).text
