"""The clinic's letters and codes in the words of its pages."""

from datetime import datetime

import phonenumbers
from django.utils.timesince import timesince, timeuntil

from core.errors import Refusal
from core.jobs import JobOut

GENDERS = {"F": "Female", "M": "Male", "O": "Other", "U": "Unknown"}
# Where an appointment stands, and the tone of its badge.
STATUSES = {
    "booked": "Booked",
    "arrived": "Arrived",
    "fulfilled": "Done",
    "cancelled": "Cancelled",
    "noshow": "No-show",
}
STATUS_TONES = {"booked": "accent", "arrived": "warning", "fulfilled": "success", "cancelled": "", "noshow": "danger"}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# How fresh our copy of a hospital is, and the tone of its badge.
FRESHNESS = {"fresh": "Fresh", "stale": "Stale", "failed": "Failed", "never": "Never fetched"}
FRESHNESS_TONES = {"fresh": "success", "stale": "warning", "failed": "danger", "never": ""}
# How an attempt to copy a hospital went.
COPY_STATES = {"running": "Running", "complete": "Complete", "failed": "Failed"}
COPY_TONES = {"running": "accent", "complete": "success", "failed": "danger"}
HOSPITAL_FORMATS = {"json": "JSON document", "fhir_r4": "FHIR R4"}
# What of a hospital's answer could not be taken, by the code of the problem.
COPY_PROBLEMS = {
    "bad_age": "The age could not be read; the record has none.",
    "bad_birth_date": "The birth date could not be read; the record has none.",
    "bad_deceased_date": "The date of death could not be read.",
    "bad_diagnosis": "The diagnosis could not be read; the record has none.",
    "bad_patient_id": "The patient's number could not be read; the record was left out.",
    "duplicate_id": "A patient came twice; the first record counts.",
    "no_name": "The record has no name that could be read.",
    "no_patient_id": "The patient has no number; the record was left out.",
    "not_an_object": "This is no record; it was left out.",
    "server_warning": "The hospital's server warned of something.",
    "unexpected_entry": "This is neither a patient nor a condition; it was left out.",
    "unresolved_subject": "The condition names no patient of this hospital; it was left out.",
}
BLOOD_GROUPS = ("A+", "A-", "B+", "B-", "AB+", "AB-", "O+", "O-")

# What somebody did with a chart, by the action of the audit event; and what they tried, where it was refused.
ACTS = {
    "answer.replay": "Got an earlier answer once more",
    "patient.list": "Saw it in a list",
    "patient.read": "Read the chart",
    "patient.create": "Added the chart",
    "patient.update": "Changed the chart",
    "patient.delete": "Deleted the chart",
    "patient.find-account": "Looked for the account it belongs to",
    "patient.link": "Connected it with an account",
    "patient.import": "Imported the chart",
    "mapping.list": "Read who treats the patient",
    "mapping.read": "Read who treats the patient",
    "mapping.create": "Put a doctor on the care team",
    "mapping.end": "Took a doctor off the care team",
    "doctor.delete": "Deleted a doctor of the care team",
    "appointment.list": "Saw an appointment in a list",
    "appointment.read": "Read an appointment",
    "appointment.book": "Booked an appointment",
    "appointment.reschedule": "Moved an appointment",
    "appointment.arrived": "Noted the arrival",
    "appointment.fulfilled": "Noted that an appointment took place",
    "appointment.noshow": "Noted that nobody came",
    "appointment.cancelled": "Cancelled an appointment",
    "appointment.override": "Set the state of an appointment",
    "appointment.delete": "Deleted an appointment",
    "report.appointments": "Read the clinic's report",
    "report.export": "Exported the clinic's report",
    "report.generate": "Wrote a report's file",
    "report.download": "Downloaded a report",
}
# Why it was allowed, by the rule of the event.
REASONS = {
    "own-chart": "It is their own chart",
    "keeper": "Keeps the chart",
    "care-team": "On the care team",
    "own-calendar": "It is in their calendar",
    "front-desk": "Works at the front desk",
    "admin": "Administrator",
    "system": "On an operator's command",
}
YOUR_REASONS = {
    **REASONS,
    "own-chart": "It is your own chart",
    "keeper": "You keep the chart",
    "own-calendar": "It is in your calendar",
}
# Instead of a name in the combined data.
_LABELS = {"other": "Other", "unknown": "Unknown"}
# What long work does, by the kind of its job; how it stands, and the tone of its badge.
_JOB_KINDS = {"federation.sync_hospital": "Copy a hospital's records", "core.report": "Write a report"}
_JOB_STATES = {
    "queued": ("Waiting", "warning"),
    "running": ("At work", "accent"),
    "done": ("Done", "success"),
    "dead": ("Failed", "danger"),
    "cancelled": ("Stopped", ""),
}
JOB_STATES = {state: word for state, (word, _) in _JOB_STATES.items()}
REPORT_KINDS = {"appointments": "Appointments"}
# What the appointment book refuses, by its code.
_REFUSED = {
    "slot_taken": "Somebody else has just taken this time.",
    "day_full": "The doctor takes no more appointments on this day.",
    "patient_busy": "The patient has another appointment at this time.",
    "doctor_not_bookable": "This doctor takes no appointments at the moment.",
    "past": "This time has passed.",
    "off_grid": "No appointment of this doctor begins at this time any more.",
    "outside_schedule": "The doctor does not work at this time any more.",
    "illegal_move": "Only a booked appointment is moved; this one has changed meanwhile.",
    "schedule_overlap": "The doctor works already during a part of these hours.",
    "live_appointments": "Appointments are booked in these hours. Move or cancel them first.",
}


