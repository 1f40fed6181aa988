"""Making an account: any identifier, no privileges, unique across kinds, also between rivals."""

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from core.actor import Role
from identity.identifiers import KINDS, guess_kind, normalise
from identity.models import RoleRequest, User
from tests.rivals import in_parallel

GOOD = {"username": "syed", "email": "Syed@Example.com", "password": "strongpassword"}


@pytest.mark.django_db
class TestRegister:
    def test_answers_with_the_account_and_its_tokens_and_never_the_password(self, nobody):
        answer = nobody.api.post("/api/auth/register/", GOOD)
        assert answer.status_code == 201
        body = answer.json()
        assert set(body) == {
            *("id", "username", "email", "mobile_number", "name", "role"),
            *("requested_role", "role_status", "access", "refresh"),
        }
        assert (body["username"], body["email"], body["role"]) == ("syed", "syed@example.com", "patient")
        assert "strongpassword" not in answer.content.decode()
        user = User.objects.get()
        assert user.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
        signed_in = nobody.api.get("/api/profile/", headers={"Authorization": f"Bearer {body['access']}"})
        assert signed_in.json()["id"] == body["id"]

    @pytest.mark.parametrize(
        ("spelling", "name"),
        [
            ({"name": "Syed Mehdi"}, "Syed Mehdi"),
            ({"full_name": "Syed Mehdi"}, "Syed Mehdi"),
            ({"firstname": "Syed", "lastname": "Mehdi"}, "Syed Mehdi"),
            ({"firstname": "Syed"}, "Syed"),
            ({}, ""),
        ],
    )
    def test_takes_the_name_in_every_spelling(self, nobody, spelling, name):
        body = nobody.api.post("/api/signup/", {"email": "a@b.cd", "password": "password123", **spelling}).json()
        assert body["name"] == name

    def test_needs_an_identifier(self, nobody):
        answer = nobody.api.post("/api/auth/register/", {"password": "strongpassword"})
        assert answer.status_code == 422

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("username", "SYED"),
            ("username", "ｓｙｅｄ"),
            ("email", "SYED@example.com"),
            ("mobile_number", "0171 2345678"),
        ],
    )
    def test_a_taken_identifier_is_named_whatever_its_spelling(self, nobody, field, value):
        nobody.api.post("/api/auth/register/", {**GOOD, "mobile_number": "01712345678"})
        answer = nobody.api.post("/api/auth/register/", {field: value, "password": "strongpassword"})
        assert answer.status_code == 422
        assert answer.json()["errors"] == {field: ["is taken"]}
        assert User.objects.count() == 1

    @pytest.mark.parametrize(
        "wrong",
        [
            {"username": "a@b.cd"},
            {"username": "01712345678"},
            {"username": "+880 1712-345678"},
            {"username": "   "},
            {"username": "a\nb"},
            {"username": "x" * 151},
            {"email": "nonsense"},
            {"mobile_number": "call me"},
            {"password": "short"},
            {"password": "x" * 257},
            {"password": ""},
            {"password": None},
            {"password": ["strongpassword"]},
        ],
    )
    def test_bad_values_are_named_and_make_no_account(self, nobody, wrong):
        answer = nobody.api.post("/api/auth/register/", {**GOOD, **wrong})
        assert answer.status_code == 422
        assert set(answer.json()["errors"]) == set(wrong)
        assert not User.objects.exists()

    def test_production_wants_better_passwords(self, nobody, settings):
        settings.PASSWORD_MIN_LENGTH = 12
        settings.AUTH_PASSWORD_VALIDATORS = [
            {"NAME": "identity.passwords.LengthValidator"},
            {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
        ]
        for weak in ("password123", "1234567890"):
            assert nobody.api.post("/api/signup/", {**GOOD, "password": weak}).status_code == 422


@pytest.mark.django_db
class TestAskingForARole:
    @pytest.mark.parametrize("role", ["doctor", "staff", "researcher", "official"])
    def test_stores_a_request_and_gives_nothing(self, nobody, role):
        body = nobody.api.post("/api/signup/", {**GOOD, "role": role}).json()
        assert (body["role"], body["requested_role"], body["role_status"]) == ("patient", role, "pending")
        assert User.objects.get().role == Role.PATIENT
        assert RoleRequest.objects.get().status == "pending"

    def test_asking_for_nothing_special_is_no_request(self, nobody):
        body = nobody.api.post("/api/signup/", {**GOOD, "role": "patient"}).json()
        assert (body["requested_role"], body["role_status"]) == (None, None)

    @pytest.mark.parametrize(
        "role", ["admin", "ADMIN", " admin", "admin ", ["admin"], {"role": "admin"}, "superuser", 0, True, ""]
    )
    def test_admin_cannot_be_asked_for(self, nobody, role):
        assert nobody.api.post("/api/signup/", {**GOOD, "role": role}).status_code == 422
        assert not User.objects.exists()

    @pytest.mark.parametrize("field", ["is_superuser", "is_staff", "is_active", "token_version", "groups"])
    def test_privileges_are_unknown_fields(self, nobody, field):
        assert nobody.api.post("/api/signup/", {**GOOD, field: True}).status_code == 422

    def test_the_demo_policy_grants_the_role_only(self, nobody, settings):
        settings.SIGNUP_ROLE_POLICY = "demo"
        body = nobody.api.post("/api/signup/", {**GOOD, "role": "researcher"}).json()
        assert (body["role"], body["role_status"]) == ("researcher", "approved")

    def test_the_demo_policy_never_grants_staff(self, nobody, settings):
        settings.SIGNUP_ROLE_POLICY = "demo"
        body = nobody.api.post("/api/signup/", {**GOOD, "role": "staff"}).json()
        assert (body["role"], body["role_status"]) == ("patient", "pending")


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_take_one_name_at_once_one_gets_it():
    def take(n):
        body = {"username": "wanted", "email": f"rival{n}@example.com", "password": "strongpassword"}
        client = Client(raise_request_exception=False)
        return client.post("/api/signup/", body, content_type="application/json").status_code

    statuses = in_parallel(*(lambda n=n: take(n) for n in range(8)))
    assert sorted(statuses) == [201] + [422] * 7
    assert User.objects.count() == 1


@given(st.text(max_size=40) | st.from_regex(r"\+?[0-9 ()-]{4,20}", fullmatch=True) | st.emails())
def test_an_identifier_is_of_one_kind_only(text):
    """The normal forms are disjoint, so one unique column each is unique across kinds."""
    forms = []
    for kind in KINDS:
        try:
            forms.append((normalise(kind, text), kind))
        except ValueError:
            continue
    assert len({form for form, _ in forms}) == len(forms)
    for form, kind in forms:
        assert normalise(kind, form) == form
        assert guess_kind(form) == kind
