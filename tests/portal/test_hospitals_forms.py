"""The hospitals' forms: registering one, changing it, and what becomes of its token."""

import pytest
from django.test import Client

from federation.models import Hospital
from tests.factories.federation import make_hospital
from tests.portal.clinic_days import refusals
from tests.portal.pages import Page, fields_of

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
NEW = {
    "name": "Riverside",
    "location": "Boston, MA",
    "api_endpoint": "https://riverside.example/records",
    "format": "json",
    "auth_token": "canary-4711",
    "sync_every_minutes": "60",
}


class TestAdding:
    def test_registers_a_hospital(self, sign_in, ada):
        browser = sign_in(ada)

        response = browser.post("/hospitals/new/", NEW)

        hospital = Hospital.objects.get()
        assert response["Location"] == f"/hospitals/{hospital.pk}/"
        assert (hospital.name, hospital.location, hospital.format) == ("Riverside", "Boston, MA", "json")
        assert (hospital.api_endpoint, hospital.sync_every_minutes) == ("https://riverside.example/records", 60)
        assert hospital.sealed_token
        assert "Riverside is registered." in Page(browser.get(response["Location"])).text

    def test_one_without_a_clock_is_copied_when_somebody_asks(self, sign_in, ada):
        sign_in(ada).post("/hospitals/new/", NEW | {"sync_every_minutes": "", "auth_token": ""})

        hospital = Hospital.objects.get()
        assert (hospital.sync_every_minutes, hospital.sealed_token, hospital.feed.due_at) == (None, "", None)

    @pytest.mark.parametrize(
        ("sent", "field", "sentence"),
        [
            ({"name": ""}, "name", "Enter the hospital's name."),
            ({"name": "x" * 151}, "name", "Name must have at most 150 characters."),
            ({"location": "x" * 256}, "location", "Location must have at most 255 characters."),
            ({"api_endpoint": ""}, "api_endpoint", "Enter the address where the hospital answers."),
            ({"api_endpoint": "ftp://riverside.example/"}, "api_endpoint", "http"),
            ({"api_endpoint": "https://user:pw@riverside.example/"}, "api_endpoint", "."),
            ({"api_endpoint": "https://169.254.169.254/"}, "api_endpoint", "."),
            ({"format": "xml"}, "format", "Select a valid choice."),
            ({"auth_token": "with space"}, "auth_token", "Token must be printable ASCII without spaces."),
            ({"sync_every_minutes": "4"}, "sync_every_minutes", "must be at least 5."),
            ({"sync_every_minutes": "43201"}, "sync_every_minutes", "must be at most 43200."),
        ],
    )
    @pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
    def test_names_what_is_wrong_beside_its_field_and_keeps_the_rest(
        self, sign_in, ada, sent, field, sentence, headers
    ):
        typed = NEW | sent

        response = sign_in(ada).post("/hospitals/new/", typed, headers=headers)

        page = Page(response)
        [control] = [attrs for _, attrs in page.tags if attrs.get("name") == field]
        assert response.status_code == 422
        assert sentence in page.text
        assert control["aria-invalid"] == "true"
        # A choice that is none, and a token, are not sent back.
        kept, lost = fields_of(response), {"auth_token"} | ({"format"} & sent.keys())
        assert {name: kept[name] for name in typed.keys() - lost} == {name: typed[name] for name in typed.keys() - lost}
        assert not Hospital.objects.exists()

    def test_a_token_is_never_sent_back_and_the_page_says_so(self, sign_in, ada):
        response = sign_in(ada).post("/hospitals/new/", NEW | {"name": ""})

        assert "canary-4711" not in response.content.decode()
        assert "Enter the token once more" in Page(response).text
        assert fields_of(response)["auth_token"] == ""

    def test_a_field_is_checked_as_one_moves_on_but_for_the_token(self, sign_in, ada):
        browser = sign_in(ada)

        wrong = browser.post("/hospitals/check/sync_every_minutes/", {"sync_every_minutes": "1"}, headers=HTMX)

        assert "must be at least 5." in Page(wrong).text
        assert browser.post("/hospitals/check/auth_token/", NEW, headers=HTMX).status_code == 404
        assert browser.post("/hospitals/check/has_token/", NEW, headers=HTMX).status_code == 404
        assert not [
            attrs for _, attrs in Page(browser.get("/hospitals/new/")).tags if "auth_token" in attrs.get("hx-post", "")
        ]

    @pytest.mark.parametrize("name", ["alice", "dr_diaz", "erin", "rita", "otto"])
    def test_is_an_administrators_alone(self, sign_in, request, name):
        person = request.getfixturevalue(name)
        browser = sign_in(person)

        assert browser.get("/hospitals/new/").status_code == 403
        assert browser.post("/hospitals/new/", NEW).status_code == 403
        assert browser.post("/hospitals/new/", NEW | {"try": "yes"}).status_code == 403
        assert refusals(person, "hospital.create") == refusals(person, "hospital.test") == ["not_allowed"]
        assert not Hospital.objects.exists()

    def test_needs_the_token_of_this_browser(self, sign_in, ada):
        strict, hospital = Client(enforce_csrf_checks=True), make_hospital()
        strict.cookies = sign_in(ada).cookies

        for place in ("new/", *(f"{hospital.pk}/{page}/" for page in ("edit", "delete", "sync", "fetch"))):
            assert strict.post(f"/hospitals/{place}", NEW).status_code == 403
        assert Hospital.objects.get().name == "Elsewhere"


