"""Reports as files: asked for on a page, written by a job, watched, and downloaded by who may still have them."""

import csv
import io
import re
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
import time_machine
from django.utils import timezone

import care.service
from core import jobs, reports
from core.actor import SYSTEM
from core.models import Job, Report
from core.reports import ReportIn
from portal.paging import asked_page
from tests.factories import PatientFactory
from tests.factories.scheduling import at, make_appointment
from tests.portal.clinic_days import next_monday, refusals, works_on
from tests.portal.pages import Page, fields_of
from tests.portal.rendering import count_queries, queries_while_rendering

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def monday():
    return next_monday()


@pytest.fixture
def visits(dr_chen, dr_diaz, monday):
    """One patient in Lin Chen's calendar and one in Rosa Diaz's."""
    for doctor in (dr_chen.doctor, dr_diaz.doctor):
        works_on(doctor, monday)
    make_appointment(dr_chen.doctor, PatientFactory(firstname="=1+1", lastname="Gómez"), at(monday, "09:00"))
    make_appointment(dr_diaz.doctor, PatientFactory(firstname="Ben", lastname="Elsewhere"), at(monday, "09:30"))


def ask(browser, **fields):
    return browser.post("/reports/", {"kind": "appointments", **fields})


def make_report(person, *, now, write: bool = True) -> UUID:
    """Have a report asked for by the service, and written unless it shall wait."""
    asked = reports.create_report(actor=person.actor, body=ReportIn(kind="appointments"), now=now)
    if write:
        jobs.run_job(asked.job)
    return asked.report


def read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def refreshers(page: Page) -> list[dict[str, str]]:
    return [link for link in page.all("a") if link.get("id") == "refresh"]


class TestAsking:
    def test_begins_with_the_last_month(self, sign_in, dr_chen):
        response = sign_in(dr_chen).get("/reports/")

        until = timezone.localdate().replace(day=1) - timedelta(days=1)
        sent = fields_of(response)
        assert (sent["kind"], sent["since"], sent["until"]) == ("appointments", f"{until:%Y-%m}-01", str(until))

    def test_leads_back_to_the_list_with_the_report_first(self, sign_in, dr_chen, visits):
        browser = sign_in(dr_chen)

        response = ask(browser, since="2026-10-01", until="2026-10-31")
        page = Page(browser.get(response["Location"]))

        report = Report.objects.get()
        assert (response.status_code, response["Location"]) == (302, "/reports/")
        assert (str(report.since), str(report.until), report.requested_by) == ("2026-10-01", "2026-10-31", dr_chen.id)
        assert "The report is being written." in page.text
        assert "Appointments 1 Oct 2026 to 31 Oct 2026" in page.text
        assert "Waiting" in page.text

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({}, "everything"),
            ({"since": "2026-10-01"}, "since 1 Oct 2026"),
            ({"until": "2026-10-31"}, "until 31 Oct 2026"),
        ],
    )
    def test_an_empty_day_means_without_end(self, sign_in, ada, fields, words):
        browser = sign_in(ada)
        ask(browser, **fields)

        assert f"Appointments {words}" in Page(browser.get("/reports/")).text

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"since": "2026-02-02", "until": "2026-02-01"}, "Until must not lie before from."),
            ({"since": "soon"}, "Enter the date as year-month-day"),
            ({"since": "1066-10-14"}, "From must lie between the years 2000 and 2200."),
            ({"kind": "salaries"}, "Select a valid choice."),
        ],
    )
    def test_what_is_wrong_is_told_beside_its_field_and_nothing_is_written(self, sign_in, ada, fields, sentence):
        response = ask(sign_in(ada), **fields)

        assert response.status_code == 422
        assert sentence in Page(response).text
        assert not Report.objects.exists()
        assert not Job.objects.exists()

    @pytest.mark.parametrize("name", ["alice", "erin", "rita", "otto"])
    def test_is_for_doctors_and_administrators(self, sign_in, request, name):
        person = request.getfixturevalue(name)
        browser = sign_in(person)

        for response in (browser.get("/reports/"), ask(browser)):
            assert response.status_code == 403
            assert re.search(r"Doctors take .* of their own calendar .*, administrators", Page(response).text)
        assert refusals(person, "report.create") == ["not_allowed"]
        assert not Report.objects.exists()

    def test_a_doctor_for_whom_nobody_vouches_has_none(self, sign_in, dr_chen, now):
        care.service.verify_doctor(actor=SYSTEM, doctor_id=dr_chen.doctor.pk, verified=False, reason="Left.", now=now)
        browser = sign_in(dr_chen)

        assert browser.get("/reports/").status_code == 403
        assert ask(browser).status_code == 403

    def test_the_sixth_in_an_hour_is_told_to_wait(self, sign_in, ada, limits_on):
        browser = sign_in(ada)
        for _ in range(5):
            assert ask(browser).status_code == 302

        response = ask(browser)

        assert response.status_code == 429
        assert int(response["Retry-After"]) > 0
        assert "Too many attempts. Try again in" in Page(response).text
        assert Report.objects.count() == 5

    def test_whoever_is_not_signed_in_is_sent_to_the_door(self, client, db):
        for response in (client.get("/reports/"), ask(client), client.get(f"/reports/{uuid4()}/download/")):
            assert response["Location"].startswith("/sign-in/")
        assert not Report.objects.exists()


