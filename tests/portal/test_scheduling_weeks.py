"""A doctor's week: the grid, hours and time off."""

from datetime import date, timedelta

import pytest
from django.test import Client

import care.service
from core.ids import new_id
from portal.week_grid import week_grid
from scheduling.models import Schedule, TimeOff
from scheduling.service import Stretch, Week
from tests.factories import DoctorFactory, PatientFactory
from tests.factories.scheduling import at, make_appointment, make_schedule, make_time_off
from tests.portal.clinic_days import next_monday, refusals, works_on
from tests.portal.pages import Page
from tests.portal.rendering import count_queries, queries_while_rendering

pytestmark = pytest.mark.django_db


@pytest.fixture
def monday():
    return next_monday()


@pytest.fixture
def path(dr_chen):
    return f"/schedules/{dr_chen.doctor.pk}/"


def hours(day: date, **changed: object) -> dict[str, object]:
    """The form of hours on one date."""
    form = {"kind": "once", "date": day, "start_time": "09:00", "end_time": "12:00"} | changed
    return {f"hours-{name}": value for name, value in form.items()}


def weekly(first: date, until: date, *weekdays: int, **changed: object) -> dict[str, object]:
    form = {"kind": "weekly", "weekdays": weekdays, "first": first, "until": until}
    return hours(first) | {f"hours-{name}": value for name, value in (form | changed).items()}


def off(begins: str, ends: str, reason: str = "") -> dict[str, str]:
    return {"off-starts_at": begins, "off-ends_at": ends, "off-reason": reason}


class TestTheWeek:
    def test_shows_hours_time_off_and_who_is_booked(self, sign_in, erin, dr_chen, path, monday):
        works_on(dr_chen.doctor, monday)
        visit = make_appointment(dr_chen.doctor, PatientFactory(firstname="Ana"), at(monday, "10:00"))
        make_time_off(dr_chen.doctor, at(monday, "11:00"), at(monday, "15:00"))

        page = Page(sign_in(erin).get(path, {"day": monday}))

        # Once in the grid, once in the list that narrow screens show.
        assert len(page.all("a", href=f"/appointments/{visit.pk}/")) == 2
        for words in ("Week of Lin Chen", "Works 09:00–12:00", "Ana Ient", "11:00–15:00"):
            assert words in page.text
        assert [cell["rowspan"] for cell in page.all("td", **{"class": "grid__cell grid__cell--off"})] == ["8"]

    def test_a_doctor_is_led_to_the_own_week(self, sign_in, dr_chen, path):
        browser = sign_in(dr_chen)

        assert browser.get("/schedules/")["Location"] == path
        assert "My week" in Page(browser.get(path)).text

    def test_the_desk_finds_a_doctor_by_typing(self, sign_in, erin, dr_chen, dr_diaz, path):
        browser = sign_in(erin)

        page = Page(browser.get("/schedules/?q=chen"))
        part = Page(browser.get("/schedules/?q=chen", headers={"HX-Request": "true"}))

        assert page.one("a", href=path)
        assert "Diaz" not in page.text
        assert part.tags[0][1]["id"] == "results"

    def test_whoever_has_no_calendar_yet_is_told_why(self, sign_in, dr_chen):
        dr_chen.doctor.verified = False
        dr_chen.doctor.save()

        page = Page(sign_in(dr_chen).get("/schedules/"))

        assert "once the clinic has verified your entry" in page.text
        assert page.all("input", name="q") == []

    @pytest.mark.parametrize(("name", "status"), [("alice", 403), ("dr_diaz", 403), ("rita", 403), ("otto", 403)])
    def test_is_for_the_doctor_and_the_desk(self, sign_in, request, path, monday, name, status):
        browser = sign_in(request.getfixturevalue(name))

        assert browser.get(path).status_code == status
        assert browser.post(f"{path}hours/", hours(monday)).status_code == status
        assert browser.post(f"{path}time-off/", off(f"{monday}T09:00", f"{monday}T10:00")).status_code == status
        assert not Schedule.objects.exists()
        assert not TimeOff.objects.exists()

    def test_a_doctor_who_is_not_there_is_not_found(self, sign_in, erin, monday):
        browser, path = sign_in(erin), f"/schedules/{new_id()}/"

        assert browser.get(path).status_code == 404
        assert browser.post(f"{path}hours/", hours(monday)).status_code == 404
        assert browser.post(f"{path}time-off/", off(f"{monday}T09:00", f"{monday}T10:00")).status_code == 404

    def test_takes_the_same_queries_for_any_number_and_none_while_rendering(self, sign_in, erin, dr_chen, path, monday):
        works_on(dr_chen.doctor, monday)
        make_appointment(dr_chen.doctor, PatientFactory(), at(monday, "09:00"))
        browser, path = sign_in(erin), f"{path}?day={monday}"
        few = count_queries(browser, path)
        works_on(dr_chen.doctor, monday + timedelta(days=1))
        for clock in ("09:30", "10:00"):
            make_appointment(dr_chen.doctor, PatientFactory(), at(monday, clock))
        make_time_off(dr_chen.doctor, at(monday, "11:00"), at(monday, "12:00"))

        assert count_queries(browser, path) == few
        assert queries_while_rendering(browser, path) == 0


