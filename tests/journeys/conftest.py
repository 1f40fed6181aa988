"""Clients as the documents write them: raw JSON bodies, and a bearer token once there is one."""

import json
from typing import Any

import pytest
from django.test import Client

from tests.conftest import Person


class Caller:
    """One person at the API, who spells every path with its last slash or every path without."""

    def __init__(self, *, slash: bool, token: str | None = None) -> None:
        self.slash = slash
        self.token = token
        self.client = Client(raise_request_exception=False)

    def call(self, method: str, path: str, body: str | dict[str, Any] | None = None) -> Any:
        """Send a request; a body that is text goes out exactly as it stands in the document."""
        address, _, query = path.partition("?")
        address = address.rstrip("/") + ("/" if self.slash else "")
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        sent = {} if body is None else {"data": body if isinstance(body, str) else json.dumps(body)}
        return self.client.generic(
            method,
            address,
            sent.get("data", ""),
            content_type="application/json",
            headers=headers,
            QUERY_STRING=query,
        )

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def post(self, path: str, body: str | dict[str, Any] | None = None) -> Any:
        return self.call("POST", path, body)

    def put(self, path: str, body: str | dict[str, Any] | None = None) -> Any:
        return self.call("PUT", path, body)

    def delete(self, path: str) -> Any:
        return self.call("DELETE", path)

    def made(self, path: str, body: str | dict[str, Any]) -> dict[str, Any]:
        """Create something and return it."""
        answer = self.post(path, body)
        assert answer.status_code == 201, answer.content
        return answer.json()

    def somebody_new(self, name: str) -> "Caller":
        """Another person, who registers at the same API and is signed in from then on."""
        account = self.made("/api/auth/register/", {"username": name, "password": "strongpassword"})
        return Caller(slash=self.slash, token=account["access"])

    def as_(self, person: Person) -> "Caller":
        """The same client in the hands of one of the cast."""
        return Caller(slash=self.slash, token=person.api.token)


@pytest.fixture(params=[True, False], ids=["with-slash", "without-slash"])
def stranger(request, db) -> Caller:
    """Somebody who has no account yet; every test runs once with each spelling of the paths."""
    return Caller(slash=request.param)


@pytest.fixture
def user(stranger) -> Caller:
    """Somebody who has registered."""
    return stranger.somebody_new("user")


@pytest.fixture
def other(stranger) -> Caller:
    """Somebody else who has registered."""
    return stranger.somebody_new("other")


def is_problem(answer: Any, status: int) -> bool:
    """Tell whether an answer is a problem document that says this status."""
    return (
        answer.status_code == status
        and answer["Content-Type"] == "application/problem+json"
        and answer.json()["status"] == status
    )
