"""What the guards themselves say where a service has said no before it asks them.

Who is nobody in particular has nothing: neither what nobody keeps, nor what nobody added, nor what is nobody's.
Research sees no appointment, whatever asks. And the front desk alone is not held to the rules of who books for
themselves: it moves what has begun, and books without being counted. Nobody's own appointments are somebody else's.
"""

from collections.abc import Iterator

import pytest

import care.permissions
import scheduling.permissions
from care.models import Doctor, Patient
from core.actor import ANONYMOUS
from core.ids import new_id
from tests.policy.cast import SIGNED_IN, World
from tests.policy.table import ADMIN, OFFICIAL, RESEARCHER, STAFF

pytestmark = pytest.mark.django_db

OF_A_CHART = ("may_change_every_field", "may_delete_patient", "may_assign")
OF_AN_ENTRY = ("may_see_contact", "may_change_doctor", "may_delete_doctor")


def given_to_nobody() -> Iterator[str]:
    """Ask each guard of one chart or entry about one without a keeper, creator or account, for nobody."""
    chart, entry = Patient(pk=new_id()), Doctor(pk=new_id())
    for thing, guards in ((chart, OF_A_CHART), (entry, OF_AN_ENTRY)):
        yield from (guard for guard in guards if getattr(care.permissions, guard)(ANONYMOUS, thing))


def test_nobody_has_what_is_nobodys():
    assert list(given_to_nobody()) == []


def shown_to_research(world: World) -> Iterator[str]:
    for actor in (RESEARCHER, OFFICIAL):
        if scheduling.permissions.visible_appointments(world.people[actor].actor).exists():
            yield actor


def test_research_sees_no_appointment(world):
    assert list(shown_to_research(world)) == []


def wrongly_at_the_desk(world: World) -> Iterator[str]:
    for actor in SIGNED_IN:
        if scheduling.permissions.may_book_for_anyone(world.people[actor].actor) != (actor in (STAFF, ADMIN)):
            yield actor


def test_the_front_desk_alone_books_for_anyone(world):
    assert list(wrongly_at_the_desk(world)) == []


def strange_as_a_patient(world: World) -> Iterator[str]:
    for actor in SIGNED_IN:
        own = scheduling.permissions.appointments_of_own_charts(world.people[actor].actor)
        strange = [world.id_of("appointment", target, actor) for target in ("team", "foreign", "calendar")]
        if own.filter(pk__in=strange).exists():
            yield actor


def test_the_appointments_of_own_charts_are_nobody_elses(world):
    assert list(strange_as_a_patient(world)) == []
