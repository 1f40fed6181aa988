"""Who treats whom: assigned once, ended once, again afterwards; rivals included."""

from uuid import UUID

import pytest
from django.test import Client

import care.service
from care.models import CareTeamMember
from tests.factories import PASSWORD, DoctorFactory, PatientFactory, UserFactory
from tests.rivals import in_parallel

MISSING = "01890000-0000-7000-8000-000000000000"


def assign(person, patient, doctor, **more):
    return person.api.post(
        "/api/mappings/",
        {"patient": str(getattr(patient, "pk", patient)), "doctor": str(getattr(doctor, "pk", doctor)), **more},
    )


@pytest.mark.django_db
class TestAssign:
    def test_answers_with_both_sides_nested(self, alice, alices_chart, a_doctor):
        answer = assign(alice, alices_chart, a_doctor, notes="Watch the heart.\nMonthly.")
        assert answer.status_code == 201
        body = answer.json()
        assert body["patient"]["id"] == str(alices_chart.pk)
        assert body["doctor"]["id"] == str(a_doctor.pk)
        assert (body["patient_name"], body["doctor_name"]) == ("Alma Kept", "Jane Doe")
        assert (body["doctor_specialization"], body["is_active"], body["ended_at"]) == ("General practice", True, None)
        assert body["notes"] == "Watch the heart.\nMonthly."
        assert "email" not in body["patient"]
        assert "email" not in body["doctor"]

    def test_gives_a_verified_doctor_the_chart(self, alice, alices_chart, dr_diaz):
        chart = f"/api/patients/{alices_chart.pk}/"
        assert dr_diaz.api.get(chart).status_code == 404
        assign(alice, alices_chart, dr_diaz.doctor)
        assert dr_diaz.api.get(chart).status_code == 200

    def test_gives_an_unverified_entry_nothing(self, alice, alices_chart, bob, ada, now):
        entry = bob.api.post("/api/doctors/", {"name": "Self Made", "specialization": "GEN"}).json()
        care.service.link_doctor(actor=ada.actor, doctor_id=UUID(entry["id"]), user_id=bob.id, now=now)
        assert assign(alice, alices_chart, entry["id"]).status_code == 201
        assert bob.api.get(f"/api/patients/{alices_chart.pk}/").status_code == 404

    def test_twice_is_a_duplicate_and_afterwards_possible_again(self, alice, alices_chart, a_doctor):
        first = assign(alice, alices_chart, a_doctor).json()
        second = assign(alice, alices_chart, a_doctor)
        assert (second.status_code, second.json()["code"]) == (409, "duplicate")
        assert alice.api.delete(f"/api/mappings/{first['id']}/").status_code == 204
        third = assign(alice, alices_chart, a_doctor)
        assert third.status_code == 201
        assert third.json()["id"] != first["id"]

    def test_invisible_and_missing_are_the_same_error(self, alice, bobs_chart, a_doctor):
        invisible, missing = assign(alice, bobs_chart, a_doctor), assign(alice, MISSING, a_doctor)
        assert invisible.status_code == missing.status_code == 422
        assert invisible.content == missing.content
        assert set(invisible.json()["errors"]) == {"patient"}
        assert set(assign(alice, MISSING, MISSING).json()["errors"]) == {"patient", "doctor"}

    @pytest.mark.parametrize(
        ("who", "status"),
        [("alice", 201), ("bob", 422), ("dr_diaz", 422), ("erin", 201), ("rita", 403), ("otto", 403), ("ada", 201)],
    )
    def test_is_for_who_keeps_the_chart_and_the_desk(self, request, alices_chart, a_doctor, who, status):
        assert assign(request.getfixturevalue(who), alices_chart, a_doctor).status_code == status

    def test_a_team_doctor_sees_but_may_not(self, dr_chen, alices_chart, a_doctor):
        assert assign(dr_chen, alices_chart, a_doctor).status_code == 403

    def test_the_person_the_chart_is_about_sees_but_may_not(self, bob, erin, alices_chart, a_doctor, now):
        care.service.link_patient(actor=erin.actor, patient_id=alices_chart.pk, user_id=bob.id, now=now)
        assert assign(bob, alices_chart, a_doctor).status_code == 403

    @pytest.mark.parametrize("body", [{}, {"patient": "x", "doctor": "y"}, {"patient": None, "doctor": 5}])
    def test_ids_are_needed(self, alice, body):
        answer = alice.api.post("/api/mappings/", body)
        assert answer.status_code == 422
        assert set(answer.json()["errors"]) == {"patient", "doctor"}