class TestEditing:
    def edit(self, browser, hospital, **changed):
        path = f"/hospitals/{hospital.pk}/edit/"
        return browser.post(path, fields_of(browser.get(path)) | changed)

    @pytest.fixture
    def riverside(self, sign_in, ada) -> Hospital:
        sign_in(ada).post("/hospitals/new/", NEW)
        return Hospital.objects.get()

    def test_changes_what_was_changed_and_nothing_else(self, sign_in, ada, riverside):
        before = Hospital.objects.values().get()

        response = self.edit(sign_in(ada), riverside, location="Newton")

        after = Hospital.objects.values().get()
        assert response["Location"] == f"/hospitals/{riverside.pk}/"
        assert {name for name in after if after[name] != before[name]} == {"location", "updated_at"}

    def test_an_empty_token_keeps_the_one_there_is(self, sign_in, ada, riverside):
        browser = sign_in(ada)
        assert "Leave this empty to keep it" in Page(browser.get(f"/hospitals/{riverside.pk}/edit/")).text

        self.edit(browser, riverside, name="Riverside General")

        assert Hospital.objects.get().sealed_token == riverside.sealed_token

    def test_another_address_forgets_the_token_and_says_so(self, sign_in, ada, riverside):
        browser = sign_in(ada)
        assert "Another address forgets the token" in Page(browser.get(f"/hospitals/{riverside.pk}/edit/")).text

        response = self.edit(browser, riverside, api_endpoint="https://other.example/records")

        assert Hospital.objects.get().sealed_token == ""
        assert "so the token is forgotten" in Page(browser.get(response["Location"])).text

    def test_another_address_with_a_token_has_that_one(self, sign_in, ada, riverside):
        browser = sign_in(ada)

        response = self.edit(browser, riverside, api_endpoint="https://other.example/records", auth_token="new")

        assert Hospital.objects.get().token_origin.startswith("https://other.example")
        assert "forgotten" not in Page(browser.get(response["Location"])).text

    def test_the_token_is_forgotten_where_somebody_says_so(self, sign_in, ada, riverside):
        browser = sign_in(ada)

        response = self.edit(browser, riverside, forget_token="on")

        assert Hospital.objects.get().sealed_token == ""
        page = Page(browser.get(response["Location"]))
        assert "The changes are saved and the token is forgotten." in page.text
        assert not Page(browser.get(f"/hospitals/{riverside.pk}/edit/")).all("input", name="forget_token")

    def test_the_clock_is_taken_away_by_an_empty_field(self, sign_in, ada, riverside):
        self.edit(sign_in(ada), riverside, sync_every_minutes="")

        riverside.refresh_from_db()
        assert riverside.sync_every_minutes is None
        assert riverside.feed.due_at is None

    def test_bad_input_keeps_what_was_typed(self, sign_in, ada, riverside):
        response = self.edit(sign_in(ada), riverside, api_endpoint="ftp://elsewhere.example/", location="Newton")

        assert response.status_code == 422
        assert fields_of(response)["location"] == "Newton"
        assert Hospital.objects.get().location == "Boston, MA"

    @pytest.mark.parametrize("name", ["alice", "dr_diaz", "erin", "otto"])
    def test_is_an_administrators_alone(self, sign_in, request, riverside, name):
        person = request.getfixturevalue(name)
        browser, path = sign_in(person), f"/hospitals/{riverside.pk}/edit/"

        assert browser.get(path).status_code == 403
        assert browser.post(path, NEW | {"name": "Mine"}).status_code == 403
        assert Hospital.objects.get().name == "Riverside"
        assert refusals(person, "hospital.update") == ["not_allowed"]
