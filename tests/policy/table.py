"""Who may do what, as data: the specification's table, written down by hand and independently of the code it judges.

Every operation of the API stands here with the status that each actor gets for each target. No actor's cell names a
right that another sentence of the specification must explain: 2xx is allowed, 401 asks for a sign-in, 403 is "seen,
but not yours to do" or a door that is closed to the role, 404 is "does not exist for you", 409 and 422 are as said
beside the row.

Three conventions decide what the specification leaves open; none of them lets an id be probed, because a status never
depends on whether something invisible exists:

- A role that has nothing to do with a kind of thing (a dash in the specification) gets 403 whatever the id.
- `/api/users/` and `/api/audit/` are the administrators' and closed to everybody else: 403 whatever the id.
- In every other case the thing is looked up first: 404 where it is missing or out of scope, then 403.
"""

ANONYMOUS, PATIENT, PENDING = "anonymous", "patient", "pending"
TEAM_DOCTOR, UNVERIFIED_DOCTOR, OTHER_DOCTOR = "team_doctor", "unverified_doctor", "other_doctor"
STAFF, RESEARCHER, OFFICIAL, ADMIN = "staff", "researcher", "official", "admin"

# The order of the columns below.
ACTORS = (
    ANONYMOUS,
    PATIENT,  # an account without any other role
    PENDING,  # the same, waiting for a role that it asked for: it gains nothing by asking
    TEAM_DOCTOR,  # verified, on the care team of the chart "team", no longer on that of "former"
    UNVERIFIED_DOCTOR,  # has the role and is on the care team of "team", but nobody vouches for the entry
    OTHER_DOCTOR,  # verified, on the care team of none of the targets
    STAFF,
    RESEARCHER,
    OFFICIAL,
    ADMIN,
)

Operation = tuple[str, str]

_PATIENT, _DOCTOR, _MAPPING = "/api/patients/{patient_id}/", "/api/doctors/{doctor_id}/", "/api/mappings/{any_id}/"
_REQUEST, _USER = "/api/role-requests/{request_id}/", "/api/users/{user_id}/"
_SCHEDULE, _TIME_OFF = "/api/schedules/{schedule_id}/", "/api/time-off/{time_off_id}/"
_APPOINTMENT = "/api/appointments/{appointment_id}/"
_HOSPITAL, _RECORD = "/api/hospitals/{hospital_id}/", "/api/patient-records/{record_id}/"
_JOB, _REPORT = "/api/jobs/{job_id}/", "/api/reports/{report_id}/"

# Rows that several operations share. Columns: the order of ACTORS.
#                                 anon pat pend team unv othr staf rese offi admn
_ANYBODY_CREATES = {"-": "         201 201 201  201  201 201  201  201  201  201"}
_ANYBODY_ASKS = {"-": "            200 200 200  200  200 200  200  200  200  200"}
_SIGNED_IN = {"-": "               401 200 200  200  200 200  200  200  200  200"}
_ADMINISTRATORS = {"-": "          401 403 403  403  403 403  403  403  403  200"}
_WORK_WITH_PATIENTS = {"-": "      401 200 200  200  200 200  200  403  403  200"}

# own: a chart that the actor keeps. given: the same, and it turned out to be another account's. linked: the actor's own
# chart, kept by somebody else. team: kept by somebody else, the team doctor and the unverified doctor treat it. former:
# the team doctor treated it once. foreign: somebody else's. deleted: the actor kept it.
_READ_CHART = {
    "own": "                       401 200 200  200  200 200  200  403  403  200",
    "given": "                     401 200 200  200  200 200  200  403  403  200",
    "linked": "                    401 200 200  200  200 200  200  403  403  200",
    "team": "                      401 404 404  200  404 404  200  403  403  200",
    "former": "                    401 404 404  404  404 404  200  403  403  200",
    "foreign": "                   401 404 404  404  404 404  200  403  403  200",
    "deleted": "                   401 404 404  404  404 404  404  403  403  404",
    "missing": "                   401 404 404  404  404 404  404  403  403  404",
}
# The same, with a body of demographics and clinical fields; the own chart takes demographics alone ("linked") from
# whose chart it is, and refuses clinical fields ("linked, clinical").
_CHANGE_CHART = {
    **_READ_CHART,
    "linked, clinical": "          401 403 403  403  403 403  200  403  403  200",
}

