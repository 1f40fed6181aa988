"""One's own appointments are those of the own chart, of charts one keeps and of the own calendar, and no others."""

import pytest

from tests.policy.asking import hands
from tests.policy.cast import FRONT_DESK, SIGNED_IN, World
from tests.policy.table import OFFICIAL, RESEARCHER, TEAM_DOCTOR

pytestmark = pytest.mark.django_db

KINDS = ("appointment", "past appointment", "arrived appointment")


def strange_appointments(world: World) -> list[str]:
    """Name what stands in somebody's own list and is not theirs, and what is theirs and missing there."""
    strange = []
    for actor in SIGNED_IN:
        if actor in (RESEARCHER, OFFICIAL):
            continue
        # The front desk keeps charts for others; what is its own is its own chart's.
        targets = {"linked"} if actor in FRONT_DESK else {"own", "linked"}
        targets |= {"calendar"} if actor == TEAM_DOCTOR else set()
        theirs = {str(world.ids[kind, target, actor]): f"{kind} ({target})" for kind in KINDS for target in targets}
        listed = {row["id"] for row in hands(world, actor).get("/api/profile/appointments/", {"limit": 100}).json()}
        strange += [f"{actor} misses {theirs[each]}" for each in theirs.keys() - listed]
        strange += [f"{actor} has somebody else's" for _ in listed - theirs.keys()]
    return strange


def test_my_appointments_are_mine(world):
    assert strange_appointments(world) == []
