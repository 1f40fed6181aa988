"""The doctors' pages: the directory, an entry, adding, changing, deleting, and vouching for it."""

from decimal import Decimal

import pytest
from django.test import Client

import care.service
from care.models import Doctor
from care.schemas import DoctorIn
from core.audit import REFUSED
from core.models import AuditEvent
from tests.factories import DoctorFactory
from tests.portal.pages import Page, fields_of
from tests.portal.rendering import count_queries, queries_while_rendering

HTMX = {"HX-Request": "true"}
NEW = {
    "firstname": "Jane",
    "lastname": "Roe",
    "specialization": "CARD",
    "gender": "F",
    "license_number": "MA-1",
    "qualifications": "MD",
    "experience_years": "12",
    "consultation_fee": "120.5",
    "max_appointments_per_day": "8",
    "time_zone": "America/New_York",
    "is_available": "on",
    "phone": "+1 617-555-0100",
    "email": "Jane@Example.com",
    "location": "Boston, MA",
}


@pytest.fixture
def heart(ada, now) -> Doctor:
    """A cardiologist in Boston who takes appointments."""
    body = DoctorIn(name="Lin Chen", specialization="CARD", location="Boston, MA", phone="01712345678")
    return Doctor.objects.get(pk=care.service.create_doctor(actor=ada.actor, body=body, now=now).id)


@pytest.fixture
def skin(ada, now) -> Doctor:
    """A dermatologist in Newton who takes none."""
    body = DoctorIn(name="Rosa Diaz", specialization="DERM", location="Newton", is_available=False)
    return Doctor.objects.get(pk=care.service.create_doctor(actor=ada.actor, body=body, now=now).id)


def shown(response) -> list[str]:
    return [attrs["href"] for attrs in Page(response).all("a") if "table__link" in attrs.get("class", "")]


class TestDirectory:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, ["skin", "heart"]),
            ({"q": "chen"}, ["heart"]),
            ({"specialization": "DERM"}, ["skin"]),
            ({"location": "boston"}, ["heart"]),
            ({"available": "true"}, ["heart"]),
            ({"available": "false"}, ["skin"]),
            ({"available": "true", "location": "newton"}, []),
        ],
    )
    def test_filters_alone_and_together(self, sign_in, otto, heart, skin, query, found):
        entries = {"heart": heart, "skin": skin}

        response = sign_in(otto).get("/doctors/", query)

        assert shown(response) == [f"/doctors/{entries[name].pk}/" for name in found]

    def test_offers_every_specialization_by_name(self, sign_in, alice):
        page = Page(sign_in(alice).get("/doctors/", {"specialization": "CARD"}))

        assert "selected" in page.one("option", value="CARD")
        assert "Cardiology" in page.text

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            ({"specialization": "XXXX"}, "Select a valid choice."),
            ({"available": "perhaps"}, "Select a valid choice."),
            ({"location": "x" * 201}, "Location must have at most 200 characters."),
        ],
    )
    def test_says_what_cannot_be_searched_for(self, sign_in, alice, heart, query, sentence):
        response = sign_in(alice).get("/doctors/", query)

        assert response.status_code == 422
        assert sentence in Page(response).text

    def test_htmx_gets_the_results_alone_and_the_address_without_empty_filters(self, sign_in, alice, heart):
        query = {"q": "", "specialization": "CARD", "location": "", "available": ""}

        response = sign_in(alice).get("/doctors/", query, headers=HTMX)

        assert response.content.decode().strip().startswith('<section class="results" id="results"')
        assert response["HX-Push-Url"] == "/doctors/?specialization=CARD"

    def test_pages_lead_to_older_ones_and_back(self, sign_in, alice):
        for _ in range(30):
            DoctorFactory()
        browser = sign_in(alice)
        first = browser.get("/doctors/")
        [older] = [attrs["href"] for attrs in Page(first).all("a", rel="next")]
        second = browser.get(older)

        assert len(shown(first)) == 25
        assert len({*shown(first), *shown(second)}) == 30
        assert Page(second).all("a", href="/doctors/", **{"class": "button"})
        assert browser.get("/doctors/", {"cursor": "broken"})["Location"] == "/doctors/"

    def test_says_that_it_is_empty_or_that_none_match(self, sign_in, alice, otto, heart):
        assert "Nobody matches" in Page(sign_in(alice).get("/doctors/", {"q": "zzz"})).text
        Doctor.objects.all().delete()
        assert "Add the first one" in Page(sign_in(alice).get("/doctors/")).text
        assert "Add the first one" not in Page(sign_in(otto).get("/doctors/")).text

    def test_takes_as_many_queries_for_a_hundred_as_for_ten(self, sign_in, alice):
        browser = sign_in(alice)
        for _ in range(10):
            DoctorFactory()
        few = count_queries(browser, "/doctors/")
        for _ in range(90):
            DoctorFactory()

        assert count_queries(browser, "/doctors/") == few


