"""Names and ages as people give them, turned into columns."""

from datetime import date, timedelta
from typing import Any

from care.models import Doctor, Patient


def split_name(name: str) -> tuple[str, str]:
    """Split a whole name before its last word; a single word is a first name."""
    first, _, last = name.rpartition(" ")
    return (first, last) if first.strip() else (last, "")


def apply_name(person: Patient | Doctor, changes: dict[str, Any]) -> None:
    """Replace `name` in the changes by `firstname` and `lastname`, where no part of the name changes by itself."""
    name = changes.pop("name", None)
    if changes.get("firstname") is None:
        changes.pop("firstname", None)  # null cannot empty it
    parts_change = any(part in changes and changes[part] != getattr(person, part) for part in ("firstname", "lastname"))
    if name and name != person.name and not parts_change:
        changes["firstname"], changes["lastname"] = split_name(name)


def apply_age(patient: Patient, changes: dict[str, Any], *, today: date) -> None:
    """Replace `age` in the changes by an estimated `birth_date`, where no other birth date is given."""
    age = changes.pop("age", None)
    if "birth_date" in changes and changes["birth_date"] != patient.birth_date:
        changes["birth_date_estimated"] = False
        return
    changes.pop("birth_date", None)
    if age is not None and age != patient.age_on(today):
        changes["birth_date"], changes["birth_date_estimated"] = birth_date_of(age, today=today), True


def birth_date_of(age: int, *, today: date) -> date:
    """Return the middle of the year in which somebody of this age was born: the estimate with the least error."""
    year = today.year - age
    birthday = today.replace(year=year) if (today.month, today.day) != (2, 29) else date(year, 2, 28)
    return birthday - timedelta(days=182)