# own: an entry that the actor added, unverified. vouched: the same, verified since. profile: the entry linked to the
# actor's account, added by somebody else; who is no doctor has one too, and no right to it (a request that waits, a
# role that was taken back). colleague: somebody else's, verified. foreign: somebody else's, unverified.
_READ_ENTRY = {
    "own": "                       401 200 200  200  200 200  200  200  200  200",
    "vouched": "                   401 200 200  200  200 200  200  200  200  200",
    "profile": "                   401 200 200  200  200 200  200  200  200  200",
    "colleague": "                 401 200 200  200  200 200  200  200  200  200",
    "foreign": "                   401 200 200  200  200 200  200  200  200  200",
    "deleted": "                   401 404 404  404  404 404  404  404  404  404",
    "missing": "                   401 404 404  404  404 404  404  404  404  404",
}
_CHANGE_ENTRY = {
    "own": "                       401 200 200  200  200 200  200  403  403  200",
    "vouched": "                   401 403 403  403  403 403  200  403  403  200",
    "profile": "                   401 403 403  200  200 200  200  403  403  200",
    "colleague": "                 401 403 403  403  403 403  200  403  403  200",
    "foreign": "                   401 403 403  403  403 403  200  403  403  200",
    "deleted": "                   401 404 404  404  404 404  404  404  404  404",
    "missing": "                   401 404 404  404  404 404  404  404  404  404",
}

# own: of a chart that the actor keeps. linked: of the actor's own chart. team: the team doctor's, of the chart "team".
# colleague: another doctor's, of the same chart. mine: of the doctor's own directory entry (of the others: the other
# doctor's). former: the team doctor's, ended. foreign: of somebody else's chart.
_END_MEMBERSHIP = {
    "own": "                       401 204 204  204  204 204  204  403  403  204",
    "linked": "                    401 403 403  403  403 403  204  403  403  204",
    "team": "                      401 404 404  204  404 404  204  403  403  204",
    "colleague": "                 401 404 404  403  404 404  204  403  403  204",
    "mine": "                      401 404 404  204  404 204  204  403  403  204",
    "foreign": "                   401 404 404  404  404 404  204  403  403  204",
    "missing": "                   401 404 404  404  404 404  404  403  403  404",
}

# own: of the entry linked to the actor's account (who is no doctor has such an entry too, and nobody keeps hours for
# whom the clinic does not vouch). foreign: another doctor's.
_WORK_ON_HOURS = {
    "own": "                       401 403 403  200  404 200  200  403  403  200",
    "foreign": "                   401 403 403  404  404 404  200  403  403  200",
    "missing": "                   401 403 403  404  404 404  404  403  403  404",
}
_WORK_ON_SCHEDULE = {**_WORK_ON_HOURS, "deleted": _WORK_ON_HOURS["missing"]}
_TAKE_HOURS_AWAY = {target: row.replace("200", "204") for target, row in _WORK_ON_HOURS.items()}
# In a body; every doctor is seen by everybody, so somebody else's is 403.
_ADD_HOURS = {
    "own": "                       401 403 403  201  403 201  201  403  403  201",
    "foreign": "                   401 403 403  403  403 403  201  403  403  201",
    "missing": "                   401 403 403  422  422 422  422  403  403  422",
}