class TestEntry:
    def test_shows_contact_data_of_a_verified_entry_to_everybody(self, sign_in, otto, heart):
        page = Page(sign_in(otto).get(f"/doctors/{heart.pk}/"))

        for fact in ("Lin Chen verified", "Cardiology, Boston, MA", "01712345678", "0.00 USD"):
            assert fact in page.text

    def test_hides_contact_data_of_an_unverified_entry_from_others(self, sign_in, alice, bob):
        entry = DoctorFactory(unverified=True, created_by=bob.user, phone="01712345678")

        assert "01712345678" not in Page(sign_in(alice).get(f"/doctors/{entry.pk}/")).text
        assert "Shown once the entry is verified." in Page(sign_in(alice).get(f"/doctors/{entry.pk}/")).text
        assert "01712345678" in Page(sign_in(bob).get(f"/doctors/{entry.pk}/")).text

    @pytest.mark.parametrize(
        ("name", "offered"),
        [
            ("alice", set()),
            ("bob", {"edit", "delete"}),
            ("erin", {"edit"}),
            ("ada", {"edit", "delete", "verification"}),
            ("rita", set()),
        ],
    )
    def test_offers_only_what_one_may_do(self, sign_in, request, bob, name, offered):
        entry = DoctorFactory(unverified=True, created_by=bob.user)
        page = Page(sign_in(request.getfixturevalue(name)).get(f"/doctors/{entry.pk}/"))

        found = {attrs.get("href") or attrs.get("action") for attrs in [*page.all("a"), *page.all("form")]}

        places = {place: f"/doctors/{entry.pk}/{place}/" for place in ("edit", "delete", "verification")}
        assert {place for place, address in places.items() if address in found} == offered

    def test_leads_to_the_patients_whom_one_may_see(self, sign_in, alice, otto, dr_chen):
        address = f"/patients/?doctor={dr_chen.doctor.pk}"

        assert Page(sign_in(alice).get(f"/doctors/{dr_chen.doctor.pk}/")).all("a", href=address)
        assert not Page(sign_in(otto).get(f"/doctors/{dr_chen.doctor.pk}/")).all("a", href=address)