class TestHours:
    def test_adds_hours_on_one_date(self, sign_in, dr_chen, path, monday):
        browser = sign_in(dr_chen)

        response = browser.post(f"{path}hours/", hours(monday))

        schedule = Schedule.objects.get()
        assert (schedule.first_on, schedule.weekday, f"{schedule.start_time:%H:%M}") == (monday, None, "09:00")
        assert response["Location"] == f"{path}?day={monday}"
        assert "The working hours are added." in Page(browser.get(response["Location"])).text

    def test_adds_weekly_hours_for_several_days_at_once(self, sign_in, erin, path, monday):
        until = monday + timedelta(days=60)

        sign_in(erin).post(f"{path}hours/", weekly(monday, until, 0, 2, 4))

        rows = Schedule.objects.order_by("weekday").values_list("weekday", "first_on", "last_on")
        assert list(rows) == [(day, monday, until) for day in (0, 2, 4)]

    def test_hours_that_overlap_are_told_beside_the_field_and_none_is_added(self, sign_in, erin, path, dr_chen, monday):
        works_on(dr_chen.doctor, monday + timedelta(days=2), hours="11:00-13:00")

        response = sign_in(erin).post(f"{path}hours/", weekly(monday, monday + timedelta(days=6), 0, 2))

        page = Page(response)
        assert response.status_code == 422
        assert "The doctor works already during a part of these hours." in page.text
        assert page.one("input", name="hours-start_time")["aria-invalid"] == "true"
        assert Schedule.objects.count() == 1
        assert refusals(erin, "schedule.create") == ["schedule_overlap"]

    def test_a_time_that_the_clocks_skip_is_told_beside_its_field(self, sign_in, erin):
        doctor = DoctorFactory(time_zone="America/New_York")
        spring = date(2027, 3, 14)

        response = sign_in(erin).post(f"/schedules/{doctor.pk}/hours/", hours(spring, start_time="02:30"))

        page = Page(response)
        assert response.status_code == 422
        assert "the clocks skip it" in page.text
        assert page.one("input", name="hours-start_time")["aria-invalid"] == "true"
        assert refusals(erin, "schedule.create") == ["invalid"]

    def test_hours_until_midnight_end_the_day(self, sign_in, erin, dr_chen, path, monday):
        browser = sign_in(erin)
        browser.post(f"{path}hours/", hours(monday, start_time="22:00", end_time="00:00"))

        page = Page(browser.get(path, {"day": monday}))

        assert "22:00–24:00" in page.text
        assert [cell["rowspan"] for cell in page.all("td", **{"class": "grid__cell grid__cell--hours"})] == ["4"]

    @pytest.mark.parametrize(
        ("changed", "sentence"),
        [
            ({"hours-end_time": "09:10"}, "at least 30 minutes after"),
            ({"hours-date": ""}, "Enter the date."),
            ({"hours-date": "soon"}, "Enter the date as year-month-day"),
            ({"hours-start_time": ""}, "Enter the time as hours and minutes"),
            ({"hours-kind": "weekly", "hours-weekdays": []}, "Choose at least one day of the week."),
            ({"hours-kind": "weekly", "hours-weekdays": [0]}, "Enter the first day."),
            ({"hours-kind": "monthly"}, "Select a valid choice."),
        ],
    )
    def test_what_is_missing_or_wrong_is_named(self, sign_in, erin, path, monday, changed, sentence):
        response = sign_in(erin).post(f"{path}hours/", {**hours(monday), **changed})

        assert response.status_code == 422
        assert sentence in Page(response).text
        assert not Schedule.objects.exists()

    def test_a_weekday_that_does_not_occur_is_told_beside_the_weekdays(self, sign_in, erin, path, monday):
        response = sign_in(erin).post(f"{path}hours/", weekly(monday, monday + timedelta(days=2), 4))

        assert "does not occur between from and until" in Page(response).text

    def test_deletes_hours(self, sign_in, dr_chen, path, monday):
        schedule = make_schedule(dr_chen.doctor, monday)
        sent = {"doctor": dr_chen.doctor.pk, "day": monday}

        response = sign_in(dr_chen).post(f"/schedules/hours/{schedule.pk}/delete/", sent)

        assert response["Location"] == f"{path}?day={monday}"
        schedule.refresh_from_db()
        assert schedule.deleted_at is not None

    def test_hours_with_a_live_appointment_stay(self, sign_in, erin, dr_chen, monday):
        schedule = make_schedule(dr_chen.doctor, monday)
        make_appointment(dr_chen.doctor, PatientFactory(), at(monday, "09:00"))

        response = sign_in(erin).post(f"/schedules/hours/{schedule.pk}/delete/", {"doctor": dr_chen.doctor.pk})

        assert response.status_code == 409
        assert "Appointments are booked in these hours." in Page(response).text
        assert refusals(erin, "schedule.delete") == ["live_appointments"]
        schedule.refresh_from_db()
        assert schedule.deleted_at is None

    @pytest.mark.parametrize(("name", "status"), [("alice", 403), ("dr_diaz", 404), ("rita", 403)])
    def test_nobody_deletes_another_doctors_hours(self, sign_in, request, dr_chen, monday, name, status):
        schedule = make_schedule(dr_chen.doctor, monday)
        person = request.getfixturevalue(name)

        assert sign_in(person).post(f"/schedules/hours/{schedule.pk}/delete/").status_code == status
        assert len(refusals(person, "schedule.delete")) == 1

    def test_a_form_of_another_site_changes_nothing(self, sign_in, erin, dr_chen, path, monday):
        schedule, away = (
            make_schedule(dr_chen.doctor, monday),
            make_time_off(dr_chen.doctor, at(monday, "09:00"), at(monday, "10:00")),
        )
        strict = sign_in(erin, Client())
        strict.handler.enforce_csrf_checks = True

        for where in (
            f"{path}hours/",
            f"{path}time-off/",
            f"/schedules/hours/{schedule.pk}/delete/",
            f"/schedules/time-off/{away.pk}/delete/",
        ):
            assert strict.post(where).status_code == 403
        assert Schedule.objects.filter(deleted_at=None).count() == TimeOff.objects.count() == 1


