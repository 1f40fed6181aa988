"""Sessions: rotate once, end on reuse, and die at once with what they rested on."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

import care.service
from core.actor import Role
from identity.models import RefreshSession, User
from identity.service.sessions import actor_from_access_token, forget_expired_sessions
from tests.factories import PASSWORD, UserFactory
from tests.rivals import in_parallel

REFRESH_PATHS = ["/api/auth/refresh/", "/api/token/refresh/", "/api/auth/token/refresh/"]


@pytest.fixture
def syed(db):
    return UserFactory(username="syed")


@pytest.fixture
def tokens(nobody, syed):
    return nobody.api.post("/api/login/", {"username": "syed", "password": PASSWORD}).json()


def profile_status(api, access):
    return api.get("/api/profile/", headers={"Authorization": f"Bearer {access}"}).status_code


def refresh(api, token, path="/api/auth/refresh/"):
    return api.post(path, {"refresh": token})


@pytest.mark.parametrize("path", REFRESH_PATHS)
def test_a_refresh_gives_a_new_pair(nobody, tokens, path):
    fresh = refresh(nobody.api, tokens["refresh"], path)
    assert fresh.status_code == 200
    assert set(fresh.json()) == {"access", "refresh"}
    assert fresh.json()["refresh"] != tokens["refresh"]
    assert profile_status(nobody.api, fresh.json()["access"]) == 200
    assert refresh(nobody.api, fresh.json()["refresh"]).status_code == 200


def test_the_database_never_holds_a_token(nobody, tokens):
    stored = str(list(RefreshSession.objects.values_list()))
    assert tokens["refresh"] not in stored
    assert tokens["access"] not in stored


def test_reuse_ends_the_whole_family(nobody, tokens):
    fresh = refresh(nobody.api, tokens["refresh"]).json()
    assert refresh(nobody.api, tokens["refresh"]).status_code == 401
    assert refresh(nobody.api, fresh["refresh"]).status_code == 401
    assert profile_status(nobody.api, fresh["access"]) == 401
    assert RefreshSession.objects.get().end_reason == "reuse"


def test_reuse_leaves_other_sessions_alone(nobody, tokens):
    other = nobody.api.post("/api/login/", {"username": "syed", "password": PASSWORD}).json()
    refresh(nobody.api, tokens["refresh"])
    refresh(nobody.api, tokens["refresh"])
    assert profile_status(nobody.api, other["access"]) == 200


@pytest.mark.parametrize("which", ["access", "refresh"])
def test_tokens_are_not_taken_for_each_other(nobody, tokens, which):
    if which == "access":
        assert refresh(nobody.api, tokens["access"]).status_code == 401
    else:
        assert profile_status(nobody.api, tokens["refresh"]) == 401


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(10))
def test_of_eight_parallel_refreshes_one_succeeds(round_):
    UserFactory(username="syed")
    client = Client()
    tokens = client.post(
        "/api/login/", {"username": "syed", "password": PASSWORD}, content_type="application/json"
    ).json()

    def exchange():
        rival = Client(raise_request_exception=False)
        body = {"refresh": tokens["refresh"]}
        return rival.post("/api/auth/refresh/", body, content_type="application/json").status_code

    assert sorted(in_parallel(*[exchange] * 8)) == [200] + [401] * 7
    assert RefreshSession.objects.get().end_reason == "reuse"


class TestWhatEndsASession:
    """After each of these the old access and refresh tokens are refused on the very next request."""

    @pytest.fixture
    def refused(self, nobody, tokens):
        assert profile_status(nobody.api, tokens["access"]) == 200

        def check():
            assert profile_status(nobody.api, tokens["access"]) == 401
            assert refresh(nobody.api, tokens["refresh"]).status_code == 401

        return check

    def test_signing_out(self, nobody, tokens, refused):
        answer = nobody.api.post("/api/auth/logout/", headers={"Authorization": f"Bearer {tokens['access']}"})
        assert answer.status_code == 204
        refused()

    def test_signing_out_leaves_other_sessions(self, nobody, tokens):
        other = nobody.api.post("/api/login/", {"username": "syed", "password": PASSWORD}).json()
        nobody.api.post("/api/auth/logout/", headers={"Authorization": f"Bearer {tokens['access']}"})
        assert profile_status(nobody.api, other["access"]) == 200

    def test_signing_out_everywhere(self, nobody, tokens, refused):
        other = nobody.api.post("/api/login/", {"username": "syed", "password": PASSWORD}).json()
        nobody.api.post("/api/auth/logout/?all=true", headers={"Authorization": f"Bearer {other['access']}"})
        refused()
        assert profile_status(nobody.api, other["access"]) == 401

    def test_a_changed_password(self, nobody, tokens, refused):
        answer = nobody.api.post(
            "/api/auth/password/change/",
            {"old_password": PASSWORD, "new_password": "another good one"},
            headers={"Authorization": f"Bearer {tokens['access']}"},
        )
        assert answer.status_code == 200
        refused()
        assert profile_status(nobody.api, answer.json()["access"]) == 200
        assert refresh(nobody.api, answer.json()["refresh"]).status_code == 200

    def test_a_password_changed_by_a_command(self, syed, refused):
        syed.set_password("changed by an operator")
        syed.save()
        refused()

    def test_a_changed_role(self, syed, ada, now, refused):
        care.service.set_role(actor=ada.actor, user_id=syed.pk, role=Role.STAFF, now=now)
        refused()

    def test_a_role_changed_past_every_service(self, syed, refused):
        User.objects.filter(pk=syed.pk).update(role=Role.STAFF)
        refused()

    def test_deactivation_and_activation_does_not_revive_it(self, syed, ada, now, refused):
        care.service.deactivate_user(actor=ada.actor, user_id=syed.pk, now=now)
        refused()
        care.service.activate_user(actor=ada.actor, user_id=syed.pk, now=now)
        refused()

    def test_deletion(self, syed, refused):
        syed.delete()
        refused()

    def test_time(self, nobody, tokens):
        with time_machine.travel(timezone.now() + timedelta(minutes=11)):
            assert profile_status(nobody.api, tokens["access"]) == 401
            fresh = refresh(nobody.api, tokens["refresh"]).json()
            assert profile_status(nobody.api, fresh["access"]) == 200
        with time_machine.travel(timezone.now() + timedelta(days=1, minutes=12)):
            assert refresh(nobody.api, fresh["refresh"]).status_code == 401


def test_sessions_past_their_time_are_forgotten(tokens, now):
    assert forget_expired_sessions(now=now) == 0
    assert forget_expired_sessions(now=now + timedelta(days=2)) == 1


def test_who_asks_costs_one_query(nobody, tokens, django_assert_num_queries):
    with django_assert_num_queries(1):
        actor = actor_from_access_token(tokens["access"], now=timezone.now())
    assert actor.role is Role.PATIENT