class TestAdding:
    def test_adds_an_entry_that_waits_for_an_administrator(self, sign_in, alice):
        browser = sign_in(alice)

        response = browser.post("/doctors/new/", NEW)

        entry = Doctor.objects.get()
        assert response["Location"] == f"/doctors/{entry.pk}/"
        assert (entry.name, entry.specialization, entry.license_number) == ("Jane Roe", "CARD", "MA-1")
        assert (entry.consultation_fee, entry.experience_years, entry.max_appointments_per_day) == (
            Decimal("120.50"),
            12,
            8,
        )
        assert (entry.phone, entry.email, entry.is_available) == ("+16175550100", "jane@example.com", True)
        assert (entry.created_by_id, entry.verified) == (alice.id, False)
        assert "Jane Roe is in the directory." in Page(browser.get(response["Location"])).text

    def test_an_administrators_entry_is_verified_at_once(self, sign_in, ada):
        sign_in(ada).post("/doctors/new/", NEW)

        assert Doctor.objects.get().verified

    def test_the_form_starts_with_what_is_usual(self, sign_in, alice):
        sent = fields_of(sign_in(alice).get("/doctors/new/"))

        assert (sent["time_zone"], sent["max_appointments_per_day"], sent["is_available"]) == ("UTC", "10", "on")

    def test_who_takes_no_appointments_is_added_as_that(self, sign_in, alice):
        sign_in(alice).post("/doctors/new/", {name: value for name, value in NEW.items() if name != "is_available"})

        assert not Doctor.objects.get().is_available

    @pytest.mark.parametrize(
        ("sent", "field", "sentence"),
        [
            ({"firstname": ""}, "firstname", "Enter the doctor's first name."),
            ({"specialization": ""}, "specialization", "Choose what the doctor is specialized in."),
            ({"experience_years": "81"}, "experience_years", "Years of experience must be at most 80."),
            ({"experience_years": ""}, "experience_years", "This field is required."),
            ({"consultation_fee": "-1"}, "consultation_fee", "Consultation fee in USD must be at least 0."),
            ({"consultation_fee": "1.234"}, "consultation_fee", "must have at most 2 decimal places."),
            ({"consultation_fee": "NaN"}, "consultation_fee", "Enter a number."),
            ({"consultation_fee": "9" * 20}, "consultation_fee", "must have at most"),
            ({"max_appointments_per_day": "0"}, "max_appointments_per_day", "must be at least 1."),
            ({"time_zone": "Boston"}, "time_zone", "Time zone must be an IANA time zone"),
            ({"license_number": "x" * 65}, "license_number", "Licence number must have at most 64 characters."),
            ({"phone": "call"}, "phone", "Telephone must be a telephone number."),
        ],
    )
    @pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
    def test_names_what_is_wrong_beside_its_field_and_keeps_the_rest(
        self, sign_in, alice, sent, field, sentence, headers
    ):
        typed = NEW | sent

        response = sign_in(alice).post("/doctors/new/", typed, headers=headers)

        page = Page(response)
        [control] = [attrs for _, attrs in page.tags if attrs.get("name") == field]
        assert response.status_code == 422
        assert sentence in page.text
        assert control["aria-invalid"] == "true"
        kept = fields_of(response)
        assert {name: kept[name] for name in typed} == typed
        assert not Doctor.objects.exists()

    def test_a_field_is_checked_as_one_moves_on(self, sign_in, alice):
        browser = sign_in(alice)

        wrong = browser.post("/doctors/check/time_zone/", {"time_zone": "Boston"}, headers=HTMX)
        choice = browser.post("/doctors/check/specialization/", {"specialization": "CARD"}, headers=HTMX)

        assert "Time zone must be an IANA time zone" in Page(wrong).text
        assert "aria-invalid" not in Page(choice).one("select")
        assert "selected" in Page(choice).one("option", value="CARD")
        assert browser.post("/doctors/check/verified/", NEW, headers=HTMX).status_code == 404

    def test_needs_the_token_of_this_browser(self, sign_in, ada, heart):
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = sign_in(ada).cookies

        for path in ("/doctors/new/", f"/doctors/{heart.pk}/edit/", f"/doctors/{heart.pk}/delete/"):
            assert strict.post(path, NEW).status_code == 403
        assert Doctor.objects.get().name == "Lin Chen"


class TestEditing:
    def test_changes_what_was_changed_and_nothing_else(self, sign_in, erin, heart):
        browser = sign_in(erin)
        before = Doctor.objects.values().get()
        sent = fields_of(browser.get(f"/doctors/{heart.pk}/edit/")) | {"qualifications": "MD, FACC"}

        response = browser.post(f"/doctors/{heart.pk}/edit/", sent)

        after = Doctor.objects.values().get()
        assert response["Location"] == f"/doctors/{heart.pk}/"
        assert {name for name in after if after[name] != before[name]} == {"qualifications", "updated_at"}

    def test_a_switch_may_be_turned_off(self, sign_in, erin, heart):
        browser = sign_in(erin)
        sent = fields_of(browser.get(f"/doctors/{heart.pk}/edit/"))
        del sent["is_available"]

        browser.post(f"/doctors/{heart.pk}/edit/", sent)

        heart.refresh_from_db()
        assert not heart.is_available

    def test_warns_that_another_licence_number_takes_the_verification_back(self, sign_in, erin, ada, heart):
        browser = sign_in(erin)
        page = browser.get(f"/doctors/{heart.pk}/edit/")
        assert "takes the verification back" in Page(page).text
        assert "takes the verification back" not in Page(sign_in(ada).get(f"/doctors/{heart.pk}/edit/")).text

        browser.post(f"/doctors/{heart.pk}/edit/", fields_of(page) | {"license_number": "MA-2"})

        heart.refresh_from_db()
        assert not heart.verified

    def test_bad_input_keeps_what_was_typed(self, sign_in, erin, heart):
        browser = sign_in(erin)
        sent = fields_of(browser.get(f"/doctors/{heart.pk}/edit/")) | {"phone": "call", "location": "Elsewhere"}

        response = browser.post(f"/doctors/{heart.pk}/edit/", sent, headers=HTMX)

        assert response.status_code == 422
        assert fields_of(response)["location"] == "Elsewhere"
        assert "Telephone must be a telephone number." in Page(response).text