class TestWatching:
    def test_asks_again_until_it_is_written(self, sign_in, dr_chen, visits, now):
        make_report(dr_chen, now=now, write=False)
        browser = sign_in(dr_chen)

        waiting = Page(browser.get("/reports/", headers=HTMX))
        jobs.run_job(Job.objects.get().pk)
        ready = Page(browser.get("/reports/", headers=HTMX))

        [link] = refreshers(waiting)
        assert (link["href"], link["hx-get"], link["hx-target"]) == ("/reports/", "/reports/", "#results")
        assert link["hx-trigger"].startswith("every ")
        assert "Waiting" in waiting.text
        assert ready.with_id("results")
        assert refreshers(ready) == []
        assert "Ready" in ready.text

    def test_says_how_much_is_in_it_and_until_when_it_is_kept(self, sign_in, dr_chen, visits, now):
        report = Report.objects.get(pk=make_report(dr_chen, now=now))

        page = Page(sign_in(dr_chen).get("/reports/"))

        kept = timezone.localtime(report.expires_at)
        assert f"Ready 1 appointment, {report.size} bytes; until {kept.day} {kept:%b, %H:%M}" in page.text
        assert page.one("a", href=f"/reports/{report.pk}/download/")

    def test_says_why_one_was_not_written(self, sign_in, dr_chen, now):
        make_report(dr_chen, now=now, write=False)
        Job.objects.update(state="dead", attempt=5, error_code="failed", error_detail="Something unexpected happened.")

        page = Page(sign_in(dr_chen).get("/reports/"))

        assert "Failed Something unexpected happened." in page.text
        assert not page.all("a", **{"class": "button button--small button--primary"})
        assert refreshers(page) == []

    def test_one_that_waits_is_stopped_from_here(self, sign_in, dr_chen, now):
        make_report(dr_chen, now=now, write=False)
        job = Job.objects.get().pk
        browser = sign_in(dr_chen)
        form = Page(browser.get("/reports/")).one("form", action=f"/jobs/{job}/cancel/")

        page = Page(browser.post(form["action"], {"back": "reports"}, follow=True))

        assert "The job is stopped." in page.text
        assert "Stopped" in page.text
        assert Job.objects.get().state == "cancelled"

    def test_its_job_leads_to_the_file_as_long_as_there_is_one(self, sign_in, dr_chen, visits, now):
        report = make_report(dr_chen, now=now)
        browser, path = sign_in(dr_chen), f"/jobs/{Job.objects.get().pk}/"

        assert Page(browser.get(path)).one("a", href=f"/reports/{report}/download/")
        Report.objects.update(expires_at=now)
        assert not Page(browser.get(path)).all("a", href=f"/reports/{report}/download/")

    def test_shows_ones_own_and_administrators_everybodys(self, sign_in, dr_chen, dr_diaz, ada, now):
        own, other = make_report(dr_chen, now=now), make_report(dr_diaz, now=now)

        def shown(person):
            page = Page(sign_in(person).get("/reports/"))
            return {link["href"].split("/")[2] for link in page.all("a") if link["href"].endswith("/download/")}

        assert shown(dr_chen) == {str(own)}
        assert shown(ada) == {str(own), str(other)}

    def test_is_paged(self, sign_in, ada, now, monkeypatch):
        monkeypatch.setattr("portal.views.reports.asked_page", partial(asked_page, rows=1))
        first, second = make_report(ada, now=now), make_report(ada, now=now)
        browser = sign_in(ada)

        newest = Page(browser.get("/reports/"))
        older = Page(browser.get(newest.one("a", rel="next")["href"]))

        assert newest.all("a", href=f"/reports/{second}/download/")
        assert older.all("a", href=f"/reports/{first}/download/")

    def test_a_cursor_of_another_list_leads_to_the_first_page(self, sign_in, ada):
        assert sign_in(ada).get("/reports/?cursor=made-up")["Location"] == "/reports/"

    def test_takes_the_same_queries_for_any_number_and_none_while_rendering(self, sign_in, ada, dr_chen, visits, now):
        make_report(dr_chen, now=now)
        browser = sign_in(ada)
        few = count_queries(browser, "/reports/")
        for write in (True, False):
            make_report(ada, now=now, write=write)
            make_report(dr_chen, now=now, write=write)

        assert count_queries(browser, "/reports/") == few
        assert queries_while_rendering(browser, "/reports/") == 0


