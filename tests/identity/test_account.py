"""The own account: reading and changing it, its password, and who may manage others'."""

import pytest

import identity.service
from core.actor import Role
from core.errors import Conflict, NotAllowed, NotFound
from identity.models import User
from identity.schemas import RegisterIn
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db


class TestProfile:
    def test_shows_the_account(self, alice):
        body = alice.api.get("/api/profile/").json()
        assert set(body) == {
            *("id", "username", "email", "mobile_number", "name", "role", "requested_role", "role_status"),
            *("address", "created_at", "updated_at", "patient", "doctor"),
        }
        assert body["created_at"].endswith("Z")

    @pytest.mark.parametrize("method", ["put", "patch"])
    def test_a_partial_body_changes_what_it_names(self, alice, method):
        body = getattr(alice.api, method)("/api/profile/", {"address": "1 Lake Road", "mobile_number": "0171 234567"})
        assert body.status_code == 200
        assert (body.json()["address"], body.json()["mobile_number"]) == ("1 Lake Road", "0171234567")
        assert body.json()["name"] == "Alice"

    def test_what_was_read_may_be_sent_back(self, alice):
        seen = alice.api.get("/api/profile/").json()
        sent = alice.api.put("/api/profile/", {**seen, "name": "Alice Liddell"})
        assert sent.status_code == 200
        assert {**sent.json(), "updated_at": 0} == {**seen, "name": "Alice Liddell", "updated_at": 0}

    @pytest.mark.parametrize("key", ["role", "id", "requested_role", "role_status", "created_at"])
    def test_read_only_fields_are_ignored(self, alice, key):
        before = alice.api.get("/api/profile/").json()
        assert alice.api.patch("/api/profile/", {key: "admin"}).status_code == 200
        assert alice.api.get("/api/profile/").json()[key] == before[key]

    @pytest.mark.parametrize("key", ["is_superuser", "is_staff", "password", "token_version", "groups"])
    def test_unknown_fields_are_refused(self, alice, key):
        assert alice.api.patch("/api/profile/", {key: True}).status_code == 422

    def test_a_taken_identifier_is_named(self, alice, bob):
        answer = alice.api.patch("/api/profile/", {"username": "BOB"})
        assert answer.status_code == 422
        assert answer.json()["errors"] == {"username": ["is taken"]}

    def test_the_own_identifier_is_not_taken(self, alice):
        assert alice.api.patch("/api/profile/", {"username": "Alice"}).status_code == 200

    def test_an_identifier_may_go_but_not_the_last_one(self, alice):
        assert alice.api.patch("/api/profile/", {"email": None}).json()["email"] is None
        answer = alice.api.patch("/api/profile/", {"username": None})
        assert answer.status_code == 422
        assert User.objects.get(pk=alice.id).username == "alice"


class TestPasswordChange:
    def _change(self, person, old, new):
        return person.api.post("/api/auth/password/change/", {"old_password": old, "new_password": new})

    def test_needs_the_old_one(self, alice):
        answer = self._change(alice, "wrong", "another good one")
        assert answer.status_code == 422
        assert set(answer.json()["errors"]) == {"old_password"}
        assert alice.api.get("/api/profile/").status_code == 200

    def test_needs_a_good_new_one(self, alice):
        assert set(self._change(alice, PASSWORD, "short").json()["errors"]) == {"new_password"}

    def test_guessing_the_old_one_is_throttled(self, limits_on, alice):
        statuses = [self._change(alice, "guess", "another good one").status_code for _ in range(9)]
        assert statuses == [422] * 8 + [429]

    def test_opens_with_the_new_one_only(self, alice, nobody):
        self._change(alice, PASSWORD, "another good one")
        for password, status in ((PASSWORD, 401), ("another good one", 200)):
            body = {"username": "alice", "password": password}
            assert nobody.api.post("/api/login/", body).status_code == status


class TestManagingAccounts:
    @pytest.mark.parametrize("who", ["alice", "erin", "rita", "otto"])
    def test_is_for_administrators(self, request, who, bob, now):
        person = request.getfixturevalue(who)
        with pytest.raises(NotAllowed):
            identity.service.set_role(actor=person.actor, user_id=bob.id, role=Role.ADMIN, now=now)
        with pytest.raises(NotAllowed):
            identity.service.deactivate_user(actor=person.actor, user_id=bob.id, now=now)

    def test_an_administrator_cannot_lock_herself_out(self, ada, now):
        with pytest.raises(Conflict):
            identity.service.deactivate_user(actor=ada.actor, user_id=ada.id, now=now)

    def test_an_unknown_account_is_not_found(self, ada, now):
        with pytest.raises(NotFound):
            identity.service.set_role(actor=ada.actor, user_id=UserFactory.build().pk, role=Role.STAFF, now=now)

    def test_setting_the_role_it_has_ends_no_session(self, ada, bob, now):
        assert bob.api.get("/api/profile/").status_code == 200
        identity.service.set_role(actor=ada.actor, user_id=bob.id, role=Role.PATIENT, now=now)
        assert bob.api.get("/api/profile/").status_code == 200

    def test_people_see_their_own_account_only(self, alice, bob, ada):
        assert identity.service.get_user(actor=alice.actor, user_id=alice.id).id == alice.id
        with pytest.raises(NotFound):
            identity.service.get_user(actor=alice.actor, user_id=bob.id)
        assert identity.service.get_user(actor=ada.actor, user_id=bob.id).username == "bob"

    def test_accounts_are_made_for_others_by_administrators_only(self, alice, ada, now):
        body = RegisterIn(username="new", password="strongpassword", role="doctor")
        with pytest.raises(NotFound):
            identity.service.register_by_admin(actor=alice.actor, body=body, now=now)
        assert identity.service.register_by_admin(actor=ada.actor, body=body, now=now).role_status == "pending"


class TestSuperuser:
    def test_is_made_by_the_manager_with_the_role(self):
        user = User.objects.create_superuser("strong password", username="Root", email="")
        assert (user.username, user.email, user.role, user.is_staff) == ("root", None, Role.ADMIN, True)

    def test_is_found_by_its_name_in_any_spelling(self):
        user = User.objects.create_superuser("strong password", username="Root")
        assert User.objects.get_by_natural_key("ROOT") == user
        with pytest.raises(User.DoesNotExist):
            User.objects.get_by_natural_key("a@b.cd")
