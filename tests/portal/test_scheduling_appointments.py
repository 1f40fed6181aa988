"""One appointment, moving it, and one's own appointments."""

from datetime import timedelta

import pytest
from django.test import Client

from core.ids import new_id
from scheduling.models import Appointment
from tests.factories import DoctorFactory, PatientFactory
from tests.factories.scheduling import at, make_appointment
from tests.portal.clinic_days import instant, next_monday, refusals, works_on
from tests.portal.pages import Page, fields_of
from tests.portal.rendering import count_queries, queries_while_rendering

pytestmark = pytest.mark.django_db


@pytest.fixture
def monday():
    return next_monday()


@pytest.fixture
def visit(dr_chen, alices_chart, monday):
    """Alma, whose chart alice keeps, is booked with Lin Chen on the Monday at nine."""
    works_on(dr_chen.doctor, monday)
    return make_appointment(dr_chen.doctor, alices_chart, at(monday, "09:00"), notes="First visit")


def moved_to(doctor, moment, **more):
    return {"doctor": str(doctor.pk), "starts_at": instant(moment), **more}


class TestOneAppointment:
    def test_says_what_it_is_and_what_happened(self, sign_in, erin, visit, monday):
        browser = sign_in(erin)
        browser.post(f"/appointments/{visit.pk}/cancel/", {"reason": "Is ill"})

        page = Page(browser.get(f"/appointments/{visit.pk}/"))

        for words in ("Alma Kept", "Lin Chen", "09:00–09:30", "First visit", "0.00 USD", "Cancelled", "Is ill", "Erin"):
            assert words in page.text
        assert page.text.index("Is ill") < page.text.index("System")

    @pytest.mark.parametrize(
        ("name", "moves"),
        [
            ("erin", {"arrive", "cancel", "reschedule"}),
            ("dr_chen", {"arrive", "cancel"}),
            ("alice", {"cancel", "reschedule"}),
        ],
    )
    def test_offers_what_the_reader_may_do(self, sign_in, request, visit, name, moves):
        page = Page(sign_in(request.getfixturevalue(name)).get(f"/appointments/{visit.pk}/"))

        links = [tag.get("action") or tag.get("href") or "" for _, tag in page.tags]
        offered = {
            link.rstrip("/").rpartition("/")[2] for link in links if link.startswith(f"/appointments/{visit.pk}/")
        }
        assert offered == moves

    @pytest.mark.parametrize(("name", "status"), [("bob", 404), ("dr_diaz", 404), ("rita", 403), ("otto", 403)])
    def test_nobody_else_sees_or_moves_it(self, sign_in, request, visit, name, status):
        browser = sign_in(request.getfixturevalue(name))

        assert browser.get(f"/appointments/{visit.pk}/").status_code == status
        assert browser.get(f"/appointments/{visit.pk}/reschedule/").status_code == status
        for move in ("arrive", "fulfil", "no-show", "cancel"):
            assert browser.post(f"/appointments/{visit.pk}/{move}/").status_code == status
        visit.refresh_from_db()
        assert visit.status == "booked"

    def test_a_missing_one_looks_like_one_out_of_sight(self, sign_in, bob, visit):
        browser, headers = sign_in(bob), {"X-Request-ID": "same-for-both"}

        missing = browser.get(f"/appointments/{new_id()}/", headers=headers)

        assert missing.content == browser.get(f"/appointments/{visit.pk}/", headers=headers).content

    def test_a_doctor_who_does_not_treat_the_patient_is_not_sent_to_the_chart(self, sign_in, dr_diaz, visit, monday):
        works_on(dr_diaz.doctor, monday)
        stranger = make_appointment(dr_diaz.doctor, PatientFactory(firstname="Ana"), at(monday, "09:00"))

        page = Page(sign_in(dr_diaz).get(f"/appointments/{stranger.pk}/"))

        assert "Ana Ient" in page.text
        assert [link for link in page.all("a") if link["href"].startswith("/patients/0")] == []

    def test_cancelling_keeps_the_reason_and_frees_the_time(self, sign_in, alice, bob, visit, dr_chen, monday):
        browser = sign_in(alice)

        response = browser.post(f"/appointments/{visit.pk}/cancel/", {"reason": "Feels better"})

        assert response["Location"] == f"/appointments/{visit.pk}/"
        event = visit.history.last()
        assert (event.to_status, event.reason, event.by_id) == ("cancelled", "Feels better", alice.id)
        again = {**moved_to(dr_chen.doctor, at(monday, "09:00")), "patient": "myself"}
        assert sign_in(bob).post("/book/at/", again).status_code == 302

    def test_a_patient_does_not_say_who_came(self, sign_in, alice, visit):
        assert sign_in(alice).post(f"/appointments/{visit.pk}/arrive/").status_code == 403
        assert refusals(alice, "appointment.arrived") == ["not_allowed"]

    def test_what_changed_meanwhile_is_told_in_place_and_on_record(self, sign_in, erin, visit):
        browser = sign_in(erin)
        browser.post(f"/appointments/{visit.pk}/cancel/")

        response = browser.post(f"/appointments/{visit.pk}/cancel/")

        assert response.status_code == 409
        assert "An appointment that is cancelled cannot be cancelled." in Page(response).text
        assert refusals(erin, "appointment.cancelled") == ["illegal_move"]

    def test_a_reason_that_cannot_be_kept_is_told_beside_its_field(self, sign_in, alice, visit):
        response = sign_in(alice).post(f"/appointments/{visit.pk}/cancel/", {"reason": "x" * 256})

        assert response.status_code == 422
        assert "Reason must have at most 255 characters." in Page(response).text
        visit.refresh_from_db()
        assert visit.status == "booked"

    def test_no_other_move_is_there(self, sign_in, ada, visit):
        assert sign_in(ada).post(f"/appointments/{visit.pk}/override/").status_code == 404

    def test_a_form_of_another_site_cancels_nothing(self, sign_in, alice, visit):
        strict = sign_in(alice, Client())
        strict.handler.enforce_csrf_checks = True

        assert strict.post(f"/appointments/{visit.pk}/cancel/").status_code == 403
        assert strict.post(f"/appointments/{visit.pk}/reschedule/").status_code == 403
        assert Appointment.objects.get().status == "booked"

    def test_rendering_asks_the_database_nothing(self, sign_in, erin, visit):
        assert queries_while_rendering(sign_in(erin), f"/appointments/{visit.pk}/") == 0


