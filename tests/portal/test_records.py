"""The hospitals' records: searching all of them, where each comes from, and typing one in."""

from datetime import date, timedelta

import pytest
from django.test import Client

from core.models import AuditEvent
from federation.models import PatientRecord, SyncRun
from tests.factories.federation import make_hospital, make_record
from tests.portal.clinic_days import refusals
from tests.portal.pages import Page, fields_of
from tests.portal.rendering import count_queries, queries_while_rendering

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def riverside():
    return make_hospital("Riverside", location="Boston")


@pytest.fixture
def hillcrest():
    return make_hospital("Hillcrest")


def shown(response) -> list[str]:
    return [attrs["href"] for attrs in Page(response).all("a") if "table__link" in attrs.get("class", "")]


def new(hospital, **more) -> dict[str, str]:
    values = {"hospital": str(hospital.pk), "patient_id": "A-7", "name": "Ana Gómez", "gender": "F", "age": "41"}
    return {**values, "birth_date": "", "diagnosis": "Asthma", **more}


class TestSearch:
    @pytest.mark.parametrize("name", ["dr_diaz", "erin", "ada"])
    def test_shows_doctors_and_the_desk_all_of_them(self, sign_in, request, riverside, alice, name):
        fetched, typed = make_record(riverside, "1"), make_record(riverside, "2", created_by=alice.user)

        response = sign_in(request.getfixturevalue(name)).get("/records/")

        assert shown(response) == [f"/records/{typed.pk}/", f"/records/{fetched.pk}/"]

    def test_shows_a_patient_what_they_typed_in(self, sign_in, riverside, alice, bob):
        make_record(riverside, "1", name="Fetched Canary")
        make_record(riverside, "2", name="Bobs Canary", created_by=bob.user)
        own = make_record(riverside, "3", created_by=alice.user)

        response = sign_in(alice).get("/records/")

        assert shown(response) == [f"/records/{own.pk}/"]
        assert "Canary" not in response.content.decode()
        assert "hospitals complete" not in Page(response).text

    @pytest.mark.parametrize("name", ["rita", "otto"])
    def test_is_not_for_research_accounts(self, sign_in, request, riverside, name):
        person = request.getfixturevalue(name)
        make_record(riverside)

        assert sign_in(person).get("/records/").status_code == 403
        assert refusals(person, "record.list") == ["not_allowed"]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"q": "gomez"}, "a"),
            ({"q": "B-2"}, "b"),
            ({"diagnosis": "asth"}, "a"),
            ({"age": "34"}, "b"),
            ({"age": "0"}, "c"),
            ({"hospital": "hillcrest"}, "c"),
            ({"hospital": "riverside", "q": "smith"}, "b"),
            ({"q": "zzz"}, ""),
        ],
    )
    def test_filters_alone_and_together(self, sign_in, erin, riverside, hillcrest, query, found):
        records = {
            "a": make_record(riverside, "A-1", name="Ana Gómez", diagnosis="Asthma", age_stated=41),
            "b": make_record(riverside, "B-2", name="Jane Smith", diagnosis="Cough", age_stated=34),
            "c": make_record(hillcrest, "C-3", name="Baby Doe", diagnosis="", age_stated=0),
        }
        places = {"hillcrest": str(hillcrest.pk), "riverside": str(riverside.pk)}
        query = {**query, "hospital": places.get(query.get("hospital"), "")}

        response = sign_in(erin).get("/records/", query, headers=HTMX)

        assert shown(response) == [f"/records/{records[name].pk}/" for name in found]
        assert response.content.decode().strip().startswith('<section class="results" id="results"')
        assert "hospital=&" not in response["HX-Push-Url"]

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            ({"q": "x" * 201}, "name or number must have at most 200 characters."),
            ({"age": "131"}, "Age must be at most 130."),
            ({"age": "young"}, "Enter a whole number."),
            ({"hospital": "nowhere"}, "Select a valid choice."),
        ],
    )
    def test_says_what_cannot_be_searched_for(self, sign_in, erin, query, sentence):
        response = sign_in(erin).get("/records/", query)

        assert response.status_code == 422
        assert sentence in Page(response).text

    def test_every_row_says_where_it_comes_from(self, sign_in, erin, alice, dr_diaz, riverside, now):
        run = SyncRun.objects.create(hospital=riverside, state="complete", generation=1, started_at=now)
        make_record(riverside, "1", run=run, updated_at=now - timedelta(hours=2))
        make_record(riverside, "2", created_by=alice.user, is_vouched=False)
        make_record(riverside, "3", created_by=erin.user)
        make_record(riverside, "4", created_by=dr_diaz.user)

        text = Page(sign_in(erin).get("/records/")).text

        assert f"Fetched 2 hours ago copy #{str(run.pk)[-8:]}" in text
        assert "Typed in just now not by the clinic" in text
        assert "Typed in just now by the clinic" in text
        assert "Typed in just now by you" in text

    def test_pages_lead_to_older_ones_and_back(self, sign_in, erin, riverside):
        for number in range(30):
            make_record(riverside, str(number))
        browser = sign_in(erin)
        first = browser.get("/records/", {"diagnosis": "influenza"})
        [older] = [attrs["href"] for attrs in Page(first).all("a", rel="next")]
        second = browser.get(older)

        assert len(shown(first)) == 25
        assert len({*shown(first), *shown(second)}) == 30
        assert browser.get("/records/", {"cursor": "broken"})["Location"] == "/records/"

    def test_says_that_it_is_empty(self, sign_in, alice, dr_diaz):
        assert "What is typed in stands here." in Page(sign_in(alice).get("/records/")).text
        assert "once a hospital was copied" in Page(sign_in(dr_diaz).get("/records/")).text

    @pytest.mark.parametrize("name", ["erin", "ada"])
    def test_takes_as_many_queries_for_twenty_as_for_two(self, sign_in, request, alice, now, name):
        browser = sign_in(request.getfixturevalue(name))

        def add(number):
            hospital = make_hospital(f"Hospital {number}", fetched_at=now)
            make_record(hospital, "1")
            make_record(hospital, "2", created_by=alice.user)

        for number in range(2):
            add(number)
        few = count_queries(browser, "/records/")
        for number in range(2, 12):
            add(number)

        assert count_queries(browser, "/records/") == few


