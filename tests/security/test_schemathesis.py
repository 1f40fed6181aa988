"""The whole OpenAPI document, read and tried by a program that knows nothing else about us.

Schemathesis makes requests from the document, valid and broken ones, as anonymous, as a patient and as the
administrator, and sends them through the WSGI application. Whatever it sends: nothing fails (no answer of 500 or
above), every status, header and content type is documented, and every body is shaped as documented.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from django.utils import timezone

import care.service
import identity.service
from care.schemas import CareTeamMemberIn
from config.api import api
from config.wsgi import application
from core import jobs, reports
from core.reports import ReportIn
from federation.models import Hospital
from identity.models import User
from identity.schemas import RoleRequestIn
from identity.service.sessions import open_session
from tests.factories import PASSWORD
from tests.factories.federation import make_hospital, make_record
from tests.federation.peers import Reply, serving

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

SEED = 20_261_120
EXAMPLES = 15  # of each kind, valid and broken, an operation and actor
ACTORS = ("anonymous", "patient", "admin")
DOCUMENT = api.get_openapi_schema()
OPERATIONS = [(method.upper(), path) for path, operations in DOCUMENT["paths"].items() for method in operations]
# Whose requests are answered as they wish, where it is not the administrator.
GETS_THROUGH = {("POST", "/api/role-requests/"): "patient"}
# Answers that speak of another server, real or made up, and not of a failure of ours.
OF_OTHERS = {
    ("GET", "/api/hospitals/{hospital_id}/fetch_records/"): {502, 504},
    ("GET", "/api/mock_hospital_data/"): {503},
}


@cache
def tools() -> Any:
    """Import Schemathesis with the first test that needs it: it is large, and only in requirements-dev.txt."""
    try:
        import schemathesis
        import schemathesis.specs.openapi.checks
    except ImportError:
        pytest.fail("These tests need Schemathesis: pip install -r requirements-dev.txt")
    return schemathesis


@cache
def published() -> Any:
    """Return the document as a client gets it, from the application itself."""
    return tools().openapi.from_wsgi("/api/openapi.json", application)


def described(method: str, path: str) -> dict[str, Any]:
    """Return the operation as the document describes it."""
    return DOCUMENT["paths"][path][method.lower()]


def plain_fields(method: str, path: str) -> set[str]:
    """Return the names of the body's fields that hold no object of their own."""
    content = described(method, path).get("requestBody", {}).get("content", {}).get("application/json", {})
    references = re.findall(r"#/components/schemas/(\w+)", str(content))
    return {
        name
        for reference in references
        for name, of in DOCUMENT["components"]["schemas"][reference]["properties"].items()
        if "$ref" not in str(of)
    }


@dataclass
class World:
    """Who asks, and what there is to hit: values that exist or are well made, by their names in paths and bodies."""

    caller: User | None
    known: dict[str, Sequence[Any]]
    statuses: list[int] = field(default_factory=list)

    def headers(self) -> dict[str, str]:
        if self.caller is None:
            return {}
        return {"Authorization": f"Bearer {open_session(self.caller, now=timezone.now()).tokens.access}"}

    def aim(self, case: Any, fields: set[str], choose: Callable[[Sequence[Any]], Any]) -> None:
        """Put what is known where the case made something up, and here and there where it left something out.

        A schema cannot say that a telephone number must exist, nor that one of three identifiers is needed; without
        aiming, hardly a request would get past the first check of the service behind the operation.
        """
        case.headers.pop("Authorization", None)
        for name in case.path_parameters:
            case.path_parameters[name] = choose(self.known[name])
        if isinstance(case.body, dict):
            for name in sorted(fields & self.known.keys()):
                if name in case.body or choose([True, False]):
                    case.body[name] = choose(self.known[name])


