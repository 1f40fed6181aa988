"""What is one's own: the record, who has seen it, the account and its password."""

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client

import care.service
from care.models import Patient
from care.schemas import CareTeamMemberIn
from core.audit import REFUSED
from core.models import AuditEvent
from identity.models import RefreshSession
from tests.factories import PASSWORD, PatientFactory
from tests.portal.pages import Page, fields_of
from tests.portal.rendering import count_queries, queries_while_rendering

HTMX = {"HX-Request": "true"}
NEW_PASSWORD = "another horse battery"


@pytest.fixture
def bobs_record(bob, erin, now) -> Patient:
    """The chart that is bob's own, kept by the front desk."""
    chart = PatientFactory(firstname="Bob", lastname="Own", created_by=erin.user, medical_history="Asthma")
    care.service.link_patient(actor=erin.actor, patient_id=chart.pk, user_id=bob.id, now=now)
    return chart


class TestRecord:
    def test_shows_the_own_chart_and_its_doctors(self, sign_in, bob, bobs_record, dr_diaz, erin, now):
        body = CareTeamMemberIn(patient=bobs_record.pk, doctor=dr_diaz.doctor.pk)
        care.service.assign_doctor(actor=erin.actor, body=body, now=now)

        page = Page(sign_in(bob).get("/me/record/"))

        for fact in ("Bob Own", "Asthma", "Rosa Diaz", "Your care team keeps the blood group and the medical history."):
            assert fact in page.text
        assert page.all("a", href="/me/record/edit/")
        assert not [attrs for attrs in page.all("form") if attrs["action"].endswith("/end/")]

    def test_who_has_none_is_told_how_to_get_one(self, sign_in, alice, alices_chart):
        page = Page(sign_in(alice).get("/me/record/"))

        assert "No chart is connected with your account" in page.text
        assert "Alma" not in page.text

    def test_changes_demographics_and_comes_back(self, sign_in, bob, bobs_record):
        browser = sign_in(bob)
        sent = fields_of(browser.get("/me/record/edit/"))
        assert not sent.keys() & {"medical_history", "blood_group"}

        response = browser.post("/me/record/edit/", sent | {"address": "1 Mill Road", "blood_group": "A+"})

        bobs_record.refresh_from_db()
        assert response["Location"] == "/me/record/"
        assert (bobs_record.address, bobs_record.blood_group) == ("1 Mill Road", "")

    def test_who_has_no_record_edits_none(self, sign_in, alice, alices_chart):
        assert sign_in(alice).post("/me/record/edit/", {"firstname": "A"}).status_code == 404

    def test_who_keeps_the_own_chart_edits_all_of_it(self, sign_in, alice, alices_chart, erin, now):
        care.service.link_patient(actor=erin.actor, patient_id=alices_chart.pk, user_id=alice.id, now=now)
        browser = sign_in(alice)

        assert "medical_history" in fields_of(browser.get("/me/record/edit/"))
        assert "Your care team keeps" not in Page(browser.get("/me/record/")).text


