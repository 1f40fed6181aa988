"""Signing in: any identifier on every path, one answer for every failure, throttled before hashing."""

import pytest
from django.contrib.auth import hashers

from identity.models import RefreshSession, User
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
PATHS = ["/api/auth/login/", "/api/login/", "/api/token/"]


@pytest.fixture
def syed():
    return UserFactory(username="syed", email="syed@example.com", mobile_number="01712345678", name="Syed Mehdi")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "identifier",
    [
        {"username": "syed"},
        {"username": " Syed "},
        {"email": "SYED@example.com"},
        {"mobile_number": "01712345678"},
        {"mobile_number": "0171-2345678"},
    ],
)
def test_opens_with_any_identifier_on_every_path(nobody, syed, path, identifier):
    body = nobody.api.post(path, {**identifier, "password": PASSWORD}).json()
    assert set(body) == {"access", "refresh", "user"}
    assert body["user"]["id"] == str(syed.pk)
    assert (
        nobody.api.get("/api/profile/", headers={"Authorization": f"Bearer {body['access']}"}).json()["name"]
        == "Syed Mehdi"
    )


def test_wrong_unknown_and_inactive_are_one_answer(nobody, syed):
    UserFactory(username="gone", is_active=False)
    answers = [
        nobody.api.post("/api/login/", body)
        for body in (
            {"username": "syed", "password": "wrong password"},
            {"username": "stranger", "password": PASSWORD},
            {"username": "gone", "password": PASSWORD},
            {"username": "syed@example.com", "password": PASSWORD},
            {"email": "not an address", "password": PASSWORD},
        )
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert not RefreshSession.objects.exists()


def test_an_unknown_account_costs_a_hash_too(nobody, monkeypatch):
    hashed = []
    encode = hashers.Argon2PasswordHasher.encode
    monkeypatch.setattr(hashers.Argon2PasswordHasher, "encode", lambda *a, **k: (hashed.append(1), encode(*a, **k))[1])
    nobody.api.post("/api/login/", {"username": "stranger", "password": PASSWORD})
    assert hashed == [1]


@pytest.mark.parametrize(
    "body",
    [
        {"password": PASSWORD},
        {"username": "syed", "email": "syed@example.com", "password": PASSWORD},
        {"username": "syed"},
        {"username": 5, "password": PASSWORD},
        {"username": "syed", "password": "x" * 1025},
        {"username": "x" * 321, "password": PASSWORD},
    ],
)
def test_needs_a_password_and_exactly_one_identifier(nobody, syed, body):
    assert nobody.api.post("/api/login/", body).status_code == 422


def test_remembers_when(nobody, syed):
    nobody.api.post("/api/login/", {"username": "syed", "password": PASSWORD})
    assert User.objects.get().last_login is not None


class TestThrottle:
    @pytest.fixture(autouse=True)
    def _limits(self, limits_on):
        """Count, at a standing clock."""

    def test_guessing_one_account_stops_before_hashing(self, nobody, syed, monkeypatch):
        for _ in range(8):
            answer = nobody.api.post("/api/login/", {"username": "syed", "password": "guess"})
            assert answer.status_code == 401

        def refuse(*_, **__):
            raise AssertionError("hashed although throttled")

        monkeypatch.setattr("identity.service.passwords.hash_matches", refuse)
        answer = nobody.api.post("/api/login/", {"username": "SYED", "password": "guess"})
        assert answer.status_code == 429
        assert answer["Content-Type"] == "application/problem+json"
        assert 1 <= int(answer["Retry-After"]) <= 300

    def test_the_owner_signs_in_from_elsewhere_meanwhile(self, nobody, syed):
        for _ in range(12):
            nobody.api.post("/api/login/", {"username": "syed", "password": "guess"})
        answer = nobody.api.post("/api/login/", {"username": "syed", "password": PASSWORD}, REMOTE_ADDR="198.51.100.9")
        assert answer.status_code == 200

    def test_one_address_never_shuts_others_out(self, nobody, syed):
        """What one address tries in vain is not counted against the account."""
        for _ in range(120):
            nobody.api.post("/api/login/", {"username": "syed", "password": "guess"})
        answer = nobody.api.post("/api/login/", {"username": "syed", "password": PASSWORD}, REMOTE_ADDR="198.51.100.9")
        assert answer.status_code == 200

    def test_an_account_is_counted_as_one_whatever_it_is_called(self, nobody, syed):
        names = [{"username": "syed"}, {"email": "syed@example.com"}, {"mobile_number": "01712345678"}]
        statuses = [nobody.api.post("/api/login/", {**names[n % 3], "password": "guess"}).status_code for n in range(9)]
        assert statuses == [401] * 8 + [429]

    def test_spraying_many_accounts_from_one_address_stops_too(self, nobody):
        statuses = [
            nobody.api.post("/api/login/", {"username": f"user{n}", "password": "guess"}).status_code for n in range(21)
        ]
        assert statuses == [401] * 20 + [429]

    def test_a_forged_forwarded_address_changes_nothing(self, nobody):
        statuses = [
            nobody.api.post(
                "/api/login/",
                {"username": f"user{n}", "password": "guess"},
                headers={"X-Forwarded-For": f"198.51.100.{n}"},
            ).status_code
            for n in range(21)
        ]
        assert statuses[-1] == 429

    def test_one_account_from_everywhere_is_capped_by_the_hour(self, nobody, syed, monkeypatch):
        monkeypatch.setattr("identity.service.passwords.hash_matches", lambda *_: False)
        statuses = [
            nobody.api.post(
                "/api/login/", {"username": "syed", "password": "guess"}, REMOTE_ADDR=f"198.51.{n}.1"
            ).status_code
            for n in range(101)
        ]
        assert statuses == [401] * 100 + [429]

    def test_registering_is_throttled_by_address(self, nobody):
        statuses = [
            nobody.api.post("/api/signup/", {"username": f"new{n}", "password": "tooweak"}).status_code
            for n in range(21)
        ]
        assert statuses == [422] * 20 + [429]