class TestAnotherTime:
    def test_offers_the_week_of_the_doctor_as_buttons(self, sign_in, alice, visit, monday):
        page = Page(sign_in(alice).get(f"/appointments/{visit.pk}/reschedule/?from={monday}"))

        assert [button["value"] for button in page.all("button", name="starts_at")] == [
            instant(at(monday, clock)) for clock in ("09:30", "10:00", "10:30", "11:00", "11:30")
        ]

    def test_a_click_moves_it_and_keeps_where_it_was(self, sign_in, alice, visit, dr_chen, monday):
        browser = sign_in(alice)

        response = browser.post(
            f"/appointments/{visit.pk}/reschedule/", moved_to(dr_chen.doctor, at(monday, "11:00"), reason="Work")
        )

        visit.refresh_from_db()
        event = visit.history.last()
        assert visit.starts_at == at(monday, "11:00")
        assert (event.from_starts_at, event.to_starts_at, event.reason) == (
            at(monday, "09:00"),
            at(monday, "11:00"),
            "Work",
        )
        page = Page(browser.get(response["Location"]))
        assert "at 11:00, Lin Chen." in page.text
        assert "Moved to another time" in page.text

    def test_offers_colleagues_and_moves_there(self, sign_in, erin, visit, monday):
        colleague = DoctorFactory(firstname="Bo", specialization="CARD")
        works_on(colleague, monday)
        browser, path = sign_in(erin), f"/appointments/{visit.pk}/reschedule/"

        page = Page(browser.get(path))
        assert page.one("a", href=f"{path}?doctor={colleague.pk}")
        response = browser.post(path, moved_to(colleague, at(monday, "10:00")))

        assert response.status_code == 302
        visit.refresh_from_db()
        assert visit.doctor_id == colleague.pk

    def test_a_time_taken_meanwhile_is_told_and_the_next_ones_are_one_click_away(
        self, sign_in, alice, visit, dr_chen, monday
    ):
        make_appointment(dr_chen.doctor, PatientFactory(), at(monday, "10:00"))
        browser, path = sign_in(alice), f"/appointments/{visit.pk}/reschedule/"

        response = browser.post(path, moved_to(dr_chen.doctor, at(monday, "10:00"), reason="Work"))

        page = Page(response)
        assert response.status_code == 409
        assert "Somebody else has just taken this time." in page.text
        assert refusals(alice, "appointment.reschedule") == ["slot_taken"]
        first = page.all("button", name="starts_at")[0]["value"]
        assert first == instant(at(monday, "10:30"))
        assert browser.post(path, {**fields_of(response), "starts_at": first}).status_code == 302
        visit.refresh_from_db()
        assert visit.starts_at == at(monday, "10:30")

    def test_without_a_time_nothing_is_moved(self, sign_in, alice, visit, dr_chen):
        response = sign_in(alice).post(f"/appointments/{visit.pk}/reschedule/", {"doctor": str(dr_chen.doctor.pk)})

        assert response.status_code == 422
        assert "Choose a time." in Page(response).text

    def test_only_a_booked_one_is_moved(self, sign_in, erin, visit, dr_chen, monday):
        browser, path = sign_in(erin), f"/appointments/{visit.pk}/reschedule/"
        browser.post(f"/appointments/{visit.pk}/arrive/")

        assert browser.get(path).status_code == 409
        response = browser.post(path, moved_to(dr_chen.doctor, at(monday, "11:00")))
        assert response.status_code == 409
        assert refusals(erin, "appointment.reschedule") == ["illegal_move"]

    def test_the_doctor_does_not_move_patients_about(self, sign_in, dr_chen, visit, monday):
        browser, path = sign_in(dr_chen), f"/appointments/{visit.pk}/reschedule/"

        assert browser.get(path).status_code == 403
        assert browser.post(path, moved_to(dr_chen.doctor, at(monday, "11:00"))).status_code == 403

    def test_a_doctor_who_is_not_there_is_not_found(self, sign_in, erin, visit):
        assert sign_in(erin).get(f"/appointments/{visit.pk}/reschedule/?doctor={new_id()}").status_code == 404

    def test_rendering_asks_the_database_nothing(self, sign_in, erin, visit, monday):
        path = f"/appointments/{visit.pk}/reschedule/?from={monday}"

        assert queries_while_rendering(sign_in(erin), path) == 0


