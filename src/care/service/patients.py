"""Charts: adding, finding, reading, changing, deleting, and choosing one to book for."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

import identity.service
from care import calendar
from care.grants import refresh_grants
from care.models import Patient
from care.permissions import (
    OWN_CHART_FIELDS,
    changeable_patients,
    may_book_for,
    may_change_every_field,
    may_delete_patient,
    may_work_with_patients,
    visible_patients,
)
from care.schemas import (
    PatientCard,
    PatientChangeIn,
    PatientDetailOut,
    PatientFilters,
    PatientIn,
    PatientOut,
)
from care.service.cards import about_patient, patient_card
from care.service.care_team import end_memberships
from care.service.names import apply_age, apply_name, split_name
from core.actor import Actor
from core.audit import Subject, audited
from core.contention import repeated_on_contention
from core.errors import Invalid, NotAllowed, NotFound
from core.pagination import Page, PageIn, paginate
from core.text import search_key

_NOT_FOR_RESEARCH = "Researchers and officials work with de-identified data only."


def list_patients(*, actor: Actor, filters: PatientFilters, page: PageIn, now: datetime) -> Page[PatientOut]:
    """Return one page of the charts the actor may see, newest first. Raises NotAllowed for research accounts."""
    with audited(actor, "patient.list") as act:
        _require_work(actor)
        rows = _filtered(visible_patients(actor), filters)
        found = paginate(rows, page=page, scope=f"patients:{actor.user_id}:{filters.model_dump_json()}")
        act.about(*(about_patient(actor, patient) for patient in found.items))
    today = timezone.localdate(now)
    return found.map(lambda patients: [PatientOut(**_shown(patient, today)) for patient in patients])


def get_patient(*, actor: Actor, patient_id: UUID, now: datetime) -> PatientDetailOut:
    """Return one chart; raises NotFound where the actor may not see it."""
    with audited(actor, "patient.read", Subject("patient", patient_id)) as act:
        _require_work(actor)
        patient = _one(visible_patients(actor), patient_id)
        act.about(about_patient(actor, patient))
    return publish_chart(patient, now)


def create_patient(*, actor: Actor, body: PatientIn, now: datetime) -> PatientDetailOut:
    """Add a chart kept by the actor (by nobody, when the system adds it). Raises NotAllowed and Invalid."""
    with audited(actor, "patient.create") as act:
        _require_work(actor)
        keeper = None if actor.is_front_desk else actor.user_id
        patient = new_patient(body, created_by=actor.user_id, keeper=keeper, now=now)
        patient.save(force_insert=True)
        refresh_grants([patient.pk])
        act.about(about_patient(actor, patient))
    return publish_chart(patient, now)


def new_patient(body: PatientIn, *, created_by: UUID | None, now: datetime, keeper: UUID | None = None) -> Patient:
    """Build a chart without saving it, for care's own services; raises Invalid for an impossible birth date."""
    patient = Patient(created_by_id=created_by, keeper_id=keeper, created_at=now)
    _apply(patient, body.changes(), now=now)
    return patient


def update_patient(*, actor: Actor, patient_id: UUID, body: PatientChangeIn, now: datetime) -> PatientDetailOut:
    """Change what the body names; safe to repeat.

    Raises NotFound for a chart out of sight, and NotAllowed where its owner would change more than demographics.
    """
    with audited(actor, "patient.update", Subject("patient", patient_id)) as act:
        _require_work(actor)
        patient = _one(changeable_patients(actor).select_for_update(of=("self",), no_key=True), patient_id)
        act.about(about_patient(actor, patient))
        changed = _apply(patient, body.changes(), now=now)
        if changed - OWN_CHART_FIELDS and not may_change_every_field(actor, patient):
            names = ", ".join(sorted(changed - OWN_CHART_FIELDS))
            raise NotAllowed(f"Your care team changes this part of your chart: {names}.")
        patient.save()
    return publish_chart(patient, now)


@repeated_on_contention
def delete_patient(*, actor: Actor, patient_id: UUID, now: datetime) -> None:
    """Take a chart out of sight and end its care team; the row stays.

    Raises NotFound, NotAllowed, and LiveAppointments while one is booked.
    """
    with audited(actor, "patient.delete", Subject("patient", patient_id)) as act:
        _require_work(actor)
        patient = _one(visible_patients(actor).select_for_update(of=("self",), no_key=True), patient_id)
        act.about(about_patient(actor, patient))
        if not may_delete_patient(actor, patient):
            raise NotAllowed("Only who added a chart, and administrators, delete it.")
        calendar.connected().require_no_live_appointments(patient_id=patient.pk, now=now)
        end_memberships(patient.care_team.all(), actor=actor, now=now)
        patient.deleted_at = patient.updated_at = now
        patient.save(update_fields=["deleted_at", "updated_at"])
        refresh_grants([patient.pk])