class TestCompleteness:
    @pytest.mark.parametrize(("name", "is_told"), [("dr_diaz", True), ("ada", True), ("erin", False)])
    def test_tells_doctors_and_administrators_how_complete_it_is(self, sign_in, request, now, name, is_told):
        make_hospital("Riverside", fetched_at=now - timedelta(minutes=5), feed={"record_count": 12})
        make_hospital("Lakeside", feed={"failures": 1, "error_detail": "It answered 503."})
        make_hospital("Hillcrest")

        page = Page(sign_in(request.getfixturevalue(name)).get("/records/"))

        told = (
            "1 of 3 hospitals complete",
            "Lakeside Failed no good copy yet. It answered 503.",
            "Hillcrest Never fetched no good copy yet",
            "Riverside Fresh 12 records, 5 minutes ago",
            "Fetch the 2 never fetched",
        )
        assert [words in page.text for words in told] == [is_told] * len(told)
        if is_told:
            places = [page.text.index(name) for name in ("Lakeside Failed", "Hillcrest Never", "Riverside Fresh")]
            assert places == sorted(places)

    def test_a_search_as_one_types_does_not_ask_for_it_again(self, sign_in, ada):
        make_hospital()

        assert "hospitals complete" not in sign_in(ada).get("/records/", headers=HTMX).content.decode()

    def test_folds_away_what_is_too_much_to_read(self, sign_in, ada, now):
        for number in range(20):
            make_hospital(f"Hospital {number}", fetched_at=now)

        page = Page(sign_in(ada).get("/records/"))

        assert "17 more" in page.text
        assert len(page.all("li", **{"class": "feed"})) == 20