class TestDownloading:
    def test_holds_the_own_calendar_and_no_live_formula(self, sign_in, dr_chen, visits, monday, now):
        report = make_report(dr_chen, now=now)

        response = sign_in(dr_chen).get(f"/reports/{report}/download/")

        content = response.getvalue()
        header, *rows = read(content)
        assert response["Content-Type"] == "text/csv; charset=utf-8"
        assert response["Content-Disposition"].startswith('attachment; filename="appointments-')
        assert int(response["Content-Length"]) == len(content)
        assert response["Cache-Control"] == "no-store"
        assert header[:4] == ["Date", "Time", "Doctor", "Patient"]
        assert [row[:4] for row in rows] == [[str(monday), "09:00", "Lin Chen", "'=1+1 Gómez"]]

    def test_holds_the_clinic_for_an_administrator(self, sign_in, ada, visits, now):
        response = sign_in(ada).get(f"/reports/{make_report(ada, now=now)}/download/")

        assert [row[2] for row in read(response.getvalue())[1:]] == ["Lin Chen", "Rosa Diaz"]

    def test_one_that_is_not_written_leads_to_the_list_that_says_so(self, sign_in, dr_chen, now):
        report = make_report(dr_chen, now=now, write=False)

        response = sign_in(dr_chen).get(f"/reports/{report}/download/", follow=True)

        assert response.redirect_chain == [("/reports/", 302)]
        assert "This report is not ready yet." in Page(response).text
        assert refusals(dr_chen, "report.download") == ["not_ready"]

    def test_somebody_elses_a_missing_one_and_an_expired_one_are_not_there(self, sign_in, dr_chen, dr_diaz, now):
        report = make_report(dr_chen, now=now)

        assert sign_in(dr_diaz).get(f"/reports/{report}/download/").status_code == 404
        assert sign_in(dr_chen).get(f"/reports/{uuid4()}/download/").status_code == 404
        with time_machine.travel(now + timedelta(hours=25)):
            assert sign_in(dr_chen).get(f"/reports/{report}/download/").status_code == 404

    @pytest.mark.parametrize("name", ["alice", "erin", "rita", "otto"])
    def test_is_for_doctors_and_administrators(self, sign_in, request, ada, name, now):
        report = make_report(ada, now=now)

        for wanted in (report, uuid4()):
            assert sign_in(request.getfixturevalue(name)).get(f"/reports/{wanted}/download/").status_code == 403
