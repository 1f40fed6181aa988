"""Roles asked for and given, accounts managed, and what follows for who may see which patient."""

import pytest

import care.service
from care.models import Doctor
from core.actor import Role
from core.models import AuditEvent
from identity.models import RoleRequest, User
from tests.factories import PASSWORD, DoctorFactory, UserFactory
from tests.rivals import in_parallel

pytestmark = pytest.mark.django_db
MISSING = "01890000-0000-7000-8000-000000000000"


def ask(person, role):
    return person.api.post("/api/role-requests/", {"role": role})


def decide(person, request_id, verdict, **body):
    return person.api.post(f"/api/role-requests/{request_id}/{verdict}/", {"reason": "checked", **body})


class TestAsking:
    def test_stores_a_request_and_gives_nothing(self, alice):
        answer = ask(alice, "researcher")
        assert answer.status_code == 201
        assert set(answer.json()) == {
            *("id", "user", "user_name", "role", "status", "reason", "created_at", "decided_at", "decided_by"),
        }
        assert (answer.json()["status"], answer.json()["user"]) == ("pending", str(alice.id))
        profile = alice.api.get("/api/profile/").json()
        assert (profile["role"], profile["requested_role"], profile["role_status"]) == (
            *("patient", "researcher", "pending"),
        )

    def test_one_at_a_time(self, alice):
        ask(alice, "researcher")
        answer = ask(alice, "doctor")
        assert (answer.status_code, answer.json()["code"]) == (409, "duplicate")

    def test_not_for_the_role_one_has(self, erin):
        answer = ask(erin, "staff")
        assert (answer.status_code, answer.json()["code"]) == (409, "has_role")

    @pytest.mark.parametrize(
        "role", ["admin", "ADMIN", " admin", "patient", "", None, ["doctor"], {"role": "admin"}, 1]
    )
    def test_never_for_admin_or_nonsense(self, alice, role):
        assert ask(alice, role).status_code == 422
        assert not RoleRequest.objects.exists()

    def test_each_sees_their_own_and_administrators_all(self, alice, bob, ada):
        ask(alice, "doctor")
        ask(bob, "official")
        assert [row["role"] for row in alice.api.get("/api/role-requests/").json()] == ["doctor"]
        assert [row["role"] for row in ada.api.get("/api/role-requests/").json()] == ["official", "doctor"]
        assert ada.api.get("/api/role-requests/", {"status": "denied"}).json() == []


