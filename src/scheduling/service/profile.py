"""The own account as scheduling completes it: a doctor's entry with its working hours."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from pydantic import ValidationError

import care.service
import identity.service
from care.schemas import MyProfileOut
from core.actor import Actor
from core.contention import repeated_on_contention
from core.errors import Invalid, NotFound
from scheduling.schemas import (
    DoctorWithSchedulesOut,
    FullProfileIn,
    FullProfileOut,
    ScheduleIn,
    ScheduleNestedIn,
)
from scheduling.service.schedules import create_schedule, schedules_of, update_schedule


def get_full_profile(*, actor: Actor) -> FullProfileOut:
    """Return the own account with chart, entry and working hours."""
    return _complete(care.service.get_my_profile(actor=actor))


def update_full_profile(*, actor: Actor, body: FullProfileIn, now: datetime) -> FullProfileOut:
    """Change account, entry and working hours together, or nothing.

    Schedules with `id` are changed, without it added; absent ones stay, so that no appointment is ever lost. Raises
    what the services of each part raise; a schedule's errors are named `doctor.schedules.<place>.<field>`.
    """
    identity.service.count_profile_change(actor=actor, body=body, now=now)
    return _update_together(actor, body, now)


@repeated_on_contention
def _update_together(actor: Actor, body: FullProfileIn, now: datetime) -> FullProfileOut:
    with transaction.atomic():
        profile = care.service.update_my_profile(actor=actor, body=body, now=now)
        schedules = body.doctor.schedules if body.doctor else None
        if schedules and profile.doctor is not None:
            for place, schedule in enumerate(schedules):
                _write(actor, profile.doctor.id, schedule, place, now)
        return _complete(profile)


def _write(actor: Actor, doctor_id: UUID, schedule: ScheduleNestedIn, place: int, now: datetime) -> None:
    given = schedule.model_dump(exclude_unset=True, exclude={"id"}, by_alias=True)
    try:
        if schedule.id is None:
            create_schedule(actor=actor, body=ScheduleIn(**given, doctor=doctor_id), now=now)
        else:
            update_schedule(actor=actor, schedule_id=schedule.id, body=schedule, now=now)
    except NotFound:
        raise Invalid({f"doctor.schedules.{place}.id": ["is not known"]}) from None
    except Invalid as wrong:
        raise Invalid({f"doctor.schedules.{place}.{name}": why for name, why in wrong.errors.items()}) from None
    except ValidationError as wrong:
        errors = {
            ".".join(["doctor", "schedules", str(place), *map(str, each["loc"])]): [
                each["msg"].removeprefix("Value error, ")
            ]
            for each in wrong.errors()
        }
        raise Invalid(errors) from None


def _complete(profile: MyProfileOut) -> FullProfileOut:
    doctor = profile.doctor
    return FullProfileOut(
        **profile.model_dump(exclude={"doctor"}),
        doctor=DoctorWithSchedulesOut(**doctor.model_dump(), schedules=schedules_of(doctor.id)) if doctor else None,
    )
