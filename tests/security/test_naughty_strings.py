"""Every awkward text through every text field of every write operation: kept exactly as it came, or refused by name.

The fields are found in the OpenAPI document; an operation that takes text and has no row below fails. Fields that would
speak for each other (the spellings of a name) take turns with the texts; with PROVE_SCALE=1 each takes every one.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

import identity.service
from care.models import Doctor
from care.specializations import find_specialization
from config.api import api
from core.contact import normalise_email, normalise_phone
from core.http import judge_address
from federation.models import Hospital
from federation.service.tokens import open_token
from identity.identifiers import normalise_username
from identity.schemas import RoleRequestIn
from tests.conftest import Person
from tests.factories import PASSWORD, UserFactory
from tests.factories.federation import make_hospital, make_record
from tests.security.naughty import NUL, UNDECODABLE, strings

pytestmark = [pytest.mark.realdata, pytest.mark.django_db]

# --- The fields, as the document says -------------------------------------------------------------------------------
DOCUMENT = api.get_openapi_schema()
SCHEMAS = DOCUMENT["components"]["schemas"]
NO_TEXT = {"uuid", "date", "date-time", "time"}


def text_fields(schema: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the names of a body's fields that take any text, nested ones with their path."""
    for name, of in schema.get("properties", {}).items():
        for kind in of.get("anyOf", [of]):
            if "$ref" in kind:
                yield from text_fields(SCHEMAS[kind["$ref"].rsplit("/", 1)[1]], f"{prefix}{name}.")
            elif (
                kind.get("type") == "string"
                and not {"enum", "const"} & kind.keys()
                and kind.get("format") not in NO_TEXT
            ):
                yield f"{prefix}{name}"


def find_operations() -> dict[str, set[str]]:
    """Return every operation that takes text, with its fields; one handler counts once, however spelled."""
    found, handlers = {}, set()
    for bound in api._get_bound_routers():
        for path, view in bound.path_operations.items():
            for operation in view.operations:
                method, plain = operation.methods[0], "/api" + re.sub(r"{\w+:", "{", path)
                body = DOCUMENT["paths"][plain][method.lower()].get("requestBody", {})
                names = re.findall(r"#/components/schemas/(\w+)", str(body))
                fields = {field for name in names for field in text_fields(SCHEMAS[name])}
                if fields and operation.view_func.__code__ not in handlers:
                    found[f"{method} {plain}"] = fields
                    handlers.add(operation.view_func.__code__)
    return found


OPERATIONS = find_operations()


# --- What a field keeps ---------------------------------------------------------------------------------------------
# Fields with a normal form; every other one keeps the text as it came.
NORMAL_FORMS: dict[str, Callable[[str], Any]] = {
    "email": lambda value: normalise_email(value) if value else "",
    "phone": lambda value: normalise_phone(value) if value else "",
    "mobile_number": normalise_phone,
    "username": normalise_username,
    "specialization": find_specialization,
    "api_endpoint": judge_address,
    "consultation_fee": lambda value: f"{abs(Decimal(value)):.2f}",  # a fee of -0 is one of 0
}
# Where a whole name is kept in two parts, blanks around it are in neither.
IN_TWO_PARTS = re.compile(r".* /api/(patients|doctors)/")


def kept(operation: str, name: str, value: str) -> Any:
    if name == "doctor.name" or (name == "name" and IN_TWO_PARTS.match(operation)):
        return value.strip()
    return NORMAL_FORMS.get(name.rsplit(".", 1)[-1], lambda same: same)(value)


# --- The operations -------------------------------------------------------------------------------------------------
Body = dict[str, Any]
NAMES = {"name", "full_name", "firstname", "lastname"}  # spellings of one name, which would speak for each other
CREDENTIALS = {"old_password", "refresh"}


@dataclass
class Write:
    """How to call an operation with a text in its fields, and where to read afterwards what was kept.

    `alone` are the fields that are sent without the others, which would speak for them; `base` is what each body holds
    besides. Where nothing is read, nothing is kept: the text is tried as a credential, and opens nothing.
    """

    who: Person
    path: str
    base: Body | Callable[[set[str]], Body]
    read: Callable[[Body, str], Body] | None
    alone: set[str] = field(default_factory=lambda: {"name", "doctor.name"})

    def send(self, method: str, fields: set[str], value: str) -> Any:
        body = dict(self.base(fields) if callable(self.base) else self.base)
        for name in fields:
            *parents, last = name.split(".")
            place = body
            for parent in parents:
                place = place.setdefault(parent, {})
            place[last] = value
        # As JSON with escapes, so that what UTF-8 cannot say is sent as well.
        return getattr(self.who.api, method.lower())(self.path, json.dumps(body))

    def rounds(self, fields: set[str], turn: int, *, every: bool) -> list[set[str]]:
        """Return which fields take a text together; those that go alone take turns, unless `every` one shall."""
        together, alone = fields - self.alone, sorted(fields & self.alone)
        chosen = alone if every else alone[turn % len(alone) :][:1] if alone else []
        return [*({name} for name in chosen), *([together] if together else [])]


