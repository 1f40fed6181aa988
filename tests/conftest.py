"""The cast and the tools that every test shares.

*alice* and *bob* are patients, *dr_chen* is on alice's care team and *dr_diaz* is not, *erin* sits at the front desk,
*rita* is a researcher, *otto* an official, *ada* the administrator, and *nobody* has no account.
"""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

import care.service
import identity.service
from care.models import Doctor, Patient
from care.schemas import CareTeamMemberIn
from core.actor import Actor, Role
from identity.models import User
from identity.service.sessions import open_session
from tests.factories import DoctorFactory, PatientFactory, UserFactory


@dataclass
class Person:
    """Somebody in a test: an account, its actor, and the API as they use it."""

    user: User | None
    api: "Api" = field(init=False)

    def __post_init__(self) -> None:
        self.api = Api(self.user)

    @property
    def id(self) -> Any:
        assert self.user is not None
        return self.user.pk

    @property
    def actor(self) -> Actor:
        return identity.service.actor_from_user_id(self.id)


class Api:
    """The API in the hands of one person: `alice.api.get("/api/patients/")`; signs in at the first call."""

    def __init__(self, user: User | None) -> None:
        self._user = user
        self._token: str | None = None
        self.client = Client(raise_request_exception=False)

    @property
    def token(self) -> str | None:
        if self._token is None and self._user is not None:
            self._token = open_session(self._user, now=timezone.now()).tokens.access
        return self._token

    def _headers(self, more: dict[str, str] | None) -> dict[str, str]:
        signed = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {**signed, **(more or {})}

    def _send(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, **kw: Any) -> Any:
        send = getattr(self.client, method)
        # Without a body nothing is sent, as real clients do; Django's test client would send an empty form.
        data = {"data": b"" if body is None else body, "content_type": "application/json"}
        return send(path, headers=self._headers(headers), **({} if method == "head" else data), **kw)

    def get(self, path: str, query: Any = None, **kw: Any) -> Any:
        return self.client.get(path, query, headers=self._headers(kw.pop("headers", None)), **kw)

    def head(self, path: str, **kw: Any) -> Any:
        return self._send("head", path, **kw)

    def options(self, path: str, **kw: Any) -> Any:
        return self._send("options", path, **kw)

    def post(self, path: str, body: Any = None, **kw: Any) -> Any:
        return self._send("post", path, body, **kw)

    def put(self, path: str, body: Any = None, **kw: Any) -> Any:
        return self._send("put", path, body, **kw)

    def patch(self, path: str, body: Any = None, **kw: Any) -> Any:
        return self._send("patch", path, body, **kw)

    def delete(self, path: str, body: Any = None, **kw: Any) -> Any:
        return self._send("delete", path, body, **kw)


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def limits_on(settings):
    """Throttles count, and the clock stands: no test falls between two of their windows."""
    settings.RATE_LIMITS = True
    with time_machine.travel(datetime(2026, 11, 20, 12, 0, 5, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def proof_scale() -> float:
    """The share of a proof's full size to run: a tenth by default, all of it under `make prove`."""
    return float(os.environ.get("PROVE_SCALE", "0.1"))


@pytest.fixture
def nobody() -> Person:
    return Person(None)


def _person(name: str, role: Role = Role.PATIENT, **more: Any) -> Person:
    return Person(UserFactory(username=name, role=role, **more))


@pytest.fixture
def alice(db) -> Person:
    return _person("alice")


@pytest.fixture
def bob(db) -> Person:
    return _person("bob")


@pytest.fixture
def erin(db) -> Person:
    return _person("erin", Role.STAFF)


@pytest.fixture
def rita(db) -> Person:
    return _person("rita", Role.RESEARCHER)


@pytest.fixture
def otto(db) -> Person:
    return _person("otto", Role.OFFICIAL)


@pytest.fixture
def ada(db) -> Person:
    return _person("ada", Role.ADMIN, is_superuser=True)


@pytest.fixture
def alices_chart(alice) -> Patient:
    """A chart that alice keeps."""
    return PatientFactory(firstname="Alma", lastname="Kept", created_by=alice.user)


@pytest.fixture
def bobs_chart(bob) -> Patient:
    """A chart that bob keeps."""
    return PatientFactory(firstname="Boris", lastname="Secret", created_by=bob.user)


@pytest.fixture
def dr_chen(alice, alices_chart, ada, now) -> Person:
    """A verified doctor on the care team of alice's chart."""
    person = _person("chen", Role.DOCTOR)
    person.doctor = DoctorFactory(firstname="Lin", lastname="Chen", specialization="CARD", user=person.user)
    care.service.assign_doctor(
        actor=ada.actor, body=CareTeamMemberIn(patient=alices_chart.pk, doctor=person.doctor.pk), now=now
    )
    return person


@pytest.fixture
def dr_diaz(db) -> Person:
    """A verified doctor on nobody's care team."""
    person = _person("diaz", Role.DOCTOR)
    person.doctor = DoctorFactory(firstname="Rosa", lastname="Diaz", specialization="DERM", user=person.user)
    return person


@pytest.fixture
def a_doctor(db) -> Doctor:
    """A verified doctor without an account."""
    return DoctorFactory(firstname="Jane", lastname="Doe")