class TestAccess:
    def test_names_who_read_each_of_ones_charts(self, sign_in, bob, bobs_record, bobs_chart, erin):
        desk = sign_in(erin)
        desk.get(f"/patients/{bobs_record.pk}/")
        desk.get(f"/patients/{bobs_chart.pk}/")

        page = Page(sign_in(bob).get("/me/access/"))

        assert "Erin Front desk Read the chart Bob Own Works at the front desk" in page.text
        assert "Erin Front desk Read the chart Boris Secret Works at the front desk" in page.text

    def test_says_you_to_oneself(self, sign_in, bob, bobs_record):
        browser = sign_in(bob)
        browser.get("/me/record/")

        assert "You Patient Read the chart Bob Own It is your own chart" in Page(browser.get("/me/access/")).text

    def test_tells_nothing_of_other_charts(self, sign_in, bob, bobs_record, alices_chart, erin):
        sign_in(erin).get("/patients/")  # one event about both

        page = Page(sign_in(bob).get("/me/access/"))

        assert "Saw it in a list Bob Own" in page.text
        assert "Alma" not in page.text

    def test_takes_as_many_queries_for_many_events_as_for_few(self, sign_in, bob, bobs_record, erin):
        desk, browser = sign_in(erin), sign_in(bob)
        for _ in range(10):
            desk.get(f"/patients/{bobs_record.pk}/")
        few = count_queries(browser, "/me/access/")
        for _ in range(40):
            desk.get(f"/patients/{bobs_record.pk}/")

        assert count_queries(browser, "/me/access/") == few

    def test_leads_to_older_events(self, sign_in, bob, bobs_record, erin):
        desk, browser = sign_in(erin), sign_in(bob)
        for _ in range(51):
            desk.get(f"/patients/{bobs_record.pk}/")

        [older] = [attrs["href"] for attrs in Page(browser.get("/me/access/")).all("a", rel="next")]

        assert browser.get(older).status_code == 200
        assert browser.get("/me/access/", {"cursor": "broken"})["Location"] == "/me/access/"

    def test_like_acts_of_different_days_stand_apart(self, sign_in, bob, bobs_record, erin):
        for day in ("2026-03-02 09:00", "2026-03-03 09:00"):
            with time_machine.travel(f"{day}Z", tick=False):
                sign_in(erin).get(f"/patients/{bobs_record.pk}/")

        page = Page(sign_in(bob).get("/me/access/"))

        assert page.text.count("Erin Front desk Read the chart") == 2
        assert "times since" not in page.text


class TestAccount:
    def test_changes_what_was_changed(self, sign_in, alice):
        browser = sign_in(alice)
        sent = fields_of(browser.get("/me/account/")) | {"name": "Alice Liddell", "mobile_number": "+880 1712-345678"}

        response = browser.post("/me/account/", sent)

        alice.user.refresh_from_db()
        assert response["Location"] == "/me/account/"
        assert (alice.user.name, alice.user.mobile_number) == ("Alice Liddell", "+8801712345678")
        assert alice.user.username == "alice"
        assert "Alice Liddell" in Page(browser.get("/me/account/")).text

    def test_an_emptied_identifier_is_taken_away(self, sign_in, alice):
        browser = sign_in(alice)

        browser.post("/me/account/", fields_of(browser.get("/me/account/")) | {"email": ""})

        alice.user.refresh_from_db()
        assert alice.user.email is None

    @pytest.mark.parametrize(
        ("sent", "sentence"),
        [
            ({"email": "bob@clinic.example"}, "E-mail is taken."),
            ({"username": "a@b"}, "Username must"),
            ({"mobile_number": "call me"}, "Mobile number must be a telephone number."),
            ({"name": ""}, "Name must not be empty."),
            ({"email": "", "username": ""}, "an account needs at least one identifier"),
        ],
    )
    @pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
    def test_says_what_is_wrong_beside_the_field(self, sign_in, alice, bob, sent, sentence, headers):
        browser = sign_in(alice)
        typed = fields_of(browser.get("/me/account/")) | sent

        response = browser.post("/me/account/", typed, headers=headers)

        assert response.status_code == 422
        assert sentence in Page(response).text
        assert {name: fields_of(response)[name] for name in sent} == sent
        alice.user.refresh_from_db()
        assert (alice.user.username, alice.user.email) == ("alice", "alice@clinic.example")

    def test_changes_no_role(self, sign_in, alice):
        browser = sign_in(alice)

        browser.post("/me/account/", fields_of(browser.get("/me/account/")) | {"role": "admin", "is_superuser": "on"})

        alice.user.refresh_from_db()
        assert (alice.user.role, alice.user.is_superuser) == ("patient", False)

    def test_a_doctor_finds_the_own_entry(self, sign_in, dr_chen):
        page = Page(sign_in(dr_chen).get("/me/account/"))

        assert page.all("a", href=f"/doctors/{dr_chen.doctor.pk}/")


