"""Whose entry leaves the directory keeps nothing that was theirs as that doctor."""

import pytest
from django.utils import timezone

import care.service
from core.actor import SYSTEM
from tests.policy.cast import World
from tests.policy.conftest import taken_back
from tests.policy.table import OTHER_DOCTOR

pytestmark = pytest.mark.django_db


def kept_after_leaving(world: World) -> list[str]:
    """Delete a doctor's entry, and name what the account still reads of its calendar and its patients."""
    person, ids = world.people[OTHER_DOCTOR], world.ids
    theirs = {
        "hours": f"/api/schedules/{ids['schedule', 'own', OTHER_DOCTOR]}/",
        "a patient": f"/api/patients/{ids['chart', 'mine', OTHER_DOCTOR]}/",
        "a care team": f"/api/mappings/{ids['mapping', 'mine', OTHER_DOCTOR]}/",
    }
    with taken_back():
        assert [person.api.get(path).status_code for path in theirs.values()] == [200, 200, 200]
        entry = ids["entry", "profile", OTHER_DOCTOR]
        care.service.delete_doctor(actor=SYSTEM, doctor_id=entry, now=timezone.now())
        kept = [what for what, path in theirs.items() if person.api.get(path).status_code != 404]
        return kept + ["time off" for _ in person.api.get("/api/time-off/").json()]


def test_a_deleted_entry_keeps_nothing(world):
    assert kept_after_leaving(world) == []
