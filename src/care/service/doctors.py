"""The directory: adding, finding, changing and deleting entries, vouching for them, giving them an account."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet

import identity.service
from care import calendar
from care.grants import refresh_grants
from care.models import CareTeamMember, Doctor
from care.permissions import (
    may_add_doctors,
    may_change_doctor,
    may_delete_doctor,
    may_see_contact,
    may_verify_doctors,
    visible_doctors,
)
from care.schemas import (
    BookingTerms,
    DoctorCard,
    DoctorChangeIn,
    DoctorDetailOut,
    DoctorFilters,
    DoctorIn,
    DoctorOut,
    SpecializationOut,
)
from care.service.cards import doctor_card
from care.service.care_team import end_memberships, patients_treated_by
from care.service.names import apply_name
from care.specializations import LABELS, find_specialization
from core.actor import Actor
from core.audit import Subject, audited
from core.contention import repeated_on_contention
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.pagination import Page, PageIn, paginate
from core.text import search_key


def list_doctors(*, actor: Actor, filters: DoctorFilters, page: PageIn, now: datetime) -> Page[DoctorOut]:
    """Return one page of the directory, newest first; every filter narrows it further."""
    rows = _filtered(visible_doctors(actor), filters, now)
    found = paginate(rows, page=page, scope=f"doctors:{actor.user_id}:{filters.model_dump_json()}")
    return found.map(lambda doctors: _publish(actor, doctors))


def get_doctor(*, actor: Actor, doctor_id: UUID) -> DoctorDetailOut:
    """Return one entry; raises NotFound."""
    return _detail(actor, _one(visible_doctors(actor), doctor_id))


def create_doctor(*, actor: Actor, body: DoctorIn, now: datetime) -> DoctorDetailOut:
    """Add an entry kept by the actor; verified at once where an administrator adds it. Raises NotAllowed."""
    with audited(actor, "doctor.create") as act:
        if not may_add_doctors(actor):
            raise NotAllowed("Researchers and officials read the directory only.")
        doctor = new_doctor(body, created_by=actor.user_id, verified=may_verify_doctors(actor), now=now)
        doctor.save(force_insert=True)
        act.about(Subject("doctor", doctor.pk))
    return _detail(actor, doctor)


def new_doctor(body: DoctorIn, *, created_by: UUID | None, verified: bool, now: datetime) -> Doctor:
    """Build an entry without saving it, for care's own services; its time zone is the clinic's unless named."""
    doctor = Doctor(created_by_id=created_by, created_at=now, time_zone=settings.TIME_ZONE, verified=verified)
    _apply(doctor, body.changes(), now=now)
    return doctor


def update_doctor(*, actor: Actor, doctor_id: UUID, body: DoctorChangeIn, now: datetime) -> DoctorDetailOut:
    """Change what the body names; safe to repeat.

    A changed licence number drops the verification, and with it the doctor's access to patients, unless an
    administrator changes it. Raises NotFound and NotAllowed.
    """
    with audited(actor, "doctor.update", Subject("doctor", doctor_id)):
        doctor = _one(visible_doctors(actor).select_for_update(of=("self",), no_key=True), doctor_id)
        if not may_change_doctor(actor, doctor):
            raise NotAllowed("This entry is kept by its creator until it is verified, then by the doctor and the desk.")
        changed = _apply(doctor, body.changes(), now=now)
        loses_verification = doctor.verified and "license_number" in changed and not may_verify_doctors(actor)
        if loses_verification:
            doctor.verified = False
        doctor.save()
        if loses_verification:
            refresh_grants(patients_treated_by(doctor.pk))
    return _detail(actor, doctor)


@repeated_on_contention
def delete_doctor(*, actor: Actor, doctor_id: UUID, now: datetime) -> None:
    """Take an entry out of the directory and end its care teams; the row stays for history.

    Raises NotFound, NotAllowed, and LiveAppointments while one is booked.
    """
    with audited(actor, "doctor.delete", Subject("doctor", doctor_id)) as act:
        doctor = _one(visible_doctors(actor).select_for_update(of=("self",), no_key=True), doctor_id)
        if not may_delete_doctor(actor, doctor):
            raise NotAllowed("Only administrators delete an entry, and its creator while it is unverified.")
        calendar.connected().require_no_live_appointments(doctor_id=doctor.pk, now=now)
        patient_ids = end_memberships(doctor.care_team.all(), actor=actor, now=now)
        act.about(*(Subject("patient", patient_id) for patient_id in patient_ids))
        doctor.deleted_at = doctor.updated_at = now
        doctor.save(update_fields=["deleted_at", "updated_at"])
        refresh_grants(patient_ids)


def verify_doctor(
    *, actor: Actor, doctor_id: UUID, now: datetime, verified: bool = True, reason: str = ""
) -> DoctorDetailOut:
    """Vouch for an entry, or take that back; its account gains or loses its patients at once. Safe to repeat.

    `reason` is what the administrator saw, at most 255 characters. Raises NotFound and NotAllowed.
    """
    action = "doctor.verify" if verified else "doctor.unverify"
    with audited(actor, action, Subject("doctor", doctor_id)):
        doctor = _managed_entry(actor, doctor_id)
        doctor.verified, doctor.verification_reason, doctor.updated_at = verified, reason, now
        doctor.save(update_fields=["verified", "verification_reason", "updated_at"])
        refresh_grants(patients_treated_by(doctor.pk))
        return _detail(actor, doctor)


def link_doctor(*, actor: Actor, doctor_id: UUID, user_id: UUID, now: datetime) -> DoctorDetailOut:
    """Say which account is this doctor. Safe to repeat.

    Raises NotFound, NotAllowed, Invalid for an unknown account, and Conflict where either is linked already.
    """
    with audited(actor, "doctor.link", Subject("doctor", doctor_id), Subject("user", user_id)):
        doctor = _managed_entry(actor, doctor_id)
        if user_id not in identity.service.describe_users([user_id]):
            raise Invalid({"user": ["is not an account"]})
        if doctor.user_id not in (None, user_id):
            raise Conflict("This doctor has another account.", code="already_linked")
        doctor.user_id, doctor.updated_at = user_id, now
        try:
            with transaction.atomic():
                doctor.save(update_fields=["user", "updated_at"])
        except IntegrityError:
            raise Conflict("This account is another doctor's.", code="already_linked") from None
        refresh_grants(patients_treated_by(doctor.pk))
        return _detail(actor, doctor)


def own_doctor_id(*, actor: Actor) -> UUID | None:
    """Return the id of the actor's own entry, verified or not, or None."""
    return visible_doctors(actor).filter(user_id=actor.account_id).values_list("pk", flat=True).first()


