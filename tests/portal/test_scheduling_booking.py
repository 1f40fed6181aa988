"""Booking: choosing a time, then for whom."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client

import care.service
from care.models import Patient
from scheduling.models import Appointment, Calendar
from tests.factories import DoctorFactory, PatientFactory
from tests.factories.scheduling import at, make_appointment
from tests.portal.clinic_days import book_at, instant, next_monday, refusals, works_on
from tests.portal.pages import Page, fields_of
from tests.portal.rendering import count_queries, queries_while_rendering
from tests.scheduling.appointment_book import Holder

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def monday():
    return next_monday()


@pytest.fixture
def chen(monday):
    """A cardiologist who works on the Monday from nine to twelve."""
    doctor = DoctorFactory(firstname="Lin", lastname="Chen", specialization="CARD", consultation_fee="120.00")
    works_on(doctor, monday)
    return doctor


@pytest.fixture
def ana(erin):
    return PatientFactory(firstname="Ana", lastname="Gómez", phone="+16175550101", created_by=erin.user)


def sent(doctor, moment, patient, **more):
    return {"doctor": str(doctor.pk), "starts_at": instant(moment), "patient": str(patient), **more}


def times_of(page) -> list[str]:
    return [link["href"] for link in page.all("a", **{"class": "time"})]


class TestChoosingATime:
    def test_offers_what_doctors_with_hours_are_specialized_in(self, sign_in, alice, chen):
        DoctorFactory(specialization="DERM")

        page = Page(sign_in(alice).get("/book/"))

        assert [link["href"] for link in page.all("a", **{"class": "offer"})] == ["/book/?specialization=CARD#times"]
        assert page.one("option", value=str(chen.pk))
        assert times_of(page) == []

    def test_shows_the_week_of_a_specialization_by_doctor_and_day(self, sign_in, alice, chen, monday):
        page = Page(sign_in(alice).get(f"/book/?specialization=CARD&from={monday}"))

        assert page.one("a", **{"class": "offer", "aria-current": "true"})
        assert "Lin Chen" in page.text
        # Of several doctors the first times of a day are enough; the rest are a click away.
        assert len(times_of(page)) == 4
        assert "2 more" in page.text
        assert times_of(page)[0] == book_at(chen, at(monday, "09:00"))

    def test_shows_every_time_of_one_doctor(self, sign_in, alice, chen, monday):
        make_appointment(chen, PatientFactory(), at(monday, "10:00"))

        page = Page(sign_in(alice).get(f"/book/?doctor={chen.pk}&from={monday}"))

        assert times_of(page) == [
            book_at(chen, at(monday, clock)) for clock in ("09:00", "09:30", "10:30", "11:00", "11:30")
        ]

    def test_an_empty_week_leads_to_the_next_free_time(self, sign_in, alice, chen, monday):
        page = Page(sign_in(alice).get(f"/book/?doctor={chen.pk}&from={monday - timedelta(days=7)}"))

        assert "Nothing is free in this week." in page.text
        assert f"{monday:%A} {monday.day} {monday:%B} at 09:00" in page.text
        assert page.all("a", href=f"/book/?doctor={chen.pk}&from={monday}")

    def test_carries_the_patient_along(self, sign_in, erin, chen, ana, monday):
        page = Page(sign_in(erin).get(f"/book/?specialization=CARD&patient={ana.pk}&from={monday}"))

        assert "For Ana Gómez" in page.text
        assert all(f"patient={ana.pk}" in link for link in times_of(page))
        assert all(f"patient={ana.pk}" in link["href"] for link in page.all("a", **{"class": "offer"}))

    def test_a_patient_out_of_sight_is_not_there(self, sign_in, alice, bobs_chart, chen):
        assert sign_in(alice).get(f"/book/?patient={bobs_chart.pk}").status_code == 404

    def test_a_doctor_who_takes_none_is_told(self, sign_in, alice, chen):
        idle = DoctorFactory()

        assert "This doctor takes none at the moment." in Page(sign_in(alice).get(f"/book/?doctor={idle.pk}")).text

    def test_says_so_where_nobody_takes_appointments(self, sign_in, alice):
        assert "Nobody takes appointments yet" in Page(sign_in(alice).get("/book/")).text

    def test_htmx_gets_the_choice_alone_and_an_address_to_reload(self, sign_in, alice, chen):
        response = sign_in(alice).get(f"/book/?doctor={chen.pk}", headers=HTMX)

        assert Page(response).tags[0][1]["id"] == "choice"
        assert response["HX-Push-Url"] == f"/book/?doctor={chen.pk}"

    def test_takes_the_same_queries_for_any_number_of_doctors(self, sign_in, alice, chen, monday):
        browser, path = sign_in(alice), f"/book/?specialization=CARD&from={monday}"
        one = count_queries(browser, path)
        for _ in range(3):
            works_on(DoctorFactory(specialization="CARD"), monday)

        assert count_queries(browser, path) == one
        assert queries_while_rendering(browser, path) == 0


class TestForWhom:
    def test_shows_the_time_by_the_doctors_clocks_and_the_fee(self, sign_in, alice, monday):
        doctor = DoctorFactory(time_zone="Asia/Kolkata", consultation_fee="1120.00", location="Pune")
        works_on(doctor, monday)

        page = Page(sign_in(alice).get(book_at(doctor, at(monday, "03:30"))))

        for words in (f"{monday:%A}", "at 09:00", "Kolkata (Asia)", "1,120.00 USD", "Pune"):
            assert words in page.text

    def test_the_desk_finds_a_patient_by_typing(self, sign_in, erin, chen, ana, monday):
        browser = sign_in(erin)

        page = Page(browser.get(book_at(chen, at(monday, "09:00"), q="gomez")))
        part = browser.get(book_at(chen, at(monday, "09:00"), q="nobody"), headers=HTMX)

        assert "Ana Gómez" in page.text
        assert page.one("button", value=str(ana.pk))["form"] == "booking"
        assert Page(part).tags[0][1]["id"] == "people"
        assert "Nobody matches." in Page(part).text

    def test_the_desk_is_shown_nobody_before_it_types(self, sign_in, erin, chen, ana, monday):
        page = Page(sign_in(erin).get(book_at(chen, at(monday, "09:00"))))

        assert "Ana" not in page.text
        assert page.one("input", name="q").get("autofocus") == ""

    def test_everybody_else_books_for_themselves_and_the_charts_they_keep(
        self, sign_in, alice, alices_chart, bobs_chart, chen, monday
    ):
        page = Page(sign_in(alice).get(book_at(chen, at(monday, "09:00"))))

        assert {button["value"] for button in page.all("button", name="patient")} == {"myself", str(alices_chart.pk)}
        assert page.all("input", name="q") == []

    def test_a_doctor_is_not_offered_the_patients_they_treat(self, sign_in, dr_chen, chen, monday):
        page = Page(sign_in(dr_chen).get(book_at(chen, at(monday, "09:00"))))

        assert {button["value"] for button in page.all("button", name="patient")} == {"myself"}

    @pytest.mark.parametrize("query", ["", "?doctor=x&at=2030-01-01T09:00:00Z", "?doctor={chen}&at=soon", "?at=1"])
    def test_without_a_time_it_leads_to_choosing_one(self, sign_in, erin, chen, query):
        response = sign_in(erin).get("/book/at/" + query.format(chen=chen.pk))

        assert response["Location"] == "/book/"

    def test_a_time_that_is_gone_leads_to_the_next_ones(self, sign_in, erin, ana, chen, monday):
        make_appointment(chen, PatientFactory(), at(monday, "09:00"))

        page = Page(sign_in(erin).get(book_at(chen, at(monday, "09:00"), patient=ana.pk)))

        assert "This time is not free any more." in page.text
        assert [button["value"] for button in page.all("button", name="starts_at")] == [
            instant(at(monday, clock)) for clock in ("09:30", "10:00", "10:30")
        ]

    def test_a_doctor_who_is_not_there_is_not_found(self, sign_in, erin, ana, monday):
        nowhere = DoctorFactory.build()

        assert sign_in(erin).get(book_at(nowhere, at(monday, "09:00"))).status_code == 404

    def test_research_is_kept_out(self, sign_in, rita, chen, monday):
        assert sign_in(rita).get(book_at(chen, at(monday, "09:00"))).status_code == 403

    def test_rendering_asks_the_database_nothing(self, sign_in, erin, chen, ana, monday):
        assert queries_while_rendering(sign_in(erin), book_at(chen, at(monday, "09:00"), q="a")) == 0


class TestBooking:
    def test_the_desk_books_for_a_patient(self, sign_in, erin, chen, ana, monday):
        browser = sign_in(erin)

        response = browser.post("/book/at/", sent(chen, at(monday, "09:00"), ana.pk, notes="First\r\nvisit"))

        booked = Appointment.objects.get()
        assert (booked.doctor_id, booked.patient_id, booked.starts_at) == (chen.pk, ana.pk, at(monday, "09:00"))
        assert (booked.notes, booked.created_by_id) == ("First\nvisit", erin.id)
        assert response["Location"] == f"/appointments/{booked.pk}/"
        assert "Booked: Ana Gómez with Lin Chen" in Page(browser.get(response["Location"])).text

    def test_somebody_books_for_themselves(self, sign_in, alice, chen, monday):
        response = sign_in(alice).post("/book/at/", sent(chen, at(monday, "09:00"), "myself"))

        assert response.status_code == 302
        assert Appointment.objects.get().patient.user_id == alice.id

    def test_nobody_chosen_is_nobody_booked(self, sign_in, erin, chen, monday):
        response = sign_in(erin).post("/book/at/", sent(chen, at(monday, "09:00"), ""))

        assert response.status_code == 422
        assert "Choose whom it is for." in Page(response).text
        assert not Appointment.objects.exists()

    def test_a_new_patient_is_added_and_booked_in_one_go(self, sign_in, erin, chen, monday):
        data = sent(chen, at(monday, "09:00"), "", newcomer="yes", firstname="Zoë", lastname="Marsh", gender="F")

        response = sign_in(erin).post("/book/at/", data)

        assert response.status_code == 302
        assert Appointment.objects.get().patient.name == "Zoë Marsh"

    def test_what_is_wrong_with_a_new_patient_is_told_and_nothing_is_booked(self, sign_in, erin, chen, monday):
        data = sent(chen, at(monday, "09:00"), "", newcomer="yes", firstname="", gender="F")

        response = sign_in(erin).post("/book/at/", data)

        assert response.status_code == 422
        assert "Enter the patient's first name." in Page(response).text
        assert not Patient.objects.exists()
        assert not Appointment.objects.exists()

    def test_a_time_taken_meanwhile_is_told_and_the_next_ones_are_one_click_away(
        self, sign_in, erin, chen, ana, monday
    ):
        make_appointment(chen, PatientFactory(), at(monday, "09:00"))
        browser = sign_in(erin)

        response = browser.post("/book/at/", sent(chen, at(monday, "09:00"), ana.pk, notes="Test results"))

        page = Page(response)
        assert response.status_code == 409
        assert "Somebody else has just taken this time." in page.text
        assert refusals(erin, "appointment.book") == ["slot_taken"]
        offered = [button["value"] for button in page.all("button", name="starts_at")]
        assert offered == [instant(at(monday, clock)) for clock in ("09:30", "10:00", "10:30")]
        # The button sends its form: the same patient and notes at the next time.
        again = browser.post("/book/at/", {**fields_of(response), "starts_at": offered[0]})
        assert again.status_code == 302
        booked = Appointment.objects.get(patient=ana)
        assert (booked.starts_at, booked.notes) == (at(monday, "09:30"), "Test results")

    def test_a_new_patient_stays_when_the_time_is_gone(self, sign_in, erin, chen, monday):
        make_appointment(chen, PatientFactory(), at(monday, "09:00"))
        data = sent(chen, at(monday, "09:00"), "", newcomer="yes", firstname="Zoë", gender="F")

        response = sign_in(erin).post("/book/at/", data)

        zoe = Patient.objects.get(firstname="Zoë")
        assert response.status_code == 409
        assert Page(response).one("input", name="patient")["value"] == str(zoe.pk)

    def test_pressing_twice_books_once_and_leads_to_it(self, sign_in, alice, erin, chen, ana, monday):
        for person, patient in ((erin, ana.pk), (alice, "myself")):
            clock = "09:00" if person is erin else "10:00"
            browser = sign_in(person)
            first = browser.post("/book/at/", sent(chen, at(monday, clock), patient))
            second = browser.post("/book/at/", sent(chen, at(monday, clock), patient))
            assert second["Location"] == first["Location"]

        assert Appointment.objects.count() == 2

    def test_the_own_time_of_somebody_else_is_not_told(self, sign_in, alice, bob, chen, monday):
        sign_in(bob).post("/book/at/", sent(chen, at(monday, "09:00"), "myself"))

        response = sign_in(alice).post("/book/at/", sent(chen, at(monday, "09:00"), "myself"))

        assert response.status_code == 409
        assert "Bob" not in Page(response).text

    def test_every_refusal_is_told_in_plain_words(self, sign_in, erin, chen, ana, monday):
        browser, other = sign_in(erin), DoctorFactory()
        works_on(other, monday)
        make_appointment(other, ana, at(monday, "09:00"))
        full = DoctorFactory(max_appointments_per_day=1)
        works_on(full, monday)
        make_appointment(full, PatientFactory(), at(monday, "09:00"))
        told = {
            (chen, "09:00"): "The patient has another appointment at this time.",
            (full, "10:00"): "The doctor takes no more appointments on this day.",
            (chen, "09:10"): "No appointment of this doctor begins at this time any more.",
            (chen, "15:00"): "The doctor does not work at this time any more.",
        }
        for (doctor, clock), sentence in told.items():
            response = browser.post("/book/at/", sent(doctor, at(monday, clock), ana.pk))
            assert response.status_code in (409, 422)
            assert sentence in Page(response).text
        chen.is_available = False
        chen.save()
        response = browser.post("/book/at/", sent(chen, at(monday, "10:00"), ana.pk))
        assert "This doctor takes no appointments at the moment." in Page(response).text
        works_on(other, monday - timedelta(days=60))
        response = browser.post("/book/at/", sent(other, at(monday - timedelta(days=60), "09:00"), ana.pk))
        assert "This time has passed." in Page(response).text
        assert refusals(erin, "appointment.book") == [
            "patient_busy",
            "day_full",
            "off_grid",
            "outside_schedule",
            "doctor_not_bookable",
            "past",
        ]
        assert Appointment.objects.count() == 2

    def test_nobody_books_for_a_patient_they_do_not_keep(
        self, sign_in, dr_chen, alices_chart, bobs_chart, chen, monday
    ):
        browser = sign_in(dr_chen)

        # Treated but not kept, and not even seen.
        assert browser.post("/book/at/", sent(chen, at(monday, "09:00"), alices_chart.pk)).status_code == 403
        assert browser.post("/book/at/", sent(chen, at(monday, "09:00"), bobs_chart.pk)).status_code == 404
        assert refusals(dr_chen, "appointment.book") == ["not_allowed", "invalid"]
        assert not Appointment.objects.exists()

    @pytest.mark.parametrize("broken", [{"doctor": "x"}, {"starts_at": "soon"}])
    def test_a_form_without_a_time_leads_to_choosing_one(self, sign_in, erin, chen, ana, monday, broken):
        response = sign_in(erin).post("/book/at/", {**sent(chen, at(monday, "09:00"), ana.pk), **broken})

        assert response["Location"] == "/book/"

    def test_a_patient_that_is_none_is_refused(self, sign_in, erin, chen, monday):
        response = sign_in(erin).post("/book/at/", sent(chen, at(monday, "09:00"), "somebody"))

        assert response.status_code == 422
        assert not Appointment.objects.exists()

    def test_a_form_of_another_site_books_nothing(self, sign_in, alice, chen, monday):
        strict = sign_in(alice, Client())
        strict.handler.enforce_csrf_checks = True

        assert strict.post("/book/at/", sent(chen, at(monday, "09:00"), "myself")).status_code == 403
        assert not Appointment.objects.exists()

    def test_whom_the_time_is_for_is_shown_as_text_whatever_their_name_holds(self, sign_in, erin, chen, monday, now):
        chart = PatientFactory(firstname="<img src=x>", lastname="{{ 7 }}", created_by=erin.user)
        care.service.get_patient(actor=erin.actor, patient_id=chart.pk, now=now)

        page = Page(sign_in(erin).get(book_at(chen, at(monday, "09:00"), patient=chart.pk)))

        assert "<img src=x> {{ 7 }}" in page.text
        assert page.all("img", src="x") == []


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer, who waits")
@pytest.mark.django_db(transaction=True)
def test_a_calendar_that_is_not_given_is_told_on_a_page(sign_in, alice, chen, monday, monkeypatch):
    monkeypatch.setattr("scheduling.service.locks._PATIENCE", "100ms")
    browser = sign_in(alice)
    with Holder(Calendar.objects.get(pk=chen.pk)):
        answer = browser.post("/book/at/", sent(chen, at(monday, "09:00"), "myself"))

    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert "Nothing was done." in Page(answer).text
    assert not Appointment.objects.exists()
    assert browser.post("/book/at/", sent(chen, at(monday, "09:00"), "myself")).status_code == 302


@pytest.mark.usefixtures("limits_on")
def test_pages_and_api_are_one_door_with_ten_tries_a_minute(sign_in, alice, chen, monday):
    browser = sign_in(alice)
    form = sent(chen, at(monday, "09:00"), "myself")
    for _ in range(5):
        alice.api.post("/api/appointments/", {"doctor": form["doctor"], "starts_at": form["starts_at"]})
        browser.post("/book/at/", form)

    refused = browser.post("/book/at/", sent(chen, at(monday, "10:00"), "myself"))

    assert (refused.status_code, refused["Retry-After"]) == (429, "55")
    assert "Try again in 55 seconds." in Page(refused).text
    assert Appointment.objects.count() == 1