class TestRecord:
    def test_shows_what_the_hospital_says_and_where_it_comes_from(self, sign_in, erin, now):
        hospital = make_hospital("Riverside", fetched_at=now)
        run = SyncRun.objects.create(hospital=hospital, state="complete", generation=1, started_at=now)
        record = make_record(
            hospital, "A-7", name="Ana Gómez", gender="F", birth_date=date(1984, 3, 27), run=run,
            created_at=now - timedelta(days=1),
        )  # fmt: skip

        page = Page(sign_in(erin).get(f"/records/{record.pk}/"))

        for words in (
            "Ana Gómez",
            "A-7",
            "27 March 1984",
            "Female",
            "Influenza",
            "The hospital itself keeps this record",
        ):
            assert words in page.text
        assert f"#{str(run.pk)[-8:]}" in page.text
        assert "just now by the last good copy" in page.text
        assert not page.all("a", href=f"/hospitals/{hospital.pk}/#sync-{run.pk}")
        assert not page.all("a", href=f"/records/{record.pk}/edit/")

    def test_leads_an_administrator_to_the_copy(self, sign_in, ada, riverside, now):
        run = SyncRun.objects.create(hospital=riverside, state="complete", generation=1, started_at=now)
        record = make_record(riverside, run=run)
        browser = sign_in(ada)

        address = f"/hospitals/{riverside.pk}/#sync-{run.pk}"
        assert Page(browser.get(f"/records/{record.pk}/")).all("a", href=address)
        assert Page(browser.get(f"/hospitals/{riverside.pk}/")).with_id(f"sync-{run.pk}")

    @pytest.mark.parametrize(
        ("is_vouched", "words"), [(True, "A doctor or the front desk typed"), (False, "Nobody of the clinic typed")]
    )
    def test_says_whether_the_clinic_vouches_and_names_no_account(
        self, sign_in, erin, alice, riverside, is_vouched, words
    ):
        record = make_record(riverside, created_by=alice.user, is_vouched=is_vouched)
        browser = sign_in(erin)

        assert words in Page(browser.get(f"/records/{record.pk}/")).text
        for path in ("/records/", f"/records/{record.pk}/"):
            assert alice.user.name not in Page(browser.get(path)).text

    def test_leads_to_no_hospital_that_is_out_of_use(self, sign_in, ada, now):
        record = make_record(make_hospital("Gone", deleted_at=now))
        page = Page(sign_in(ada).get(f"/records/{record.pk}/"))

        assert "Gone out of use" in page.text
        assert not [attrs for attrs in page.all("a") if str(record.hospital_id) in attrs["href"]]

    def test_says_that_a_copy_broke_off(self, sign_in, erin, riverside):
        record = make_record(riverside)

        assert "Not yet: the copy that brought it broke off" in Page(sign_in(erin).get(f"/records/{record.pk}/")).text

    @pytest.mark.parametrize(
        ("name", "offered"),
        [("alice", {"edit", "delete"}), ("erin", {"edit"}), ("dr_diaz", {"edit"}), ("ada", {"edit", "delete"})],
    )
    def test_offers_only_what_one_may_do(self, sign_in, request, riverside, alice, name, offered):
        record = make_record(riverside, created_by=alice.user)
        page = Page(sign_in(request.getfixturevalue(name)).get(f"/records/{record.pk}/"))

        assert {
            place for place in ("edit", "delete") if page.all("a", href=f"/records/{record.pk}/{place}/")
        } == offered

    def test_is_missing_for_whom_it_does_not_concern(self, sign_in, alice, bob, riverside):
        fetched, bobs = make_record(riverside, "1"), make_record(riverside, "2", created_by=bob.user)
        browser = sign_in(alice)

        for record in (fetched, bobs):
            for place in ("", "edit/", "delete/"):
                assert browser.get(f"/records/{record.pk}/{place}").status_code == 404
        assert "record.read" in AuditEvent.objects.filter(outcome="refused").values_list("action", flat=True)


