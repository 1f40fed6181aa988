"""Charts: who can, who cannot see, who sees but may not, twice, too late, missing."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from django.utils import timezone

import care.service
from care.models import CareTeamMember, Patient
from care.schemas import PatientIn
from care.service.names import birth_date_of
from core.actor import SYSTEM
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from tests.factories import PatientFactory, UserFactory

pytestmark = pytest.mark.django_db
MISSING = UUID("01890000-0000-7000-8000-000000000000")

SYED = {"firstname": "Syed", "lastname": "Mehdi", "age": 21, "gender": "M", "email": "syedmehdi@gmail.com"}


def path(patient):
    return f"/api/patients/{getattr(patient, 'pk', patient)}/"


class TestAddPatient:
    def test_keeps_every_field(self, alice):
        sent = {
            "firstname": "José Eduardo",
            "lastname": "Gómez",
            "birth_date": "1989-05-25",
            "gender": "male",
            "email": "Jose@Example.com",
            "phone": "0171-234567",
            "address": "427 Balistreri Way",
            "medical_history": "Asthma since childhood.\nNo allergies.",
            "blood_group": "O-",
        }
        answer = alice.api.post("/api/patients/", sent)
        assert answer.status_code == 201
        body = answer.json()
        assert body == {
            **sent,
            "id": body["id"],
            "name": "José Eduardo Gómez",
            "gender": "M",
            "email": "jose@example.com",
            "phone": "0171234567",
            "age": body["age"],
            "birth_date_estimated": False,
            "user": None,
            "created_by": str(alice.id),
            "created_at": body["created_at"],
            "updated_at": body["created_at"],
        }
        assert UUID(body["id"]).version == 7
        assert alice.api.get(path(body["id"])).json() == body

    @pytest.mark.parametrize(
        ("name", "first", "last"),
        [("Syed Mehdi", "Syed", "Mehdi"), ("Ana María Rivas", "Ana María", "Rivas"), ("Madonna", "Madonna", "")],
    )
    def test_splits_a_whole_name_before_its_last_word(self, alice, name, first, last):
        body = alice.api.post("/api/patients/", {"name": name}).json()
        assert (body["firstname"], body["lastname"], body["name"]) == (first, last, name)

    @pytest.mark.parametrize("age", [0, 1, 21, 129, 130])
    def test_an_age_becomes_an_estimated_birth_date_of_that_age(self, alice, age):
        body = alice.api.post("/api/patients/", {**SYED, "age": age}).json()
        assert (body["age"], body["birth_date_estimated"]) == (age, True)

    @pytest.mark.parametrize(
        ("word", "letter"), [("male", "M"), ("Female", "F"), ("OTHER", "O"), ("unknown", "U"), ("m", "M"), ("f", "F")]
    )
    def test_takes_gender_as_letter_or_word(self, alice, word, letter):
        assert alice.api.post("/api/patients/", {**SYED, "gender": word}).json()["gender"] == letter

    @pytest.mark.parametrize(
        "wrong",
        [
            {"firstname": None},
            {"firstname": ""},
            {"firstname": "x" * 151},
            {"firstname": 5},
            {"age": -1},
            {"age": 131},
            {"age": 10**30},
            {"age": 21.5},
            {"birth_date": "2999-01-01"},
            {"birth_date": "1850-01-01"},
            {"birth_date": "0001-01-01"},
            {"birth_date": "yesterday"},
            {"gender": "X"},
            {"gender": 1},
            {"email": "nonsense"},
            {"phone": "call me"},
            {"address": "a\nb"},
            {"address": "x" * 256},
            {"medical_history": "x" * 10_001},
            {"blood_group": "C+"},
        ],
    )
    def test_a_bad_value_is_named_and_adds_nothing(self, alice, wrong):
        answer = alice.api.post("/api/patients/", {**SYED, **wrong})
        assert answer.status_code == 422, answer.content
        assert set(answer.json()["errors"]) <= {*wrong, "body"}
        assert not Patient.objects.exists()

    @pytest.mark.parametrize("who", ["rita", "otto"])
    def test_research_accounts_may_not(self, request, who):
        assert request.getfixturevalue(who).api.post("/api/patients/", SYED).status_code == 403

    @pytest.mark.parametrize("who", ["alice", "dr_diaz", "erin", "ada"])
    def test_everybody_else_may(self, request, who):
        assert request.getfixturevalue(who).api.post("/api/patients/", SYED).status_code == 201

    @pytest.mark.parametrize("key", ["created_by", "user", "id", "created_at", "birth_date_estimated"])
    def test_read_only_fields_change_nothing(self, alice, bob, key):
        answer = alice.api.post("/api/patients/", {**SYED, key: str(bob.id)})
        assert answer.status_code == 201
        assert answer.json()["created_by"] == str(alice.id)
        assert answer.json()["user"] is None


class TestSeePatients:
    def test_each_sees_their_own(self, request, alices_chart, bobs_chart, dr_chen):
        expected = {
            "alice": {alices_chart.pk},
            "bob": {bobs_chart.pk},
            "dr_chen": {alices_chart.pk},
            "dr_diaz": set(),
            "erin": {alices_chart.pk, bobs_chart.pk},
            "ada": {alices_chart.pk, bobs_chart.pk},
        }
        for who, charts in expected.items():
            person = request.getfixturevalue(who)
            assert {UUID(row["id"]) for row in person.api.get("/api/patients/").json()} == charts, who
            for chart in (alices_chart, bobs_chart):
                status = 200 if chart.pk in charts else 404
                assert person.api.get(path(chart)).status_code == status, who

    @pytest.mark.parametrize("who", ["rita", "otto"])
    def test_research_accounts_are_refused_even_what_they_once_kept(self, request, who, now):
        person = request.getfixturevalue(who)
        chart = PatientFactory(created_by=person.user)
        assert person.api.get("/api/patients/").status_code == 403
        assert person.api.get(path(chart)).status_code == 403

    def test_lists_hold_no_email_and_no_history(self, alice):
        alice.api.post("/api/patients/", {**SYED, "medical_history": "asthma"})
        row = alice.api.get("/api/patients/").json()[0]
        assert not {"email", "medical_history"} & set(row)

    def test_finds_by_words_of_name_phone_and_email(self, alice):
        alice.api.post("/api/patients/", {"name": "José Gómez", "phone": "01712345678", "email": "jose@example.com"})
        alice.api.post("/api/patients/", {"name": "Milo Feil"})
        for q, names in [
            ("gomez", ["José Gómez"]),
            ("GÓMEZ josé", ["José Gómez"]),
            ("1234", ["José Gómez"]),
            ("jose@", ["José Gómez"]),
            ("milo gomez", []),
            ("100%", []),
            ("_", []),
            ("", ["Milo Feil", "José Gómez"]),
        ]:
            assert [row["name"] for row in alice.api.get("/api/patients/", {"q": q}).json()] == names, q

    def test_filters_by_gender_and_doctor_alone_and_together(self, alice, alices_chart, dr_chen):
        PatientFactory(created_by=alice.user, gender="M")
        doctor = str(dr_chen.doctor.pk)
        for query, count in [
            ({"gender": "M"}, 1),
            ({"gender": "female"}, 1),
            ({"doctor": doctor}, 1),
            ({"doctor": doctor, "gender": "M"}, 0),
            ({"doctor": str(MISSING)}, 0),
        ]:
            assert len(alice.api.get("/api/patients/", query).json()) == count, query
        assert alice.api.get("/api/patients/", {"doctor": "x"}).status_code == 422

    def test_the_account_whose_chart_it_is_reads_it(self, bob, alices_chart, erin, now):
        care.service.link_patient(actor=erin.actor, patient_id=alices_chart.pk, user_id=bob.id, now=now)
        assert bob.api.get(path(alices_chart)).json()["user"] == str(bob.id)


class TestChangePatient:
    @pytest.mark.parametrize("method", ["put", "patch"])
    def test_changes_what_the_body_names(self, alice, alices_chart, method):
        answer = getattr(alice.api, method)(path(alices_chart), {"age": 30, "email": "a@b.cd"})
        assert answer.status_code == 200
        assert (answer.json()["age"], answer.json()["email"], answer.json()["firstname"]) == (30, "a@b.cd", "Alma")

    def test_what_was_read_may_be_sent_back_with_one_change(self, alice):
        seen = alice.api.post("/api/patients/", {**SYED, "medical_history": "asthma"}).json()
        for change, shows in [
            ({"name": "Syeda Mehdi"}, {"firstname": "Syeda", "lastname": "Mehdi"}),
            ({"firstname": "Sayed"}, {"name": "Sayed Mehdi"}),
            ({"age": 40}, {"birth_date_estimated": True}),
            ({"birth_date": "1990-02-28"}, {"birth_date_estimated": False}),
            ({"gender": "F"}, {"name": "Sayed Mehdi"}),
        ]:
            answer = alice.api.put(path(seen["id"]), {**seen, **change})
            assert answer.status_code == 200, answer.content
            seen = answer.json()
            assert {**change, **shows}.items() <= seen.items()

    def test_what_was_read_sent_back_unchanged_changes_nothing(self, alice):
        seen = alice.api.post("/api/patients/", SYED).json()
        again = alice.api.put(path(seen["id"]), seen).json()
        assert {**again, "updated_at": 0} == {**seen, "updated_at": 0}

    def test_null_empties_what_may_be_empty(self, alice):
        seen = alice.api.post("/api/patients/", {**SYED, "phone": "0171234567", "birth_date": "1990-01-01"}).json()
        nulls = {"email": None, "phone": None, "birth_date": None, "gender": None, "lastname": None}
        changed = alice.api.patch(path(seen["id"]), nulls).json()
        assert (changed["email"], changed["phone"], changed["birth_date"], changed["age"]) == ("", "", None, None)
        assert (changed["gender"], changed["lastname"], changed["firstname"]) == ("U", "", "Syed")

    def test_is_found_by_its_new_name_only(self, alice, alices_chart):
        alice.api.patch(path(alices_chart), {"lastname": "Renamed"})
        assert len(alice.api.get("/api/patients/", {"q": "renamed"}).json()) == 1
        assert alice.api.get("/api/patients/", {"q": "kept"}).json() == []

    @pytest.mark.parametrize(("who", "status"), [("alice", 200), ("bob", 404), ("dr_chen", 200), ("dr_diaz", 404)])
    def test_is_for_who_keeps_or_treats(self, request, dr_chen, alices_chart, who, status):
        person = request.getfixturevalue(who)
        assert person.api.patch(path(alices_chart), {"medical_history": "seen"}).status_code == status

    @pytest.mark.parametrize("who", ["erin", "ada"])
    def test_and_for_the_desk(self, request, alices_chart, who):
        person = request.getfixturevalue(who)
        assert person.api.patch(path(alices_chart), {"medical_history": "seen"}).status_code == 200

    def test_a_chart_of_ones_own_that_others_keep_opens_its_demographics_only(self, bob, alices_chart, erin, now):
        care.service.link_patient(actor=erin.actor, patient_id=alices_chart.pk, user_id=bob.id, now=now)
        moved = {"address": "2 New Street", "phone": "0171234567", "birth_date": "1990-01-01", "gender": "M"}
        assert bob.api.patch(path(alices_chart), moved).status_code == 200
        for clinical in ({"medical_history": "healthy!"}, {"blood_group": "A+"}):
            answer = bob.api.patch(path(alices_chart), {**clinical, "address": "3 Other Street"})
            assert answer.status_code == 403
            assert next(iter(clinical)) in answer.json()["detail"]
        assert bob.api.get(path(alices_chart)).json()["address"] == "2 New Street"

    def test_sending_the_own_chart_back_is_no_clinical_change(self, bob, alices_chart, erin, now):
        care.service.link_patient(actor=erin.actor, patient_id=alices_chart.pk, user_id=bob.id, now=now)
        seen = bob.api.get(path(alices_chart)).json()
        assert bob.api.put(path(alices_chart), {**seen, "address": "x"}).status_code == 200

    def test_a_missing_one_is_not_found(self, alice):
        assert alice.api.put(path(MISSING), {"firstname": "A"}).status_code == 404


class TestDeletePatient:
    def test_takes_it_out_of_sight_and_keeps_the_row(self, alice, alices_chart, dr_chen, erin):
        assert alice.api.delete(path(alices_chart)).status_code == 204
        for person in (alice, dr_chen, erin):
            assert person.api.get(path(alices_chart)).status_code == 404
            assert person.api.get("/api/patients/").json() == []
            assert person.api.get("/api/mappings/").json() == []
        assert Patient.objects.get().deleted_at is not None
        assert CareTeamMember.objects.get().ended_at is not None

    def test_twice_is_not_found(self, alice, alices_chart):
        alice.api.delete(path(alices_chart))
        assert alice.api.delete(path(alices_chart)).status_code == 404

    @pytest.mark.parametrize(
        ("who", "status"), [("bob", 404), ("dr_diaz", 404), ("dr_chen", 403), ("erin", 403), ("ada", 204)]
    )
    def test_is_for_who_keeps_it_and_administrators(self, request, dr_chen, alices_chart, who, status):
        assert request.getfixturevalue(who).api.delete(path(alices_chart)).status_code == status

    def test_the_person_it_is_about_may_not(self, bob, alices_chart, erin, now):
        care.service.link_patient(actor=erin.actor, patient_id=alices_chart.pk, user_id=bob.id, now=now)
        assert bob.api.delete(path(alices_chart)).status_code == 403


class TestLinkPatient:
    def link(self, person, chart, user_id, now):
        return care.service.link_patient(actor=person.actor, patient_id=chart.pk, user_id=user_id, now=now)

    def test_is_for_the_desk(self, alice, dr_chen, alices_chart, bob, now):
        for person in (alice, dr_chen):
            with pytest.raises(NotAllowed):
                self.link(person, alices_chart, bob.id, now)
        with pytest.raises(NotFound):
            self.link(bob, alices_chart, bob.id, now)

    def test_twice_is_the_same(self, erin, alices_chart, bob, now):
        assert self.link(erin, alices_chart, bob.id, now).user == bob.id
        assert self.link(erin, alices_chart, bob.id, now).user == bob.id

    def test_a_chart_belongs_to_one_account_and_an_account_has_one_chart(
        self, erin, alices_chart, bobs_chart, alice, bob, now
    ):
        self.link(erin, alices_chart, bob.id, now)
        for chart, user in ((alices_chart, alice.id), (bobs_chart, bob.id)):
            with pytest.raises(Conflict) as refused:
                self.link(erin, chart, user, now)
            assert refused.value.code == "already_linked"

    def test_an_unknown_account_is_invalid(self, erin, alices_chart, now):
        with pytest.raises(Invalid):
            self.link(erin, alices_chart, MISSING, now)


class TestAge:
    @pytest.mark.parametrize(
        ("born", "day", "age"),
        [
            (date(2000, 5, 2), date(2026, 5, 1), 25),
            (date(2000, 5, 2), date(2026, 5, 2), 26),
            (date(2000, 2, 29), date(2026, 2, 28), 25),
            (date(2000, 2, 29), date(2026, 3, 1), 26),
            (None, date(2026, 3, 1), None),
        ],
    )
    def test_is_whole_years(self, born, day, age):
        assert Patient(birth_date=born).age_on(day) == age

    @pytest.mark.parametrize("today", [date(2024, 2, 29), date(2026, 1, 1), date(2026, 12, 31)])
    @pytest.mark.parametrize("age", [0, 1, 4, 21, 130])
    def test_an_estimate_gives_back_the_age_it_came_from(self, today, age):
        assert Patient(birth_date=birth_date_of(age, today=today)).age_on(today) == age

    def test_is_counted_in_the_clinics_zone(self, alice, alices_chart):
        Patient.objects.filter(pk=alices_chart.pk).update(birth_date=date(2000, 5, 2))
        with timezone.override("Asia/Dhaka"):
            late = datetime(2026, 5, 1, 20, tzinfo=UTC)  # already the 2nd of May in Dhaka
            shown = care.service.get_patient(actor=alice.actor, patient_id=alices_chart.pk, now=late)
        assert shown.age == 26


def test_the_system_keeps_no_chart(now):
    shown = care.service.create_patient(actor=SYSTEM, body=PatientIn(name="Im Ported"), now=now)
    assert shown.created_by is None


def test_cards_describe_many_in_one_query(django_assert_num_queries):
    charts = [PatientFactory(created_by=UserFactory()) for _ in range(3)]
    with django_assert_num_queries(1):
        cards = care.service.describe_patients([chart.pk for chart in charts] + [MISSING], today=date(2026, 1, 1))
    assert set(cards) == {chart.pk for chart in charts}


@pytest.mark.parametrize("wrong", [{"age": True}, {"birth_date": 0}, {"birth_date": "0"}, {"birth_date": False}])
def test_numbers_and_truths_are_not_taken_for_each_other(alice, wrong):
    assert alice.api.post("/api/patients/", {"firstname": "Syed", **wrong}).status_code == 422