class TestOwnAppointments:
    def test_shows_what_is_to_come_and_what_was(self, sign_in, alice, alices_chart, visit, dr_chen, monday):
        make_appointment(dr_chen.doctor, alices_chart, at(monday, "10:00"), "cancelled")

        page = Page(sign_in(alice).get("/me/appointments/"))

        assert page.text.index("To come") < page.text.index("09:00–09:30") < page.text.index("Past and cancelled")
        assert "Cancelled" in page.text
        assert page.one("a", href=f"/appointments/{visit.pk}/reschedule/")

    def test_cancels_with_a_reason_and_leads_back_here(self, sign_in, alice, visit):
        browser = sign_in(alice)
        form = {"reason": "On holiday", "back": "my-appointments"}

        response = browser.post(f"/appointments/{visit.pk}/cancel/", form)

        assert response["Location"] == "/me/appointments/"
        page = Page(browser.get("/me/appointments/"))
        assert "The appointment of Alma Kept is cancelled; its time is free again." in page.text
        assert "Nothing is booked" in page.text
        assert visit.history.last().reason == "On holiday"

    def test_hides_other_patients_appointments(self, sign_in, bob, visit):
        page = Page(sign_in(bob).get("/me/appointments/"))

        assert "Alma" not in page.text
        assert "Nothing is booked" in page.text

    def test_names_the_patients_where_there_are_several(self, sign_in, alice, visit, dr_chen, monday):
        assert "for Alma Kept" not in Page(sign_in(alice).get("/me/appointments/")).text
        child = PatientFactory(firstname="Kim", created_by=alice.user)
        make_appointment(dr_chen.doctor, child, at(monday, "11:00"))

        assert "for Kim Ient" in Page(sign_in(alice).get("/me/appointments/")).text

    def test_takes_the_same_queries_for_any_number_and_none_while_rendering(
        self, sign_in, alice, alices_chart, visit, dr_chen, monday
    ):
        browser = sign_in(alice)
        few = count_queries(browser, "/me/appointments/")
        for clock in ("10:00", "11:00"):
            make_appointment(dr_chen.doctor, alices_chart, at(monday, clock))

        assert count_queries(browser, "/me/appointments/") == few
        assert queries_while_rendering(browser, "/me/appointments/") == 0

    def test_the_navigation_offers_each_page_of_the_book_to_whom_it_opens(self, sign_in, request, db):
        offered = {"/today/": [], "/book/": [], "/schedules/": [], "/me/appointments/": [], "/report/": []}
        for name in ("alice", "dr_chen", "erin", "rita", "otto", "ada"):
            home = Page(sign_in(request.getfixturevalue(name)).get("/"))
            for path, names in offered.items():
                names.extend([name] if home.all("a", href=path) else [])

        assert offered["/today/"] == offered["/schedules/"] == ["dr_chen", "erin", "ada"]
        assert offered["/book/"] == offered["/me/appointments/"] == ["alice", "dr_chen", "erin", "ada"]
        assert offered["/report/"] == ["ada"]

    def test_an_appointment_that_has_begun_is_the_desks_to_cancel(self, sign_in, alice, alices_chart, dr_chen, monday):
        before = monday - timedelta(days=60)
        works_on(dr_chen.doctor, before)
        past = make_appointment(dr_chen.doctor, alices_chart, at(before, "09:00"))

        response = sign_in(alice).post(f"/appointments/{past.pk}/cancel/")

        assert response.status_code == 409
        assert "It has begun; ask the front desk." in Page(response).text