# own: of a chart that the actor keeps. linked: of the actor's own chart. calendar: of a stranger, with the team doctor.
# team: of the chart "team", with a doctor without an account. foreign: of somebody else's chart.
_READ_APPOINTMENT = {
    "own": "                       401 200 200  200  200 200  200  403  403  200",
    "linked": "                    401 200 200  200  200 200  200  403  403  200",
    "calendar": "                  401 404 404  200  404 404  200  403  403  200",
    "team": "                      401 404 404  404  404 404  200  403  403  200",
    "foreign": "                   401 404 404  404  404 404  200  403  403  200",
    "missing": "                   401 404 404  404  404 404  404  403  403  404",
}
_CANCEL_APPOINTMENT = _READ_APPOINTMENT
_RESCHEDULE_APPOINTMENT = {
    **_READ_APPOINTMENT,
    "calendar": "                  401 404 404  403  404 404  200  403  403  200",
}
# Arriving, being seen and not coming are the doctor's and the desk's to say.
_MOVE_APPOINTMENT = {
    "own": "                       401 403 403  403  403 403  200  403  403  200",
    "calendar": "                  401 404 404  200  404 404  200  403  403  200",
    "foreign": "                   401 404 404  404  404 404  200  403  403  200",
    "missing": "                   401 404 404  404  404 404  404  403  403  404",
}
_OVERRIDE_APPOINTMENT = {
    "own": "                       401 403 403  403  403 403  403  403  403  200",
    "linked": "                    401 403 403  403  403 403  403  403  403  200",
    "calendar": "                  401 404 404  403  404 404  403  403  403  200",
    "team": "                      401 404 404  404  404 404  403  403  403  200",
    "foreign": "                   401 404 404  404  404 404  403  403  403  200",
    "missing": "                   401 404 404  404  404 404  404  403  403  404",
}
# The targets are charts; "self" names none and means the own chart.
_BOOK = {
    "self": "                      401 201 201  201  201 201  201  403  403  201",
    "own": "                       401 201 201  201  201 201  201  403  403  201",
    "linked": "                    401 201 201  201  201 201  201  403  403  201",
    "team": "                      401 422 422  403  422 422  201  403  403  201",
    "foreign": "                   401 422 422  422  422 422  201  403  403  201",
    "deleted": "                   401 422 422  422  422 422  422  403  403  422",
    "missing": "                   401 422 422  422  422 422  422  403  403  422",
}
_FREE_SLOTS = "                    401 200 200  200  200 200  200  200  403  200"

# own: the actor's own (of who may not have a pending one: a decided one, hence 409 from the administrator). foreign:
# somebody else's, pending.
_DECIDE_REQUEST = {
    "own": "                       401 403 403  403  403 403  403  403  403  409",
    "foreign": "                   401 404 404  404  404 404  404  404  404  200",
    "missing": "                   401 404 404  404  404 404  404  404  404  404",
}

_WORK_ON_ACCOUNT = {
    "own": "                       401 403 403  403  403 403  403  403  403  200",
    "foreign": "                   401 403 403  403  403 403  403  403  403  200",
    "missing": "                   401 403 403  403  403 403  403  403  403  404",
}
# The own account is another administrator's to close: the last one cannot lock everybody out.
_CLOSE_ACCOUNT = {
    **_WORK_ON_ACCOUNT,
    "own": "                       401 403 403  403  403 403  403  403  403  409",
}
# entry: what a profile says of the linked directory entry ("profile" below).
_CHANGE_PROFILE = {
    **_SIGNED_IN,
    "entry": "                     401 403 403  200  200 200  200  403  403  200",
}

# own: that the actor asked for; a report of who takes none along, or none any more, is of a time when they did.
# foreign: a stranger's.
_WORK_ON_JOB = {
    "own": "                       401 200 200  200  200 200  200  200  200  200",
    "foreign": "                   401 404 404  404  404 404  404  404  404  200",
    "missing": "                   401 404 404  404  404 404  404  404  404  404",
}
# clinic: that the actor asked for as an administrator, of the whole clinic. former: of a calendar that was the actor's
# once. expired: the actor's, of yesterday.
_READ_REPORT = {
    "own": "                       401 403 403  200  403 200  403  403  403  200",
    "clinic": "                    401 403 403  200  403 200  403  403  403  200",
    "former": "                    401 403 403  200  403 200  403  403  403  200",
    "expired": "                   401 403 403  404  403 404  403  403  403  404",
    "foreign": "                   401 403 403  404  403 404  403  403  403  200",
    "missing": "                   401 403 403  404  403 404  403  403  403  404",
}

