"""The directory: everybody reads, unverified entries stay modest, verification is an administrator's word."""

from datetime import datetime
from uuid import UUID

import pytest
from django.db.models import Q

import care.service
from care import calendar
from care.models import Doctor
from care.specializations import LABELS, SPECIALIZATIONS, find_specialization
from core.errors import Conflict, Invalid, NotAllowed
from tests.factories import DoctorFactory, UserFactory

pytestmark = pytest.mark.django_db
MISSING = UUID("01890000-0000-7000-8000-000000000000")

JANE = {"firstname": "Jane", "lastname": "Doe", "specialization": "DERM", "gender": "F", "email": "jane@example.com"}


def path(doctor):
    return f"/api/doctors/{getattr(doctor, 'pk', doctor)}/"


class TestAddDoctor:
    def test_keeps_every_field(self, alice):
        sent = {
            **JANE,
            "license_number": "BM-4711",
            "qualifications": "MD, FACC",
            "experience_years": 12,
            "consultation_fee": "120.50",
            "location": "Dhaka, Gulshan",
            "time_zone": "Asia/Dhaka",
            "phone": "0171234567",
            "is_available": False,
            "max_appointments_per_day": 8,
        }
        answer = alice.api.post("/api/doctors/", sent)
        assert answer.status_code == 201
        body = answer.json()
        assert body == {
            **sent,
            "id": body["id"],
            "name": "Jane Doe",
            "specialization_display": "Dermatology",
            "patient_count": 0,
            "verified": False,
            "user": None,
            "created_by": str(alice.id),
            "created_at": body["created_at"],
            "updated_at": body["created_at"],
        }

    def test_has_sensible_defaults(self, alice):
        body = alice.api.post("/api/doctors/", {"name": "Jane Doe", "specialization": "cardiology"}).json()
        assert body["specialization"] == "CARD"
        assert body["consultation_fee"] == "0.00"
        assert (body["max_appointments_per_day"], body["is_available"], body["time_zone"]) == (10, True, "UTC")

    @pytest.mark.parametrize(
        ("who", "status", "verified"),
        [
            *(("alice", 201, False), ("dr_diaz", 201, False), ("erin", 201, False), ("ada", 201, True)),
            *(("rita", 403, None), ("otto", 403, None)),
        ],
    )
    def test_is_verified_at_once_only_where_an_administrator_adds_it(self, request, who, status, verified):
        answer = request.getfixturevalue(who).api.post("/api/doctors/", JANE)
        assert answer.status_code == status
        assert answer.json().get("verified") is verified

    @pytest.mark.parametrize(
        "wrong",
        [
            {"specialization": "wizardry"},
            {"specialization": None},
            {"experience_years": -1},
            {"experience_years": 81},
            {"consultation_fee": -1},
            {"consultation_fee": "-0.01"},
            {"consultation_fee": "1e9"},
            {"consultation_fee": "1.234"},
            {"consultation_fee": "NaN"},
            {"max_appointments_per_day": 0},
            {"max_appointments_per_day": 10**12},
            {"time_zone": "Mars/Base"},
            {"email": "nonsense"},
            {"phone": "x"},
            {"license_number": "x" * 65},
            {"is_available": "perhaps"},
        ],
    )
    def test_a_bad_value_is_named_and_adds_nothing(self, alice, wrong):
        answer = alice.api.post("/api/doctors/", {**JANE, **wrong})
        assert answer.status_code == 422
        assert set(answer.json()["errors"]) == set(wrong)
        assert not Doctor.objects.exists()

    @pytest.mark.parametrize("key", ["verified", "user", "created_by", "patient_count", "id"])
    def test_read_only_fields_change_nothing(self, alice, bob, key):
        body = alice.api.post("/api/doctors/", {**JANE, key: str(bob.id)}).json()
        assert (body["verified"], body["user"], body["created_by"]) == (False, None, str(alice.id))