class TestDeciding:
    @pytest.mark.parametrize("role", ["staff", "researcher", "official"])
    def test_approving_gives_the_role_and_ends_old_sessions(self, alice, ada, role):
        request = ask(alice, role).json()
        answer = decide(ada, request["id"], "approve")
        assert answer.status_code == 200
        assert (answer.json()["status"], answer.json()["reason"]) == ("approved", "checked")
        assert answer.json()["decided_by"] == str(ada.id)
        assert User.objects.get(pk=alice.id).role == role
        assert alice.api.get("/api/profile/").status_code == 401

    def test_approving_a_doctor_makes_a_verified_entry(self, alice, ada):
        decide(ada, ask(alice, "doctor").json()["id"], "approve")
        doctor = Doctor.objects.get()
        assert (doctor.user_id, doctor.verified, doctor.name) == (alice.id, True, "Alice")
        assert doctor.verification_reason == "checked"

    def test_approving_a_doctor_links_the_named_entry_and_opens_its_patients(self, bob, ada, alice, alices_chart):
        entry = alice.api.post("/api/doctors/", {"name": "Bob Builder", "specialization": "ORTH"}).json()
        alice.api.post("/api/mappings/", {"patient": str(alices_chart.pk), "doctor": entry["id"]})
        answer = decide(ada, ask(bob, "doctor").json()["id"], "approve", doctor=entry["id"])
        assert answer.status_code == 200
        assert Doctor.objects.count() == 1
        token = bob.api.client.post(
            "/api/login/", {"username": "bob", "password": PASSWORD}, content_type="application/json"
        ).json()["access"]
        signed = {"Authorization": f"Bearer {token}"}
        assert bob.api.get(f"/api/patients/{alices_chart.pk}/", headers=signed).status_code == 200
        profile = bob.api.get("/api/profile/", headers=signed).json()
        assert (profile["role"], profile["doctor"]["id"]) == ("doctor", entry["id"])

    def test_a_doctor_who_had_an_entry_keeps_it(self, alice, ada):
        own = DoctorFactory(user=alice.user, unverified=True)
        decide(ada, ask(alice, "doctor").json()["id"], "approve")
        own.refresh_from_db()
        assert own.verified is True
        assert Doctor.objects.count() == 1

    def test_an_entry_with_an_account_is_a_conflict_and_nothing_happens(self, alice, ada, dr_diaz):
        request = ask(alice, "doctor").json()
        answer = decide(ada, request["id"], "approve", doctor=str(dr_diaz.doctor.pk))
        assert (answer.status_code, answer.json()["code"]) == (409, "already_linked")
        assert RoleRequest.objects.get().status == "pending"
        assert User.objects.get(pk=alice.id).role == Role.PATIENT

    def test_an_account_with_an_entry_cannot_become_another_one(self, alice, ada, a_doctor):
        DoctorFactory(user=alice.user, unverified=True)
        answer = decide(ada, ask(alice, "doctor").json()["id"], "approve", doctor=str(a_doctor.pk))
        assert answer.status_code == 409

    @pytest.mark.parametrize(("role", "doctor"), [("doctor", MISSING), ("staff", "existing")])
    def test_an_unknown_or_needless_doctor_is_invalid(self, alice, ada, a_doctor, role, doctor):
        request = ask(alice, role).json()
        named = str(a_doctor.pk) if doctor == "existing" else doctor
        answer = decide(ada, request["id"], "approve", doctor=named)
        assert answer.status_code == 422
        assert set(answer.json()["errors"]) == {"doctor"}
        assert RoleRequest.objects.get().status == "pending"

    def test_denying_says_why_and_gives_nothing(self, alice, ada):
        request = ask(alice, "doctor").json()
        assert decide(ada, request["id"], "deny").json()["status"] == "denied"
        assert alice.api.get("/api/profile/").json()["role_status"] == "denied"
        assert ask(alice, "doctor").status_code == 201

    @pytest.mark.parametrize("verdict", ["approve", "deny"])
    def test_is_for_administrators(self, request, alice, bob, erin, dr_diaz, verdict):
        asked = ask(alice, "staff").json()
        assert decide(alice, asked["id"], verdict).status_code == 403
        for person in (bob, erin, dr_diaz):
            assert decide(person, asked["id"], verdict).status_code == 404
        assert RoleRequest.objects.get().status == "pending"

    @pytest.mark.parametrize("verdict", ["approve", "deny"])
    def test_twice_is_a_conflict(self, alice, ada, verdict):
        asked = ask(alice, "staff").json()
        decide(ada, asked["id"], "deny")
        answer = decide(ada, asked["id"], verdict)
        assert (answer.status_code, answer.json()["code"]) == (409, "already_decided")

    @pytest.mark.parametrize("reason", ["", " ", None, "x" * 256])
    def test_needs_a_reason(self, alice, ada, reason):
        asked = ask(alice, "staff").json()
        assert decide(ada, asked["id"], "approve", reason=reason).status_code == 422

    def test_a_missing_one_is_not_found(self, ada):
        assert decide(ada, MISSING, "approve").status_code == 404

    def test_is_on_record(self, alice, ada):
        asked = ask(alice, "doctor").json()
        decide(ada, asked["id"], "approve")
        event = AuditEvent.objects.get(action="role-request.approve")
        assert {subject.kind for subject in event.subjects.all()} == {"role-request", "user"}


