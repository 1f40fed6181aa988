"""The floor: the transaction of a booking in raw SQL behind bare WSGI, on the clinic's own tables.

The same locks, looks, rows and audit as `scheduling.service.book_appointment`, in as few statements as they need. No
framework, no token, no validation, no names in the answer: what is left out here is what those cost.
"""

import hmac
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
import psycopg

from core.ids import new_id

URL = os.environ["DATABASE_URL"]
SQLITE = not URL
PRAGMAS = "journal_mode=WAL;synchronous=NORMAL;cache_size=-20000;mmap_size=134217728;temp_store=MEMORY"
_local = threading.local()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer GET /livez and POST of {doctor, patient, schedule, actor, starts_at, ends_at}."""
    if environ["REQUEST_METHOD"] == "GET":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"alive"]
    asked = orjson.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    refused = book(asked)
    start_response("409 Conflict" if refused else "201 Created", [("Content-Type", "application/json")])
    return [orjson.dumps({"code": refused} if refused else asked)]


def book(asked: dict[str, str]) -> str | None:
    """Book in one transaction; returns why not, where something is in the way."""
    doctor, patient, schedule, actor = (UUID(asked[name]) for name in ("doctor", "patient", "schedule", "actor"))
    starts_at, ends_at = datetime.fromisoformat(asked["starts_at"]), datetime.fromisoformat(asked["ends_at"])
    run, now = _execute, datetime.now(UTC)
    run("BEGIN IMMEDIATE" if SQLITE else "BEGIN")
    try:
        first, second = sorted([doctor, patient])
        run("INSERT INTO scheduling_calendar (id) VALUES (?), (?) ON CONFLICT DO NOTHING", first, second)
        if not SQLITE:
            run("SELECT id FROM scheduling_calendar WHERE id IN (?, ?) ORDER BY id FOR UPDATE", first, second)
        [(cap, fee)] = run(
            "SELECT max_appointments_per_day, consultation_fee FROM care_doctor"
            " WHERE id = ? AND verified AND is_available AND deleted_at IS NULL",
            doctor,
        )
        overlap = "SELECT 1 FROM scheduling_appointment WHERE {} = ? AND status <> 'cancelled'"
        overlap += " AND starts_at < ? AND ends_at > ? LIMIT 1"
        refused = None
        if run(overlap.format("doctor_id"), doctor, ends_at, starts_at):
            refused = "slot_taken"
        elif run(overlap.format("patient_id"), patient, ends_at, starts_at):
            refused = "patient_busy"
        else:
            day = "SELECT count(*) FROM scheduling_appointment"
            day += " WHERE doctor_id = ? AND date = ? AND status <> 'cancelled'"
            if run(day, doctor, starts_at.date())[0][0] >= cap:
                refused = "day_full"
        appointment = new_id()
        if refused is None:
            run(
                "INSERT INTO scheduling_appointment (id, doctor_id, patient_id, schedule_id, starts_at, ends_at, date,"
                " status, fee, currency, notes, created_by_id, created_at, updated_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, 'booked', ?, 'USD', '', ?, ?, ?)",
                *(appointment, doctor, patient, schedule, starts_at, ends_at, starts_at.date(), fee, actor, now, now),
            )
            run(
                "INSERT INTO scheduling_appointmentevent (appointment_id, at, by_id, from_status, to_status,"
                " to_starts_at, reason) VALUES (?, ?, ?, '', 'booked', ?, '')",
                *(appointment, now, actor, starts_at),
            )
        _audit(actor, now, refused, {"doctor": doctor, "patient": patient, "appointment": appointment})
    except BaseException:
        run("ROLLBACK")
        raise
    run("COMMIT")
    return refused


def _audit(actor: UUID, now: datetime, refused: str | None, subjects: dict[str, UUID]) -> None:
    if refused:
        del subjects["appointment"]
    event, outcome = new_id(), "refused" if refused else "allowed"
    said = orjson.dumps(
        [str(event), now, str(actor), outcome, sorted([kind, str(pk)] for kind, pk in subjects.items())]
    )
    _execute(
        "INSERT INTO core_auditevent (id, at, actor_kind, actor_id, role, action, rule, outcome, request_id, address,"
        " mac) VALUES (?, ?, 'person', ?, 'patient', 'appointment.book', ?, ?, ?, '127.0.0.1', ?)",
        *(
            event,
            now,
            actor,
            refused or "own-chart",
            outcome,
            str(new_id()),
            hmac.new(b"key", said, sha256).hexdigest(),
        ),
    )
    rows = [(event, kind, pk, "") for kind, pk in subjects.items()]
    places = ", ".join(["(?, ?, ?, ?)"] * len(rows))
    values = [value for row in rows for value in row]
    _execute(f"INSERT INTO core_auditsubject (event_id, kind, subject_id, rule) VALUES {places}", *values)


def _execute(statement: str, *values: Any) -> list[Any]:
    """Run one statement on this thread's connection; returns its rows."""
    if not hasattr(_local, "connection"):
        _local.connection = _connect()
    if SQLITE:
        return _local.connection.execute(statement, [_for_sqlite(value) for value in values]).fetchall()
    cursor = _local.connection.execute(statement.replace("?", "%s"), values)
    return cursor.fetchall() if cursor.description else []


def _connect() -> Any:
    if not SQLITE:
        return psycopg.connect(URL, autocommit=True)
    connection = sqlite3.connect(
        f"{os.environ['POLYCLINIC_HOME']}/polyclinic.sqlite3", timeout=20, isolation_level=None
    )
    for pragma in PRAGMAS.split(";"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _for_sqlite(value: Any) -> Any:
    """Write values as Django does."""
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime):
        return str(value.astimezone(UTC).replace(tzinfo=None))
    return str(value) if hasattr(value, "isoformat") else value