# own, foreign: hospitals in use; nobody has one of their own. deleted: out of use.
_WORK_ON_HOSPITAL = {
    "own": "                       401 403 403  403  403 403  403  403  403  200",
    "foreign": "                   401 403 403  403  403 403  403  403  403  200",
    "deleted": "                   401 404 404  404  404 404  404  404  404  404",
    "missing": "                   401 404 404  404  404 404  404  404  404  404",
}
# Whoever has the role of a doctor, also while nobody vouches for the entry in the directory.
_ASK_HOSPITAL = {
    "own": "                       401 403 403  200  200 200  403  403  403  200",
    "foreign": "                   401 403 403  200  200 200  403  403  403  200",
    "deleted": "                   401 403 403  404  404 404  403  403  403  404",
    "missing": "                   401 403 403  404  404 404  403  403  403  404",
}
_COPY_HOSPITAL = {
    "own": "                       401 403 403  403  403 403  403  403  403  202",
    "foreign": "                   401 403 403  403  403 403  403  403  403  202",
    "deleted": "                   401 403 403  403  403 403  403  403  403  404",
    "missing": "                   401 403 403  403  403 403  403  403  403  404",
}

# own: typed in by the actor, as a patient. foreign: typed in by somebody else. fetched: the hospital's own. deleted:
# the actor typed it in.
_READ_RECORD = {
    "own": "                       401 200 200  200  200 200  200  403  403  200",
    "foreign": "                   401 404 404  200  200 200  200  403  403  200",
    "fetched": "                   401 404 404  200  200 200  200  403  403  200",
    "deleted": "                   401 404 404  404  404 404  404  403  403  404",
    "missing": "                   401 404 404  404  404 404  404  403  403  404",
}
_CHANGE_RECORD = {
    **_READ_RECORD,
    "fetched": "                   401 404 404  409  409 409  409  403  403  409",
}
# Who has no right to the appointments any more has none to the file.
_DOWNLOAD_REPORT = {
    **_READ_REPORT,
    "clinic": "                    401 403 403  403  403 403  403  403  403  200",
    "former": "                    401 403 403  403  403 403  403  403  403  200",
}