class TestTimeOff:
    def test_adds_time_off_by_the_doctors_clocks(self, sign_in, erin, monday):
        doctor = DoctorFactory(time_zone="Asia/Kolkata")

        sign_in(erin).post(f"/schedules/{doctor.pk}/time-off/", off(f"{monday}T09:00", f"{monday}T12:00", "Holidays"))

        away = TimeOff.objects.get()
        assert (away.starts_at, away.ends_at, away.reason) == (at(monday, "03:30"), at(monday, "06:30"), "Holidays")

    def test_says_how_many_appointments_lie_in_it(self, sign_in, erin, dr_chen, path, monday):
        works_on(dr_chen.doctor, monday)
        for clock in ("09:00", "10:00"):
            make_appointment(dr_chen.doctor, PatientFactory(), at(monday, clock))
        browser = sign_in(erin)

        response = browser.post(f"{path}time-off/", off(f"{monday}T09:00", f"{monday}T12:00"))

        page = Page(browser.get(response["Location"]))
        assert "2 appointments in it must be moved or cancelled." in page.text
        assert "2 appointments to move" in page.text

    @pytest.mark.parametrize(
        ("begins", "ends", "sentence"),
        [
            ("{day}T12:00", "{day}T09:00", "must lie after the beginning"),
            ("2027-03-14T02:30", "2027-03-14T05:00", "the clocks skip it"),
            ("2027-03-14T01:00", "2027-03-14T02:30", "the clocks skip it"),
            ("", "{day}T09:00", "Enter date and time."),
            ("soon", "{day}T09:00", "Enter date and time as"),
            ("0001-01-01T00:00", "{day}T09:00", "between the years 2000 and 2200"),
        ],
    )
    def test_what_is_wrong_is_told_beside_the_field(self, sign_in, erin, monday, begins, ends, sentence):
        doctor = DoctorFactory(time_zone="America/New_York")
        sent = off(begins.format(day=monday), ends.format(day=monday))

        response = sign_in(erin).post(f"/schedules/{doctor.pk}/time-off/", sent)

        assert response.status_code == 422
        assert sentence in Page(response).text
        assert not TimeOff.objects.exists()

    def test_in_the_hour_that_is_repeated_it_lasts_until_the_second_one_is_over(self, sign_in, erin):
        doctor = DoctorFactory(time_zone="America/New_York")
        autumn = date(2027, 11, 7)

        sign_in(erin).post(f"/schedules/{doctor.pk}/time-off/", off(f"{autumn}T01:00", f"{autumn}T01:30"))

        away = TimeOff.objects.get()
        assert (away.starts_at, away.ends_at) == (at(autumn, "05:00"), at(autumn, "06:30"))

    def test_offers_the_time_again(self, sign_in, dr_chen, path, monday):
        away = make_time_off(dr_chen.doctor, at(monday, "09:00"), at(monday, "10:00"))

        response = sign_in(dr_chen).post(f"/schedules/time-off/{away.pk}/delete/", {"doctor": dr_chen.doctor.pk})

        assert response["Location"] == path
        assert not TimeOff.objects.exists()

    def test_nobody_deletes_another_doctors_time_off(self, sign_in, dr_diaz, dr_chen, monday):
        away = make_time_off(dr_chen.doctor, at(monday, "09:00"), at(monday, "10:00"))

        assert sign_in(dr_diaz).post(f"/schedules/time-off/{away.pk}/delete/").status_code == 404
        assert TimeOff.objects.exists()