@pytest.mark.django_db(transaction=True)
def test_of_two_administrators_who_decide_at_once_one_does(alice, ada):
    asked = ask(alice, "doctor").json()
    assert ada.api.token
    statuses = in_parallel(
        *[lambda: decide(ada, asked["id"], "approve").status_code] * 3,
        *[lambda: decide(ada, asked["id"], "deny").status_code] * 3,
    )
    assert sorted(statuses) == [200] + [409] * 5
    approved = RoleRequest.objects.get().status == "approved"
    assert Doctor.objects.filter(verified=True).count() == approved


class TestUsers:
    def test_administrators_find_accounts(self, ada, alice, bob, erin):
        User.objects.filter(pk=bob.id).update(is_active=False)
        for query, names in [
            ({}, {"ada", "alice", "bob", "erin"}),
            ({"q": "ALI"}, {"alice"}),
            ({"q": "bob@clinic"}, {"bob"}),
            ({"role": "staff"}, {"erin"}),
            ({"active": "false"}, {"bob"}),
            ({"active": "true", "role": "patient"}, {"alice"}),
        ]:
            found = ada.api.get("/api/users/", query)
            assert {row["username"] for row in found.json()} == names, query

    def test_an_account_is_shown_in_full_but_never_its_password(self, ada, alice):
        answer = ada.api.get(f"/api/users/{alice.id}/")
        assert set(answer.json()) == {
            *("id", "username", "email", "mobile_number", "name", "role", "requested_role", "role_status"),
            *("address", "created_at", "updated_at", "is_active", "last_login"),
        }
        assert "argon2" not in answer.content.decode()

    @pytest.mark.parametrize("who", ["alice", "dr_diaz", "erin", "rita", "otto"])
    def test_is_for_administrators(self, request, who, bob):
        person = request.getfixturevalue(who)
        for answer in (
            person.api.get("/api/users/"),
            person.api.get(f"/api/users/{bob.id}/"),
            person.api.get(f"/api/users/{person.id}/"),
            person.api.get(f"/api/users/{MISSING}/"),
            person.api.patch(f"/api/users/{bob.id}/", {"role": "admin"}),
            person.api.patch(f"/api/users/{person.id}/", {"role": "admin"}),
            person.api.post(f"/api/users/{bob.id}/deactivate/"),
            person.api.post(f"/api/users/{bob.id}/activate/"),
        ):
            assert answer.status_code == 403
        assert User.objects.get(pk=bob.id).role == Role.PATIENT

    def test_a_role_change_ends_sessions_and_moves_grants(self, ada, dr_chen, alices_chart):
        assert dr_chen.api.get(f"/api/patients/{alices_chart.pk}/").status_code == 200
        answer = ada.api.patch(f"/api/users/{dr_chen.id}/", {"role": "staff", "name": "Lin Chen"})
        assert (answer.status_code, answer.json()["role"], answer.json()["name"]) == (200, "staff", "Lin Chen")
        assert dr_chen.api.get("/api/profile/").status_code == 401
        assert not dr_chen.user.has_perm("care.view_patient", alices_chart)

    def test_a_taken_identifier_changes_nothing_at_all(self, ada, alice, bob):
        answer = ada.api.patch(f"/api/users/{bob.id}/", {"username": "alice", "role": "staff"})
        assert answer.status_code == 422
        assert User.objects.get(pk=bob.id).role == Role.PATIENT

    def test_what_was_read_may_be_sent_back(self, ada, bob):
        seen = ada.api.get(f"/api/users/{bob.id}/").json()
        answer = ada.api.patch(f"/api/users/{bob.id}/", {**seen, "address": "1 Lake Road"})
        assert answer.status_code == 200
        assert answer.json()["address"] == "1 Lake Road"

    def test_deactivating_closes_and_activating_opens(self, ada, bob, nobody):
        body = {"username": "bob", "password": PASSWORD}
        assert ada.api.post(f"/api/users/{bob.id}/deactivate/").status_code == 200
        assert nobody.api.post("/api/login/", body).status_code == 401
        assert ada.api.post(f"/api/users/{bob.id}/activate/").status_code == 200
        assert nobody.api.post("/api/login/", body).status_code == 200

    def test_an_administrator_keeps_her_own_role_and_activity(self, ada):
        assert ada.api.post(f"/api/users/{ada.id}/deactivate/").status_code == 409
        assert ada.api.patch(f"/api/users/{ada.id}/", {"role": "patient"}).status_code == 409
        assert ada.api.patch(f"/api/users/{ada.id}/", {"name": "Ada L"}).status_code == 200

    def test_who_stops_being_admin_loses_the_technical_window(self, ada, now):
        other = User.objects.create_superuser("a good password", username="root")
        ada.api.patch(f"/api/users/{other.pk}/", {"role": "patient"})
        other.refresh_from_db()
        assert other.is_superuser is False

    def test_a_missing_one_is_not_found(self, ada):
        assert ada.api.get(f"/api/users/{MISSING}/").status_code == 404
        assert ada.api.patch(f"/api/users/{MISSING}/", {"name": "x"}).status_code == 404
        assert ada.api.post(f"/api/users/{MISSING}/deactivate/").status_code == 404

    @pytest.mark.parametrize("rows", [3, 30])
    def test_a_list_takes_the_same_queries_whatever_its_length(self, ada, rows, django_assert_num_queries):
        for _ in range(rows):
            RoleRequest.objects.create(user=UserFactory(), role="doctor", created_at="2026-01-01T00:00Z")
        assert ada.api.token
        # Who asks, the page, the requests; the event, its subjects and a savepoint.
        with django_assert_num_queries(7):
            assert len(ada.api.get("/api/users/").json()) == rows + 1