def get_booking_terms(ids: Iterable[UUID]) -> dict[UUID, BookingTerms]:
    """Return each doctor's terms for the appointment book, in one query; deleted and unknown ids are absent."""
    doctors = Doctor.objects.filter(pk__in=set(ids), deleted_at__isnull=True)
    return {
        doctor.pk: BookingTerms(
            id=doctor.pk,
            name=doctor.name,
            specialization=doctor.specialization,
            location=doctor.location,
            time_zone=doctor.time_zone,
            consultation_fee=doctor.consultation_fee,
            max_appointments_per_day=doctor.max_appointments_per_day,
            bookable=doctor.verified and doctor.is_available,
        )
        for doctor in doctors
    }


def describe_doctors(ids: Iterable[UUID]) -> dict[UUID, DoctorCard]:
    """Return the card of each doctor, deleted ones included, in one query; unknown ids are absent."""
    return {doctor.pk: doctor_card(doctor) for doctor in Doctor.objects.filter(pk__in=set(ids))}


def list_specializations(*, actor: Actor) -> list[SpecializationOut]:
    """Return every specialization that an entry may have, by its name; the same for every actor, no query."""
    return [SpecializationOut(code=code, label=label) for code, label in sorted(LABELS.items(), key=lambda e: e[1])]


def _one(rows: "QuerySet[Doctor]", doctor_id: UUID) -> Doctor:
    doctor = rows.filter(pk=doctor_id).first()
    if doctor is None:
        raise NotFound
    return doctor


