"""Pages that ask a hospital while somebody waits: trying an address, fetching, and renewing the copies."""

from datetime import timedelta

import pytest

from core.models import AuditEvent
from federation.models import Feed, Hospital, PatientRecord, SyncRun
from tests.factories.federation import make_hospital, make_record
from tests.federation.fakes import open_town
from tests.portal.clinic_days import refusals
from tests.portal.pages import Page, fields_of

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
PEOPLE = [
    {"patient_id": 1, "name": "John <b>Doe</b>", "age": 45, "condition": "Flu"},
    {"patient_id": "B-2", "name": "Jane Smith", "age": 34, "diagnosis": "Cough"},
]


@pytest.fixture
def town():
    """A place to open hospitals in; they are really asked, over the network of this machine."""
    with open_town() as town:
        yield town


class TestTrial:
    def attempt(self, browser, api_endpoint, *, headers=None, **more):
        sent = {"name": "", "api_endpoint": api_endpoint, "format": "json", "try": "yes", **more}
        return browser.post("/hospitals/new/", sent, headers=headers or {})

    def test_says_how_much_can_be_read_and_stores_nothing(self, sign_in, ada, town):
        fake = town.add("a", [*PEOPLE, "no record"])

        response = self.attempt(sign_in(ada), fake.url, location="Boston", auth_token="canary-4711")

        page = Page(response)
        assert response.status_code == 200
        assert "It works. 2 records. 1 problem: some of what it says cannot be read." in page.text
        assert fake.asked == ["Bearer canary-4711"]
        assert not Hospital.objects.exists()
        assert not PatientRecord.objects.exists()
        # What was typed stands there as before, unjudged; the token has to be typed once more.
        kept = fields_of(response)
        assert (kept["api_endpoint"], kept["location"], kept["auth_token"]) == (fake.url, "Boston", "")
        assert page.all("input", **{"aria-invalid": "true"}) == []
        assert "Enter the token once more" in page.text

    def test_htmx_gets_what_came_of_it_alone(self, sign_in, ada, town):
        response = self.attempt(sign_in(ada), town.add("a", PEOPLE).url, headers=HTMX)

        assert response.content.decode().strip().startswith('<div class="trial" id="trial"')
        assert (response["HX-Retarget"], response["HX-Reswap"]) == ("#trial", "outerHTML")

    @pytest.mark.parametrize(
        ("behaviour", "sentence"),
        [
            ({"status": 503}, "It does not work."),
            ({"body": b"<html>"}, "It does not work."),
            ({"records": []}, "It answers, but without records. Perhaps it has none"),
            ({"records": ["none"]}, "It answers, but without records. 1 problem"),
        ],
    )
    @pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
    def test_says_why_it_does_not_work(self, sign_in, ada, town, behaviour, sentence, headers):
        fake = town.add("a", **behaviour)

        response = self.attempt(sign_in(ada), fake.url, headers=headers)

        assert response.status_code == 200
        assert sentence in Page(response).text

    @pytest.mark.parametrize(
        ("sent", "sentence"),
        [
            ({"api_endpoint": ""}, "Enter the address where the hospital answers."),
            ({"api_endpoint": "ftp://elsewhere.example/"}, "It does not work."),
            ({"api_endpoint": "https://169.254.169.254/"}, "It does not work."),
            ({"auth_token": "with space"}, "Token must be printable ASCII without spaces."),
            ({"format": "xml"}, "Select a valid choice."),
        ],
    )
    def test_says_what_cannot_be_tried(self, sign_in, ada, town, sent, sentence):
        fake = town.add("a", PEOPLE)

        response = self.attempt(sign_in(ada), **({"api_endpoint": fake.url} | sent))

        assert sentence in Page(response).text
        assert fake.asked == []

    def test_of_a_saved_hospital_sends_the_saved_token_to_the_saved_address_alone(self, sign_in, ada, town):
        here, elsewhere, browser = town.add("a", PEOPLE), town.add("b", PEOPLE), sign_in(ada)
        browser.post("/hospitals/new/", {"name": "A", "api_endpoint": here.url, "format": "json", "auth_token": "kept"})
        path = f"/hospitals/{Hospital.objects.get().pk}/edit/"
        sent = fields_of(browser.get(path))

        browser.post(path, {**sent, "try": "yes"})
        response = browser.post(path, {**sent, "api_endpoint": elsewhere.url, "name": "B", "try": "yes"})

        assert (here.asked, elsewhere.asked) == (["Bearer kept"], [None])
        assert fields_of(response)["name"] == "B"
        assert fields_of(response)["initial-name"] == "A"
        assert Hospital.objects.get().api_endpoint == here.url