class TestMyDoctor:
    def test_a_doctor_changes_account_and_entry_together(self, dr_diaz):
        answer = dr_diaz.api.put("/api/profile/", {"name": "Rosa D", "doctor": {"location": "Sylhet"}})
        assert answer.status_code == 200
        assert (answer.json()["name"], answer.json()["doctor"]["location"]) == ("Rosa D", "Sylhet")

    def test_or_neither(self, dr_diaz, bob):
        body = {"username": "bob", "doctor": {"location": "Sylhet"}}
        assert dr_diaz.api.put("/api/profile/", body).status_code == 422
        assert dr_diaz.api.get("/api/profile/").json()["doctor"]["location"] == ""
        body = {"name": "Changed", "doctor": {"specialization": "wizardry"}}
        assert dr_diaz.api.put("/api/profile/", body).status_code == 422
        assert dr_diaz.api.get("/api/profile/").json()["name"] == "Diaz"

    def test_what_was_read_may_be_sent_back(self, dr_diaz):
        seen = dr_diaz.api.get("/api/profile/").json()
        assert dr_diaz.api.put("/api/profile/", seen).status_code == 200

    def test_others_have_none(self, alice):
        assert alice.api.get("/api/profile/").json()["doctor"] is None
        assert alice.api.put("/api/profile/", {"doctor": None}).status_code == 200
        answer = alice.api.put("/api/profile/", {"name": "Changed", "doctor": {"location": "x"}})
        assert answer.status_code == 422
        assert alice.api.get("/api/profile/").json()["name"] == "Alice"

    @pytest.mark.parametrize("key", ["verified", "user", "created_by", "patient_count"])
    def test_nested_read_only_fields_change_nothing(self, dr_diaz, ada, key, now):
        care.service.verify_doctor(actor=ada.actor, doctor_id=dr_diaz.doctor.pk, verified=False, now=now)
        answer = dr_diaz.api.put("/api/profile/", {"doctor": {key: True}})
        assert answer.status_code == 200
        doctor = Doctor.objects.get()
        assert (doctor.verified, doctor.user_id, doctor.created_by_id) == (False, dr_diaz.id, None)

    def test_an_entry_linked_to_an_account_that_is_no_doctor_stays_as_it_is(self, alice):
        DoctorFactory(user=alice.user)
        assert alice.api.put("/api/profile/", {"doctor": {"location": "x"}}).status_code == 403
