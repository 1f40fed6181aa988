"""The clinic's report, on screen and as a file."""

import csv
import io
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from core.models import AuditEvent
from portal.paging import asked_page
from tests.factories import DoctorFactory, PatientFactory
from tests.factories.scheduling import at, make_appointment, make_schedule
from tests.portal.clinic_days import next_monday
from tests.portal.pages import Page
from tests.portal.rendering import count_queries, queries_while_rendering

pytestmark = pytest.mark.django_db


@pytest.fixture
def monday():
    return next_monday()


@pytest.fixture
def chen(monday):
    doctor = DoctorFactory(firstname="Lin", lastname="Chen", consultation_fee="1200.50")
    for days in (0, 1):
        make_schedule(doctor, monday + timedelta(days=days))
    return doctor


@pytest.fixture
def visits(chen, monday):
    ana = PatientFactory(firstname="=cmd|' /C calc'!A0", lastname="")
    return [
        make_appointment(chen, ana, at(monday, "09:00"), "fulfilled", notes="+1 (see\nchart)"),
        make_appointment(chen, PatientFactory(firstname="Ben"), at(monday, "09:30"), "noshow"),
        make_appointment(chen, PatientFactory(firstname="Cleo"), at(monday, "10:00"), "cancelled"),
        make_appointment(chen, PatientFactory(firstname="Dev"), at(monday + timedelta(days=1), "09:00")),
    ]


def read(response) -> list[list[str]]:
    return list(csv.reader(io.StringIO(response.getvalue().decode("utf-8-sig"), newline="")))


def test_shows_totals_revenue_and_details_of_the_period(sign_in, ada, visits, monday):
    page = Page(sign_in(ada).get(f"/report/?since={monday}&until={monday}"))

    for words in ("1,200.50 USD", "To 1 of 2 appointments nobody came.", "Lin Chen", "Ben Ient", "Cleo Ient"):
        assert words in page.text
    assert "50.0 %" in page.text
    assert "Dev Ient" not in page.text


def test_is_about_this_month_unless_the_address_says_otherwise(sign_in, ada):
    today = timezone.localdate()

    address = sign_in(ada).get("/report/")["Location"]

    assert address.startswith(f"/report/?since={today.replace(day=1)}&until={today:%Y-%m}-")


def test_everything_is_one_click(sign_in, ada, visits):
    browser = sign_in(ada)

    page = Page(browser.get("/report/?all=yes"))

    assert "Dev Ient" in page.text
    assert page.one("a", href="/report/?all=yes")["aria-current"] == "true"


def test_narrows_to_one_doctor_and_keeps_that_in_every_link(sign_in, ada, visits, chen):
    other = DoctorFactory()
    make_schedule(other, timezone.localdate())

    page = Page(sign_in(ada).get(f"/report/?all=yes&doctor={other.pk}"))

    assert "None begins in this period." in page.text
    assert page.one("a", href=f"/report/export.csv?doctor={other.pk}")
    assert page.one("a", href=f"/report/?doctor={other.pk}&all=yes")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("since=2026-02-02&until=2026-02-01", "Until must not lie before from."),
        ("since=soon", "Enter the date as year-month-day"),
        ("since=1066-10-14", "From must lie between the years 2000 and 2200."),
        ("doctor=somebody", "Select a valid choice."),
    ],
)
def test_what_is_no_period_is_told_beside_its_field(sign_in, ada, query, sentence):
    response = sign_in(ada).get(f"/report/?{query}")

    assert response.status_code == 422
    assert sentence in Page(response).text


def test_details_are_paged(sign_in, ada, chen, monday, monkeypatch):
    monkeypatch.setattr("portal.views.report.asked_page", partial(asked_page, rows=1))
    for clock in ("09:00", "09:30"):
        make_appointment(chen, PatientFactory(firstname=f"At {clock}"), at(monday, clock))
    browser = sign_in(ada)

    first = Page(browser.get("/report/?all=yes"))
    second = Page(browser.get(first.one("a", rel="next")["href"]))

    assert "At 09:30" in first.text
    assert "At 09:00" not in first.text
    assert "At 09:00" in second.text


def test_a_cursor_of_another_list_leads_to_the_first_page(sign_in, ada, visits):
    response = sign_in(ada).get("/report/?all=yes&cursor=made-up")

    assert response.status_code == 302
    assert "cursor" not in response["Location"]


@pytest.mark.parametrize("path", ["/report/", "/report/?all=yes", "/report/export.csv"])
@pytest.mark.parametrize("name", ["alice", "dr_chen", "erin", "rita", "otto"])
def test_is_for_administrators(sign_in, request, path, name):
    assert sign_in(request.getfixturevalue(name)).get(path).status_code == 403


def test_takes_the_same_queries_for_any_number_and_none_while_rendering(sign_in, ada, chen, visits, monday):
    browser, path = sign_in(ada), "/report/?all=yes"
    few = count_queries(browser, path)
    for clock in ("10:30", "11:00"):
        make_appointment(chen, PatientFactory(), at(monday, clock))

    assert count_queries(browser, path) == few
    assert queries_while_rendering(browser, path) == 0


class TestTheFile:
    def test_holds_every_appointment_and_no_live_formula(self, sign_in, ada, visits, monday):
        response = sign_in(ada).get("/report/export.csv")

        header, *rows = read(response)
        assert response["Content-Type"] == "text/csv; charset=utf-8"
        assert response["Content-Disposition"].startswith('attachment; filename="appointments-')
        assert header[:5] == ["Date", "Time", "Doctor", "Patient", "Status"]
        assert [row[4] for row in rows] == ["Done", "No-show", "Cancelled", "Booked"]
        assert rows[0][:4] == [str(monday), "09:00", "Lin Chen", "'=cmd|' /C calc'!A0"]
        assert rows[0][5:7] == ["1200.50", "USD"]
        assert rows[0][9] == "'+1 (see\nchart)"

    def test_is_of_the_period_and_the_doctor_that_the_page_shows(self, sign_in, ada, visits, monday):
        browser = sign_in(ada)

        assert len(read(browser.get(f"/report/export.csv?since={monday}&until={monday}"))) == 1 + 3
        assert read(browser.get(f"/report/export.csv?until={monday - timedelta(days=1)}"))[1:] == []

    def test_is_streamed(self, sign_in, ada, visits):
        assert sign_in(ada).get("/report/export.csv").streaming

    def test_is_on_record_with_every_patient(self, sign_in, ada, visits):
        sign_in(ada).get("/report/export.csv")

        event = AuditEvent.objects.get(action="report.export")
        assert event.actor_id == ada.id
        assert {subject.subject_id for subject in event.subjects.all()} == {visit.patient_id for visit in visits}

    def test_is_kept_by_nobody_on_the_way(self, sign_in, ada, visits):
        assert sign_in(ada).get("/report/export.csv")["Cache-Control"] == "no-store"

    def test_a_period_that_is_none_leads_to_the_page_that_says_so(self, sign_in, ada):
        browser = sign_in(ada)

        response = browser.get("/report/export.csv?since=soon")

        assert response["Location"] == "/report/?since=soon"
        assert browser.get("/report/export.csv?since=2026-02-02&until=2026-02-01").status_code == 422