class TestTheGrid:
    """The table itself, from stretches alone."""

    def grid(self, dr_chen, monday, *stretches, today=None):
        terms = care.service.get_booking_terms([dr_chen.doctor.pk])[dr_chen.doctor.pk]
        return week_grid(Week(terms, monday, today or monday, list(stretches), []))

    def columns(self, grid) -> list[int]:
        """How many rows each column of the table covers; the browser adds up the spans."""
        covered = [0] * 7
        for number, row in enumerate(grid.rows):
            for cell in row.cells:
                place = next(place for place, rows in enumerate(covered) if rows == number)
                covered[place] += cell.span
        return covered

    def test_every_column_covers_every_row_whatever_lies_in_it(self, dr_chen, monday):
        tuesday = monday + timedelta(days=1)
        grid = self.grid(
            dr_chen,
            monday,
            Stretch("hours", monday, 9 * 60, 12 * 60),
            Stretch("hours", monday, 12 * 60 + 10, 13 * 60 + 25),
            Stretch("off", monday, 11 * 60, 24 * 60),
            Stretch("off", tuesday, 0, 24 * 60),
            Stretch("hours", tuesday, 6 * 60, 20 * 60 + 45),
        )

        assert self.columns(grid) == [len(grid.rows)] * 7
        assert (grid.rows[0].clock, grid.rows[-1].clock) == ("06:00", "20:30")

    def test_a_week_without_anything_shows_the_usual_hours(self, dr_chen, monday):
        grid = self.grid(dr_chen, monday)

        assert (grid.rows[0].clock, grid.rows[-1].clock) == ("08:00", "16:30")
        assert self.columns(grid) == [18] * 7

    def test_only_what_is_to_come_is_called_free(self, dr_chen, monday):
        stretches = [Stretch("hours", monday + timedelta(days=days), 9 * 60, 12 * 60) for days in (0, 1, 2)]

        grid = self.grid(dr_chen, monday, *stretches, today=monday + timedelta(days=1))

        labels = [cell.label for row in grid.rows for cell in row.cells if cell.kind == "hours"]
        assert labels == ["", "Free", "Free"]
