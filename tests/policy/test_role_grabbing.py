"""No payload of any shape makes somebody more than a patient: not at sign-up, not later."""

import json
from typing import Any

import pytest

from core.actor import Role
from identity.models import RoleRequest, User
from tests.policy.asking import hands
from tests.policy.conftest import taken_back
from tests.policy.table import ADMIN, ANONYMOUS, PATIENT, PENDING

pytestmark = pytest.mark.django_db

WANTED = ("admin", "staff", "doctor", "researcher", "official")
LOOK_ALIKES = str.maketrans({"a": "а", "o": "ο", "e": "е", "c": "с"})  # Cyrillic and Greek

SIGN_UP = {"username": "grabber", "password": "a long enough password"}
PROFILE = {"address": "12 New Street"}


def encodings(role: str, honest: dict[str, Any]) -> dict[str, str]:
    """The same wish in twelve shapes, as raw JSON; `honest` is what the body holds otherwise."""

    def with_role(value: Any) -> str:
        return json.dumps({**honest, "role": value})

    rest = json.dumps(honest)[1:-1]
    comma = ", " if rest else ""
    return {
        "plain": with_role(role),
        "upper case": with_role(role.upper()),
        "spaces": with_role(f" {role}\t"),
        "a list": with_role([role]),
        "an object": with_role({"role": role, "name": role, "value": role}),
        "twice, the wish last": f'{{"role": "patient", {rest}{comma}"role": "{role}"}}',
        "twice, the wish first": f'{{"role": "{role}", {rest}{comma}"role": "patient"}}',
        "escaped": f'{{{rest}{comma}"role": "\\u{ord(role[0]):04x}{role[1:]}"}}',
        "look-alikes": with_role(role.translate(LOOK_ALIKES)),
        "invisible characters": with_role(f"{role}\u200b"),
        "its number": with_role([*Role].index(Role(role))),
        "by other names": json.dumps(
            {**honest, "role": None, "roles": [role], "user": {"role": role}, "Role": role, "requested_role": role}
        ),
    }


def privileges() -> dict[Any, tuple[Any, ...]]:
    """Every account's standing; a new one is to stand like a patient."""
    columns = ("role", "is_superuser", "is_active", "token_version")
    return {pk: standing for pk, *standing in User.objects.values_list("pk", *columns)}


@pytest.mark.parametrize("role", WANTED)
def test_sign_up_makes_patients_only(world, role):
    for shape, raw in encodings(role, SIGN_UP).items():
        before = privileges()
        with taken_back():
            answer = hands(world, ANONYMOUS).post("/api/auth/register/", raw)
            after = privileges()
            fresh = [standing for pk, standing in after.items() if pk not in before]

            assert answer.status_code in (201, 422, 400), shape
            assert {pk: after[pk] for pk in before} == before, shape
            assert fresh == ([["patient", False, True, 0]] if answer.status_code == 201 else []), shape
            assert not RoleRequest.objects.filter(role="admin").exists(), shape
            assert answer.status_code == 422 or answer.json()["role"] == "patient", shape


@pytest.mark.parametrize("role", WANTED)
@pytest.mark.parametrize("actor", [PATIENT, PENDING])
@pytest.mark.parametrize(
    ("method", "path", "honest"),
    [
        ("put", "/api/profile/", PROFILE),
        ("patch", "/api/profile/", PROFILE),
        ("post", "/api/role-requests/", {}),
        ("patch", "/api/users/{own}/", {}),
    ],
)
def test_no_shape_of_the_wish_gives_a_role_later(world, method, path, honest, actor, role):
    path = path.format(own=world.people[actor].id)
    before = privileges()
    for shape, raw in encodings(role, honest).items():
        with taken_back():
            answer = getattr(hands(world, actor), method)(path, raw)

            assert answer.status_code < 500, shape
            assert privileges() == before, shape
            assert not RoleRequest.objects.filter(role="admin").exists(), shape


def test_asking_gives_nothing_until_somebody_else_agrees(world):
    for role in set(WANTED) - {"admin"}:
        with taken_back():
            before = privileges()
            asked = hands(world, PATIENT).post("/api/role-requests/", {"role": role})
            assert asked.status_code == 201

            own = hands(world, PATIENT).post(f"/api/role-requests/{asked.json()['id']}/approve/", {"reason": "mine"})
            assert own.status_code == 403
            assert privileges() == before

            agreed = hands(world, ADMIN).post(f"/api/role-requests/{asked.json()['id']}/approve/", {"reason": "seen"})
            assert agreed.status_code == 200
            assert User.objects.get(pk=world.people[PATIENT].id).role == role


def test_nobody_asks_to_be_an_administrator(world):
    assert hands(world, PATIENT).post("/api/role-requests/", {"role": "admin"}).status_code == 422
    assert hands(world, ANONYMOUS).post("/api/auth/register/", {**SIGN_UP, "role": "admin"}).status_code == 422