class TestReadDoctors:
    @pytest.mark.parametrize("who", ["alice", "dr_diaz", "erin", "rita", "otto", "ada"])
    def test_is_for_everybody_signed_in(self, request, who, a_doctor):
        person = request.getfixturevalue(who)
        assert str(a_doctor.pk) in [row["id"] for row in person.api.get("/api/doctors/").json()]
        assert person.api.get(path(a_doctor)).json()["name"] == "Jane Doe"

    def test_email_stands_on_the_single_resource_only(self, alice, ada):
        ada.api.post("/api/doctors/", {**JANE, "phone": "0171234567"})
        row = alice.api.get("/api/doctors/").json()[0]
        assert "email" not in row
        assert row["phone"] == "0171234567"
        assert alice.api.get(path(row["id"])).json()["email"] == "jane@example.com"

    @pytest.mark.parametrize(
        ("who", "sees"), [("alice", True), ("erin", True), ("ada", True), ("bob", False), ("rita", False)]
    )
    def test_an_unverified_entry_hides_its_contact_data(self, request, alice, who, sees):
        entry = alice.api.post("/api/doctors/", {**JANE, "phone": "0171234567"}).json()
        person = request.getfixturevalue(who)
        shown = person.api.get(path(entry["id"])).json()
        assert shown["verified"] is False
        assert (shown["email"], shown["phone"]) == (("jane@example.com", "0171234567") if sees else (None, None))
        row = person.api.get("/api/doctors/").json()[0]
        assert row["phone"] == ("0171234567" if sees else None)

    def test_counts_the_patients_treated_now(self, dr_chen, alice, alices_chart):
        assert alice.api.get(path(dr_chen.doctor)).json()["patient_count"] == 1
        alice.api.delete(f"/api/patients/{alices_chart.pk}/")
        assert alice.api.get(path(dr_chen.doctor)).json()["patient_count"] == 0


class TestFilters:
    @pytest.fixture(autouse=True)
    def _directory(self, ada):
        for name, specialization, location, fee, available in [
            ("Ana Cardio", "CARD", "Dhaka, Gulshan", "100.00", True),
            ("Ben Cardio", "CARD", "Chittagong", "300.00", False),
            ("Cleo Skin", "DERM", "Dhaka, Banani", "50.00", True),
        ]:
            body = {"name": name, "specialization": specialization, "location": location, "consultation_fee": fee}
            ada.api.post("/api/doctors/", {**body, "is_available": available})
        DoctorFactory(firstname="Dan", lastname="New", unverified=True)

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ({"specialization": "CARD"}, {"Ana", "Ben"}),
            ({"specialization": "cardiology"}, {"Ana", "Ben"}),
            ({"specialization": "Cardiologist"}, {"Ana", "Ben"}),
            ({"specialization": "cardiovascular disease (CARDIOLOGY)"}, {"Ana", "Ben"}),
            ({"specialization": "wizardry"}, set()),
            ({"location": "dhaka"}, {"Ana", "Cleo"}),
            ({"location": "DHAKA gulshan"}, {"Ana"}),
            ({"available": "true"}, {"Ana", "Cleo", "Dan"}),
            ({"available": "false"}, {"Ben"}),
            ({"max_fee": "99.99"}, {"Cleo", "Dan"}),
            ({"verified": "false"}, {"Dan"}),
            ({"q": "cardio"}, {"Ana", "Ben"}),
            ({"q": "skin"}, {"Cleo"}),
            ({"q": "dermatology banani"}, {"Cleo"}),
            ({"specialization": "cardiology", "location": "Dhaka", "available": "true"}, {"Ana"}),
            ({"specialization": "cardiology", "available": "false", "max_fee": "100"}, set()),
        ],
    )
    def test_work_alone_and_together(self, alice, query, names):
        found = alice.api.get("/api/doctors/", query)
        assert found.status_code == 200
        assert {row["firstname"] for row in found.json()} == names

    @pytest.mark.parametrize("query", ["available=perhaps", "max_fee=-1", "max_fee=x", "verified=2"])
    def test_a_bad_filter_is_invalid(self, alice, query):
        assert alice.api.get(f"/api/doctors/?{query}").status_code == 422

    def test_availability_asks_the_appointment_book(self, alice, monkeypatch):
        class NobodyHasTime(calendar.NoCalendar):
            def doctors_offering_time(self, after: datetime) -> Q:
                return Q(firstname="Cleo")

        monkeypatch.setattr(calendar, "_port", calendar.connected())
        calendar.use(NobodyHasTime())
        assert [row["firstname"] for row in alice.api.get("/api/doctors/", {"available": "true"}).json()] == ["Cleo"]


