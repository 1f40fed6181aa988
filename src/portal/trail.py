"""The audit trail in words: what was done, and where the page of what it concerns is."""

from uuid import UUID

from django.urls import reverse

# Every action that a service records, as a search offers it.
ACTIONS = {
    "answer.replay": "Got an earlier answer once more",
    "appointment.arrived": "Noted an arrival",
    "appointment.book": "Booked an appointment",
    "appointment.cancelled": "Cancelled an appointment",
    "appointment.delete": "Deleted an appointment",
    "appointment.fulfilled": "Noted that an appointment took place",
    "appointment.list": "Listed appointments",
    "appointment.noshow": "Noted that nobody came",
    "appointment.override": "Set the state of an appointment",
    "appointment.read": "Read an appointment",
    "appointment.reschedule": "Moved an appointment",
    "audit.list": "Searched the audit trail",
    "doctor.create": "Added a doctor",
    "doctor.delete": "Deleted a doctor",
    "doctor.import": "Imported doctors",
    "doctor.link": "Connected a doctor with an account",
    "doctor.unverify": "Took a doctor's verification back",
    "doctor.update": "Changed a doctor",
    "doctor.verify": "Verified a doctor",
    "hospital.create": "Registered a hospital",
    "hospital.delete": "Took a hospital out of use",
    "hospital.fetch": "Asked a hospital for its records",
    "hospital.renew": "Asked hospitals for their records",
    "hospital.reseal": "Sealed a hospital's token anew",
    "hospital.sync": "Had a hospital copied",
    "hospital.test": "Tried a hospital's address",
    "hospital.update": "Changed a hospital",
    "job.cancel": "Stopped a job",
    "mapping.create": "Put a doctor on a care team",
    "mapping.end": "Took a doctor off a care team",
    "mapping.list": "Listed who treats whom",
    "mapping.read": "Read who treats whom",
    "patient.create": "Added a patient",
    "patient.delete": "Deleted a patient",
    "patient.find-account": "Looked for the account of a patient",
    "patient.import": "Imported patients",
    "patient.link": "Connected a patient with an account",
    "patient.list": "Listed patients",
    "patient.read": "Read a chart",
    "patient.update": "Changed a chart",
    "record.combined": "Read the combined records",
    "record.create": "Typed in a hospital record",
    "record.deidentified": "Read de-identified records",
    "record.delete": "Deleted a hospital record",
    "record.list": "Listed hospital records",
    "record.read": "Read a hospital record",
    "record.update": "Changed a hospital record",
    "report.appointments": "Read the clinic's report",
    "report.create": "Asked for a report",
    "report.download": "Downloaded a report",
    "report.export": "Exported the clinic's report",
    "report.generate": "Wrote a report's file",
    "role-request.approve": "Approved a role request",
    "role-request.create": "Asked for a role",
    "role-request.deny": "Denied a role request",
    "schedule.create": "Added working hours",
    "schedule.delete": "Took working hours away",
    "schedule.update": "Changed working hours",
    "session.close": "Signed out",
    "session.open": "Signed in",
    "statistics.read": "Read the statistics",
    "time-off.create": "Added time off",
    "time-off.delete": "Took time off away",
    "user.activate": "Opened an account again",
    "user.deactivate": "Closed an account",
    "user.password": "Changed the password",
    "user.register": "Registered an account",
    "user.role": "Changed a role",
    "user.list": "Listed accounts",
    "user.read": "Read an account",
    "user.update": "Changed an account",
}
_TECHNICAL = "admin."

# What an event may be about, and the page that shows one of them.
_KINDS = {
    "appointment": ("Appointment", "portal:appointment"),
    "doctor": ("Doctor", "portal:doctors-entry"),
    "hospital": ("Hospital", "portal:hospitals-one"),
    "job": ("Job", "portal:jobs-one"),
    "patient": ("Patient", "portal:patients-chart"),
    "record": ("Hospital record", "portal:records-one"),
    "role-request": ("Role request", "portal:role-decisions-one"),
    "user": ("Account", "portal:users-account"),
}


def describe_action(action: str) -> str:
    """Return what was done, in words; the technical window's acts say what was shown there."""
    if action in ACTIONS:
        return ACTIONS[action]
    if action.startswith(_TECHNICAL):
        return f"Technical window: {describe_kind(action.split('.')[1]).lower()} shown"
    return action


def describe_kind(kind: str) -> str:
    """Return the word for what an event is about."""
    return _KINDS[kind][0] if kind in _KINDS else kind.replace("-", " ").capitalize()


def page_of(kind: str, thing_id: UUID) -> str | None:
    """Return the address of the page that shows the thing, or None where the portal has none."""
    return reverse(_KINDS[kind][1], args=[thing_id]) if kind in _KINDS else None
