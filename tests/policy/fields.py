"""Which fields each operation answers with, written down by hand from the published contract.

A shape is a tuple of field names, each of them a name or a pair of a name and the shape below it; a list holds the
shape of its items. Fields are the same for every reader but those of `FOR_READER`; what a reader may not have is null
(`CONTACT`).
"""

from typing import Any

from tests.policy.table import ACTORS, ADMIN, RESEARCHER, STAFF, Operation

Shape = tuple[Any, ...] | list[Any] | None

CHART_ROW = (
    *("id", "name", "firstname", "lastname", "age", "birth_date", "birth_date_estimated", "gender", "phone"),
    *("address", "blood_group", "user", "created_by", "created_at", "updated_at"),
)
CHART = (*CHART_ROW, "email", "medical_history")  # these two stand on the single resource alone
ENTRY_ROW = (
    *("id", "firstname", "lastname", "name", "specialization", "specialization_display", "gender"),
    *("license_number", "qualifications", "experience_years", "consultation_fee", "location", "time_zone", "phone"),
    *("is_available", "max_appointments_per_day", "patient_count", "verified", "user", "created_by"),
    *("created_at", "updated_at"),
)
ENTRY = (*ENTRY_ROW, "email")  # so does this one
MAPPING = (
    *("id", "patient_name", "doctor_name", "doctor_specialization", "notes", "is_active", "assigned_at", "ended_at"),
    ("patient", ("id", "name", "firstname", "lastname", "age", "gender", "created_by")),
    (
        "doctor",
        (
            *("id", "name", "firstname", "lastname", "specialization", "specialization_display"),
            *("max_appointments_per_day", "gender", "verified"),
        ),
    ),
)
DOCTORS_OF_A_PATIENT = (
    "patient",
    "patient_id",
    (
        "doctors",
        [("id", "mapping_id", "firstname", "lastname", "specialization", "max_appointments_per_day", "gender")],
    ),
)
ACCOUNT = ("id", "username", "email", "mobile_number", "name", "role", "requested_role", "role_status")
ACCOUNT_IN_FULL = (*ACCOUNT, "address", "created_at", "updated_at", "is_active", "last_login")
HOURS = ("id", "doctor", "date", "weekday", "from", "until", "start_time", "end_time", "time_zone")
PROFILE = (
    *(*ACCOUNT, "address", "created_at", "updated_at", "patient"),
    ("doctor", (*ENTRY, ("schedules", [HOURS]))),
)
TIME_OFF = ("id", "doctor", "starts_at", "ends_at", "reason", "live_appointments")
SLOT = ("schedule", "date", "appointment_time", "starts_at", "ends_at")
APPOINTMENT = (
    *("id", "doctor", "doctor_name", "patient", "patient_name", "schedule", "date", "appointment_time"),
    *("starts_at", "ends_at", "status", "fee", "currency", "notes", "created_at", "updated_at"),
)
APPOINTMENT_WITH_HISTORY = (
    *APPOINTMENT,
    (
        "history",
        [("at", "by", "by_name", "from_status", "to_status", "from_starts_at", "to_starts_at", "reason")],
    ),
)
REPORT = (
    *("from", "to", "total_appointments", "total_revenue", "currency"),
    (
        "appointments_per_doctor",
        [
            (
                *("doctor", "doctor_name", "total", "booked", "arrived", "fulfilled", "cancelled", "noshow"),
                "revenue",
            )
        ],
    ),
    ("booked_details", [APPOINTMENT]),
)
JOB = (
    *("id", "kind", "state", "result", "attempt", "cancel_asked", "requested_by", "created_at", "run_after"),
    *("started_at", "finished_at", ("progress", ("done", "total", "message")), ("error", ("code", "detail"))),
)
WRITTEN_REPORT = (
    *("id", "kind", "format", "from", "to", "requested_by", "row_count", "size", "created_at", "ready_at"),
    *("expires_at", ("job", JOB)),
)
# No JSON at all.
FILE: Shape = ("a file",)
HOSPITAL = ("id", "name", "location")
HOSPITAL_IN_FULL = (
    *(*HOSPITAL, "api_endpoint", "format", "has_token", "sync_every_minutes", "status", "fetched_at"),
    *("created_at", "updated_at"),
)
FETCHED = (
    *("hospital", "hospital_name", "location", "fetched_at", "complete", "problem_count"),
    ("records", [("patient_id", "name", "age", "diagnosis", "gender", "birth_date")]),
)
SYNC = (
    *("id", "job", "state", "pages", "records_read", "records_written", "records_removed", "problem_count"),
    *("error_code", "error", "started_at", "finished_at"),
    ("problems", [("page", "code", "place")]),
)
RECORD = (
    *("id", "hospital", "hospital_name", "patient_id", "name", "age", "diagnosis", "gender", "birth_date"),
    *("origin", "created_by", "created_at", "updated_at"),
)
COMBINED = (
    "complete",
    ("hospitals", [("id", "name", "status", "fetched_at", "record_count", "error")]),
    ("records", [("hospital", "hospital_name", "patient_id", "name", "age", "diagnosis")]),
)
DEIDENTIFIED = (
    "complete",
    ("hospitals", [("status", "fetched_at")]),
    ("records", [("pseudonym", "hospital", "age_band", "gender", "diagnosis")]),
)
STATISTICS = (
    *("day", "computed_at", "total"),
    ("tables", [("dimension", "hidden", ("cells", [("label", "count", "hidden")]))]),
)
TOKENS = ("access", "refresh")
REQUEST = ("id", "user", "user_name", "role", "status", "reason", "created_at", "decided_at", "decided_by")
EVENT = (
    *("id", "at", "actor", "actor_name", "role", "action", "rule", "outcome", "request_id", "address"),
    ("subjects", [("kind", "id", "rule")]),
)
ACCESS = ("id", "at", "actor_name", "role", "action", "rule", "outcome", "own", "patients")
PROBLEM = ("type", "title", "status", "detail", "code")

