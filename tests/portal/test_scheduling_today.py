"""The day board."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from scheduling.models import Appointment
from tests.factories import DoctorFactory, PatientFactory
from tests.factories.scheduling import at, make_appointment
from tests.portal.clinic_days import next_monday, refusals, works_on
from tests.portal.pages import Page
from tests.portal.rendering import count_queries, queries_while_rendering

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def monday():
    return next_monday()


@pytest.fixture
def visit(dr_chen, monday):
    """Ana is booked with Lin Chen on the Monday at nine."""
    works_on(dr_chen.doctor, monday)
    return make_appointment(dr_chen.doctor, PatientFactory(firstname="Ana"), at(monday, "09:00"), notes="First visit")


@pytest.fixture
def yesterdays(dr_chen):
    """Ben was booked yesterday, and nobody has said whether he came."""
    yesterday = timezone.now().date() - timedelta(days=1)
    works_on(dr_chen.doctor, yesterday)
    return make_appointment(dr_chen.doctor, PatientFactory(firstname="Ben"), at(yesterday, "09:00"))


def board(browser, monday, **query):
    return Page(browser.get("/today/", {"day": monday, **query}))


def test_the_desk_sees_who_comes_when_to_whom_and_what_may_be_done(sign_in, erin, visit, monday):
    page = board(sign_in(erin), monday)

    assert f"{monday:%A}" in page.text
    for word in ("The whole clinic", "09:00 –09:30", "Ana Ient", "First visit", "Lin Chen", "Booked"):
        assert word in page.text
    assert page.one("form", action=f"/today/{visit.pk}/arrive/")["hx-post"] == f"/today/{visit.pk}/arrive/"
    assert page.one("form", action=f"/today/{visit.pk}/cancel/")
    assert page.all("form", action=f"/today/{visit.pk}/no-show/") == []


def test_is_about_today_unless_a_day_is_named(sign_in, erin):
    page = Page(sign_in(erin).get("/today/"))

    assert page.one("input", name="day")["value"] == str(timezone.localdate())
    assert "Nobody is expected on this day" in page.text


def test_what_no_address_of_ours_carries_is_today(sign_in, erin):
    browser = sign_in(erin)

    for day in ("tomorrow", "1066-10-14", "9999-12-31"):
        assert Page(browser.get("/today/", {"day": day})).one("input", name="day")["value"] == str(timezone.localdate())
    assert browser.get("/today/?doctor=somebody").status_code == 404


def test_a_doctor_sees_the_own_day_and_offers_no_other(sign_in, dr_chen, visit, monday):
    other = DoctorFactory()
    works_on(other, monday)
    make_appointment(other, PatientFactory(firstname="Else"), at(monday, "09:00"))
    browser = sign_in(dr_chen)

    page = board(browser, monday)

    assert "Ana Ient" in page.text
    assert "Else" not in page.text
    assert page.all("select") == []
    assert browser.get(f"/today/?doctor={other.pk}").status_code == 403


def test_the_desk_narrows_it_to_one_doctor(sign_in, erin, visit, dr_chen, monday):
    other = DoctorFactory()
    works_on(other, monday)
    make_appointment(other, PatientFactory(firstname="Else"), at(monday, "09:00"))

    page = board(sign_in(erin), monday, doctor=dr_chen.doctor.pk)

    assert "Else" not in page.text
    assert page.one("option", value=str(dr_chen.doctor.pk)).get("selected") == ""


def test_a_click_moves_the_state_and_leads_back_to_the_same_board(sign_in, erin, visit, dr_chen, monday):
    sent = {"day": str(monday), "doctor": str(dr_chen.doctor.pk)}
    browser = sign_in(erin)

    response = browser.post(f"/today/{visit.pk}/arrive/", sent)

    assert response["Location"] == f"/today/?day={monday}&doctor={dr_chen.doctor.pk}"
    visit.refresh_from_db()
    assert visit.status == "arrived"
    assert "Ana Ient is here." in Page(browser.get(response["Location"])).text


def test_htmx_gets_the_board_as_it_is_then(sign_in, dr_chen, visit, monday):
    response = sign_in(dr_chen).post(f"/today/{visit.pk}/arrive/", {"day": str(monday)}, headers=HTMX)

    page = Page(response)
    assert response.status_code == 200
    assert page.tags[0][1]["id"] == "board"
    assert "Ana Ient is here." in page.text
    assert page.one("form", action=f"/today/{visit.pk}/fulfil/")
    assert page.all("form", action=f"/today/{visit.pk}/arrive/") == []


@pytest.mark.parametrize(("moves", "status"), [(["arrive", "fulfil"], "fulfilled"), (["cancel"], "cancelled")])
def test_every_move_is_one_click(sign_in, erin, visit, moves, status):
    browser = sign_in(erin)

    for move in moves:
        assert browser.post(f"/today/{visit.pk}/{move}/").status_code == 302

    visit.refresh_from_db()
    assert visit.status == status
    assert [event.by_id for event in visit.history.all()][1:] == [erin.id] * len(moves)


def test_nobody_came_is_offered_once_it_has_begun(sign_in, erin, yesterdays):
    browser = sign_in(erin)
    page = board(browser, yesterdays.date)

    assert page.one("form", action=f"/today/{yesterdays.pk}/no-show/")
    browser.post(f"/today/{yesterdays.pk}/no-show/")
    yesterdays.refresh_from_db()
    assert yesterdays.status == "noshow"


@pytest.mark.parametrize(("headers", "status"), [({}, 409), (HTMX, 422)], ids=["page", "htmx"])
def test_what_somebody_else_did_first_is_told_and_shown_and_on_record(sign_in, erin, visit, monday, headers, status):
    browser = sign_in(erin)
    browser.post(f"/today/{visit.pk}/arrive/")

    response = browser.post(f"/today/{visit.pk}/arrive/", {"day": str(monday)}, headers=headers)

    page = Page(response)
    assert response.status_code == status
    assert "Nothing was changed. An appointment that is arrived cannot be arrived." in page.text
    assert page.one("form", action=f"/today/{visit.pk}/fulfil/")
    assert refusals(erin, "appointment.arrived") == ["illegal_move"]


def test_a_cancelled_time_can_be_booked_again_at_once(sign_in, erin, visit, monday):
    browser = sign_in(erin)
    browser.post(f"/today/{visit.pk}/cancel/", {"day": str(monday)})

    page = board(browser, monday)

    [again] = [link["href"] for link in page.all("a") if link["href"].startswith("/book/at/")]
    assert "Ana Ient" in Page(browser.get(again)).text
    assert "1 cancelled" in page.text


def test_a_past_one_is_not_booked_again(sign_in, erin, yesterdays):
    browser = sign_in(erin)
    browser.post(f"/today/{yesterdays.pk}/cancel/")

    assert "Book it again" not in board(browser, yesterdays.date).text


def test_no_other_move_is_there(sign_in, erin, visit):
    assert sign_in(erin).post(f"/today/{visit.pk}/override/").status_code == 404


def test_moves_are_sent_and_never_fetched(sign_in, erin, visit):
    assert sign_in(erin).get(f"/today/{visit.pk}/arrive/").status_code == 405
    assert Appointment.objects.get().status == "booked"


def test_a_form_of_another_site_moves_nothing(erin, visit, sign_in):
    strict = sign_in(erin, Client())
    strict.handler.enforce_csrf_checks = True

    assert strict.post(f"/today/{visit.pk}/arrive/").status_code == 403
    assert Appointment.objects.get().status == "booked"


def test_the_charts_say_in_words_what_they_show(sign_in, erin, visit, yesterdays, monday):
    browser = sign_in(erin)
    browser.post(f"/today/{yesterdays.pk}/no-show/")

    page = board(browser, yesterdays.date)

    per_day, no_shows = (svg["aria-label"] for svg in page.all("svg", role="img"))
    day = yesterdays.date
    assert per_day.startswith("Appointments a day: ")
    assert f"{day:%a} {day.day} {day:%b} 1" in per_day
    assert no_shows == "To 1 of 1 appointments nobody came, in the four weeks up to this day."
    assert "100.0 %" in page.text


def test_takes_the_same_queries_for_any_number_and_none_while_rendering(sign_in, erin, visit, dr_chen, monday):
    browser, path = sign_in(erin), f"/today/?day={monday}"
    few = count_queries(browser, path)
    for clock in ("09:30", "10:00", "10:30"):
        make_appointment(dr_chen.doctor, PatientFactory(), at(monday, clock))

    assert count_queries(browser, path) == few
    assert queries_while_rendering(browser, path) == 0


def test_the_address_of_what_htmx_showed_can_be_reloaded(sign_in, erin, monday):
    response = sign_in(erin).get(f"/today/?day={monday}", headers=HTMX)

    assert response["HX-Push-Url"] == f"/today/?day={monday}"


def test_a_doctor_whom_nobody_vouches_for_is_told_why_it_is_empty(sign_in, dr_chen):
    dr_chen.doctor.verified = False
    dr_chen.doctor.save()

    assert "once the clinic has verified your entry" in Page(sign_in(dr_chen).get("/today/")).text
