"""The patients' pages: finding, the chart, adding, changing, deleting, and who treats whom."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

import care.service
from care.models import CareTeamMember, Patient
from care.schemas import CareTeamMemberIn, DoctorIn
from core.audit import REFUSED
from core.models import AuditEvent
from tests.factories import DoctorFactory, PatientFactory
from tests.portal.pages import Page, fields_of
from tests.portal.rendering import count_queries, queries_while_rendering

HTMX = {"HX-Request": "true"}
NAUGHTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1) hx-get=/sign-out/>',
    "{{ 7|add:7 }}{% debug %}",
    "O'Brien & Söhne <b>",
    "  leading and trailing  ",
    "ด้้้้้็็็็็้้้้้็็็็็้้้้้้้้็็็็็้้้้้็็็็็้้้้้้้้็็็็็้้้้้็็็็็้้้้้้้้็็็็็้้้้้็็็็",
    "مُنَاقَشَةُ",
    "田中さんにあげて下さい",
    "😍💵 é ﷽",
    "\\u0000 %00 &#0; &amp;lt;",
]


def shown(response) -> set[str]:
    return {attrs["href"] for attrs in Page(response).all("a") if "table__link" in attrs.get("class", "")}


def addresses(*patients: Patient) -> set[str]:
    return {f"/patients/{patient.pk}/" for patient in patients}


class TestList:
    def test_shows_the_charts_one_may_see_newest_first(self, sign_in, alice, erin, alices_chart, bobs_chart):
        page = sign_in(erin).get("/patients/").content.decode()

        assert shown(sign_in(alice).get("/patients/")) == addresses(alices_chart)
        assert page.index("Boris Secret") < page.index("Alma Kept")

    def test_finds_by_words_of_the_name_whatever_their_case_and_accents(self, sign_in, erin):
        gomez, other = PatientFactory(firstname="Ana", lastname="Gómez"), PatientFactory(firstname="Bea")

        browser = sign_in(erin)

        assert shown(browser.get("/patients/", {"q": "GOMEZ ana"})) == addresses(gomez)
        assert shown(browser.get("/patients/", {"q": ""})) == addresses(gomez, other)

    def test_filters_by_gender(self, sign_in, erin):
        woman, man = PatientFactory(gender="F"), PatientFactory(gender="M")

        browser = sign_in(erin)

        assert shown(browser.get("/patients/", {"gender": "M"})) == addresses(man)
        assert shown(browser.get("/patients/", {"gender": "", "q": woman.firstname})) == addresses(woman)

    def test_filters_by_a_doctor_and_says_so(self, sign_in, erin, alices_chart, bobs_chart, dr_chen):
        response = sign_in(erin).get("/patients/", {"doctor": dr_chen.doctor.pk, "q": "kept"})

        assert shown(response) == addresses(alices_chart)
        assert "Treated by Lin Chen" in Page(response).text
        assert Page(response).all("a", **{"class": "chip"})[0]["href"] == "/patients/?q=kept"

    def test_a_doctor_who_is_nobody_treats_nobody(self, sign_in, erin, alices_chart):
        response = sign_in(erin).get("/patients/", {"doctor": uuid4()})

        assert shown(response) == set()
        assert "a doctor who is not in the directory" in Page(response).text

    def test_keeps_what_was_asked_for_in_the_form(self, sign_in, erin, dr_chen):
        page = Page(sign_in(erin).get("/patients/", {"q": 'a "b"', "gender": "O", "doctor": dr_chen.doctor.pk}))

        assert page.one("input", name="q")["value"] == 'a "b"'
        assert "selected" in page.one("option", value="O")
        assert page.one("input", name="doctor")["value"] == str(dr_chen.doctor.pk)

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            ({"gender": "X"}, "Select a valid choice."),
            ({"doctor": "nobody"}, "Enter a valid UUID."),
            ({"q": "x" * 201}, "Name, telephone or e-mail must have at most 200 characters."),
            ({"q": "a\nb"}, "must be one line without control characters."),
        ],
    )
    @pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
    def test_says_what_cannot_be_searched_for(self, sign_in, erin, alices_chart, query, sentence, headers):
        response = sign_in(erin).get("/patients/", query, headers=headers)

        assert response.status_code == 422
        assert sentence in Page(response).text
        assert shown(response) == set()

    def test_htmx_gets_the_results_alone_and_the_address_without_empty_filters(self, sign_in, erin, alices_chart):
        response = sign_in(erin).get("/patients/", {"q": "alma", "gender": "", "doctor": ""}, headers=HTMX)

        assert response.content.decode().strip().startswith('<section class="results" id="results"')
        assert response["HX-Push-Url"] == "/patients/?q=alma"
        assert shown(response) == addresses(alices_chart)

    def test_htmx_gets_the_whole_page_when_it_goes_back(self, sign_in, erin, alices_chart):
        response = sign_in(erin).get("/patients/", headers={**HTMX, "HX-History-Restore-Request": "true"})

        assert "<html" in response.content.decode()

    def test_pages_lead_to_older_ones_and_back_to_the_newest(self, sign_in, erin):
        made = [PatientFactory(gender="M") for _ in range(60)]
        browser = sign_in(erin)
        address, pages = "/patients/?gender=M", []

        while address:
            response = browser.get(address)
            pages.append(shown(response))
            links = {attrs.get("rel", ""): attrs["href"] for attrs in Page(response).all("a", **{"class": "button"})}
            address = links.get("next")

        assert [len(page) for page in pages] == [25, 25, 10]
        assert set().union(*pages) == addresses(*made)
        assert links[""] == "/patients/?gender=M"

    @pytest.mark.parametrize("cursor", ["broken", "x" * 2000])
    def test_a_cursor_of_nobody_leads_to_the_newest(self, sign_in, erin, alices_chart, cursor):
        response = sign_in(erin).get("/patients/", {"q": "alma", "cursor": cursor})

        assert (response.status_code, response["Location"]) == (302, "/patients/?q=alma")

    def test_a_cursor_of_another_reader_leads_to_ones_own_newest(self, sign_in, erin, ada):
        for _ in range(26):
            PatientFactory()
        [older] = [attrs["href"] for attrs in Page(sign_in(erin).get("/patients/")).all("a", rel="next")]

        assert sign_in(ada).get(older)["Location"] == "/patients/"

    def test_says_that_there_are_none_yet_or_that_none_match(self, sign_in, alice, bob, alices_chart):
        assert "No patients yet" in Page(sign_in(bob).get("/patients/")).text
        assert "Nobody matches" in Page(sign_in(alice).get("/patients/", {"q": "zzz"})).text

    def test_takes_as_many_queries_for_a_hundred_as_for_ten(self, sign_in, erin, dr_chen):
        browser = sign_in(erin)
        path = f"/patients/?doctor={dr_chen.doctor.pk}"
        for _ in range(10):
            PatientFactory()
        few = count_queries(browser, "/patients/"), count_queries(browser, path)
        for _ in range(90):
            PatientFactory()

        assert (count_queries(browser, "/patients/"), count_queries(browser, path)) == few

    def test_an_estimated_age_is_told_as_one(self, sign_in, erin, now):
        PatientFactory(birth_date=timezone.localdate(now) - timedelta(days=40 * 366), birth_date_estimated=True)

        assert "about 40" in Page(sign_in(erin).get("/patients/")).text


class TestChart:
    def test_shows_who_it_is_the_history_and_the_care_team(self, sign_in, dr_chen, alices_chart):
        alices_chart.medical_history = "Asthma.\nAllergic to nuts."
        alices_chart.phone, alices_chart.blood_group = "+16175550100", "A+"
        alices_chart.save()

        page = Page(sign_in(dr_chen).get(f"/patients/{alices_chart.pk}/"))

        for fact in ("Alma Kept", "Allergic to nuts.", "+1 617-555-0100", "blood group A+", "Lin Chen", "Cardiology"):
            assert fact in page.text
        assert page.one("a", href="tel:+16175550100")
        assert page.one("a", href=f"/doctors/{dr_chen.doctor.pk}/")

    @pytest.mark.parametrize(
        ("name", "offered"),
        [
            ("alice", {"edit", "assign", "access", "delete", "end"}),
            ("dr_chen", {"edit", "end"}),
            ("erin", {"edit", "assign", "end"}),
            ("ada", {"edit", "assign", "access", "delete", "end"}),
        ],
    )
    def test_offers_only_what_one_may_do(self, sign_in, request, dr_chen, alices_chart, name, offered):
        page = Page(sign_in(request.getfixturevalue(name)).get(f"/patients/{alices_chart.pk}/"))
        member = CareTeamMember.objects.get()
        links = {
            **{place: f"/patients/{alices_chart.pk}/{place}/" for place in ("edit", "assign", "access", "delete")},
            "end": f"/patients/{alices_chart.pk}/team/{member.pk}/end/",
        }

        found = {attrs.get("href") or attrs.get("action") for attrs in [*page.all("a"), *page.all("form")]}

        assert {place for place, link in links.items() if link in found} == offered

    def test_a_doctor_of_the_team_ends_the_own_care_and_nobody_elses(
        self, sign_in, dr_chen, dr_diaz, alices_chart, ada, now
    ):
        body = CareTeamMemberIn(patient=alices_chart.pk, doctor=dr_diaz.doctor.pk)
        care.service.assign_doctor(actor=ada.actor, body=body, now=now)

        page = Page(sign_in(dr_chen).get(f"/patients/{alices_chart.pk}/"))

        own = CareTeamMember.objects.get(doctor=dr_chen.doctor)
        ends = [attrs["action"] for attrs in page.all("form") if attrs["action"].endswith("/end/")]
        assert ends == [f"/patients/{alices_chart.pk}/team/{own.pk}/end/"]

    def test_takes_as_many_queries_for_many_doctors_as_for_one(self, sign_in, erin, ada, alices_chart, dr_chen, now):
        browser = sign_in(erin)
        path = f"/patients/{alices_chart.pk}/"
        few = count_queries(browser, path)
        for _ in range(10):
            body = CareTeamMemberIn(patient=alices_chart.pk, doctor=DoctorFactory().pk)
            care.service.assign_doctor(actor=ada.actor, body=body, now=now)

        assert count_queries(browser, path) == few

    def test_is_on_record_with_the_rule_that_allowed_it(self, sign_in, dr_chen, alices_chart):
        sign_in(dr_chen).get(f"/patients/{alices_chart.pk}/")

        events = AuditEvent.objects.filter(actor_id=dr_chen.id, subjects__subject_id=alices_chart.pk)
        assert {(event.action, event.rule, event.outcome) for event in events} == {
            ("patient.read", "care-team", "allowed"),
            ("mapping.list", "care-team", "allowed"),
        }

    def test_an_attempt_on_somebody_elses_is_on_record_too(self, sign_in, bob, alices_chart):
        sign_in(bob).post(f"/patients/{alices_chart.pk}/delete/")

        event = AuditEvent.objects.get(actor_id=bob.id, action="patient.delete")
        assert (event.outcome, event.rule) == (REFUSED, "not_found")


class TestAdding:
    def test_adds_a_chart_that_one_keeps(self, sign_in, alice):
        sent = {
            "firstname": "Ana",
            "lastname": "Gómez",
            "birth_date": "1984-03-27",
            "age": "",
            "gender": "F",
            "blood_group": "A+",
            "phone": "+1 617-555-0100",
            "email": "Ana@Example.com",
            "address": "1 Mill Road",
            "medical_history": "Asthma.\r\nNuts.",
        }

        browser = sign_in(alice)
        response = browser.post("/patients/new/", sent)

        chart = Patient.objects.get()
        assert response["Location"] == f"/patients/{chart.pk}/"
        assert (chart.name, str(chart.birth_date), chart.gender, chart.blood_group) == (
            "Ana Gómez",
            "1984-03-27",
            "F",
            "A+",
        )
        assert (chart.phone, chart.email, chart.address) == ("+16175550100", "ana@example.com", "1 Mill Road")
        assert chart.medical_history == "Asthma.\nNuts."
        assert chart.created_by_id == alice.id
        assert "The patient is added." in Page(browser.get(response["Location"])).text

    def test_needs_no_more_than_a_first_name(self, sign_in, alice):
        assert sign_in(alice).post("/patients/new/", {"firstname": "Ana"}).status_code == 302
        assert (Patient.objects.get().gender, Patient.objects.get().birth_date) == ("U", None)

    def test_estimates_the_birth_date_from_an_age(self, sign_in, alice, now):
        sign_in(alice).post("/patients/new/", {"firstname": "Ana", "age": "40"})

        chart = Patient.objects.get()
        assert chart.birth_date_estimated
        assert chart.age_on(timezone.localdate(now)) == 40

    @pytest.mark.parametrize(
        ("sent", "field", "sentence"),
        [
            ({"firstname": ""}, "firstname", "Enter the patient's first name."),
            ({"firstname": "   "}, "firstname", "First name must not be blank."),
            ({"firstname": "x" * 151}, "firstname", "First name must have at most 150 characters."),
            ({"firstname": "A\x00"}, "firstname", "Null characters are not allowed."),
            ({"lastname": "a\u202eb"}, "lastname", "Last name must not change the direction of the text."),
            ({"birth_date": "27.3.1984"}, "birth_date", "Enter the date as year-month-day"),
            ({"birth_date": "2999-01-01"}, "birth_date", "Birth date must not lie in the future."),
            ({"birth_date": "1850-01-01"}, "birth_date", "Birth date must lie within the last 130 years."),
            ({"age": "131"}, "age", "Age in years must be at most 130."),
            ({"age": "many"}, "age", "Enter a whole number."),
            ({"gender": "X"}, "gender", "Select a valid choice."),
            ({"blood_group": "C"}, "blood_group", "Select a valid choice."),
            ({"phone": "call me"}, "phone", "Telephone must be a telephone number."),
            ({"email": "at home"}, "email", "E-mail must be an e-mail address."),
            ({"address": "x" * 256}, "address", "Address must have at most 255 characters."),
            (
                {"medical_history": "x" * 10_001},
                "medical_history",
                "Medical history must have at most 10000 characters",
            ),
        ],
    )
    @pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
    def test_names_what_is_wrong_beside_its_field_and_keeps_the_rest(
        self, sign_in, alice, sent, field, sentence, headers
    ):
        typed = {"firstname": "Ana", "lastname": "Gómez", "address": "1 Mill Road", "medical_history": "Asthma", **sent}

        response = sign_in(alice).post("/patients/new/", typed, headers=headers)

        page = Page(response)
        [control] = [attrs for _, attrs in page.tags if attrs.get("name") == field]
        assert response.status_code == 422
        assert sentence in page.text
        assert control["aria-invalid"] == "true"
        assert page.with_id(control["aria-describedby"].split()[-1])["class"] == "errorlist"
        assert "autofocus" in control
        assert not Patient.objects.exists()
        kept = {attrs["name"]: attrs.get("value", "") for attrs in page.all("input") if attrs.get("name") in typed}
        assert kept == {name: value for name, value in typed.items() if name in kept}
        assert typed["medical_history"] in response.content.decode()

    def test_htmx_gets_the_form_alone_and_then_the_way_on(self, sign_in, alice):
        browser = sign_in(alice)

        refused = browser.post("/patients/new/", {"firstname": ""}, headers=HTMX)
        added = browser.post("/patients/new/", {"firstname": "Ana"}, headers=HTMX)

        assert refused.content.decode().strip().startswith('<form class="form card" id="patient-form"')
        assert added["HX-Redirect"] == f"/patients/{Patient.objects.get().pk}/"

    def test_needs_the_token_of_this_browser(self, sign_in, alice):
        browser = sign_in(alice)
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = browser.cookies

        assert strict.post("/patients/new/", {"firstname": "Ana"}).status_code == 403
        assert strict.post("/patients/check/firstname/", {"firstname": "Ana"}).status_code == 403
        assert not Patient.objects.exists()


class TestFieldCheck:
    def check(self, browser, field, **sent):
        return browser.post(f"/patients/check/{field}/", sent, headers=HTMX)

    def test_answers_with_the_field_and_what_is_wrong_in_it(self, sign_in, alice):
        response = self.check(sign_in(alice), "phone", phone="call me")

        page = Page(response)
        assert response.status_code == 200
        assert response.content.decode().strip().startswith('<div class="field"')
        assert page.one("input", name="phone")["value"] == "call me"
        assert page.one("input", name="phone")["aria-invalid"] == "true"
        assert "Telephone must be a telephone number." in page.text

    def test_says_nothing_of_other_fields_and_leaves_the_cursor(self, sign_in, alice):
        page = Page(self.check(sign_in(alice), "phone", phone="01712345678", email="wrong", firstname=""))

        assert len(page.all("input")) == 1
        assert "aria-invalid" not in page.one("input", name="phone")
        wrong = Page(self.check(sign_in(alice), "email", phone="x", email="wrong"))
        assert "autofocus" not in wrong.one("input", name="email")

    def test_keeps_what_the_field_held_when_the_page_was_made(self, sign_in, alice):
        page = Page(self.check(sign_in(alice), "phone", phone="123", **{"initial-phone": "017", "firstname": "A"}))

        assert page.one("input", name="initial-phone")["value"] == "017"

    def test_stores_nothing(self, sign_in, alice):
        self.check(sign_in(alice), "firstname", firstname="Ana")

        assert not Patient.objects.exists()

    def test_knows_no_other_field(self, sign_in, alice):
        assert self.check(sign_in(alice), "created_by", firstname="Ana").status_code == 404


class TestEditing:
    def form(self, browser, chart):
        """What a browser would send back unchanged."""
        return fields_of(browser.get(f"/patients/{chart.pk}/edit/"))

    def test_changes_what_was_changed(self, sign_in, alice, alices_chart):
        browser = sign_in(alice)
        sent = self.form(browser, alices_chart) | {"lastname": "Changed", "medical_history": "Asthma"}

        response = browser.post(f"/patients/{alices_chart.pk}/edit/", sent)

        alices_chart.refresh_from_db()
        assert response["Location"] == f"/patients/{alices_chart.pk}/"
        assert (alices_chart.name, alices_chart.medical_history) == ("Alma Changed", "Asthma")
        assert "The changes are saved." in Page(browser.get(response["Location"])).text

    def test_keeps_what_somebody_else_wrote_meanwhile_in_other_fields(self, sign_in, alice, erin, alices_chart):
        one, other = sign_in(alice), sign_in(erin)
        seen_by_one, seen_by_other = self.form(one, alices_chart), self.form(other, alices_chart)

        one.post(f"/patients/{alices_chart.pk}/edit/", seen_by_one | {"phone": "01712345678"})
        other.post(f"/patients/{alices_chart.pk}/edit/", seen_by_other | {"address": "1 Mill Road"})

        alices_chart.refresh_from_db()
        assert (alices_chart.phone, alices_chart.address) == ("01712345678", "1 Mill Road")

    def test_sending_it_back_unchanged_changes_nothing(self, sign_in, erin, alices_chart):
        alices_chart.medical_history = "\nFirst\r\nsecond\n"
        alices_chart.save()
        before = Patient.objects.values().get()
        browser = sign_in(erin)

        browser.post(f"/patients/{alices_chart.pk}/edit/", self.form(browser, alices_chart))

        assert {**Patient.objects.values().get(), "updated_at": None} == {**before, "updated_at": None}

    def test_a_known_birth_date_may_be_taken_back(self, sign_in, alice, alices_chart):
        alices_chart.birth_date = timezone.localdate() - timedelta(days=10_000)
        alices_chart.save()
        browser = sign_in(alice)

        browser.post(f"/patients/{alices_chart.pk}/edit/", self.form(browser, alices_chart) | {"birth_date": ""})

        alices_chart.refresh_from_db()
        assert alices_chart.birth_date is None

    def test_an_age_may_take_the_place_of_a_birth_date(self, sign_in, alice, alices_chart):
        alices_chart.birth_date = timezone.localdate() - timedelta(days=10_000)
        alices_chart.save()
        browser = sign_in(alice)
        sent = self.form(browser, alices_chart) | {"birth_date": "", "age": "50"}

        browser.post(f"/patients/{alices_chart.pk}/edit/", sent)

        alices_chart.refresh_from_db()
        assert (alices_chart.birth_date_estimated, alices_chart.age_on(timezone.localdate())) == (True, 50)

    def test_a_birth_date_takes_the_place_of_an_estimated_age(self, sign_in, alice, alices_chart):
        alices_chart.birth_date = timezone.localdate() - timedelta(days=40 * 366)
        alices_chart.birth_date_estimated = True
        alices_chart.save()
        browser = sign_in(alice)
        seen = self.form(browser, alices_chart)
        assert (seen["birth_date"], seen["age"]) == ("", "40")

        browser.post(f"/patients/{alices_chart.pk}/edit/", seen | {"birth_date": "1985-05-05"})

        alices_chart.refresh_from_db()
        assert (str(alices_chart.birth_date), alices_chart.birth_date_estimated) == ("1985-05-05", False)

    def test_bad_input_keeps_what_was_typed_and_what_it_was_before(self, sign_in, alice, alices_chart):
        browser = sign_in(alice)
        sent = self.form(browser, alices_chart) | {"phone": "call me", "lastname": "Changed"}

        response = browser.post(f"/patients/{alices_chart.pk}/edit/", sent)

        page = Page(response)
        assert response.status_code == 422
        assert page.one("input", name="lastname")["value"] == "Changed"
        assert page.one("input", name="initial-lastname")["value"] == "Kept"
        assert "Error: Edit Alma Kept" in page.text
        alices_chart.refresh_from_db()
        assert alices_chart.lastname == "Kept"

    def test_what_only_the_service_refuses_is_told_beside_its_field(self, sign_in, alice, alices_chart):
        browser = sign_in(alice)
        sent = self.form(browser, alices_chart) | {"birth_date": "1850-01-01"}

        page = Page(browser.post(f"/patients/{alices_chart.pk}/edit/", sent))

        assert "Birth date must lie within the last 130 years." in page.text
        assert AuditEvent.objects.filter(actor_id=alice.id, action="patient.update", outcome=REFUSED).count() == 1

    def test_whose_chart_it_is_edits_demographics_alone(self, sign_in, bob, erin, now):
        chart = PatientFactory(created_by=erin.user, medical_history="Asthma")
        care.service.link_patient(actor=erin.actor, patient_id=chart.pk, user_id=bob.id, now=now)
        browser = sign_in(bob)
        sent = self.form(browser, chart)
        assert not sent.keys() & {"medical_history", "blood_group"}

        browser.post(f"/patients/{chart.pk}/edit/", sent | {"phone": "01712345678", "medical_history": "None"})

        chart.refresh_from_db()
        assert (chart.phone, chart.medical_history) == ("01712345678", "Asthma")


class TestDeleting:
    def test_asks_first_and_deletes_then(self, sign_in, alice, alices_chart):
        browser = sign_in(alice)

        asked = browser.get(f"/patients/{alices_chart.pk}/delete/")
        assert "Delete the chart of Alma Kept?" in Page(asked).text
        assert Patient.objects.get().deleted_at is None

        response = browser.post(f"/patients/{alices_chart.pk}/delete/")

        assert response["Location"] == "/patients/"
        assert Patient.objects.get().deleted_at is not None
        assert browser.get(f"/patients/{alices_chart.pk}/").status_code == 404
        assert browser.post(f"/patients/{alices_chart.pk}/delete/").status_code == 404


class TestCareTeam:
    def test_finds_doctors_by_name_specialization_and_location(self, sign_in, alice, alices_chart, ada, now):
        browser = sign_in(alice)
        heart, skin = (
            care.service.create_doctor(actor=ada.actor, body=DoctorIn(**entry), now=now)
            for entry in (
                {"name": "Lin Chen", "specialization": "CARD", "location": "Boston"},
                {"name": "Rosa Diaz", "specialization": "DERM", "location": "Newton"},
            )
        )

        def found(query):
            page = Page(browser.get(f"/patients/{alices_chart.pk}/assign/", {"q": query}))
            return {attrs["value"] for attrs in page.all("input", type="radio")}

        assert found("diaz") == {str(skin.id)}
        assert found("cardio") == {str(heart.id)}
        assert found("boston lin") == {str(heart.id)}
        assert found("") == {str(heart.id), str(skin.id)}
        assert found("zzz") == set()

    def test_htmx_gets_the_doctors_alone(self, sign_in, alice, alices_chart, dr_diaz):
        response = sign_in(alice).get(f"/patients/{alices_chart.pk}/assign/", {"q": "diaz"}, headers=HTMX)

        assert response.content.decode().strip().startswith('<fieldset class="choices" id="doctors"')
        assert Page(response).one("input", name="q")["value"] == "diaz"

    def test_assigns_the_chosen_doctor_with_notes(self, sign_in, alice, alices_chart, dr_diaz):
        browser = sign_in(alice)
        sent = {"doctor": dr_diaz.doctor.pk, "notes": "A rash."}

        response = browser.post(f"/patients/{alices_chart.pk}/assign/", sent)

        page = Page(browser.get(response["Location"]))
        assert "Rosa Diaz is on the care team." in page.text
        assert "A rash." in page.text
        assert CareTeamMember.objects.get().doctor == dr_diaz.doctor

    @pytest.mark.parametrize(
        ("sent", "sentence"),
        [
            ({}, "Choose a doctor."),
            ({"doctor": "nobody"}, "Choose a doctor from the list."),
            ({"doctor": str(uuid4())}, "Doctor is not known."),
        ],
    )
    def test_says_what_is_wrong_with_the_choice_and_keeps_the_notes(
        self, sign_in, alice, alices_chart, dr_diaz, sent, sentence
    ):
        response = sign_in(alice).post(
            f"/patients/{alices_chart.pk}/assign/", {"notes": "A rash.", "q": "diaz", **sent}
        )

        page = Page(response)
        assert response.status_code == 422
        assert sentence in page.text
        assert "A rash." in page.text
        assert page.all("input", name="q")[0]["value"] == "diaz"
        assert len(page.all("input", type="radio")) == 1

    def test_too_long_notes_keep_the_choice(self, sign_in, alice, alices_chart, dr_diaz):
        sent = {"doctor": dr_diaz.doctor.pk, "notes": "x" * 10_001}

        page = Page(sign_in(alice).post(f"/patients/{alices_chart.pk}/assign/", sent))

        assert "Notes must have at most 10000 characters." in page.text
        assert "checked" in page.one("input", type="radio")

    def test_a_doctor_of_the_team_cannot_be_chosen_again(self, sign_in, alice, alices_chart, dr_chen):
        browser = sign_in(alice)

        page = Page(browser.get(f"/patients/{alices_chart.pk}/assign/"))
        assert "disabled" in page.one("input", type="radio")

        again = browser.post(f"/patients/{alices_chart.pk}/assign/", {"doctor": dr_chen.doctor.pk})
        assert again.status_code == 422
        assert "This doctor is on the care team already." in Page(again).text

    def test_says_that_more_doctors_match_than_are_offered(self, sign_in, alice, alices_chart):
        for _ in range(13):
            DoctorFactory()

        page = Page(sign_in(alice).get(f"/patients/{alices_chart.pk}/assign/"))

        assert len(page.all("input", type="radio")) == 12
        assert "There are more; type to narrow them down." in page.text

    def test_a_search_that_cannot_be_is_told(self, sign_in, alice, alices_chart):
        response = sign_in(alice).get(f"/patients/{alices_chart.pk}/assign/", {"q": "x" * 201})

        assert response.status_code == 422
        assert "must have at most 200 characters" in Page(response).text

    def test_ends_a_membership(self, sign_in, alice, alices_chart, dr_chen):
        browser = sign_in(alice)
        member = CareTeamMember.objects.get()

        response = browser.post(f"/patients/{alices_chart.pk}/team/{member.pk}/end/")

        assert "Lin Chen is no longer on the care team." in Page(browser.get(response["Location"])).text
        assert not CareTeamMember.objects.get().is_active
        assert browser.post(f"/patients/{alices_chart.pk}/team/{member.pk}/end/").status_code == 404


class TestAccess:
    def test_tells_who_read_it_why_and_how_often(self, sign_in, alice, dr_chen, alices_chart):
        doctor = sign_in(dr_chen)
        doctor.get(f"/patients/{alices_chart.pk}/")
        doctor.get(f"/patients/{alices_chart.pk}/")

        page = Page(sign_in(alice).get(f"/patients/{alices_chart.pk}/access/"))

        assert "2 times since" in page.text
        assert "Chen Doctor Read the chart On the care team" in page.text

    def test_tells_who_tried_in_vain(self, sign_in, alice, bob, alices_chart):
        sign_in(bob).get(f"/patients/{alices_chart.pk}/")

        page = Page(sign_in(alice).get(f"/patients/{alices_chart.pk}/access/"))

        assert "Bob Patient Read the chart refused" in page.text

    def test_says_that_nobody_has_yet(self, sign_in, alice, alices_chart):
        assert "Nobody yet" in Page(sign_in(alice).get(f"/patients/{alices_chart.pk}/access/")).text

    def test_a_broken_cursor_leads_to_the_newest(self, sign_in, alice, alices_chart):
        path = f"/patients/{alices_chart.pk}/access/"

        assert sign_in(alice).get(path, {"cursor": "broken"})["Location"] == path


@pytest.mark.parametrize("text", NAUGHTY)
def test_text_is_shown_exactly_as_it_was_typed(sign_in, alice, text):
    browser = sign_in(alice)
    typed = {"firstname": text, "address": text, "medical_history": text}

    response = browser.post("/patients/new/", typed)
    chart = Patient.objects.get()
    assert (chart.firstname, chart.address, chart.medical_history) == (text, text, text)

    for path in ("/patients/", response["Location"], f"{response['Location']}edit/", f"{response['Location']}delete/"):
        page = Page(browser.get(path))
        assert " ".join(text.split()) in page.text or any(attrs.get("value") == text for attrs in page.all("input"))
        assert not page.all("img", src="x")
        assert all("src" in script for script in page.all("script"))
        assert all(attrs.get("hx-get") != "/sign-out/" for _, attrs in page.tags)
    assert fields_of(browser.get(f"{response['Location']}edit/"))["medical_history"] == text


@pytest.mark.parametrize("page", ["", "edit/", "delete/", "assign/", "access/"])
def test_rendering_asks_the_database_nothing(sign_in, ada, alices_chart, dr_chen, page):
    assert queries_while_rendering(sign_in(ada), f"/patients/{alices_chart.pk}/{page}") == 0


@pytest.mark.parametrize("path", ["/patients/", "/patients/?q=zzz", "/patients/new/"])
def test_rendering_the_lists_asks_the_database_nothing(sign_in, ada, alices_chart, path):
    assert queries_while_rendering(sign_in(ada), path) == 0