@pytest.fixture
def _connection_stays_open() -> Iterator[None]:
    """Keep the server's handler from closing the connection that holds the test's transaction, as Client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def elsewhere() -> Iterator[Hospital]:
    """A hospital that answers."""
    with serving(lambda path: Reply({"records": [{"patient_id": 1, "name": "Rosa", "age": 40}]})) as url:
        yield make_hospital(endpoint=f"{url}/records")


@pytest.fixture
def written(ada, now) -> tuple[str, str]:
    """A report that is ready, and a job that waits."""
    body = ReportIn(kind="appointments", format="csv")
    ready, waiting = (reports.create_report(actor=ada.actor, body=body, now=now) for _ in range(2))
    jobs.run_job(ready.job)
    return str(ready.report), str(waiting.job)


@pytest.fixture
def world(
    _connection_stays_open,
    actor,
    alice,
    bob,
    dr_chen,
    ada,
    alices_chart,
    bobs_chart,
    calendar,
    a_doctor,
    elsewhere,
    written,
    now,
) -> World:
    request = identity.service.ask_for_role(actor=bob.actor, body=RoleRequestIn(role="doctor"), now=now)
    mapping = care.service.assign_doctor(
        actor=ada.actor, body=CareTeamMemberIn(patient=bobs_chart.pk, doctor=dr_chen.doctor.pk), now=now
    )
    caller = {"anonymous": None, "patient": alice.user, "admin": ada.user}[actor]
    session = open_session(caller or bob.user, now=now)
    charts, doctors = [str(alices_chart.pk), str(bobs_chart.pk)], [str(a_doctor.pk), str(dr_chen.doctor.pk)]
    users = [str(person.id) for person in (alice, bob, ada)]
    known = {
        "report_id": [written[0]],
        "job_id": [written[1]],
        "kind": ["appointments"],
        **dict.fromkeys(("hospital_id", "hospital"), (str(elsewhere.pk),)),
        "record_id": [str(make_record(elsewhere, "typed in", created_by=alice.user).pk)],
        "api_endpoint": [elsewhere.api_endpoint],
        **dict.fromkeys(("auth_token", "sync_every_minutes"), (None,)),
        "schedule_id": calendar.schedules,
        "appointment_id": [calendar.begun, calendar.there, calendar.coming],
        "time_off_id": [calendar.time_off],
        "date": [str(now.date() + timedelta(days=5))],
        **dict.fromkeys(("weekday", "from", "until", "schedule", "appointment_time"), (None,)),
        "start_time": ["09:00"],
        "end_time": ["12:00"],
        "starts_at": [calendar.free_at],
        "ends_at": [calendar.free_at.replace("T10", "T12")],
        "status": ["cancelled"],
        **dict.fromkeys(("patient_id", "patient"), charts),
        **dict.fromkeys(("doctor_id", "doctor"), doctors),
        **dict.fromkeys(("user_id", "user"), users),
        "request_id": [str(request.id)],
        "any_id": [str(mapping.id), *charts],
        "refresh": [session.tokens.refresh],
        "username": ["ada", "newcomer"],
        **dict.fromkeys(("password", "old_password", "new_password"), (PASSWORD,)),
        **dict.fromkeys(("name", "firstname", "lastname", "full_name"), ("Zoë", "O'Brien-Núñez")),
        "email": [None, None, "zoe@clinic.example"],
        **dict.fromkeys(("phone", "mobile_number"), (None, None, "+8801712345678")),
        "specialization": ["CARD", "dermatology"],
        "time_zone": ["Asia/Dhaka"],
        "gender": ["F", "unknown"],
        "role": ["doctor"],
        "reason": ["Seen the diploma"],
        **dict.fromkeys(("birth_date", "age", "experience_years", "consultation_fee"), (None,)),
    }
    return World(caller, known)


def try_out(method: str, path: str, mode: Any, world: World, check: Callable[[Any, Any, bool], None]) -> None:
    """Send EXAMPLES requests, the same ones at every run; two of three are aimed. None leaves a trace for the next."""
    from hypothesis import HealthCheck, given, seed, settings
    from hypothesis import strategies as st

    @seed(SEED)
    @settings(max_examples=EXAMPLES, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        case=published()[path][method].as_strategy(generation_mode=mode),
        aimed=st.sampled_from([1, 1, 0]),
        data=st.data(),
    )
    def send(case: Any, aimed: bool, data: Any) -> None:
        if aimed:
            world.aim(case, plain_fields(method, path), lambda values: data.draw(st.sampled_from(values)))
        with transaction.atomic():
            answer = case.call(headers=world.headers())
            transaction.set_rollback(True)
        world.statuses.append(answer.status_code)
        check(case, answer, bool(aimed))

    send()


@pytest.mark.parametrize("actor", ACTORS)
@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[" ".join(operation) for operation in OPERATIONS])
def test_answers_as_documented_and_never_fails(world, actor, method, path):
    checks = tools().specs.openapi.checks
    conformance = [
        tools().checks.not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
    ]
    asks_who = bool(described(method, path).get("security"))

    def check(case: Any, answer: Any, aimed: bool) -> None:
        is_of_others = answer.status_code in OF_OTHERS.get((method, path), ())
        case.validate_response(answer, checks=conformance[1:] if is_of_others else conformance)
        if case.body and not aimed:
            # A body against the schema is refused. Not so for queries: unknown parameters are ignored by contract.
            case.validate_response(answer, checks=[checks.negative_data_rejection])
        if actor == "anonymous" and asks_who:
            assert answer.status_code >= 400

    for mode in (tools().GenerationMode.POSITIVE, tools().GenerationMode.NEGATIVE):
        try_out(method, path, mode, world, check)

    if actor == GETS_THROUGH.get((method, path), "admin") or not asks_who:
        # Requests got through to the end, so that what they were answered was checked as well.
        assert any(status < 300 for status in world.statuses), sorted(set(world.statuses))