def at(body: Body, name: str) -> Any:
    """Return the value under `doctor.name` and the like."""
    for part in name.split("."):
        body = body[part]
    return body


def one_name(account: Body) -> Body:
    """Return an account as read, its one name under every spelling in which it can be given."""
    return {**account, **dict.fromkeys(NAMES, account["name"])}


@pytest.fixture
def writes(nobody, alice, alices_chart, a_doctor, dr_chen, ada, calendar, now) -> dict[str, Write]:
    """One row an operation."""
    for person in (alice, dr_chen, ada):
        assert person.api.token  # signed in before anything is rolled back
    entry = f"/api/doctors/{a_doctor.pk}/"
    applicant = Person(UserFactory(username="applicant"))
    asked = identity.service.ask_for_role(actor=applicant.actor, body=RoleRequestIn(role="staff"), now=now)

    def get(path: str, who: Person = ada) -> Callable[[Body, str], Body]:
        return lambda answer, value: who.api.get(path.format(**answer)).json()

    def account(path: str, who: Person) -> Callable[[Body, str], Body]:
        return lambda answer, value: one_name(who.api.get(path).json())

    def registered(answer: Body, value: str) -> Body:
        own = nobody.api.get("/api/profile/", headers={"Authorization": f"Bearer {answer['access']}"})
        return {**one_name(own.json()), "password": password(answer["username"], value)}

    def password(username: str, value: str) -> str | None:
        """Return the text if it opens the account."""
        opened = nobody.api.post("/api/login/", json.dumps({"username": username, "password": value}))
        return value if opened.status_code == 200 else None

    def listed(path: str) -> Callable[[Body, str], Body]:
        return lambda answer, value: next(row for row in ada.api.get(path).json() if row["id"] == answer["id"])

    def verification(answer: Body, value: str) -> Body:
        return {"reason": Doctor.objects.get(pk=a_doctor.pk).verification_reason}  # no operation shows it

    def history(answer: Body, value: str) -> Body:
        appointment = ada.api.get(f"/api/appointments/{answer['id']}/").json()
        return {**appointment, "reason": appointment["history"][-1]["reason"]}

    def move(which: str, verb: str, **base: Any) -> Write:
        return Write(ada, f"/api/appointments/{which}/{verb}", base, history)

    def hospital(answer: Body, value: str) -> Body:
        """Return a hospital as read, and the token that would be sent to it, which no operation shows."""
        token = open_token(Hospital.objects.get(pk=answer["id"]))
        return {**ada.api.get(f"/api/hospitals/{answer['id']}/").json(), "auth_token": token}

    elsewhere = make_hospital(endpoint="https://elsewhere.example/records")
    typed_in = make_record(elsewhere, "typed in", created_by=ada.user)
    general = {"name": "General", "api_endpoint": "https://general.example/records"}
    booking = {"doctor": str(a_doctor.pk), "starts_at": calendar.free_at}
    off = {"doctor": str(a_doctor.pk), "starts_at": calendar.free_at, "ends_at": calendar.free_at.replace("T10", "T12")}
    decide = f"/api/role-requests/{asked.id}/"
    return {
        "POST /api/auth/register/": Write(
            nobody,
            "/api/auth/register/",
            {"username": "newcomer", "password": PASSWORD},
            registered,
            NAMES | {"password"},
        ),
        "POST /api/auth/login/": Write(
            nobody,
            "/api/auth/login/",
            lambda fields: {"username": "nobody"} if "password" in fields else {"password": PASSWORD},
            None,
            {"email", "username", "mobile_number", "password"},
        ),
        "POST /api/auth/refresh/": Write(nobody, "/api/auth/refresh/", {}, None),
        "POST /api/auth/password/change/": Write(
            alice,
            "/api/auth/password/change/",
            {"old_password": PASSWORD, "new_password": "another good password"},
            lambda answer, value: {"new_password": password("alice", value)},
            {"old_password", "new_password"},
        ),
        "PUT /api/profile/": Write(
            dr_chen, "/api/profile/", {}, account("/api/profile/", dr_chen), NAMES | {"doctor.name"}
        ),
        "PATCH /api/users/{user_id}/": Write(
            ada, f"/api/users/{alice.id}/", {}, account(f"/api/users/{alice.id}/", ada), NAMES
        ),
        "POST /api/patients/": Write(
            alice,
            "/api/patients/",
            lambda fields: {} if "name" in fields else {"firstname": "Alma"},
            get("/api/patients/{id}/", alice),
        ),
        "PUT /api/patients/{patient_id}/": Write(
            alice, f"/api/patients/{alices_chart.pk}/", {}, get(f"/api/patients/{alices_chart.pk}/", alice)
        ),
        "POST /api/doctors/": Write(
            ada,
            "/api/doctors/",
            lambda fields: {"specialization": "CARD"} | ({} if "name" in fields else {"firstname": "Lin"}),
            get("/api/doctors/{id}/"),
        ),
        "PUT /api/doctors/{doctor_id}/": Write(ada, entry, {}, get(entry)),
        "POST /api/doctors/{doctor_id}/verify/": Write(ada, f"{entry}verify/", {}, verification),
        "POST /api/mappings/": Write(
            ada,
            "/api/mappings/",
            {"patient": str(alices_chart.pk), "doctor": str(a_doctor.pk)},
            get("/api/mappings/{id}/"),
        ),
        "POST /api/role-requests/{request_id}/approve/": Write(
            ada, f"{decide}approve/", {}, listed("/api/role-requests/")
        ),
        "POST /api/role-requests/{request_id}/deny/": Write(ada, f"{decide}deny/", {}, listed("/api/role-requests/")),
        "POST /api/time-off/": Write(ada, "/api/time-off/", off, listed("/api/time-off/")),
        "POST /api/appointments/": Write(alice, "/api/appointments/", booking, history),
        "PATCH /api/appointments/{appointment_id}/": Write(
            ada, f"/api/appointments/{calendar.coming}/", {"status": "cancelled"}, history
        ),
        "POST /api/appointments/{appointment_id}/reschedule/": move(
            calendar.coming, "reschedule/", starts_at=calendar.free_at
        ),
        "POST /api/appointments/{appointment_id}/cancel/": move(calendar.begun, "cancel/"),
        "POST /api/hospitals/": Write(ada, "/api/hospitals/", general, hospital, {"api_endpoint"}),
        "PUT /api/hospitals/{hospital_id}/": Write(
            ada, f"/api/hospitals/{elsewhere.pk}/", {}, hospital, {"api_endpoint"}
        ),
        "POST /api/patient-records/": Write(
            ada,
            "/api/patient-records/",
            {"hospital": str(elsewhere.pk), "patient_id": "P1", "name": "John Doe"},
            get("/api/patient-records/{id}/"),
        ),
        "PUT /api/patient-records/{record_id}/": Write(
            ada, f"/api/patient-records/{typed_in.pk}/", {}, get(f"/api/patient-records/{typed_in.pk}/")
        ),
        # No text is a kind of report that is offered.
        "POST /api/reports/": Write(ada, "/api/reports/", {"kind": "appointments"}, None),
    }


