"""How each operation is asked: the address and the body that an honest client would send for a target."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.factories import PASSWORD
from tests.policy.cast import MISSING, World
from tests.policy.table import ANONYMOUS, PATIENT, RESEARCHER, TABLE, Operation

Body = Callable[[World, str, str], dict[str, Any]]

# The name of a path's parameter says of which kind its targets are.
KINDS = {
    "patient_id": "chart",
    "doctor_id": "entry",
    "any_id": "mapping",
    "request_id": "request",
    "user_id": "account",
    "schedule_id": "schedule",
    "time_off_id": "time off",
    "appointment_id": "appointment",
    "hospital_id": "hospital",
    "record_id": "record",
    "job_id": "job",
    "report_id": "report",
}
# Moves for which the appointment must have come so far.
STAGES = {"/fulfil/": "arrived appointment", "/no-show/": "past appointment"}


def address(world: World, operation: Operation, target: str, actor: str) -> str:
    """Return the path of an operation with the target's id in it."""
    _, path = operation
    parameter = next((name for name in KINDS if f"{{{name}}}" in path), None)
    if parameter is None:
        return path
    named, _, detail = target.partition(", ")
    if named == "chart":  # "chart, own": the id of a chart, where that of a mapping usually stands
        kind, named = "chart", detail
    else:  # "linked, clinical" is "linked" with another body
        kind = next((stage for ending, stage in STAGES.items() if path.endswith(ending)), KINDS[parameter])
    return path.replace(f"{{{parameter}}}", str(world.id_of(kind, named, actor)))


def body(world: World, operation: Operation, target: str, actor: str) -> dict[str, Any] | None:
    """Return the body of an operation, or None where it takes none."""
    make = BODIES.get(operation)
    return make(world, target, actor) if make else None


def _registration(world: World, target: str, actor: str) -> dict[str, Any]:
    return {"username": "somebodynew", "password": "a long enough password", "name": "Somebody New"}


def _credentials(world: World, target: str, actor: str) -> dict[str, Any]:
    user = world.people[reader(actor)].user
    assert user is not None
    return {"username": user.username, "password": PASSWORD}


def reader(actor: str) -> str:
    """Return whose credentials an anonymous caller shows: the patient's."""
    return PATIENT if actor == ANONYMOUS else actor


def _refresh(world: World, target: str, actor: str) -> dict[str, Any]:
    return {"refresh": world.refresh_tokens[reader(actor)]}


def _password(world: World, target: str, actor: str) -> dict[str, Any]:
    return {"old_password": PASSWORD, "new_password": "another good password"}


def _profile(world: World, target: str, actor: str) -> dict[str, Any]:
    return {"doctor": {"location": "Elsewhere"}} if target == "entry" else {"address": "12 New Street"}


def _wanted_role(world: World, target: str, actor: str) -> dict[str, Any]:
    return {"role": {RESEARCHER: "official"}.get(actor, "researcher")}


def _reason(world: World, target: str, actor: str) -> dict[str, Any]:
    return {"reason": "as the papers say"}


def _new_chart(world: World, target: str, actor: str) -> dict[str, Any]:
    return {"firstname": "Nora", "lastname": "New", "gender": "F", "age": 40, "medical_history": "none known"}


def _changed_chart(world: World, target: str, actor: str) -> dict[str, Any]:
    demographics = {
        "firstname": "Changed",
        "lastname": "Name",
        "birth_date": "1980-05-05",
        "gender": "O",
        "phone": "+8801711000000",
        "email": "changed@home.example",
        "address": "12 New Street",
    }
    clinical = {"medical_history": "changed", "blood_group": "B+"}
    if target == "linked":
        return demographics
    return clinical if target == "linked, clinical" else {**demographics, **clinical}


def _new_entry(world: World, target: str, actor: str) -> dict[str, Any]:
    return {"firstname": "Dora", "lastname": "New", "specialization": "CARD", "phone": "+8801711000001"}


def _changed_entry(world: World, target: str, actor: str) -> dict[str, Any]:
    return {"location": "Elsewhere"}


def _new_mapping(world: World, target: str, actor: str) -> dict[str, Any]:
    return {
        "patient": str(world.id_of("chart", target, actor)),
        "doctor": str(world.id_of("entry", "foreign", actor)),
        "notes": "please see",
    }


def _link(world: World, target: str, actor: str) -> dict[str, Any]:
    return {"user": str(world.newcomer)}


def _changed_account(world: World, target: str, actor: str) -> dict[str, Any]:
    return {"name": "Changed Name"}


def _new_hours(world: World, target: str, actor: str) -> dict[str, Any]:
    day = (world.today + timedelta(days=40)).isoformat()
    doctor = world.id_of("entry", "profile", actor) if target == "own" else world.free_doctor
    return {
        "doctor": str(MISSING if target == "missing" else doctor),
        "date": day,
        "start_time": "09:00",
        "end_time": "12:00",
    }