def choose_patient(*, actor: Actor, patient_id: UUID | None, now: datetime) -> PatientCard:
    """Return the patient that an appointment is for: the one named, else the actor's own chart, made where missing.

    Raises Invalid for a patient out of sight, and NotAllowed for one that the actor sees but does not keep.
    """
    if patient_id is None:
        patient = _own_chart(actor, now=now)
    else:
        found = visible_patients(actor).filter(pk=patient_id).first()
        if found is None:
            raise Invalid({"patient": ["is not known"]})
        patient = found
        if not may_book_for(actor, patient):
            raise NotAllowed("You book for yourself and for the patients you keep.")
    return patient_card(patient, timezone.localdate(now))


def require_patient(*, patient_id: UUID) -> None:
    """Raise Invalid where the patient was deleted; for a caller that holds the patient's calendar."""
    if not Patient.objects.filter(pk=patient_id, deleted_at__isnull=True).exists():
        raise Invalid({"patient": ["is not known"]})


def name_patients(ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return each patient's name, deleted ones included, in one query; the caller has scoped the ids."""
    rows = Patient.objects.filter(pk__in=set(ids)).only("firstname", "lastname")
    return {patient.pk: patient.name for patient in rows}


def _own_chart(actor: Actor, *, now: datetime) -> Patient:
    """Return the chart that is the actor's own; the first booking makes it, kept by nobody (one an account)."""
    own = Patient.objects.filter(user_id=actor.account_id, deleted_at__isnull=True)
    patient = own.first()
    if patient is not None:
        return patient
    name = identity.service.describe_users([actor.account_id])[actor.account_id]
    first, last = split_name(name)
    body = PatientIn(firstname=first[:150], lastname=last[:150])
    made = new_patient(body, created_by=None, now=now)
    made.user_id = actor.account_id
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError:
        # Two first bookings at once: the other one made the chart.
        return own.get()
    refresh_grants([made.pk])
    return made


def describe_patients(ids: Iterable[UUID], *, today: date) -> dict[UUID, PatientCard]:
    """Return the card of each patient, deleted ones included, in one query; the caller has scoped the ids."""
    return {patient.pk: patient_card(patient, today) for patient in Patient.objects.filter(pk__in=set(ids))}


def _require_work(actor: Actor) -> None:
    if not may_work_with_patients(actor):
        raise NotAllowed(_NOT_FOR_RESEARCH)


def _one(rows: "QuerySet[Patient]", patient_id: UUID) -> Patient:
    patient = rows.filter(pk=patient_id).first()
    if patient is None:
        raise NotFound
    return patient


def _filtered(rows: "QuerySet[Patient]", filters: PatientFilters) -> "QuerySet[Patient]":
    for word in search_key(filters.q or "").split():
        rows = rows.filter(search_key__contains=word)
    if filters.gender:
        rows = rows.filter(gender=filters.gender)
    if filters.doctor:
        rows = rows.filter(
            pk__in=Patient.objects.filter(care_team__doctor_id=filters.doctor, care_team__ended_at__isnull=True).values(
                "pk"
            )
        )
    return rows


def _apply(patient: Patient, changes: dict[str, Any], *, now: datetime) -> set[str]:
    """Write the changes into the chart; returns the names of the columns that really changed."""
    today = timezone.localdate(now)
    apply_name(patient, changes)
    apply_age(patient, changes, today=today)
    if changes.get("gender", "U") is None:
        changes["gender"] = "U"
    birth_date = changes.get("birth_date")
    if birth_date is not None and not today.year - 131 < birth_date.year <= today.year + 1:
        raise Invalid({"birth_date": ["must lie within the last 130 years"]})
    if birth_date is not None and birth_date > today:
        raise Invalid({"birth_date": ["must not lie in the future"]})
    changed = {column for column, value in changes.items() if getattr(patient, column) != value}
    for column in changed:
        setattr(patient, column, changes[column])
    patient.search_key = search_key(patient.firstname, patient.lastname, patient.phone, patient.email)
    patient.updated_at = now
    return changed


def publish_chart(patient: Patient, now: datetime) -> PatientDetailOut:
    """Publish one chart in full."""
    return PatientDetailOut(
        **_shown(patient, timezone.localdate(now)),
        email=patient.email,
        medical_history=patient.medical_history,
    )


def _shown(patient: Patient, today: date) -> dict[str, Any]:
    return {
        "id": patient.pk,
        "name": patient.name,
        "firstname": patient.firstname,
        "lastname": patient.lastname,
        "age": patient.age_on(today),
        "birth_date": patient.birth_date,
        "birth_date_estimated": patient.birth_date_estimated,
        "gender": patient.gender,
        "phone": patient.phone,
        "address": patient.address,
        "blood_group": patient.blood_group,
        "user": patient.user_id,
        "created_by": patient.created_by_id,
        "created_at": patient.created_at,
        "updated_at": patient.updated_at,
    }
