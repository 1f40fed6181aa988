"""Scopes that no single answer shows whole: which records count, for whom, and who vouches for what they type in."""

from collections.abc import Collection
from uuid import UUID

import pytest

from federation.models import PatientRecord
from federation.permissions import combined_records, is_vouched_for, records_for_research, visible_records
from tests.policy.cast import SIGNED_IN, World
from tests.policy.elsewhere import COMBINED, FOR_RESEARCH, GONE, READ_RECORDS
from tests.policy.table import OFFICIAL, RESEARCHER

pytestmark = pytest.mark.django_db


def strange_records(world: World) -> list[str]:
    """Name every scope that holds a record it should not hold, or misses one, and who vouches wrongly."""
    held = {name: targets_of(world, scope) for name, scope in _scopes(world).items()}
    every = {target for kind, target, _ in world.ids if kind == "record"}
    right: dict[str, Collection[str]] = {"combined": COMBINED, "research": FOR_RESEARCH}
    for actor in SIGNED_IN:
        right[actor] = every - GONE if actor in READ_RECORDS else {"own"}
    right |= {RESEARCHER: set(), OFFICIAL: set()}
    found = [
        f"{name} holds {sorted(held[name] ^ set(right[name]))} wrongly" for name in held if held[name] != right[name]
    ]
    for actor in SIGNED_IN:
        if is_vouched_for(world.people[actor].actor) != (actor in READ_RECORDS):
            found.append(f"{actor} vouches wrongly")
    return found


def _scopes(world: World) -> dict[str, Collection[UUID]]:
    """Return what each scope holds, of the records that have a name here."""
    scopes = {"combined": combined_records(), "research": records_for_research()}
    scopes |= {actor: visible_records(world.people[actor].actor) for actor in SIGNED_IN}
    return {name: set(scope.values_list("pk", flat=True)) for name, scope in scopes.items()}


def targets_of(world: World, records: Collection[UUID]) -> set[str]:
    return {target for (kind, target, _), record in world.ids.items() if kind == "record" and record in records}


def test_every_scope_holds_its_records(world):
    assert strange_records(world) == []


def test_notices_a_record_that_should_not_be_there(world):
    PatientRecord.objects.filter(pk=world.id_of("record", "restricted", RESEARCHER)).update(is_restricted=False)

    assert strange_records(world) == ["research holds ['restricted'] wrongly"]