class TestFetch:
    @pytest.mark.parametrize("name", ["dr_diaz", "ada"])
    def test_shows_the_answer_to_whoever_asked_and_keeps_nothing(self, sign_in, request, town, name):
        person = request.getfixturevalue(name)
        hospital = make_hospital("Riverside", endpoint=town.add("a", [*PEOPLE, 17]).url)
        browser, path = sign_in(person), f"/hospitals/{hospital.pk}/fetch/"
        assert "Only you see the answer" in Page(browser.get(path)).text

        response = browser.post(path)

        page = Page(response)
        for words in ("What Riverside says now", "Only you see this answer", "John <b>Doe</b>", "B-2", "Cough", "45"):
            assert words in page.text
        assert "This is not everything. 1 problem" in page.text
        assert not PatientRecord.objects.exists()
        event = AuditEvent.objects.get(action="hospital.fetch")
        assert (event.actor_id, event.outcome) == (person.id, "allowed")

    def test_shows_the_first_hundred_and_says_how_many_there_are(self, sign_in, dr_diaz, town):
        people = [{"patient_id": number, "name": f"Patient {number}"} for number in range(130)]
        hospital = make_hospital(endpoint=town.add("a", people).url)

        page = Page(sign_in(dr_diaz).post(f"/hospitals/{hospital.pk}/fetch/"))

        assert "130 records" in page.text
        assert "the first 100 are shown" in page.text
        assert len(page.all("tr")) == 101

    def test_says_why_it_failed_and_how_old_the_last_good_copy_is(self, sign_in, dr_diaz, town, now):
        broken = town.add("a", status=503)
        hospital = make_hospital(endpoint=broken.url, fetched_at=now)
        without = make_hospital("Other", endpoint=broken.url)
        browser = sign_in(dr_diaz)

        response = browser.post(f"/hospitals/{hospital.pk}/fetch/")

        page = Page(response)
        assert response.status_code == 502
        assert "The hospital did not answer properly." in page.text
        assert "The last good copy is of just now" in page.text
        assert page.all("a", href=f"/records/?hospital={hospital.pk}")
        assert "There is no good copy" in Page(browser.post(f"/hospitals/{without.pk}/fetch/")).text
        assert len(refusals(dr_diaz, "hospital.fetch")) == 2

    def test_an_empty_hospital_is_told(self, sign_in, dr_diaz, town):
        hospital = make_hospital(endpoint=town.add("a").url)

        assert "It has no records" in Page(sign_in(dr_diaz).post(f"/hospitals/{hospital.pk}/fetch/")).text

    @pytest.mark.parametrize("name", ["alice", "erin", "rita", "otto"])
    def test_is_for_doctors_and_administrators(self, sign_in, request, town, name):
        person, fake = request.getfixturevalue(name), town.add("a", PEOPLE)
        browser, path = sign_in(person), f"/hospitals/{make_hospital(endpoint=fake.url).pk}/fetch/"

        assert browser.get(path).status_code == browser.post(path).status_code == 403
        assert fake.asked == []
        assert refusals(person, "hospital.fetch") == ["not_allowed"]


@pytest.mark.django_db(transaction=True)
class TestRenewing:
    def renew(self, browser, which, **more):
        return browser.post("/records/renew/", {"which": which}, **more)

    @pytest.mark.parametrize("name", ["dr_diaz", "ada"])
    def test_fetches_the_never_fetched_and_leaves_the_others(self, sign_in, request, town, now, name):
        browser = sign_in(request.getfixturevalue(name))
        old, new = town.add("old", PEOPLE), town.add("new", PEOPLE)
        make_hospital("Old", endpoint=old.url, fetched_at=now)
        make_hospital("New", endpoint=new.url)
        assert "1 of 2 hospitals complete" in Page(browser.get("/records/")).text

        response = self.renew(browser, "never")

        assert response["Location"] == "/records/"
        page = Page(browser.get("/records/"))
        assert "1 hospital was asked." in page.text
        assert "2 of 2 hospitals complete" in page.text
        assert "Jane Smith" in page.text
        assert (len(old.asked), len(new.asked)) == (0, 1)
        assert not page.all("button", value="never")

    def test_fetches_all_and_leads_htmx_on(self, sign_in, ada, town, now):
        fakes = [town.add(name, PEOPLE) for name in ("a", "b")]
        for fake in fakes:
            make_hospital(endpoint=fake.url, fetched_at=now)

        response = self.renew(sign_in(ada), "all", headers=HTMX)

        assert response["HX-Redirect"] == "/records/"
        assert [len(fake.asked) for fake in fakes] == [1, 1]

    def test_tells_what_failed_beside_its_name_and_keeps_the_last_good_copy(self, sign_in, dr_diaz, town, now):
        browser = sign_in(dr_diaz)
        hospital = make_hospital("Lakeside", endpoint=town.add("a", status=503).url, fetched_at=now)
        make_record(hospital, name="Rosa Kept")

        self.renew(browser, "all")

        page = Page(browser.get("/records/"))
        assert "0 of 1 hospitals complete" in page.text
        assert "Lakeside Failed" in page.text
        assert Feed.objects.get().error_detail in page.text
        assert "Rosa Kept" in page.text

    def test_leaves_alone_what_the_breaker_protects(self, sign_in, dr_diaz, town, now):
        fake, browser = town.add("a", PEOPLE), sign_in(dr_diaz)
        make_hospital(endpoint=fake.url, feed={"failures": 9, "opens_until": now + timedelta(minutes=5)})

        self.renew(browser, "all")

        assert fake.asked == []
        assert "There was no hospital to ask" in Page(browser.get("/records/")).text

    @pytest.mark.parametrize("name", ["alice", "erin", "rita", "otto"])
    def test_is_for_doctors_and_administrators(self, sign_in, request, town, name):
        person, fake = request.getfixturevalue(name), town.add("a", PEOPLE)
        make_hospital(endpoint=fake.url)

        assert self.renew(sign_in(person), "all").status_code == 403
        assert fake.asked == []
        assert not SyncRun.objects.exists()
        assert refusals(person, "hospital.renew") == ["not_allowed"]

    def test_is_on_record_with_the_hospitals_that_were_asked(self, sign_in, dr_diaz, town):
        hospital = make_hospital(endpoint=town.add("a", PEOPLE).url)

        self.renew(sign_in(dr_diaz), "never")

        event = AuditEvent.objects.get(action="hospital.renew")
        assert [(each.kind, each.subject_id) for each in event.subjects.all()] == [("hospital", hospital.pk)]