class TestChangeDoctor:
    @pytest.mark.parametrize("method", ["put", "patch"])
    def test_a_partial_body_changes_what_it_names(self, alice, method):
        entry = alice.api.post("/api/doctors/", JANE).json()
        answer = getattr(alice.api, method)(path(entry["id"]), {"consultation_fee": "75.00", "location": "Sylhet"})
        assert answer.status_code == 200
        assert (answer.json()["consultation_fee"], answer.json()["specialization"]) == ("75.00", "DERM")
        assert len(alice.api.get("/api/doctors/", {"location": "sylhet"}).json()) == 1

    def test_what_was_read_may_be_sent_back(self, alice):
        entry = alice.api.post("/api/doctors/", JANE).json()
        again = alice.api.put(path(entry["id"]), entry)
        assert again.status_code == 200, again.content
        assert {**again.json(), "updated_at": 0} == {**entry, "updated_at": 0}

    @pytest.mark.parametrize(
        ("who", "status"),
        [("alice", 200), ("bob", 403), ("dr_diaz", 403), ("erin", 200), ("rita", 403), ("otto", 403), ("ada", 200)],
    )
    def test_an_unverified_entry_is_kept_by_its_creator_and_the_desk(self, request, alice, who, status):
        entry = alice.api.post("/api/doctors/", JANE).json()
        assert request.getfixturevalue(who).api.patch(path(entry["id"]), {"location": "x"}).status_code == status

    def test_a_verified_one_by_the_doctor_and_the_desk(self, alice, dr_diaz, erin, ada, now):
        entry = alice.api.post("/api/doctors/", JANE).json()
        care.service.verify_doctor(actor=ada.actor, doctor_id=UUID(entry["id"]), now=now)
        assert alice.api.patch(path(entry["id"]), {"location": "x"}).status_code == 403
        assert erin.api.patch(path(entry["id"]), {"location": "x"}).status_code == 200
        assert dr_diaz.api.patch(path(dr_diaz.doctor), {"location": "x"}).status_code == 200

    def test_a_changed_licence_drops_verification_and_access(self, dr_chen, alices_chart):
        dr_chen.api.patch(path(dr_chen.doctor), {"license_number": ""})
        assert dr_chen.api.get(f"/api/patients/{alices_chart.pk}/").status_code == 200
        changed = dr_chen.api.patch(path(dr_chen.doctor), {"license_number": "NEW-1"})
        assert changed.json()["verified"] is False
        assert dr_chen.api.get(f"/api/patients/{alices_chart.pk}/").status_code == 404

    def test_an_administrator_may_correct_the_licence(self, dr_chen, ada):
        assert ada.api.patch(path(dr_chen.doctor), {"license_number": "NEW-1"}).json()["verified"] is True

    def test_a_missing_one_is_not_found(self, alice):
        assert alice.api.put(path(MISSING), {"location": "x"}).status_code == 404