class TestTypingIn:
    @pytest.mark.parametrize("name", ["alice", "dr_diaz", "erin", "ada"])
    def test_adds_a_record(self, sign_in, request, riverside, name):
        person = request.getfixturevalue(name)
        browser = sign_in(person)

        response = browser.post("/records/new/", new(riverside))

        record = PatientRecord.objects.get()
        assert response["Location"] == f"/records/{record.pk}/"
        assert (record.hospital_id, record.patient_id, record.name) == (riverside.pk, "A-7", "Ana Gómez")
        assert (record.age_stated, record.gender, record.diagnosis) == (41, "F", "Asthma")
        assert (record.origin, record.created_by_id) == ("manual", person.id)
        page = Page(browser.get(response["Location"]))
        assert "The record is added." in page.text
        assert "You typed this in." in page.text

    def test_a_birth_date_goes_before_an_age(self, sign_in, erin, riverside):
        sign_in(erin).post("/records/new/", new(riverside, birth_date="1984-03-27"))

        record = PatientRecord.objects.get()
        assert (record.birth_date, record.age_stated) == (date(1984, 3, 27), None)

    def test_starts_with_the_hospital_that_one_comes_from(self, sign_in, erin, riverside, hillcrest):
        sent = fields_of(sign_in(erin).get("/records/new/", {"hospital": str(riverside.pk)}))

        assert (sent["hospital"], sent["gender"]) == (str(riverside.pk), "U")

    @pytest.mark.parametrize(
        ("sent", "field", "sentence"),
        [
            ({"hospital": ""}, "hospital", "Choose the hospital that says this of the patient."),
            ({"patient_id": ""}, "patient_id", "Enter the number that the hospital gives the patient."),
            ({"patient_id": "x" * 256}, "patient_id", "number there must have at most 255 characters."),
            ({"name": ""}, "name", "Enter the patient's name."),
            ({"name": " "}, "name", "Name must not be blank."),
            ({"age": "131"}, "age", "Age in years must be at most 130."),
            ({"birth_date": "soon"}, "birth_date", "Enter the date as year-month-day"),
            ({"birth_date": "2999-01-01"}, "birth_date", "Birth date must not lie in the future."),
            ({"birth_date": "1701-01-01"}, "birth_date", "Birth date must lie within the last 130 years."),
            ({"diagnosis": "x" * 256}, "diagnosis", "Diagnosis must have at most 255 characters."),
        ],
    )
    @pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
    def test_names_what_is_wrong_beside_its_field_and_keeps_the_rest(
        self, sign_in, erin, riverside, sent, field, sentence, headers
    ):
        typed = new(riverside) | sent

        response = sign_in(erin).post("/records/new/", typed, headers=headers)

        page = Page(response)
        [control] = [attrs for _, attrs in page.tags if attrs.get("name") == field]
        assert response.status_code == 422
        assert sentence in page.text
        assert control["aria-invalid"] == "true"
        kept = fields_of(response)
        assert {name: kept[name] for name in typed} == typed
        assert not PatientRecord.objects.exists()

    def test_a_second_record_of_the_same_patient_is_told_beside_the_number(self, sign_in, erin, riverside):
        browser = sign_in(erin)
        browser.post("/records/new/", new(riverside))

        response = browser.post("/records/new/", new(riverside, name="Somebody Else"))

        page = Page(response)
        assert response.status_code == 422
        assert "This hospital's patient has a record that was typed in." in page.text
        assert page.one("input", name="patient_id")["aria-invalid"] == "true"
        assert PatientRecord.objects.get().name == "Ana Gómez"
        assert refusals(erin, "record.create") == ["duplicate"]

    def test_a_field_is_checked_as_one_moves_on(self, sign_in, erin, riverside):
        browser = sign_in(erin)

        wrong = browser.post("/records/check/birth_date/", {"birth_date": "2999-01-01"}, headers=HTMX)
        choice = browser.post("/records/check/hospital/", {"hospital": str(riverside.pk)}, headers=HTMX)

        assert "Birth date must not lie in the future." in Page(wrong).text
        assert "selected" in Page(choice).one("option", value=str(riverside.pk))
        assert browser.post("/records/check/origin/", {}, headers=HTMX).status_code == 404

    def test_says_that_there_is_no_hospital_yet(self, sign_in, erin):
        assert "No hospital is registered yet" in Page(sign_in(erin).get("/records/new/")).text

    @pytest.mark.parametrize("name", ["rita", "otto"])
    def test_is_not_for_research_accounts(self, sign_in, request, riverside, name):
        person = request.getfixturevalue(name)
        browser = sign_in(person)

        assert browser.get("/records/new/").status_code == 403
        assert browser.post("/records/new/", new(riverside)).status_code == 403
        assert refusals(person, "record.create") == ["not_allowed"]

    def test_needs_the_token_of_this_browser(self, sign_in, ada, riverside):
        record = make_record(riverside, created_by=ada.user)
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = sign_in(ada).cookies

        for place in ("new/", "renew/", f"{record.pk}/edit/", f"{record.pk}/delete/"):
            assert strict.post(f"/records/{place}", new(riverside)).status_code == 403
        assert PatientRecord.objects.get().name == "Rosa Elsewhere"