class TestPassword:
    def change(self, browser, **sent):
        typed = {"old_password": PASSWORD, "new_password": NEW_PASSWORD, "repeated": NEW_PASSWORD, **sent}
        return browser.post("/me/account/password/", typed)

    def test_this_browser_goes_on_and_every_other_one_ends(self, sign_in, alice):
        here, elsewhere = sign_in(alice), sign_in(alice)
        before = here.cookies["sessionid"].value

        response = self.change(here)

        assert response["Location"] == "/me/account/"
        assert "The password is changed." in Page(here.get("/me/account/")).text
        assert here.cookies["sessionid"].value != before
        assert elsewhere.get("/me/account/").status_code == 302
        thief = Client()
        thief.cookies["sessionid"] = before
        assert thief.get("/").status_code == 302

    def test_opens_no_session_that_nobody_holds(self, sign_in, alice):
        assert alice.api.get("/api/profile/").status_code == 200

        self.change(sign_in(alice))

        assert not RefreshSession.objects.filter(user=alice.user, ended_at__isnull=True).exists()
        assert alice.api.get("/api/profile/").status_code == 401

    def test_the_new_password_opens_the_door_and_the_old_one_does_not(self, sign_in, alice, client):
        self.change(sign_in(alice))

        refused = client.post("/sign-in/", {"identifier": "alice", "password": PASSWORD})
        opened = client.post("/sign-in/", {"identifier": "alice", "password": NEW_PASSWORD})
        assert (refused.status_code, opened.status_code) == (422, 302)

    @pytest.mark.parametrize(
        ("sent", "sentence"),
        [
            ({"old_password": "not it"}, "Current password is not right."),
            ({"old_password": ""}, "Enter the password you sign in with now."),
            ({"new_password": "short", "repeated": "short"}, "at least 8 characters"),
            ({"repeated": "something else"}, "This is not what you entered above."),
            ({"new_password": ""}, "Enter a new password."),
            ({"new_password": "x" * 1025}, "at most 1024 characters"),
        ],
    )
    def test_says_what_is_wrong_and_repeats_no_password(self, sign_in, alice, sent, sentence):
        browser = sign_in(alice)

        response = self.change(browser, **sent)

        page = Page(response)
        assert response.status_code == 422
        assert sentence in page.text
        assert not [attrs for attrs in page.all("input", type="password") if "value" in attrs]
        assert browser.get("/me/account/").status_code == 200
        alice.user.refresh_from_db()
        assert alice.user.check_password(PASSWORD)

    def test_a_wrong_old_password_is_on_record(self, sign_in, alice):
        self.change(sign_in(alice), old_password="not it")

        assert AuditEvent.objects.filter(actor_id=alice.id, action="user.password", outcome=REFUSED).count() == 1

    def test_guessing_the_old_one_has_an_end(self, sign_in, alice, settings):
        settings.RATE_LIMITS = True

        with time_machine.travel("2026-03-02 09:00:10Z", tick=False):
            browser = sign_in(alice)
            for _ in range(8):
                self.change(browser, old_password="not it")
            refused = self.change(browser)

        assert refused.status_code == 429
        assert refused["Retry-After"] == "290"
        assert "Too many attempts. Try again in 290 seconds." in Page(refused).text

    def test_twelve_hours_count_from_the_new_password(self, sign_in, alice):
        with time_machine.travel("2026-03-02 08:00Z", tick=False) as clock:
            browser = sign_in(alice)
            clock.shift(14 * 60)
            self.change(browser)

            assert Session.objects.count() == 1
            clock.shift(14 * 60)
            assert browser.get("/").status_code == 200


@pytest.mark.parametrize(
    "path", ["/me/record/", "/me/record/edit/", "/me/access/", "/me/account/", "/me/account/password/"]
)
def test_rendering_asks_the_database_nothing(sign_in, bob, bobs_record, erin, path):
    sign_in(erin).get(f"/patients/{bobs_record.pk}/")

    assert queries_while_rendering(sign_in(bob), f"/me/{path}") == 0


def test_a_name_is_shown_exactly_as_it_was_typed(sign_in, alice):
    browser = sign_in(alice)
    name = '<img src=x onerror=alert(1)> "O\'Brien" & {{ 7 }}'

    browser.post("/me/account/", fields_of(browser.get("/me/account/")) | {"name": name})

    response = browser.get("/me/account/")
    assert fields_of(response)["name"] == name
    assert not Page(response).all("img", src="x")
