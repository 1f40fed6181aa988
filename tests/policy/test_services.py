"""What no address leads to is guarded too: operators' commands enter by the same services."""

import pytest
from django.utils import timezone

import care.service
import identity.service
from core.actor import SYSTEM
from core.errors import NotAllowed, NotFound
from identity.schemas import RegisterIn
from tests.policy.cast import SIGNED_IN
from tests.policy.conftest import taken_back
from tests.policy.table import ADMIN

pytestmark = pytest.mark.django_db

SOMEBODY = RegisterIn(username="somebodynew", password="a long enough password")


@pytest.mark.parametrize("import_rows", [care.service.import_patients, care.service.import_doctors])
def test_administrators_and_the_system_import(world, import_rows):
    for actor in SIGNED_IN:
        person = world.people[actor].actor
        if actor == ADMIN:
            assert import_rows(actor=person, records=[], now=timezone.now()).imported == 0
        else:
            with pytest.raises(NotAllowed):
                import_rows(actor=person, records=[], now=timezone.now())
    assert import_rows(actor=SYSTEM, records=[], now=timezone.now()).imported == 0


def test_administrators_and_the_system_make_accounts_for_others(world):
    for actor in SIGNED_IN:
        person = world.people[actor].actor
        if actor == ADMIN:
            with taken_back():
                assert identity.service.register_by_admin(actor=person, body=SOMEBODY, now=timezone.now()).id
        else:
            with pytest.raises(NotFound):
                identity.service.register_by_admin(actor=person, body=SOMEBODY, now=timezone.now())


def test_only_the_system_makes_administrators(world):
    for actor in SIGNED_IN:
        with pytest.raises(NotFound):
            identity.service.register_superuser(actor=world.people[actor].actor, body=SOMEBODY, now=timezone.now())