_PATIENT, _DOCTOR, _MAPPING = "/api/patients/{patient_id}/", "/api/doctors/{doctor_id}/", "/api/mappings/{any_id}/"
_REQUEST, _USER = "/api/role-requests/{request_id}/", "/api/users/{user_id}/"
_JOB, _REPORT = "/api/jobs/{job_id}/", "/api/reports/{report_id}/"
_SCHEDULE, _APPOINTMENT = "/api/schedules/{schedule_id}/", "/api/appointments/{appointment_id}/"
_HOSPITAL, _RECORD = "/api/hospitals/{hospital_id}/", "/api/patient-records/{record_id}/"

FIELDS: dict[Operation, Shape] = {
    ("POST", "/api/auth/register/"): (*ACCOUNT, *TOKENS),
    ("POST", "/api/signup/"): (*ACCOUNT, *TOKENS),
    ("POST", "/api/auth/login/"): (*TOKENS, ("user", ACCOUNT)),
    ("POST", "/api/login/"): (*TOKENS, ("user", ACCOUNT)),
    ("POST", "/api/token/"): (*TOKENS, ("user", ACCOUNT)),
    ("POST", "/api/auth/refresh/"): TOKENS,
    ("POST", "/api/token/refresh/"): TOKENS,
    ("POST", "/api/auth/token/refresh/"): TOKENS,
    ("POST", "/api/auth/logout/"): None,
    ("POST", "/api/auth/password/change/"): TOKENS,
    ("GET", "/api/profile/"): PROFILE,
    ("PUT", "/api/profile/"): PROFILE,
    ("PATCH", "/api/profile/"): PROFILE,
    ("GET", "/api/profile/access-log/"): [ACCESS],
    ("GET", "/api/role-requests/"): [REQUEST],
    ("POST", "/api/role-requests/"): REQUEST,
    ("POST", _REQUEST + "approve/"): REQUEST,
    ("POST", _REQUEST + "deny/"): REQUEST,
    ("GET", "/api/users/"): [ACCOUNT_IN_FULL],
    ("GET", _USER): ACCOUNT_IN_FULL,
    ("PATCH", _USER): ACCOUNT_IN_FULL,
    ("POST", _USER + "deactivate/"): ACCOUNT,
    ("POST", _USER + "activate/"): ACCOUNT,
    ("GET", "/api/audit/"): [EVENT],
    ("GET", "/api/patients/"): [CHART_ROW],
    ("POST", "/api/patients/"): CHART,
    ("GET", _PATIENT): CHART,
    ("PUT", _PATIENT): CHART,
    ("PATCH", _PATIENT): CHART,
    ("DELETE", _PATIENT): None,
    ("POST", _PATIENT + "link/"): CHART,
    ("GET", "/api/doctors/"): [ENTRY_ROW],
    ("POST", "/api/doctors/"): ENTRY,
    ("GET", _DOCTOR): ENTRY,
    ("PUT", _DOCTOR): ENTRY,
    ("PATCH", _DOCTOR): ENTRY,
    ("DELETE", _DOCTOR): None,
    ("POST", _DOCTOR + "verify/"): ENTRY,
    ("GET", "/api/mappings/"): [MAPPING],
    ("POST", "/api/mappings/"): MAPPING,
    ("GET", _MAPPING): MAPPING,
    ("DELETE", _MAPPING): None,
    ("DELETE", _MAPPING + "delete/"): None,
    ("GET", "/api/schedules/"): [HOURS],
    ("POST", "/api/schedules/"): HOURS,
    ("GET", _SCHEDULE): HOURS,
    ("PUT", _SCHEDULE): HOURS,
    ("PATCH", _SCHEDULE): HOURS,
    ("DELETE", _SCHEDULE): None,
    ("GET", "/api/time-off/"): [TIME_OFF],
    ("POST", "/api/time-off/"): TIME_OFF,
    ("DELETE", "/api/time-off/{time_off_id}/"): None,
    ("GET", "/api/slots/"): [(*SLOT, "doctor", "doctor_name", "specialization", "location")],
    ("GET", _DOCTOR + "slots/"): [SLOT],
    ("GET", "/api/appointments/"): [APPOINTMENT],
    ("POST", "/api/appointments/"): APPOINTMENT,
    ("POST", "/api/appointments/book/"): APPOINTMENT,
    ("GET", _APPOINTMENT): APPOINTMENT_WITH_HISTORY,
    ("PATCH", _APPOINTMENT): APPOINTMENT,
    ("DELETE", _APPOINTMENT): None,
    ("POST", _APPOINTMENT + "cancel/"): APPOINTMENT,
    ("POST", _APPOINTMENT + "reschedule/"): APPOINTMENT,
    ("POST", _APPOINTMENT + "arrive/"): APPOINTMENT,
    ("POST", _APPOINTMENT + "fulfil/"): APPOINTMENT,
    ("POST", _APPOINTMENT + "no-show/"): APPOINTMENT,
    ("GET", "/api/profile/appointments/"): [APPOINTMENT],
    ("GET", "/api/admin-panel/reports/"): REPORT,
    ("GET", "/api/hospitals/"): [HOSPITAL],
    ("POST", "/api/hospitals/"): HOSPITAL_IN_FULL,
    ("GET", _HOSPITAL): HOSPITAL,
    ("PUT", _HOSPITAL): HOSPITAL_IN_FULL,
    ("PATCH", _HOSPITAL): HOSPITAL_IN_FULL,
    ("DELETE", _HOSPITAL): None,
    ("GET", _HOSPITAL + "fetch_records/"): FETCHED,
    ("POST", _HOSPITAL + "sync/"): ("job",),
    ("GET", _HOSPITAL + "syncs/"): [SYNC],
    ("GET", "/api/patient-records/"): [RECORD],
    ("POST", "/api/patient-records/"): RECORD,
    ("GET", _RECORD): RECORD,
    ("PUT", _RECORD): RECORD,
    ("PATCH", _RECORD): RECORD,
    ("DELETE", _RECORD): None,
    ("GET", "/api/aggregated-data/"): COMBINED,
    ("GET", "/api/aggregated-data/statistics/"): STATISTICS,
    ("GET", "/api/mock_hospital_data/"): (
        *("hospital_name", "location"),
        ("records", [("patient_id", "name", "age", "condition")]),
    ),
    ("GET", "/api/jobs/"): [JOB],
    ("GET", _JOB): JOB,
    ("POST", _JOB + "cancel/"): JOB,
    ("GET", "/api/reports/"): [WRITTEN_REPORT],
    ("POST", "/api/reports/"): ("job", "report"),
    ("GET", _REPORT): WRITTEN_REPORT,
    ("GET", _REPORT + "download/"): FILE,
}