@pytest.fixture
def _quick_hashing(settings, writes) -> None:
    """Hash new passwords quickly: how slowly they are hashed is not what is asked here, and it is asked often."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]


def refused(answer: Any, fields: set[str], value: str) -> set[str]:
    """Return which of the fields a refusal names; all of them where the text cannot even be read or stored."""
    if answer.status_code == 400 and value in UNDECODABLE:
        return fields
    if answer.status_code != 422:
        return set()
    named = set(answer.json()["errors"])
    return fields if named == {"body"} and value in NUL else named


def try_one(operation: str, write: Write, fields: set[str], value: str) -> str | None:
    """Send one text; return what is wrong with the answer or with what was kept."""
    answer = write.send(operation.partition(" ")[0], fields, value)
    accepted = fields - refused(answer, fields, value)
    if answer.status_code in (400, 422):
        if accepted == fields:
            return f"{answer.status_code} {answer.content[:300]!r}"
        if not accepted:
            return None
        # What was not refused is accepted without the rest.
        answer = write.send(operation.partition(" ")[0], accepted, value)
    if answer.status_code == 401 and (write.read is None or accepted <= CREDENTIALS):
        return None
    if answer.status_code >= 300:
        return f"{sorted(accepted)}: {answer.status_code} {answer.content[:300]!r}"
    if write.read is None:
        return "was let in"
    found = write.read(answer.json(), value)
    changed = {name: at(found, name) for name in accepted if at(found, name) != kept(operation, name, value)}
    return f"kept {changed}" if changed else None


@pytest.mark.usefixtures("_quick_hashing")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_keeps_every_text_exactly_or_refuses_it(writes, operation, proof_scale):
    assert operation in writes, "this operation takes text: say above how to read what it keeps"
    write, wrong = writes[operation], []
    for turn, value in enumerate(strings()):
        for fields in write.rounds(OPERATIONS[operation], turn, every=proof_scale >= 1):
            with transaction.atomic():
                problem = try_one(operation, write, fields, value)
                transaction.set_rollback(True)
            if problem:
                wrong.append(f"{value[:60]!r} ({len(value)}) in {sorted(fields)}: {problem}")
    assert not wrong, f"{len(wrong)} texts:\n" + "\n".join(wrong[:40])


def test_every_operation_that_takes_text_is_tried(writes):
    assert writes.keys() == OPERATIONS.keys()