TABLE: dict[Operation, dict[str, str]] = {
    # --- Patients ---------------------------------------------------------------------------------------------------
    ("GET", "/api/patients/"): _WORK_WITH_PATIENTS,
    ("POST", "/api/patients/"): {"-": "                     401 201 201  201  201 201  201  403  403  201"},
    ("GET", _PATIENT): _READ_CHART,
    ("PUT", _PATIENT): _CHANGE_CHART,
    ("PATCH", _PATIENT): _CHANGE_CHART,
    ("DELETE", _PATIENT): {
        "own": "                   401 204 204  204  204 204  403  403  403  204",
        "given": "                 401 403 403  403  403 403  403  403  403  204",
        "linked": "                401 403 403  403  403 403  403  403  403  409",  # an appointment is live
        "team": "                  401 404 404  403  404 404  403  403  403  204",
        "former": "                401 404 404  404  404 404  403  403  403  204",
        "foreign": "               401 404 404  404  404 404  403  403  403  204",
        "deleted": "               401 404 404  404  404 404  404  403  403  404",
        "missing": "               401 404 404  404  404 404  404  403  403  404",
    },
    ("POST", _PATIENT + "link/"): {
        "own": "                   401 403 403  403  403 403  200  403  403  200",
        "linked": "                401 403 403  403  403 403  409  403  403  409",  # it is somebody's already
        "team": "                  401 404 404  403  404 404  200  403  403  200",
        "foreign": "               401 404 404  404  404 404  200  403  403  200",
        "missing": "               401 404 404  404  404 404  404  403  403  404",
    },
    # --- Doctors: everybody signed in reads the directory -----------------------------------------------------------
    ("GET", "/api/doctors/"): _SIGNED_IN,
    ("POST", "/api/doctors/"): {"-": "                     401 201 201  201  201 201  201  403  403  201"},
    ("GET", _DOCTOR): _READ_ENTRY,
    ("PUT", _DOCTOR): _CHANGE_ENTRY,
    ("PATCH", _DOCTOR): _CHANGE_ENTRY,
    ("DELETE", _DOCTOR): {
        "own": "                   401 204 204  204  204 204  403  403  403  204",
        "vouched": "               401 403 403  403  403 403  403  403  403  204",
        "profile": "               401 403 403  403  403 403  403  403  403  204",
        "foreign": "               401 403 403  403  403 403  403  403  403  204",
        "deleted": "               401 404 404  404  404 404  404  404  404  404",
        "missing": "               401 404 404  404  404 404  404  404  404  404",
    },
    ("POST", _DOCTOR + "verify/"): {
        "own": "                   401 403 403  403  403 403  403  403  403  200",
        "profile": "               401 403 403  403  403 403  403  403  403  200",
        "foreign": "               401 403 403  403  403 403  403  403  403  200",
        "missing": "               401 404 404  404  404 404  404  404  404  404",
    },
    # --- Care teams -------------------------------------------------------------------------------------------------
    ("GET", "/api/mappings/"): _WORK_WITH_PATIENTS,
    # In a body what is out of scope is 422, as what is missing is. The targets are charts.
    ("POST", "/api/mappings/"): {
        "own": "                   401 201 201  201  201 201  201  403  403  201",
        "linked": "                401 403 403  403  403 403  201  403  403  201",
        "team": "                  401 422 422  403  422 422  201  403  403  201",
        "former": "                401 422 422  422  422 422  201  403  403  201",
        "foreign": "               401 422 422  422  422 422  201  403  403  201",
        "deleted": "               401 422 422  422  422 422  422  403  403  422",
        "missing": "               401 422 422  422  422 422  422  403  403  422",
    },
    ("GET", _MAPPING): {
        "own": "                   401 200 200  200  200 200  200  403  403  200",
        "linked": "                401 200 200  200  200 200  200  403  403  200",
        "team": "                  401 404 404  200  404 404  200  403  403  200",
        "colleague": "             401 404 404  200  404 404  200  403  403  200",
        "mine": "                  401 404 404  200  404 200  200  403  403  200",
        "former": "                401 404 404  404  404 404  200  403  403  200",
        "foreign": "               401 404 404  404  404 404  200  403  403  200",
        "missing": "               401 404 404  404  404 404  404  403  403  404",
        # A chart's id in the same place: that patient's doctors.
        "chart, own": "            401 200 200  200  200 200  200  403  403  200",
        "chart, linked": "         401 200 200  200  200 200  200  403  403  200",
        "chart, team": "           401 404 404  200  404 404  200  403  403  200",
        "chart, former": "         401 404 404  404  404 404  200  403  403  200",
        "chart, foreign": "        401 404 404  404  404 404  200  403  403  200",
        "chart, deleted": "        401 404 404  404  404 404  404  403  403  404",
    },
    ("DELETE", _MAPPING): _END_MEMBERSHIP,
    ("DELETE", _MAPPING + "delete/"): _END_MEMBERSHIP,
    # --- The appointment book ---------------------------------------------------------------------------------------
    ("GET", "/api/schedules/"): {"-": "                     401 403 403  200  200 200  200  403  403  200"},
    ("POST", "/api/schedules/"): _ADD_HOURS,
    ("GET", _SCHEDULE): _WORK_ON_SCHEDULE,
    ("PUT", _SCHEDULE): _WORK_ON_SCHEDULE,
    ("PATCH", _SCHEDULE): _WORK_ON_SCHEDULE,
    ("DELETE", _SCHEDULE): _TAKE_HOURS_AWAY,
    ("GET", "/api/time-off/"): {"-": "                     401 403 403  200  200 200  200  403  403  200"},
    ("POST", "/api/time-off/"): _ADD_HOURS,
    ("DELETE", _TIME_OFF): _TAKE_HOURS_AWAY,
    ("GET", "/api/slots/"): {"-": _FREE_SLOTS},
    ("GET", _DOCTOR + "slots/"): {
        "own": _FREE_SLOTS,
        "profile": _FREE_SLOTS,
        "foreign": _FREE_SLOTS,
        "missing": "               401 404 404  404  404 404  404  404  403  404",
    },
    ("GET", "/api/appointments/"): _WORK_WITH_PATIENTS,
    ("POST", "/api/appointments/"): _BOOK,
    ("POST", "/api/appointments/book/"): _BOOK,
    ("GET", _APPOINTMENT): {**_READ_APPOINTMENT, "deleted": _READ_APPOINTMENT["missing"]},
    ("PATCH", _APPOINTMENT): _OVERRIDE_APPOINTMENT,
    ("DELETE", _APPOINTMENT): {target: row.replace("200", "204") for target, row in _OVERRIDE_APPOINTMENT.items()},
    ("POST", _APPOINTMENT + "cancel/"): _CANCEL_APPOINTMENT,
    ("POST", _APPOINTMENT + "reschedule/"): _RESCHEDULE_APPOINTMENT,
    ("POST", _APPOINTMENT + "arrive/"): _MOVE_APPOINTMENT,
    ("POST", _APPOINTMENT + "fulfil/"): _MOVE_APPOINTMENT,
    ("POST", _APPOINTMENT + "no-show/"): _MOVE_APPOINTMENT,
    ("GET", "/api/profile/appointments/"): _WORK_WITH_PATIENTS,
    ("GET", "/api/admin-panel/reports/"): _ADMINISTRATORS,
    # --- Long work --------------------------------------------------------------------------------------------------
    ("GET", "/api/jobs/"): _SIGNED_IN,
    ("GET", _JOB): _WORK_ON_JOB,
    ("POST", _JOB + "cancel/"): _WORK_ON_JOB,
    ("GET", "/api/reports/"): {"-": "                     401 403 403  200  403 200  403  403  403  200"},
    ("POST", "/api/reports/"): {"-": "                     401 403 403  202  403 202  403  403  403  202"},
    ("GET", _REPORT): _READ_REPORT,
    ("GET", _REPORT + "download/"): _DOWNLOAD_REPORT,
    # --- Other hospitals --------------------------------------------------------------------------------------------
    ("GET", "/api/hospitals/"): _SIGNED_IN,
    ("POST", "/api/hospitals/"): {"-": "                    401 403 403  403  403 403  403  403  403  201"},
    ("GET", _HOSPITAL): {
        "own": "                   401 200 200  200  200 200  200  200  200  200",
        "foreign": "               401 200 200  200  200 200  200  200  200  200",
        "deleted": "               401 404 404  404  404 404  404  404  404  404",
        "missing": "               401 404 404  404  404 404  404  404  404  404",
    },
    ("PUT", _HOSPITAL): _WORK_ON_HOSPITAL,
    ("PATCH", _HOSPITAL): _WORK_ON_HOSPITAL,
    ("DELETE", _HOSPITAL): {target: row.replace("200", "204") for target, row in _WORK_ON_HOSPITAL.items()},
    ("GET", _HOSPITAL + "fetch_records/"): _ASK_HOSPITAL,
    ("POST", _HOSPITAL + "sync/"): _COPY_HOSPITAL,
    ("GET", _HOSPITAL + "syncs/"): {target: row.replace("202", "200") for target, row in _COPY_HOSPITAL.items()},
    ("GET", "/api/patient-records/"): _WORK_WITH_PATIENTS,
    # The targets are hospitals, which everybody sees.
    ("POST", "/api/patient-records/"): {
        "own": "                   401 201 201  201  201 201  201  403  403  201",
        "foreign": "               401 201 201  201  201 201  201  403  403  201",
        "deleted": "               401 422 422  422  422 422  422  403  403  422",
        "missing": "               401 422 422  422  422 422  422  403  403  422",
    },
    ("GET", _RECORD): _READ_RECORD,
    ("PUT", _RECORD): _CHANGE_RECORD,
    ("PATCH", _RECORD): _CHANGE_RECORD,
    ("DELETE", _RECORD): {
        "own": "                   401 204 204  403  403 403  403  403  403  204",
        "foreign": "               401 404 404  403  403 403  403  403  403  204",
        "fetched": "               401 404 404  403  403 403  403  403  403  409",
        "deleted": "               401 404 404  404  404 404  404  403  403  404",
        "missing": "               401 404 404  404  404 404  404  403  403  404",
    },
    ("GET", "/api/aggregated-data/"): {"-": "               401 403 403  200  200 200  403  200  403  200"},
    ("GET", "/api/aggregated-data/statistics/"): {"-": "    401 403 403  200  200 200  403  200  200  200"},
    ("GET", "/api/mock_hospital_data/"): _ANYBODY_ASKS,
    # --- The own account --------------------------------------------------------------------------------------------
    ("GET", "/api/profile/"): _SIGNED_IN,
    ("PUT", "/api/profile/"): _CHANGE_PROFILE,
    ("PATCH", "/api/profile/"): _CHANGE_PROFILE,
    ("GET", "/api/profile/access-log/"): _SIGNED_IN,
    # --- Roles: everybody may ask (once at a time), administrators decide and do not ask ----------------------------
    ("GET", "/api/role-requests/"): _SIGNED_IN,
    ("POST", "/api/role-requests/"): {"-": "                     401 201 409  201  201 201  201  201  201  403"},
    ("POST", _REQUEST + "approve/"): _DECIDE_REQUEST,
    ("POST", _REQUEST + "deny/"): _DECIDE_REQUEST,
    # --- Accounts and the audit trail -------------------------------------------------------------------------------
    ("GET", "/api/users/"): _ADMINISTRATORS,
    ("GET", _USER): _WORK_ON_ACCOUNT,
    ("PATCH", _USER): _WORK_ON_ACCOUNT,
    ("POST", _USER + "deactivate/"): _CLOSE_ACCOUNT,
    ("POST", _USER + "activate/"): _CLOSE_ACCOUNT,
    ("GET", "/api/audit/"): _ADMINISTRATORS,
    # --- Signing in and out -----------------------------------------------------------------------------------------
    ("POST", "/api/auth/register/"): _ANYBODY_CREATES,
    ("POST", "/api/signup/"): _ANYBODY_CREATES,
    ("POST", "/api/auth/login/"): _ANYBODY_ASKS,
    ("POST", "/api/login/"): _ANYBODY_ASKS,
    ("POST", "/api/token/"): _ANYBODY_ASKS,
    ("POST", "/api/auth/refresh/"): _ANYBODY_ASKS,
    ("POST", "/api/token/refresh/"): _ANYBODY_ASKS,
    ("POST", "/api/auth/token/refresh/"): _ANYBODY_ASKS,
    ("POST", "/api/auth/logout/"): {"-": "                     401 204 204  204  204 204  204  204  204  204"},
    ("POST", "/api/auth/password/change/"): _SIGNED_IN,
}


def expected(operation: Operation, target: str, actor: str) -> int:
    """Return the status of one cell."""
    return int(TABLE[operation][target].split()[ACTORS.index(actor)])