def _changed_hours(world: World, target: str, actor: str) -> dict[str, Any]:
    return {"end_time": "12:30"}


def _new_time_off(world: World, target: str, actor: str) -> dict[str, Any]:
    day = world.today + timedelta(days=41)
    hours = _new_hours(world, target, actor)
    return {"doctor": hours["doctor"], "starts_at": f"{day}T00:00:00Z", "ends_at": f"{day}T12:00:00Z"}


def _booking(world: World, target: str, actor: str) -> dict[str, Any]:
    free = {"doctor": str(world.free_doctor), "starts_at": world.free_slot, "notes": "please see"}
    return free if target == "self" else {**free, "patient": str(world.id_of("chart", target, actor))}


def _other_time(world: World, target: str, actor: str) -> dict[str, Any]:
    return {"doctor": str(world.free_doctor), "starts_at": world.free_slot}


def _override(world: World, target: str, actor: str) -> dict[str, Any]:
    return {"notes": "seen to", "status": "arrived"}


def _why(world: World, target: str, actor: str) -> dict[str, Any]:
    return {"reason": "as they said"}


def _report(world: World, target: str, actor: str) -> dict[str, Any]:
    return {"kind": "appointments", "format": "csv", "from": "2026-01-01", "to": None}


def _new_hospital(world: World, target: str, actor: str) -> dict[str, Any]:
    return {"name": "New Hospital", "location": "Here", "api_endpoint": "https://new.example/records"}


def _changed_hospital(world: World, target: str, actor: str) -> dict[str, Any]:
    return {"location": "Elsewhere"}


def _new_record(world: World, target: str, actor: str) -> dict[str, Any]:
    hospital = str(world.id_of("hospital", target, actor))
    return {"hospital": hospital, "patient_id": "P12345", "name": "John Doe", "age": 45, "diagnosis": "Flu"}


def _changed_record(world: World, target: str, actor: str) -> dict[str, Any]:
    return {"name": "Changed Name", "age": 46}


_PATIENT, _DOCTOR = "/api/patients/{patient_id}/", "/api/doctors/{doctor_id}/"
_HOSPITAL, _RECORD = "/api/hospitals/{hospital_id}/", "/api/patient-records/{record_id}/"
_APPOINTMENT = "/api/appointments/{appointment_id}/"

BODIES: dict[Operation, Body] = {
    ("POST", "/api/auth/register/"): _registration,
    ("POST", "/api/signup/"): _registration,
    ("POST", "/api/auth/login/"): _credentials,
    ("POST", "/api/login/"): _credentials,
    ("POST", "/api/token/"): _credentials,
    ("POST", "/api/auth/refresh/"): _refresh,
    ("POST", "/api/token/refresh/"): _refresh,
    ("POST", "/api/auth/token/refresh/"): _refresh,
    ("POST", "/api/auth/password/change/"): _password,
    ("PUT", "/api/profile/"): _profile,
    ("PATCH", "/api/profile/"): _profile,
    ("POST", "/api/role-requests/"): _wanted_role,
    ("POST", "/api/role-requests/{request_id}/approve/"): _reason,
    ("POST", "/api/role-requests/{request_id}/deny/"): _reason,
    ("PATCH", "/api/users/{user_id}/"): _changed_account,
    ("POST", "/api/patients/"): _new_chart,
    ("PUT", _PATIENT): _changed_chart,
    ("PATCH", _PATIENT): _changed_chart,
    ("POST", _PATIENT + "link/"): _link,
    ("POST", "/api/doctors/"): _new_entry,
    ("PUT", _DOCTOR): _changed_entry,
    ("PATCH", _DOCTOR): _changed_entry,
    ("POST", _DOCTOR + "verify/"): _reason,
    ("POST", "/api/mappings/"): _new_mapping,
    ("POST", "/api/schedules/"): _new_hours,
    ("PUT", "/api/schedules/{schedule_id}/"): _changed_hours,
    ("PATCH", "/api/schedules/{schedule_id}/"): _changed_hours,
    ("POST", "/api/time-off/"): _new_time_off,
    ("POST", "/api/appointments/"): _booking,
    ("POST", "/api/appointments/book/"): _booking,
    ("PATCH", _APPOINTMENT): _override,
    ("POST", _APPOINTMENT + "cancel/"): _why,
    ("POST", _APPOINTMENT + "reschedule/"): _other_time,
    ("POST", _APPOINTMENT + "arrive/"): _why,
    ("POST", _APPOINTMENT + "fulfil/"): _why,
    ("POST", _APPOINTMENT + "no-show/"): _why,
    ("POST", "/api/hospitals/"): _new_hospital,
    ("PUT", _HOSPITAL): _changed_hospital,
    ("PATCH", _HOSPITAL): _changed_hospital,
    ("POST", "/api/patient-records/"): _new_record,
    ("PUT", _RECORD): _changed_record,
    ("PATCH", _RECORD): _changed_record,
    ("POST", "/api/reports/"): _report,
}

assert BODIES.keys() <= TABLE.keys()
