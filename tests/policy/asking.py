"""Asking the API as an actor of the table, and taking back what it did."""

import re
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse

from config.api import api
from tests.conftest import Api
from tests.policy.cast import World
from tests.policy.conftest import taken_back
from tests.policy.probes import address, body
from tests.policy.table import ANONYMOUS, Operation

ROWS = 20
MOST_PAGES = 100


def documented_operations() -> dict[Operation, dict[str, Any]]:
    """Return every operation of the OpenAPI document by method and path."""
    return {
        (method.upper(), path): operation
        for path, methods in api.get_openapi_schema()["paths"].items()
        for method, operation in methods.items()
    }


OPERATIONS = documented_operations()


def takes(parameter: str) -> set[Operation]:
    """Return the operations that take this query parameter."""
    return {
        operation
        for operation, document in OPERATIONS.items()
        if any(each["name"] == parameter for each in document.get("parameters", ()))
    }


PAGED = takes("cursor")


@dataclass(slots=True)
class Probe:
    """One question and all that was answered: the pages of a list, and the same asked without the slash by HEAD."""

    operation: Operation
    target: str
    actor: str
    answers: list[Any]

    @property
    def answer(self) -> Any:
        """The first answer."""
        return self.answers[0]


def hands(world: World, actor: str) -> Api:
    """Return the API in the hands of an actor."""
    return world.people[actor].api if actor != ANONYMOUS else world.nobody.api


def ask(world: World, operation: Operation, target: str, actor: str) -> Probe:
    """Ask one question of the table, once; a list is read to its end, a few rows at a time."""
    question = operation, target, actor
    if question not in world.answers:
        world.answers[question] = _ask(world, operation, target, actor)
    return world.answers[question]


def _ask(world: World, operation: Operation, target: str, actor: str) -> Probe:
    method, path = operation[0].lower(), address(world, operation, target, actor)
    api = hands(world, actor)
    with taken_back():
        if method != "get":
            answer = getattr(api, method)(path, body(world, operation, target, actor))
            return Probe(operation, target, actor, [answer])
        answers = [_settled(api.get(path, {"limit": ROWS} if operation in PAGED else None))]
        while "Link" in answers[-1]:
            assert len(answers) < MOST_PAGES, f"{path} never ends"
            answers.append(api.get(next_page(answers[-1])))
        answers.append(_settled(api.head(path.rstrip("/"))))
        return Probe(operation, target, actor, answers)


def _settled(answer: Any) -> Any:
    """Return the answer with all that it says: a file is read before what it is made of is taken back."""
    return HttpResponse(answer.getvalue(), headers=answer.headers) if answer.streaming else answer


def next_page(answer: Any) -> str:
    """Return the address of the next page that a list names."""
    link = re.fullmatch(r'<([^>]+)>; rel="next"', answer["Link"])
    assert link is not None, answer["Link"]
    return link[1]
