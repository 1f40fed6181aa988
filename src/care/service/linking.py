"""Whose chart it is: finding the account and connecting the two, once somebody has shown who they are."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

import identity.service
from care import calendar
from care.grants import lock_patients, refresh_grants
from care.models import Patient
from care.permissions import may_link_patient, may_work_with_patients, visible_patients
from care.schemas import PatientDetailOut
from care.service.cards import about_patient
from care.service.patients import publish_chart
from core.actor import Actor
from core.audit import Act, Subject, audited
from core.contention import repeated_on_contention
from core.errors import Conflict, Invalid, NotAllowed, NotFound

# What a first booking leaves empty: with anything in one of these, somebody has written in the chart.
_WRITTEN = ("birth_date", "email", "phone", "address", "medical_history", "blood_group", "source_id")


@dataclass(frozen=True, slots=True)
class FoundAccount:
    """An account that a chart may be connected with, and the name of its owner."""

    id: UUID
    name: str


def find_account(*, actor: Actor, patient_id: UUID, identifier: str) -> FoundAccount:
    """Return the account with exactly this e-mail address, username or mobile number, for `link_patient`.

    Raises NotFound, NotAllowed, and Invalid (`account`) where there is none.
    """
    with audited(actor, "patient.find-account", Subject("patient", patient_id)) as act:
        patient = _linkable(actor, patient_id)
        act.about(about_patient(actor, patient))
        account_id = identity.service.find_account(identifier)
        if account_id is None:
            raise Invalid({"account": ["No account has this e-mail address, username or mobile number."]})
        act.about(Subject("user", account_id))
    return FoundAccount(account_id, identity.service.describe_users([account_id])[account_id])


@repeated_on_contention
def link_patient(*, actor: Actor, patient_id: UUID, user_id: UUID, now: datetime) -> PatientDetailOut:
    """Say that a chart is an account's own; the account may read it from then on. Safe to repeat.

    An account that has booked before has a chart already. Where nobody has written in that one, its appointments become
    this chart's and it is deleted. Raises NotFound, NotAllowed, Invalid for an unknown account, and Conflict: where
    either is linked already (`already_linked`), or appointments of the two charts overlap (`patient_busy`).
    """
    with audited(actor, "patient.link", Subject("patient", patient_id), Subject("user", user_id)) as act:
        act.about(about_patient(actor, _linkable(actor, patient_id)))
        if user_id not in identity.service.describe_users([user_id]):
            raise Invalid({"user": ["is not an account"]})
        others = Patient.objects.filter(user_id=user_id, deleted_at__isnull=True).exclude(pk=patient_id)
        lock_patients([patient_id, *others.values_list("pk", flat=True)])
        patient = _linkable(actor, patient_id)
        if patient.user_id not in (None, user_id):
            raise Conflict("This chart belongs to another account.", code="already_linked")
        replaced = list(others.select_for_update(no_key=True))
        for other in replaced:
            _take_over(act, other, patient, now=now)
        patient.user_id, patient.updated_at = user_id, now
        try:
            with transaction.atomic():
                patient.save(update_fields=["user", "updated_at"])
        except IntegrityError:  # booked for the first time meanwhile
            raise Conflict("This account has just got another chart; try again.", code="already_linked") from None
        refresh_grants([patient.pk, *(other.pk for other in replaced)])
    return publish_chart(patient, now)


def _take_over(act: Act, other: Patient, patient: Patient, *, now: datetime) -> None:
    """Delete the chart that a first booking made, and give its appointments to the real one; raises Conflict."""
    act.about(about_patient(act.actor, other))
    if not _is_untouched(other):
        raise Conflict(
            "This account has another chart, in which something is written. If both are the same person's, copy it "
            "into this chart and have an administrator delete the other one; then connect them.",
            code="already_linked",
        )
    moved = calendar.connected().hand_over_appointments(
        from_patient=other.pk, to_patient=patient.pk, by=act.actor.user_id, now=now
    )
    act.about(*(Subject("appointment", each) for each in moved))
    other.deleted_at = other.updated_at = now
    other.save(update_fields=["deleted_at", "updated_at"])


def _is_untouched(chart: Patient) -> bool:
    """Tell whether a first booking made this chart, and nobody has written in it or put a doctor on its team."""
    made_by_booking = chart.created_by_id is None and chart.keeper_id is None
    written = any(getattr(chart, column) for column in _WRITTEN) or chart.gender != "U"
    return made_by_booking and not written and not chart.care_team.exists()


def _linkable(actor: Actor, patient_id: UUID) -> Patient:
    """Return a chart that the actor may connect with an account; raises NotAllowed and NotFound."""
    if not may_work_with_patients(actor):
        raise NotAllowed("Researchers and officials work with de-identified data only.")
    patient = visible_patients(actor).filter(pk=patient_id).first()
    if patient is None:
        raise NotFound
    if not may_link_patient(actor):
        raise NotAllowed("The front desk says whose chart this is.")
    return patient