class TestDeleteDoctor:
    @pytest.mark.parametrize(
        ("who", "status"), [("alice", 204), ("bob", 403), ("erin", 403), ("rita", 403), ("ada", 204)]
    )
    def test_an_unverified_entry_goes_by_its_creator_or_an_administrator(self, request, alice, who, status):
        entry = alice.api.post("/api/doctors/", JANE).json()
        assert request.getfixturevalue(who).api.delete(path(entry["id"])).status_code == status

    def test_a_verified_one_by_administrators_only(self, dr_diaz, erin, ada):
        for person, status in ((dr_diaz, 403), (erin, 403), (ada, 204), (ada, 404)):
            assert person.api.delete(path(dr_diaz.doctor)).status_code == status

    def test_ends_care_teams_and_access_and_keeps_history(self, dr_chen, ada, alice, alices_chart):
        mapping = alice.api.get("/api/mappings/").json()[0]
        assert ada.api.delete(path(dr_chen.doctor)).status_code == 204
        assert dr_chen.api.get(f"/api/patients/{alices_chart.pk}/").status_code == 404
        assert alice.api.get("/api/mappings/").json() == []
        ended = alice.api.get(f"/api/mappings/{mapping['id']}/").json()
        assert (ended["is_active"], ended["doctor_name"]) == (False, "Lin Chen")
        assert Doctor.objects.get(pk=dr_chen.doctor.pk).deleted_at is not None

    def test_is_refused_while_the_appointment_book_says_so(self, dr_diaz, ada, monkeypatch):
        class Busy(calendar.NoCalendar):
            def require_no_live_appointments(self, *, patient_id=None, doctor_id=None, now):
                raise calendar.LiveAppointments

        monkeypatch.setattr(calendar, "_port", Busy())
        answer = ada.api.delete(path(dr_diaz.doctor))
        assert (answer.status_code, answer.json()["code"]) == (409, "live_appointments")
        assert ada.api.get(path(dr_diaz.doctor)).status_code == 200


class TestStanding:
    def test_verifying_and_linking_are_for_administrators(self, alice, erin, dr_diaz, a_doctor, now):
        for person in (alice, erin, dr_diaz):
            with pytest.raises(NotAllowed):
                care.service.verify_doctor(actor=person.actor, doctor_id=a_doctor.pk, now=now)
            with pytest.raises(NotAllowed):
                care.service.link_doctor(actor=person.actor, doctor_id=a_doctor.pk, user_id=person.id, now=now)

    def test_taking_verification_back_takes_access_back(self, dr_chen, ada, alices_chart, now):
        chart = f"/api/patients/{alices_chart.pk}/"
        for verified, status in ((False, 404), (True, 200)):
            care.service.verify_doctor(actor=ada.actor, doctor_id=dr_chen.doctor.pk, verified=verified, now=now)
            assert dr_chen.api.get(chart).status_code == status

    def test_one_account_is_one_doctor(self, ada, dr_diaz, a_doctor, now):
        for doctor, user in ((a_doctor.pk, dr_diaz.id), (dr_diaz.doctor.pk, ada.id)):
            with pytest.raises(Conflict) as refused:
                care.service.link_doctor(actor=ada.actor, doctor_id=doctor, user_id=user, now=now)
            assert refused.value.code == "already_linked"
        care.service.link_doctor(actor=ada.actor, doctor_id=dr_diaz.doctor.pk, user_id=dr_diaz.id, now=now)

    def test_an_unknown_account_is_invalid(self, ada, a_doctor, now):
        with pytest.raises(Invalid):
            care.service.link_doctor(actor=ada.actor, doctor_id=a_doctor.pk, user_id=MISSING, now=now)


class TestSpecializations:
    def test_codes_and_names_mean_one_thing_each(self):
        names = [
            (find_specialization(name), each.code)
            for each in SPECIALIZATIONS
            for name in (each.code, each.label, each.label.upper(), *each.synonyms)
        ]
        assert all(found == code for found, code in names)
        assert len(LABELS) == len(SPECIALIZATIONS)

    def test_the_documents_codes_are_there(self):
        assert {"DERM", "CARD", "NEUR", "ORTH", "PED", "GEN"} <= set(LABELS)


def test_cards_describe_many_in_one_query(django_assert_num_queries):
    doctors = [DoctorFactory(user=UserFactory()) for _ in range(3)]
    with django_assert_num_queries(1):
        cards = care.service.describe_doctors([doctor.pk for doctor in doctors] + [MISSING])
    assert set(cards) == {doctor.pk for doctor in doctors}
