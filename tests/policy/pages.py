"""The same table for the portal: every page by the name of its address, with the status that each actor gets.

A page that is done with leads on (302), as does every page for whoever is not signed in; a method without rows is 405.
The targets are those of `tests.policy.table`.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.factories import PASSWORD
from tests.policy.cast import World
from tests.policy.probes import reader

Rows = dict[str, str]

#                                 anon pat pend team unv othr staf rese offi admn
_SIGNED_IN = {"-": "               302 200 200  200  200 200  200  200  200  200"}
_DONE = {"-": "                    302 302 302  302  302 302  302  302  302  302"}
_ADMINISTRATORS = {"-": "          302 403 403  403  403 403  403  403  403  200"}
_WORK_WITH_PATIENTS = {"-": "      302 200 200  200  200 200  200  403  403  200"}
_OWN_CHART = {"-": "               302 200 200  200  200 200  200  404  404  200"}  # research accounts have none

_READ_CHART = {
    "own": "                       302 200 200  200  200 200  200  403  403  200",
    "linked": "                    302 200 200  200  200 200  200  403  403  200",
    "team": "                      302 404 404  200  404 404  200  403  403  200",
    "former": "                    302 404 404  404  404 404  200  403  403  200",
    "foreign": "                   302 404 404  404  404 404  200  403  403  200",
    "deleted": "                   302 404 404  404  404 404  404  403  403  404",
    "missing": "                   302 404 404  404  404 404  404  403  403  404",
}
_CHANGE_ENTRY = {
    "own": "                       302 200 200  200  200 200  200  403  403  200",
    "vouched": "                   302 403 403  403  403 403  200  403  403  200",
    "profile": "                   302 403 403  200  200 200  200  403  403  200",
    "foreign": "                   302 403 403  403  403 403  200  403  403  200",
    "deleted": "                   302 404 404  404  404 404  404  404  404  404",
    "missing": "                   302 404 404  404  404 404  404  404  404  404",
}
_DELETE_CHART = {
    "own": "                       302 200 200  200  200 200  403  403  403  200",
    "linked": "                    302 403 403  403  403 403  403  403  403  200",
    "team": "                      302 404 404  403  404 404  403  403  403  200",
    "foreign": "                   302 404 404  404  404 404  403  403  403  200",
    "missing": "                   302 404 404  404  404 404  404  403  403  404",
}
_DELETE_ENTRY = {
    "own": "                       302 200 200  200  200 200  403  403  403  200",
    "vouched": "                   302 403 403  403  403 403  403  403  403  200",
    "profile": "                   302 403 403  403  403 403  403  403  403  200",
    "foreign": "                   302 403 403  403  403 403  403  403  403  200",
    "missing": "                   302 404 404  404  404 404  404  404  404  404",
}
_ASSIGN = {
    "own": "                       302 200 200  200  200 200  200  403  403  200",
    "linked": "                    302 403 403  403  403 403  200  403  403  200",
    "team": "                      302 404 404  403  404 404  200  403  403  200",
    "foreign": "                   302 404 404  404  404 404  200  403  403  200",
    "missing": "                   302 404 404  404  404 404  404  403  403  404",
}
_ACCOUNT = {
    "own": "                       302 403 403  403  403 403  403  403  403  200",
    "foreign": "                   302 403 403  403  403 403  403  403  403  200",
    "missing": "                   302 403 403  403  403 403  403  403  403  404",
}
# A doctor's calendar is there for everybody to know of; a role that works with none is kept out whatever the id.
_CALENDAR = {
    "own": "                       302 403 403  200  403 200  200  403  403  200",
    "foreign": "                   302 403 403  403  403 403  200  403  403  200",
    "missing": "                   302 403 403  404  404 404  404  403  403  404",
}
_HOURS = {
    "own": "                       302 403 403  200  404 200  200  403  403  200",
    "foreign": "                   302 403 403  404  404 404  200  403  403  200",
    "missing": "                   302 403 403  404  404 404  404  403  403  404",
}
_READ_APPOINTMENT = {
    "own": "                       302 200 200  200  200 200  200  403  403  200",
    "linked": "                    302 200 200  200  200 200  200  403  403  200",
    "calendar": "                  302 404 404  200  404 404  200  403  403  200",
    "team": "                      302 404 404  404  404 404  200  403  403  200",
    "foreign": "                   302 404 404  404  404 404  200  403  403  200",
    "missing": "                   302 404 404  404  404 404  404  403  403  404",
}
_RESCHEDULE = {
    **_READ_APPOINTMENT,
    "calendar": "                  302 404 404  403  404 404  200  403  403  200",
}
# Whose job it is, and administrators.
_JOB = {
    "own": "                       302 200 200  200  200 200  200  200  200  200",
    "foreign": "                   302 404 404  404  404 404  404  404  404  200",
    "missing": "                   302 404 404  404  404 404  404  404  404  404",
}
# Doctors for whom somebody vouches, of their own calendar, and administrators.
_TAKE_REPORTS = {"-": "            302 403 403  200  403 200  403  403  403  200"}


# That a hospital is there everybody may know; what is more than its name and location is an administrator's.
_READ_HOSPITAL = {
    "own": "                       302 200 200  200  200 200  200  200  200  200",
    "foreign": "                   302 200 200  200  200 200  200  200  200  200",
    "deleted": "                   302 404 404  404  404 404  404  404  404  404",
    "missing": "                   302 404 404  404  404 404  404  404  404  404",
}
_CHANGE_HOSPITAL = {
    "own": "                       302 403 403  403  403 403  403  403  403  200",
    "foreign": "                   302 403 403  403  403 403  403  403  403  200",
    "deleted": "                   302 404 404  404  404 404  404  404  404  404",
    "missing": "                   302 404 404  404  404 404  404  404  404  404",
}
_READ_RECORD = {
    "own": "                       302 200 200  200  200 200  200  403  403  200",
    "foreign": "                   302 404 404  200  200 200  200  403  403  200",
    "fetched": "                   302 404 404  200  200 200  200  403  403  200",
    "deleted": "                   302 404 404  404  404 404  404  403  403  404",
    "missing": "                   302 404 404  404  404 404  404  403  403  404",
}
_CHANGE_RECORD = {
    **_READ_RECORD,
    "fetched": "                   302 404 404  403  403 403  403  403  403  403",  # the hospital's own to change
}
_DELETE_RECORD = {
    "own": "                       302 200 200  403  403 403  403  403  403  200",
    "foreign": "                   302 404 404  403  403 403  403  403  403  200",
    "fetched": "                   302 404 404  403  403 403  403  403  403  403",
    "deleted": "                   302 404 404  404  404 404  404  403  403  404",
    "missing": "                   302 404 404  404  404 404  404  403  403  404",
}


def _done(rows: Rows, **others: str) -> Rows:
    """Return the rows of the form that a page holds: where the page is shown, sending it is done and leads on."""
    return {**{target: row.replace("200", "302") for target, row in rows.items()}, **others}


_CLOSE_ACCOUNT = _done(
    _ACCOUNT,
    own="                          302 403 403  403  403 403  403  403  403  409",  # another administrator's to do
)

# The front desk says whose chart it is.
_LINK = {
    "own": "                       302 403 403  403  403 403  200  403  403  200",
    "linked": "                    302 403 403  403  403 403  200  403  403  200",
    "team": "                      302 404 404  403  404 404  200  403  403  200",
    "former": "                    302 404 404  404  404 404  200  403  403  200",
    "foreign": "                   302 404 404  404  404 404  200  403  403  200",
    "deleted": "                   302 404 404  404  404 404  404  403  403  404",
    "missing": "                   302 404 404  404  404 404  404  403  403  404",
}

PAGES: dict[tuple[str, str], Rows] = {
    ("GET", "home"): _SIGNED_IN,
    ("GET", "sign-in"): {"-": "    200 302 302  302  302 302  302  302  302  302"},
    ("POST", "sign-in"): _DONE,
    ("POST", "sign-out"): _DONE,
    # --- What is one's own ------------------------------------------------------------------------------------------
    ("GET", "my-record"): _SIGNED_IN,
    ("GET", "my-record-edit"): _OWN_CHART,
    ("POST", "my-record-edit"): _done(_OWN_CHART),
    ("GET", "my-access"): _SIGNED_IN,
    ("GET", "my-account"): _SIGNED_IN,
    ("POST", "my-account"): _DONE,
    ("GET", "my-account-password"): _SIGNED_IN,
    ("POST", "my-account-password"): _DONE,
    ("GET", "role-requests"): _SIGNED_IN,
    ("POST", "role-requests"): {"-": "                     302 302 409  302  302 302  302  302  302  403"},
    # --- Patients ---------------------------------------------------------------------------------------------------
    ("GET", "patients"): _WORK_WITH_PATIENTS,
    ("GET", "patients-add"): _WORK_WITH_PATIENTS,
    ("POST", "patients-add"): _done(_WORK_WITH_PATIENTS),
    ("POST", "patients-check"): _SIGNED_IN,  # judges what was typed; nothing is stored or looked up
    ("GET", "patients-chart"): _READ_CHART,
    ("GET", "patients-edit"): _READ_CHART,
    ("POST", "patients-edit"): _done(_READ_CHART),
    ("GET", "patients-delete"): _DELETE_CHART,
    ("POST", "patients-delete"): _done(
        _DELETE_CHART,
        linked="                   302 403 403  403  403 403  403  403  403  409",  # an appointment is live
    ),
    # Whom a chart concerns sees who has read it; who treats it and the desk do not, administrators do.
    ("GET", "patients-access"): {
        "own": "                   302 200 200  200  200 200  200  403  403  200",
        "linked": "                302 200 200  200  200 200  200  403  403  200",
        "team": "                  302 404 404  403  404 404  403  403  403  200",
        "foreign": "               302 404 404  404  404 404  403  403  403  200",
        "missing": "               302 404 404  404  404 404  404  403  403  404",
    },
    ("GET", "patients-link"): _LINK,
    ("POST", "patients-link"): _done(
        _LINK,
        linked="                   302 403 403  403  403 403  409  403  403  409",  # it is an account's already
    ),
    ("GET", "patients-assign"): _ASSIGN,
    ("POST", "patients-assign"): _done(_ASSIGN),
    ("POST", "patients-end"): {
        "own": "                   302 302 302  302  302 302  302  403  403  302",
        "linked": "                302 403 403  403  403 403  302  403  403  302",
        "team": "                  302 404 404  302  404 404  302  403  403  302",
        "colleague": "             302 404 404  403  404 404  302  403  403  302",
        "mine": "                  302 404 404  302  404 302  302  403  403  302",
        "foreign": "               302 404 404  404  404 404  302  403  403  302",
        "missing": "               302 404 404  404  404 404  404  403  403  404",
    },
    # --- Doctors ----------------------------------------------------------------------------------------------------
    ("GET", "doctors"): _SIGNED_IN,
    ("GET", "doctors-add"): _WORK_WITH_PATIENTS,
    ("POST", "doctors-add"): _done(_WORK_WITH_PATIENTS),
    ("POST", "doctors-check"): _SIGNED_IN,
    ("GET", "doctors-entry"): {
        "own": "                   302 200 200  200  200 200  200  200  200  200",
        "profile": "               302 200 200  200  200 200  200  200  200  200",
        "foreign": "               302 200 200  200  200 200  200  200  200  200",
        "deleted": "               302 404 404  404  404 404  404  404  404  404",
        "missing": "               302 404 404  404  404 404  404  404  404  404",
    },
    ("GET", "doctors-edit"): _CHANGE_ENTRY,
    ("POST", "doctors-edit"): _done(_CHANGE_ENTRY),
    ("GET", "doctors-delete"): _DELETE_ENTRY,
    ("POST", "doctors-delete"): _done(_DELETE_ENTRY),
    ("POST", "doctors-verification"): {
        "own": "                   302 403 403  403  403 403  403  403  403  302",
        "profile": "               302 403 403  403  403 403  403  403  403  302",
        "foreign": "               302 403 403  403  403 403  403  403  403  302",
        "missing": "               302 404 404  404  404 404  404  404  404  404",
    },
    # --- The appointment book ---------------------------------------------------------------------------------------
    ("GET", "today"): {"-": "      302 403 403  200  200 200  200  403  403  200"},
    # Who came is said by the doctor concerned and the desk.
    ("POST", "today-move"): {
        "own": "                   302 403 403  403  403 403  302  403  403  302",
        "calendar": "              302 404 404  302  404 404  302  403  403  302",
        "foreign": "               302 404 404  404  404 404  302  403  403  302",
        "missing": "               302 404 404  404  404 404  404  403  403  404",
    },
    ("GET", "book"): _WORK_WITH_PATIENTS,
    ("GET", "book-at"): _done(_WORK_WITH_PATIENTS),  # without a time it leads to choosing one
    ("POST", "book-at"): _done(_WORK_WITH_PATIENTS),
    ("GET", "my-appointments"): _WORK_WITH_PATIENTS,
    ("GET", "appointment"): _READ_APPOINTMENT,
    ("POST", "appointment-move"): _done(_READ_APPOINTMENT),
    ("GET", "appointment-reschedule"): _RESCHEDULE,
    ("POST", "appointment-reschedule"): _done(_RESCHEDULE),
    # A doctor is led to the own week; whoever has no calendar yet is told why.
    ("GET", "schedules"): {"-": "  302 403 403  302  200 302  200  403  403  200"},
    ("GET", "schedules-week"): _CALENDAR,
    ("POST", "schedules-hours"): _done(_CALENDAR),
    ("POST", "schedules-time-off"): _done(_CALENDAR),
    ("POST", "schedules-hours-delete"): _done(_HOURS),
    ("POST", "schedules-time-off-delete"): _done(_HOURS),
    ("GET", "report"): {"-": "     302 403 403  403  403 403  403  403  403  302"},  # leads on to this month
    ("GET", "report-export"): _ADMINISTRATORS,
    # --- Long work and reports ------------------------------------------------------------------------------------
    ("GET", "jobs"): _SIGNED_IN,
    ("GET", "jobs-one"): _JOB,
    ("POST", "jobs-cancel"): _done(_JOB),
    ("GET", "reports"): _TAKE_REPORTS,
    ("POST", "reports"): _done(_TAKE_REPORTS),
    ("GET", "reports-download"): {
        "own": "                   302 403 403  200  403 200  403  403  403  200",
        "foreign": "               302 403 403  404  403 404  403  403  403  200",
        "missing": "               302 403 403  404  403 404  403  403  403  404",
    },
    # --- All hospitals together -----------------------------------------------------------------------------------
    ("GET", "statistics"): {"-": " 302 403 403  200  200 200  403  200  200  200"},
    ("GET", "research"): {"-": "   302 403 403  403  403 403  403  200  403  403"},
    ("GET", "hospitals"): _SIGNED_IN,
    ("GET", "hospitals-add"): _ADMINISTRATORS,
    ("POST", "hospitals-add"): _done(_ADMINISTRATORS),
    ("POST", "hospitals-check"): _SIGNED_IN,  # judges what was typed; nothing is stored, looked up or asked
    ("GET", "hospitals-one"): _READ_HOSPITAL,
    ("GET", "hospitals-edit"): _CHANGE_HOSPITAL,
    ("POST", "hospitals-edit"): _done(_CHANGE_HOSPITAL),
    ("GET", "hospitals-delete"): _CHANGE_HOSPITAL,
    ("POST", "hospitals-delete"): _done(_CHANGE_HOSPITAL),
    ("POST", "hospitals-sync"): {
        "own": "                   302 403 403  403  403 403  403  403  403  302",
        "foreign": "               302 403 403  403  403 403  403  403  403  302",
        "missing": "               302 403 403  403  403 403  403  403  403  404",
    },
    ("GET", "hospitals-fetch"): {
        "own": "                   302 403 403  200  200 200  403  403  403  200",
        "foreign": "               302 403 403  200  200 200  403  403  403  200",
        "missing": "               302 404 404  404  404 404  404  404  404  404",
    },
    ("POST", "hospitals-fetch"): {
        "own": "                   302 403 403  200  200 200  403  403  403  200",
        "foreign": "               302 403 403  200  200 200  403  403  403  200",
        "missing": "               302 403 403  404  404 404  403  403  403  404",
    },
    ("GET", "records"): _WORK_WITH_PATIENTS,
    ("GET", "records-add"): _WORK_WITH_PATIENTS,
    ("POST", "records-add"): _done(_WORK_WITH_PATIENTS),
    ("POST", "records-check"): _SIGNED_IN,
    ("POST", "records-renew"): {"-": "302 403 403 302 302 302 403 403 403 302"},
    ("GET", "records-one"): _READ_RECORD,
    ("GET", "records-edit"): _CHANGE_RECORD,
    ("POST", "records-edit"): _done(_CHANGE_RECORD),
    ("GET", "records-delete"): _DELETE_RECORD,
    ("POST", "records-delete"): _done(
        _DELETE_RECORD,
        fetched="                  302 404 404  403  403 403  403  403  403  409",
    ),
    # --- Administration ---------------------------------------------------------------------------------------------
    ("GET", "role-decisions"): _ADMINISTRATORS,
    ("GET", "role-decisions-one"): {
        "own": "                   302 403 403  403  403 403  403  403  403  200",
        "foreign": "               302 403 403  403  403 403  403  403  403  200",
        "missing": "               302 403 403  403  403 403  403  403  403  404",
    },
    ("POST", "role-decisions-one"): {
        "own": "                   302 403 403  403  403 403  403  403  403  409",
        "foreign": "               302 404 404  404  404 404  404  404  404  302",
        "missing": "               302 404 404  404  404 404  404  404  404  404",
    },
    ("GET", "users"): _ADMINISTRATORS,
    ("GET", "users-account"): _ACCOUNT,
    ("GET", "users-role"): _ACCOUNT,
    ("POST", "users-role"): _CLOSE_ACCOUNT,
    ("GET", "users-deactivate"): _ACCOUNT,
    ("POST", "users-deactivate"): _CLOSE_ACCOUNT,
    ("POST", "users-activate"): _CLOSE_ACCOUNT,
    ("GET", "audit"): _ADMINISTRATORS,
}

# What the parameters of an address stand for; `field` is the field that a form is asked about.
KINDS = {
    "patient_id": "chart",
    "doctor_id": "entry",
    "membership_id": "mapping",
    "request_id": "request",
    "user_id": "account",
    "appointment_id": "appointment",
    "schedule_id": "schedule",
    "time_off_id": "time off",
    "hospital_id": "hospital",
    "record_id": "record",
    "job_id": "job",
    "report_id": "report",
}
# Where a parameter stands for something else: whose calendar it is, instead of an entry of the directory.
PAGE_KINDS = {
    "schedules-week": {"doctor_id": "calendar"},
    "schedules-hours": {"doctor_id": "calendar"},
    "schedules-time-off": {"doctor_id": "calendar"},
}
PAGE_PARAMETERS: dict[str, dict[str, str]] = {
    "patients-check": {"field": "firstname"},
    "doctors-check": {"field": "firstname"},
    "hospitals-check": {"field": "name"},
    "records-check": {"field": "name"},
    "today-move": {"move": "arrive"},
    "appointment-move": {"move": "cancel"},
}

Form = Callable[[World, str, str], dict[str, Any]]

_CHANGED = {"firstname": "Changed", "initial-firstname": "Before"}

FORMS: dict[str, Form] = {
    "sign-in": lambda world, target, actor: {
        "identifier": world.people[reader(actor)].user.username,
        "password": PASSWORD,
    },
    "my-record-edit": lambda world, target, actor: _CHANGED,
    "my-account": lambda world, target, actor: {"name": "Changed Name", "initial-name": "Before"},
    "my-account-password": lambda world, target, actor: {
        "old_password": PASSWORD,
        "new_password": "another good password",
        "repeated": "another good password",
    },
    "role-requests": lambda world, target, actor: {"role": "official" if actor == "researcher" else "researcher"},
    "patients-add": lambda world, target, actor: {"firstname": "Nora", "gender": "F"},
    "patients-check": lambda world, target, actor: {"firstname": ""},
    "patients-edit": lambda world, target, actor: _CHANGED,
    "patients-link": lambda world, target, actor: {
        "account": world.newcomer_signs_in_with,
        "confirmed": str(world.newcomer),
    },
    "patients-assign": lambda world, target, actor: {"doctor": str(world.id_of("entry", "foreign", actor))},
    "doctors-add": lambda world, target, actor: {
        "firstname": "Dora",
        "specialization": "CARD",
        "experience_years": "3",
        "consultation_fee": "10.00",
        "max_appointments_per_day": "10",
        "time_zone": "UTC",
    },
    "doctors-check": lambda world, target, actor: {"firstname": ""},
    "doctors-edit": lambda world, target, actor: {**FORMS["doctors-add"](world, target, actor), **_CHANGED},
    "doctors-verification": lambda world, target, actor: {"verified": "true", "reason": "as the papers say"},
    "role-decisions-one": lambda world, target, actor: {"decision": "deny", "reason": "as the papers say"},
    "book-at": lambda world, target, actor: {
        "doctor": str(world.free_doctor),
        "starts_at": world.free_slot,
        "patient": "myself",
    },
    "appointment-reschedule": lambda world, target, actor: {
        "doctor": str(world.free_doctor),
        "starts_at": world.free_slot,
    },
    "schedules-hours": lambda world, target, actor: {
        "hours-kind": "once",
        "hours-date": str(world.today + timedelta(days=40)),
        "hours-start_time": "09:00",
        "hours-end_time": "12:00",
    },
    "schedules-time-off": lambda world, target, actor: {
        "off-starts_at": f"{world.today + timedelta(days=40)}T09:00",
        "off-ends_at": f"{world.today + timedelta(days=41)}T09:00",
    },
    "hospitals-add": lambda world, target, actor: {
        "name": "New Hospital",
        "api_endpoint": "https://new.example/records",
        "format": "json",
    },
    "hospitals-check": lambda world, target, actor: {"name": ""},
    "hospitals-edit": lambda world, target, actor: {
        **FORMS["hospitals-add"](world, target, actor),
        "initial-name": "Before",
    },
    "records-add": lambda world, target, actor: {
        "hospital": str(world.id_of("hospital", "own", actor)),
        "patient_id": "P12345",
        "name": "John Doe",
        "gender": "U",
    },
    "records-check": lambda world, target, actor: {"name": ""},
    "records-edit": lambda world, target, actor: {
        **FORMS["records-add"](world, target, actor),
        "initial-name": "Before",
    },
    "users-role": lambda world, target, actor: {"role": "official", "confirmed": "yes"},
    "reports": lambda world, target, actor: {"kind": "appointments", "since": "2026-01-01", "until": "2026-01-31"},
}
