"""No body sets what only the application may set: not by naming the column, not nested, not in a list."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.policy.asking import hands
from tests.policy.cast import World
from tests.policy.conftest import taken_back
from tests.policy.facts import PLANTED_TIME, Facts, Snapshots, raw_rows
from tests.policy.probes import BODIES, address, body
from tests.policy.table import ADMIN, ANONYMOUS, PATIENT, STAFF, TABLE, TEAM_DOCTOR, Operation, expected

pytestmark = pytest.mark.django_db

WRITING = [operation for operation in TABLE if operation[0] != "GET"]
PROFILE = {("PUT", "/api/profile/"), ("PATCH", "/api/profile/")}
# Here the key is the very thing that the operation is for, and the actor is one who may.
MEANT = {("PATCH", "/api/users/{user_id}/"): {"role"}, ("POST", "/api/patients/{patient_id}/link/"): {"user"}}


def forbidden(world: World) -> dict[str, Any]:
    """The keys that clients do not set, each with the value that an attacker would like."""
    time = PLANTED_TIME.isoformat()
    victim, chart = str(world.id_of("account", "own", ADMIN)), str(world.id_of("chart", "foreign", PATIENT))
    return {
        "role": "admin",
        "is_staff": True,
        "is_superuser": True,
        "is_active": False,
        "is_admin": True,
        "admin": True,
        "groups": [1],
        "user_permissions": [1],
        "permissions": ["care.change_patient"],
        "token_version": 99,
        "password": "planted password",
        "requested_role": "admin",
        "role_status": "approved",
        "status": "approved",
        "verified": True,
        "verified_at": time,
        "verification_reason": "planted",
        "id": chart,
        "pk": chart,
        "user": victim,
        "user_id": victim,
        "owner": victim,
        "created_by": victim,
        "created_by_id": victim,
        "assigned_by": victim,
        "decided_by": victim,
        "created_at": time,
        "deleted_at": time,
        "ended_at": time,
        "decided_at": time,
        "patient_count": 999,
        "birth_date_estimated": True,
        "source_id": "planted",
        "search_key": "planted",
        "sealed_token": "planted",
        "token_origin": "https://planted.example:443",
        "origin": "sync",
        "is_vouched": True,
        "is_restricted": False,
        "person": victim,
        "generation": 999,
        "removed_at": time,
        "fetched_at": time,
    }


def actors_of(operation: Operation) -> tuple[str, ...]:
    """Return who tries: a patient, a doctor, the desk, and who alone may; nobody in particular at the open doors."""
    if expected(operation, next(iter(TABLE[operation])), ANONYMOUS) != 401:
        return (ANONYMOUS,)
    usual = (PATIENT, TEAM_DOCTOR, STAFF)
    return usual if any(target_of(operation, actor)[1] for actor in usual) else (*usual, ADMIN)


def target_of(operation: Operation, actor: str) -> tuple[str, bool]:
    """Return a target with which the actor may do this, else the first, and whether they may."""
    targets = list(TABLE[operation])
    allowed = [target for target in targets if expected(operation, target, actor) < 300]
    return (allowed or targets)[0], bool(allowed)


def hostile_bodies(world: World, operation: Operation, honest: dict[str, Any]) -> Iterator[Any]:
    """Yield the honest body with all forbidden keys beside its own and below every place there is."""
    planted = forbidden_at(world, operation)
    yield {**honest, **planted}
    yield {**honest, **{key: {"role": "admin", "is_superuser": True} for key in planted}}
    for name in honest:
        yield {**honest, name: planted}
        yield {**honest, name: [planted]}
    yield [{**honest, **planted}]
    yield {"data": {**honest, **planted}}
    yield {**honest, "__proto__": planted, "constructor": planted}
    if operation in PROFILE:
        yield from ({**honest, "doctor": {key: value}} for key, value in planted.items())
        yield from ({**honest, "doctor": {"schedules": [{key: value}]}} for key, value in planted.items())
        yield {**honest, "doctor": [planted]}
        yield {**honest, "patient": planted}


def forbidden_at(world: World, operation: Operation) -> dict[str, Any]:
    return {key: value for key, value in forbidden(world).items() if key not in MEANT.get(operation, ())}


@pytest.mark.parametrize(
    ("operation", "actor"),
    [(operation, actor) for operation in WRITING for actor in actors_of(operation)],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_no_body_sets_what_the_application_sets(world, operation, actor):
    target, may = target_of(operation, actor)
    path = address(world, operation, target, actor)
    honest = body(world, operation, target, actor) or {}
    snapshots = Snapshots()
    before, untouched = snapshots.take(), raw_rows()

    def send(content: Any, query: str = "") -> tuple[int, Facts | None]:
        """Return the status and, where something was done, the facts afterwards; a refusal is to leave no trace."""
        with taken_back():
            answer = getattr(hands(world, actor), operation[0].lower())(path + query, content)
            assert answer.status_code < 500, content
            if answer.status_code < 300:
                return answer.status_code, snapshots.take()
            assert raw_rows() == untouched, content
            return answer.status_code, None

    status, honestly = send(honest)
    assert (status < 300) == may

    def require_harmless(content: Any, query: str = "") -> int:
        status, after = send(content, query)
        assert after in (None, honestly), (content, changes(honestly or before, after or before))
        return status

    for content in hostile_bodies(world, operation, honest):
        require_harmless(content)
    require_harmless(honest, "?role=admin&is_superuser=true&user=1&verified=true")
    if may and operation in BODIES:
        # One at a time: a key that is refused would hide another that is taken.
        for key, value in forbidden_at(world, operation).items():
            if require_harmless({**honest, key: value}) < 300:
                require_harmless({**honest, key: {"role": "admin", "is_superuser": True, "id": value}})


def changes(before: Facts, after: Facts) -> list[tuple[str, ...]]:
    return [*(after - before), *(before - after)]


def test_the_snapshot_notices_each_planted_fact(world):
    """Without this the tests above could pass by looking away."""
    snapshots = Snapshots()
    before = snapshots.take()
    user = world.people[PATIENT].user
    assert user is not None
    for change in ({"role": "admin"}, {"is_superuser": True}, {"is_active": False}, {"token_version": 9}):
        with taken_back():
            type(user)._default_manager.filter(pk=user.pk).update(**change)
            assert snapshots.take() != before, change
    with taken_back():
        user.groups.create(name="planted")
        assert snapshots.take() != before
    assert snapshots.take() == before