# Operations whose answer has another shape for some targets.
ALSO: dict[tuple[Operation, str], Shape] = {
    (("GET", _MAPPING), f"chart, {target}"): DOCTORS_OF_A_PATIENT
    for target in ("own", "linked", "team", "former", "foreign")
}

# Operations whose answer has another shape for some readers.
FOR_READER: dict[tuple[Operation, str], Shape] = {
    (("GET", "/api/hospitals/"), ADMIN): [HOSPITAL_IN_FULL],
    (("GET", _HOSPITAL), ADMIN): HOSPITAL_IN_FULL,
    (("GET", "/api/aggregated-data/"), RESEARCHER): DEIDENTIFIED,
}

# Who reads the telephone and the e-mail of an entry of the directory; everybody else reads null. Those of an unverified
# entry are for who added it, for whoever it is, and for the desk.
CONTACT: dict[tuple[Operation, str], frozenset[str]] = {
    (("GET", _DOCTOR), "own"): frozenset(ACTORS),
    (("GET", _DOCTOR), "vouched"): frozenset(ACTORS),
    (("GET", _DOCTOR), "profile"): frozenset(ACTORS),
    (("GET", _DOCTOR), "colleague"): frozenset(ACTORS),
    (("GET", _DOCTOR), "foreign"): frozenset({STAFF, ADMIN}),
}


def strange_fields(value: Any, shape: Shape, where: str = "") -> list[str]:
    """Name the fields that are too many or too few; null stands for any shape, an empty list for any items."""
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{where or 'answer'} is no list"]
        return sorted({strange for item in value for strange in strange_fields(item, shape[0], f"{where}[]")})
    if shape is None or value is None:
        return []
    if not isinstance(value, dict):
        return [f"{where or 'answer'} is no object"]
    named = dict((field, None) if isinstance(field, str) else field for field in shape)
    strange = [f"{where}.{name} is not published" for name in sorted(value.keys() - named.keys())]
    strange += [f"{where}.{name} is missing" for name in sorted(named.keys() - value.keys())]
    for name in named.keys() & value.keys():
        strange += strange_fields(value[name], named[name], f"{where}.{name}")
    return strange