def _managed_entry(actor: Actor, doctor_id: UUID) -> Doctor:
    """Return the entry, locked, for an administrator; raise NotFound or NotAllowed."""
    doctor = _one(visible_doctors(actor).select_for_update(of=("self",), no_key=True), doctor_id)
    if not may_verify_doctors(actor):
        raise NotAllowed("Only administrators vouch for a doctor or connect one with an account.")
    return doctor


def _filtered(rows: "QuerySet[Doctor]", filters: DoctorFilters, now: datetime) -> "QuerySet[Doctor]":
    if filters.specialization is not None:
        code = find_specialization(filters.specialization)
        rows = rows.filter(specialization=code) if code else rows.none()
    for word in search_key(filters.location or "").split():
        rows = rows.filter(location_key__contains=word)
    for word in search_key(filters.q or "").split():
        rows = rows.filter(search_key__contains=word)
    if filters.available is not None:
        offers = Q(is_available=True) & calendar.connected().doctors_offering_time(now)
        rows = rows.filter(offers if filters.available else ~offers)
    if filters.max_fee is not None:
        rows = rows.filter(consultation_fee__lte=filters.max_fee)
    if filters.verified is not None:
        rows = rows.filter(verified=filters.verified)
    return rows


def _apply(doctor: Doctor, changes: dict[str, Any], *, now: datetime) -> set[str]:
    """Write the changes into the entry; returns the names of the columns that really changed."""
    apply_name(doctor, changes)
    # Null leaves these as they are: they have no empty value.
    changes = {name: value for name, value in changes.items() if value is not None}
    changed = {column for column, value in changes.items() if getattr(doctor, column) != value}
    for column in changed:
        setattr(doctor, column, changes[column])
    doctor.location_key = search_key(doctor.location)
    doctor.search_key = search_key(
        doctor.firstname, doctor.lastname, LABELS.get(doctor.specialization, ""), doctor.location
    )
    doctor.updated_at = now
    return changed


def _publish(actor: Actor, doctors: list[Doctor]) -> list[DoctorOut]:
    counts = _patient_counts(doctors)
    return [DoctorOut(**_shown(actor, doctor, counts)) for doctor in doctors]


def _detail(actor: Actor, doctor: Doctor) -> DoctorDetailOut:
    shown = _shown(actor, doctor, _patient_counts([doctor]))
    return DoctorDetailOut(**shown, email=doctor.email if may_see_contact(actor, doctor) else None)


def _patient_counts(doctors: list[Doctor]) -> dict[UUID, int]:
    """Count the patients each of these doctors treats now, in one query."""
    rows = CareTeamMember.objects.filter(doctor__in=doctors, ended_at__isnull=True)
    return dict(rows.values_list("doctor").annotate(Count("pk")).values_list("doctor", "pk__count"))


def _shown(actor: Actor, doctor: Doctor, counts: dict[UUID, int]) -> dict[str, Any]:
    return {
        "id": doctor.pk,
        "name": doctor.name,
        "firstname": doctor.firstname,
        "lastname": doctor.lastname,
        "specialization": doctor.specialization,
        "specialization_display": LABELS[doctor.specialization],
        "gender": doctor.gender,
        "license_number": doctor.license_number,
        "qualifications": doctor.qualifications,
        "experience_years": doctor.experience_years,
        "consultation_fee": doctor.consultation_fee.quantize(Decimal("0.01")),
        "location": doctor.location,
        "time_zone": doctor.time_zone,
        "phone": doctor.phone if may_see_contact(actor, doctor) else None,
        "is_available": doctor.is_available,
        "max_appointments_per_day": doctor.max_appointments_per_day,
        "patient_count": counts.get(doctor.pk, 0),
        "verified": doctor.verified,
        "user": doctor.user_id,
        "created_by": doctor.created_by_id,
        "created_at": doctor.created_at,
        "updated_at": doctor.updated_at,
    }
