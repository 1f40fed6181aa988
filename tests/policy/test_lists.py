"""Lists are no oracle: no search, no filter and no cursor tells whether something out of sight exists."""

import pytest

from tests.policy.asking import PAGED, hands, next_page, takes
from tests.policy.leaks import secrets_told
from tests.policy.probes import address
from tests.policy.table import ACTORS, ADMIN, TABLE, expected

pytestmark = pytest.mark.django_db

SEARCHED = ("the foreign chart", "the account stranger", "the chart team", "the chart former")


@pytest.mark.parametrize("actor", ACTORS)
def test_searching_for_a_secret_finds_nothing(world, actor):
    words = [s for s in world.secrets if actor not in s.known_to and s.what.endswith(SEARCHED) and " id " not in s.what]
    for operation in takes("q"):
        wanted = expected(operation, "-", actor)
        for secret in words:
            answer = hands(world, actor).get(operation[1], {"q": secret.text})

            assert answer.status_code == wanted
            assert wanted != 200 or answer.json() == [], (operation, secret.what)


@pytest.mark.parametrize("actor", ACTORS)
def test_a_filter_shows_nothing_more(world, actor):
    ids = {str(world.id_of("entry", target, actor)) for target in ("foreign", "profile")} | {str(world.free_doctor)}
    for operation in takes("doctor"):
        answers = [hands(world, actor).get(operation[1], {"doctor": each}) for each in ids]

        assert {answer.status_code for answer in answers} == {expected(operation, "-", actor)}
        assert secrets_told(world, answers, actor) == []


@pytest.mark.parametrize("operation", sorted(PAGED), ids=" ".join)
def test_a_cursor_is_good_for_the_reader_who_got_it(world, operation):
    target = next(iter(TABLE[operation]))
    first = hands(world, ADMIN).get(address(world, operation, target, ADMIN), {"limit": 1})
    page_of_the_admin = next_page(first)
    assert hands(world, ADMIN).get(page_of_the_admin).status_code == 200

    for actor in ACTORS:
        if actor != ADMIN:
            answer = hands(world, actor).get(page_of_the_admin)
            status = expected(operation, target, actor)
            assert answer.status_code == (422 if status == 200 else status), actor
            assert secrets_told(world, [answer], actor) == []
