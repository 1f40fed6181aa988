"""Every operation of the API answers every actor as the table says, and tells nobody what is not theirs to know."""

from typing import Any

import pytest

from tests.policy.asking import OPERATIONS, Probe, ask
from tests.policy.cast import World
from tests.policy.fields import ALSO, CONTACT, FIELDS, FILE, FOR_READER, PROBLEM, strange_fields
from tests.policy.leaks import secrets_told
from tests.policy.probes import reader
from tests.policy.table import ACTORS, TABLE, Operation, expected

pytestmark = pytest.mark.django_db

# Here the body holds a credential, and whoever shows it is its owner from then on.
SHOWS_A_CREDENTIAL = ("/login/", "/token/", "/refresh/")


def test_every_operation_has_a_row():
    assert set(OPERATIONS) - set(TABLE) == set()


def test_every_row_has_an_operation():
    assert set(TABLE) - set(OPERATIONS) == set()


def test_every_operation_names_its_fields():
    assert set(FIELDS) == set(OPERATIONS)


def test_every_cell_says_what_an_actor_gets():
    cells = {(operation, target): row.split() for operation, rows in TABLE.items() for target, row in rows.items()}

    assert {key: len(row) for key, row in cells.items() if len(row) != len(ACTORS)} == {}
    assert all(status.isdigit() for row in cells.values() for status in row)


def test_no_operation_with_an_id_forgets_a_target():
    with_id = {operation: rows for operation, rows in TABLE.items() if "{" in operation[1]}

    for operation, rows in with_id.items():
        assert {"own", "foreign", "missing"} <= rows.keys(), operation


def named(operation: Operation) -> str:
    return " ".join(operation)


@pytest.mark.parametrize("actor", ACTORS)
@pytest.mark.parametrize("operation", TABLE, ids=named)
def test_answers_as_the_table_says_and_tells_no_secret(world, operation, actor):
    found = [
        deviation
        for target in TABLE[operation]
        for deviation in deviations(world, ask(world, operation, target, actor))
    ]

    assert found == []


def deviations(world: World, probe: Probe) -> list[str]:
    """Say in what one probe's answers differ from what is published: status, secrets, fields."""
    wanted = expected(probe.operation, probe.target, probe.actor)
    got = sorted({answer.status_code for answer in probe.answers})
    found = [] if got == [wanted] else [f"answers {', '.join(map(str, got))} instead of {wanted}"]
    shows_a_credential = probe.operation[1].endswith(SHOWS_A_CREDENTIAL)
    found += secrets_told(world, probe.answers, reader(probe.actor) if shows_a_credential else probe.actor)
    for answer in probe.answers:
        if answer.content:
            found += strange_content(probe, answer)
    return [f"{named(probe.operation)} ({probe.target}) as {probe.actor}: {what}" for what in found]


def strange_content(probe: Probe, answer: Any) -> list[str]:
    if FIELDS[probe.operation] is FILE and answer.status_code < 400:
        return [] if answer["Content-Type"].startswith("text/csv") else [f"is no file but {answer['Content-Type']}"]
    content = answer.json()
    if answer.status_code >= 400:
        media = [] if answer["Content-Type"] == "application/problem+json" else [f"says {answer['Content-Type']}"]
        return media + strange_fields(content, (*PROBLEM, "errors") if "errors" in content else PROBLEM)
    usual = FOR_READER.get((probe.operation, probe.actor), FIELDS[probe.operation])
    found = strange_fields(content, ALSO.get((probe.operation, probe.target), usual))
    readers = CONTACT.get((probe.operation, probe.target))
    if readers is not None:
        wrong = [field for field in ("phone", "email") if (content[field] is None) == (probe.actor in readers)]
        found += [f"{'withholds' if probe.actor in readers else 'shows'} {field}" for field in wrong]
    return found


@pytest.mark.parametrize("operation", [op for op, rows in TABLE.items() if "missing" in rows], ids=named)
def test_what_is_out_of_scope_is_answered_like_what_is_missing(world, operation):
    for actor in ACTORS:
        missing = ask(world, operation, "missing", actor).answer
        for target in TABLE[operation]:
            answer = ask(world, operation, target, actor).answer
            if answer.status_code == missing.status_code:
                assert apart_from_request_id(answer) == apart_from_request_id(missing), (target, actor)


def apart_from_request_id(answer: Any) -> tuple[dict[str, str], bytes]:
    return {name: value for name, value in answer.items() if name != "X-Request-ID"}, answer.content