class TestVerification:
    def decide(self, browser, entry, **sent):
        return browser.post(f"/doctors/{entry.pk}/verification/", sent)

    def test_vouches_with_a_reason_and_takes_it_back(self, sign_in, ada):
        entry = DoctorFactory(unverified=True)
        browser = sign_in(ada)

        response = self.decide(browser, entry, reason="Seen the licence.", verified="true")
        entry.refresh_from_db()
        assert (entry.verified, entry.verification_reason) == (True, "Seen the licence.")
        assert "is verified." in Page(browser.get(response["Location"])).text

        response = self.decide(browser, entry, reason="It has expired.", verified="false")
        entry.refresh_from_db()
        assert (entry.verified, entry.verification_reason) == (False, "It has expired.")
        assert "is no longer verified." in Page(browser.get(response["Location"])).text

    def test_the_form_of_an_old_page_repeats_what_it_said(self, sign_in, ada):
        entry = DoctorFactory(unverified=True)
        browser = sign_in(ada)
        sent = fields_of(browser.get(f"/doctors/{entry.pk}/")) | {"reason": "Seen the licence."}

        self.decide(browser, entry, **sent)
        self.decide(browser, entry, **sent)

        entry.refresh_from_db()
        assert entry.verified

    @pytest.mark.parametrize(
        ("reason", "sentence"),
        [
            ("", "Enter the reason."),
            ("  ", "Reason must not be blank."),
            ("x" * 256, "Reason must have at most 255 characters."),
        ],
    )
    def test_needs_a_reason(self, sign_in, ada, reason, sentence):
        entry = DoctorFactory(unverified=True)

        response = self.decide(sign_in(ada), entry, reason=reason, verified="true")

        page = Page(response)
        assert response.status_code == 422
        assert sentence in page.text
        assert page.one("input", name="reason").get("value", "") == reason
        entry.refresh_from_db()
        assert not entry.verified

    @pytest.mark.parametrize("name", ["alice", "erin", "rita"])
    def test_is_an_administrators_alone(self, sign_in, request, name):
        person = request.getfixturevalue(name)
        entry = DoctorFactory(unverified=True)
        browser = sign_in(person)

        assert self.decide(browser, entry, reason="Because.", verified="true").status_code == 403
        assert self.decide(browser, entry, reason="", verified="true").status_code == 403
        entry.refresh_from_db()
        assert not entry.verified
        assert AuditEvent.objects.filter(actor_id=person.id, action="doctor.verify", outcome=REFUSED).count() == 1


def test_asks_before_an_entry_is_deleted(sign_in, ada, heart):
    browser = sign_in(ada)

    assert "Delete the entry of Lin Chen?" in Page(browser.get(f"/doctors/{heart.pk}/delete/")).text
    heart.refresh_from_db()
    assert heart.deleted_at is None

    assert browser.post(f"/doctors/{heart.pk}/delete/")["Location"] == "/doctors/"
    assert browser.get(f"/doctors/{heart.pk}/").status_code == 404


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "\"'><b>{{ 7 }}", "  spaces  ", "张&nbsp;é"])
def test_text_is_shown_exactly_as_it_was_typed(sign_in, ada, text):
    browser = sign_in(ada)
    address = browser.post("/doctors/new/", NEW | {"firstname": text, "location": text, "qualifications": text})[
        "Location"
    ]

    for path in ("/doctors/", address, f"{address}delete/"):
        page = Page(browser.get(path))
        assert " ".join(text.split()) in page.text
        assert all("src" in script for script in page.all("script"))
    assert fields_of(browser.get(f"{address}edit/"))["qualifications"] == text


@pytest.mark.parametrize("page", ["", "edit/", "delete/"])
def test_rendering_asks_the_database_nothing(sign_in, ada, heart, page):
    assert queries_while_rendering(sign_in(ada), f"/doctors/{heart.pk}/{page}") == 0


@pytest.mark.parametrize("path", ["/doctors/", "/doctors/?q=zzz", "/doctors/new/"])
def test_rendering_the_lists_asks_the_database_nothing(sign_in, ada, heart, path):
    assert queries_while_rendering(sign_in(ada), path) == 0