class TestEditing:
    def edit(self, browser, record, **changed):
        path = f"/records/{record.pk}/edit/"
        return browser.post(path, fields_of(browser.get(path)) | changed)

    def test_changes_what_was_changed_and_nothing_else(self, sign_in, alice, riverside):
        record = make_record(riverside, created_by=alice.user, is_vouched=False)
        before = PatientRecord.objects.values().get()

        response = self.edit(sign_in(alice), record, diagnosis="Asthma")

        after = PatientRecord.objects.values().get()
        assert response["Location"] == f"/records/{record.pk}/"
        assert {name for name in after if after[name] != before[name]} == {"diagnosis", "search_key", "updated_at"}

    @pytest.mark.parametrize(
        ("before", "changed", "after"),
        [
            ({"age_stated": 40}, {"age": "41"}, (None, 41)),
            ({"age_stated": 40}, {"age": ""}, (None, None)),
            ({"age_stated": 40}, {"birth_date": "1984-03-27"}, (date(1984, 3, 27), None)),
            ({"birth_date": date(1984, 3, 27), "age_stated": None}, {"name": "Ana"}, (date(1984, 3, 27), None)),
            ({"birth_date": date(1984, 3, 27), "age_stated": None}, {"birth_date": "", "age": "41"}, (None, 41)),
            ({"birth_date": date(1984, 3, 27), "age_stated": None}, {"birth_date": ""}, (None, None)),
        ],
    )
    def test_birth_date_and_age_stand_for_each_other(self, sign_in, erin, riverside, before, changed, after):
        record = make_record(riverside, created_by=erin.user, **before)

        self.edit(sign_in(erin), record, **changed)

        record.refresh_from_db()
        assert (record.birth_date, record.age_stated) == after

    def test_a_record_of_a_hospital_out_of_use_stays_with_it(self, sign_in, erin, now):
        record = make_record(make_hospital("Gone", deleted_at=now), created_by=erin.user)

        response = self.edit(sign_in(erin), record, name="Ana")

        assert response["Location"] == f"/records/{record.pk}/"
        record.refresh_from_db()
        assert record.name == "Ana"

    def test_a_fetched_record_is_the_hospitals(self, sign_in, erin, riverside):
        record = make_record(riverside)
        browser, path = sign_in(erin), f"/records/{record.pk}/edit/"

        assert browser.get(path).status_code == 403
        assert browser.post(path, new(riverside)).status_code == 403
        record.refresh_from_db()
        assert record.name == "Rosa Elsewhere"


def test_asks_before_a_record_is_deleted(sign_in, alice, riverside):
    record, browser = make_record(riverside, created_by=alice.user), sign_in(alice)

    assert "Delete the record of Rosa Elsewhere?" in Page(browser.get(f"/records/{record.pk}/delete/")).text
    record.refresh_from_db()
    assert record.removed_at is None

    assert browser.post(f"/records/{record.pk}/delete/")["Location"] == "/records/"
    assert browser.get(f"/records/{record.pk}/").status_code == 404


@pytest.mark.parametrize("name", ["erin", "dr_diaz"])
def test_doctors_and_the_desk_correct_records_and_take_none_away(sign_in, request, alice, riverside, name):
    person = request.getfixturevalue(name)
    record, browser = make_record(riverside, created_by=alice.user), sign_in(person)

    assert browser.get(f"/records/{record.pk}/delete/").status_code == 403
    assert browser.post(f"/records/{record.pk}/delete/").status_code == 403
    record.refresh_from_db()
    assert record.removed_at is None
    assert refusals(person, "record.delete") == ["not_allowed"]


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "\"'><b>{{ 7 }}", "张&nbsp;é"])
def test_text_is_shown_exactly_as_it_came(sign_in, ada, text):
    hospital = make_hospital(text)
    record = make_record(hospital, text, name=text, diagnosis=text, created_by=ada.user)
    browser = sign_in(ada)

    for place in ("", f"{record.pk}/", f"{record.pk}/delete/"):
        page = Page(browser.get(f"/records/{place}"))
        assert text in page.text
        assert all("src" in script for script in page.all("script"))
    sent = fields_of(browser.get(f"/records/{record.pk}/edit/"))
    assert (sent["name"], sent["diagnosis"], sent["patient_id"]) == (text, text, text)


@pytest.mark.parametrize("place", ["", "?q=zzz", "new/", "one/", "one/edit/", "one/delete/"])
def test_rendering_asks_the_database_nothing(sign_in, ada, riverside, place):
    record = make_record(riverside, created_by=ada.user)

    assert queries_while_rendering(sign_in(ada), "/records/" + place.replace("one", str(record.pk))) == 0