def format_phone(number: str) -> str:
    """Return an international number in groups, as people read it; every other one as it is stored."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def gender_choices(empty: str | None = None) -> list[tuple[str, str]]:
    """Return the genders for a select; `empty` words the choice of none of them."""
    return [*([("", empty)] if empty else []), *GENDERS.items()]


def describe_time_zone(name: str) -> str:
    """Return a time zone as people read it, such as "New York (America)"; a zone without a place stays as it is."""
    continent, _, place = name.partition("/")
    return f"{place.replace('_', ' ').rpartition('/')[2]} ({continent})" if place else name


def describe_refusal(refusal: Refusal) -> str:
    """Return what the appointment book refused in the words of a page; what it words well itself stays."""
    return _REFUSED.get(refusal.code, refusal.detail)


def describe_label(label: str) -> str:
    """Return a hospital's or diagnosis's name as the combined data tells it; what too few people share has none."""
    return _LABELS.get(label, label)


def describe_band(band: str) -> str:
    """Return a band of ages, such as `40-59` or `80+`, as people read it."""
    if band.endswith("+"):
        return f"{band[:-1]} and over"
    return describe_label(band).replace("-", " to ")


def describe_job_kind(kind: str) -> str:
    """Return what a job of this kind does; one that has no words yet is named as it is recorded."""
    return _JOB_KINDS.get(kind, kind)


def describe_job_state(job: JobOut) -> str:
    """Return the word for how a job stands, also for what its state alone does not say."""
    if job.cancel_asked:
        return "Stopping"
    if job.state == "queued" and job.attempt:
        return "Trying again"
    return JOB_STATES[job.state]


def job_tone(job: JobOut) -> str:
    """Return the tone of a job's badge; empty for the plain one."""
    return _JOB_STATES[job.state][1]


def describe_problem(code: str) -> str:
    """Return what could not be taken in words; a code that has none is worded by itself."""
    return COPY_PROBLEMS.get(code) or f"{code.replace('_', ' ').capitalize()}."


def describe_age(moment: datetime, *, now: datetime) -> str:
    """Return how long ago something was, in its largest unit, such as "5 minutes ago"; "just now" within a minute."""
    passed = timesince(moment, now, depth=1).replace("\xa0", " ")
    return "just now" if passed.startswith("0 ") else f"{passed} ago"


def describe_wait(moment: datetime, *, now: datetime) -> str:
    """Return how long something is still to come, such as "in 5 minutes"; "now" where it is due."""
    left = timeuntil(moment, now, depth=1).replace("\xa0", " ")
    if moment <= now:
        return "now"
    return "within a minute" if left.startswith("0 ") else f"in {left}"