@pytest.mark.django_db
class TestRead:
    def test_lists_live_rows_of_visible_patients(self, request, dr_chen, alices_chart, bobs_chart, bob, a_doctor):
        assign(bob, bobs_chart, a_doctor)
        expected = {"alice": ["Alma Kept"], "bob": ["Boris Secret"], "dr_chen": ["Alma Kept"], "dr_diaz": []}
        expected |= {"erin": ["Boris Secret", "Alma Kept"], "ada": ["Boris Secret", "Alma Kept"]}
        for who, names in expected.items():
            rows = request.getfixturevalue(who).api.get("/api/mappings/").json()
            assert [row["patient_name"] for row in rows] == names, who
        for who in ("rita", "otto"):
            assert request.getfixturevalue(who).api.get("/api/mappings/").status_code == 403

    def test_one_address_takes_both_ids(self, alice, dr_chen, alices_chart, a_doctor):
        mapping = assign(alice, alices_chart, a_doctor).json()
        assert alice.api.get(f"/api/mappings/{mapping['id']}/").json() == mapping
        doctors = alice.api.get(f"/api/mappings/{alices_chart.pk}").json()
        assert (doctors["patient"], doctors["patient_id"]) == ("Alma Kept", str(alices_chart.pk))
        assert [row["firstname"] for row in doctors["doctors"]] == ["Jane", "Lin"]
        assert set(doctors["doctors"][0]) == {
            *("id", "mapping_id", "firstname", "lastname", "specialization"),
            *("max_appointments_per_day", "gender"),
        }
        assert doctors["doctors"][0]["mapping_id"] == mapping["id"]

    def test_a_patient_without_doctors_has_an_empty_list(self, alice, alices_chart):
        assert alice.api.get(f"/api/mappings/{alices_chart.pk}/").json()["doctors"] == []

    def test_strangers_find_neither(self, bob, dr_chen, alices_chart):
        mapping = CareTeamMember.objects.get()
        for any_id in (mapping.pk, alices_chart.pk, MISSING, dr_chen.doctor.pk):
            assert bob.api.get(f"/api/mappings/{any_id}/").status_code == 404


@pytest.mark.django_db
class TestEnd:
    @pytest.mark.parametrize("spelling", ["/api/mappings/{}/", "/api/mappings/{}", "/api/mappings/{}/delete"])
    def test_ends_the_row_and_keeps_it(self, alice, dr_chen, alices_chart, spelling):
        mapping = CareTeamMember.objects.get()
        assert alice.api.delete(spelling.format(mapping.pk)).status_code == 204
        assert alice.api.get("/api/mappings/").json() == []
        ended = alice.api.get(f"/api/mappings/{mapping.pk}/").json()
        assert ended["is_active"] is False
        assert ended["ended_at"] is not None
        mapping.refresh_from_db()
        assert mapping.ended_by_id == alice.id
        assert dr_chen.api.get(f"/api/patients/{alices_chart.pk}/").status_code == 404

    def test_twice_is_not_found(self, alice, dr_chen):
        mapping = CareTeamMember.objects.get()
        alice.api.delete(f"/api/mappings/{mapping.pk}/")
        assert alice.api.delete(f"/api/mappings/{mapping.pk}/").status_code == 404

    def test_a_patients_id_ends_nothing(self, alice, dr_chen, alices_chart):
        assert alice.api.delete(f"/api/mappings/{alices_chart.pk}/").status_code == 404
        assert CareTeamMember.objects.get().is_active

    @pytest.mark.parametrize(
        ("who", "status"),
        [("alice", 204), ("bob", 404), ("dr_chen", 204), ("dr_diaz", 404), ("erin", 204), ("rita", 403), ("ada", 204)],
    )
    def test_is_for_who_keeps_the_chart_the_doctor_and_the_desk(self, request, dr_chen, who, status):
        mapping = CareTeamMember.objects.get()
        assert request.getfixturevalue(who).api.delete(f"/api/mappings/{mapping.pk}/").status_code == status

    def test_a_doctor_ends_no_colleagues_row(self, dr_chen, alice, alices_chart, a_doctor):
        colleague = assign(alice, alices_chart, a_doctor).json()
        assert dr_chen.api.delete(f"/api/mappings/{colleague['id']}/").status_code == 403


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_assign_one_doctor_at_once_one_succeeds():
    keeper = UserFactory()
    patient, doctor = PatientFactory(created_by=keeper), DoctorFactory()
    tokens = Client().post(
        "/api/login/",
        {"username": keeper.username, "password": PASSWORD},
        content_type="application/json",
    )

    def assign_once():
        client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {tokens.json()['access']}"})
        body = {"patient": str(patient.pk), "doctor": str(doctor.pk)}
        return client.post("/api/mappings/", body, content_type="application/json").status_code

    assert sorted(in_parallel(*[assign_once] * 8)) == [201] + [409] * 7
    assert CareTeamMember.objects.count() == 1
