"""The clinic's letters and codes in the words of its pages."""

import phonenumbers

from core.errors import Refusal

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
BLOOD_GROUPS = ("A+", "A-", "B+", "B-", "AB+", "AB-", "O+", "O-")

# What somebody did with a chart, by the action of the audit event; and what they tried, where it was refused.
ACTS = {
    "patient.list": "Saw it in a list",
    "patient.read": "Read the chart",
    "patient.create": "Added the chart",
    "patient.update": "Changed the chart",
    "patient.delete": "Deleted the chart",
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
