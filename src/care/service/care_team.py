"""Who treats whom: assigning a doctor to a patient, ending it, and reading either way round."""

from datetime import date, datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from care.grants import lock_patients, refresh_grants
from care.models import CareTeamMember, Doctor, Patient
from care.permissions import (
    may_assign,
    may_end_membership,
    may_work_with_patients,
    visible_doctors,
    visible_memberships,
    visible_patients,
)
from care.schemas import CareTeamMemberIn, CareTeamMemberOut, PatientDoctorsOut, TreatingDoctorOut
from care.service.cards import about_patient, doctor_card, patient_card
from care.specializations import LABELS
from core.actor import Actor
from core.audit import Subject, audited
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.pagination import Page, PageIn, paginate


def list_memberships(*, actor: Actor, page: PageIn, now: datetime) -> Page[CareTeamMemberOut]:
    """Return one page of who treats whom now, of the patients the actor may see; newest first."""
    with audited(actor, "mapping.list") as act:
        _require_work(actor)
        rows = visible_memberships(actor).filter(ended_at__isnull=True).select_related("patient", "doctor")
        found = paginate(rows, page=page, scope=f"mappings:{actor.user_id}")
        act.about(*(about_patient(actor, member.patient) for member in found.items))
    today = timezone.localdate(now)
    return found.map(lambda members: [_publish(member, today) for member in members])


def get_membership(*, actor: Actor, membership_id: UUID, now: datetime) -> CareTeamMemberOut:
    """Return one row, live or ended; raises NotFound."""
    with audited(actor, "mapping.read", Subject("mapping", membership_id)) as act:
        _require_work(actor)
        member = _visible_member(actor, membership_id)
        if member is None:
            raise NotFound
        act.about(about_patient(actor, member.patient))
    return _publish(member, timezone.localdate(now))


def get_membership_or_doctors_of_patient(
    *, actor: Actor, any_id: UUID, now: datetime
) -> CareTeamMemberOut | PatientDoctorsOut:
    """Return the row with this id, else the doctors of the patient with this id; raises NotFound.

    The documents use one address for both; ids are unique across tables, so an id means one thing.
    """
    with audited(actor, "mapping.read", Subject("mapping", any_id)) as act:
        _require_work(actor)
        member = _visible_member(actor, any_id)
        patient = member.patient if member else visible_patients(actor).filter(pk=any_id).first()
        if patient is None:
            raise NotFound
        act.about(about_patient(actor, patient))
    return _publish(member, timezone.localdate(now)) if member else _doctors_of(patient)


def list_care_team(*, actor: Actor, patient_id: UUID, now: datetime) -> list[CareTeamMemberOut]:
    """Return who treats this patient now, newest first, all of them; raises NotFound for a chart out of sight."""
    with audited(actor, "mapping.list", Subject("patient", patient_id)) as act:
        _require_work(actor)
        patient = visible_patients(actor).filter(pk=patient_id).first()
        if patient is None:
            raise NotFound
        act.about(about_patient(actor, patient))
        live = patient.care_team.filter(ended_at__isnull=True).select_related("patient", "doctor").order_by("-pk")
        team = list(live)
    today = timezone.localdate(now)
    return [_publish(member, today) for member in team]


def assign_doctor(*, actor: Actor, body: CareTeamMemberIn, now: datetime) -> CareTeamMemberOut:
    """Put a doctor on a patient's care team; a verified doctor with an account sees the chart from then on.

    Raises Invalid naming the field for a patient or doctor out of sight, NotAllowed, and Conflict (`duplicate`) where
    the doctor is on the team already. After removal a doctor can be assigned again.
    """
    subjects = Subject("patient", body.patient), Subject("doctor", body.doctor)
    with audited(actor, "mapping.create", *subjects) as act:
        _require_work(actor)
        # Doctor before patient, everywhere: two people who take both never wait for each other.
        doctor = visible_doctors(actor).select_for_update(of=("self",), no_key=True).filter(pk=body.doctor).first()
        patient = visible_patients(actor).select_for_update(of=("self",), no_key=True).filter(pk=body.patient).first()
        unknown = {
            field: ["is not known"] for field, found in (("patient", patient), ("doctor", doctor)) if found is None
        }
        if patient is None or doctor is None:
            raise Invalid(unknown)
        act.about(about_patient(actor, patient))
        if not may_assign(actor, patient):
            raise NotAllowed("Who added the chart, and the front desk, say who treats the patient.")
        member = _insert(patient, doctor, notes=body.notes, actor=actor, now=now)
        refresh_grants([patient.pk])
    return _publish(member, timezone.localdate(now))


def end_membership(*, actor: Actor, membership_id: UUID, now: datetime) -> None:
    """Take a doctor off a care team; the row ends and stays readable. Ending it again is NotFound.

    Raises NotAllowed where the actor sees the patient but may not say who treats them.
    """
    with audited(actor, "mapping.end", Subject("mapping", membership_id)) as act:
        _require_work(actor)
        member = _visible_member(actor, membership_id)
        if member is None:
            raise NotFound
        act.about(about_patient(actor, member.patient))
        if not may_end_membership(actor, member):
            raise NotAllowed("Who added the chart, the doctor and the front desk end this.")
        lock_patients([member.patient_id])
        if not _end(CareTeamMember.objects.filter(pk=member.pk), actor=actor, now=now):
            raise NotFound
        refresh_grants([member.patient_id])


def patients_treated_by(doctor_id: UUID) -> list[UUID]:
    """Return the patients on whose care team the doctor is now; for care's own services."""
    return list(
        CareTeamMember.objects.filter(doctor_id=doctor_id, ended_at__isnull=True).values_list("patient_id", flat=True)
    )


def end_memberships(members: "QuerySet[CareTeamMember]", *, actor: Actor, now: datetime) -> list[UUID]:
    """End the live ones among these rows, of a patient or doctor who leaves; returns the patients concerned."""
    patient_ids = list(members.filter(ended_at__isnull=True).values_list("patient_id", flat=True))
    lock_patients(patient_ids)
    _end(members, actor=actor, now=now)
    return patient_ids


def _visible_member(actor: Actor, membership_id: UUID) -> CareTeamMember | None:
    return visible_memberships(actor).select_related("patient", "doctor").filter(pk=membership_id).first()


def _doctors_of(patient: Patient) -> PatientDoctorsOut:
    live = patient.care_team.filter(ended_at__isnull=True).select_related("doctor").order_by("-pk")
    return PatientDoctorsOut(
        patient=patient.name,
        patient_id=patient.pk,
        doctors=[TreatingDoctorOut(mapping_id=member.pk, **doctor_card(member.doctor).model_dump()) for member in live],
    )


def _end(members: "QuerySet[CareTeamMember]", *, actor: Actor, now: datetime) -> int:
    return members.filter(ended_at__isnull=True).update(ended_at=now, ended_by_id=actor.user_id)


def _insert(patient: Patient, doctor: Doctor, *, notes: str, actor: Actor, now: datetime) -> CareTeamMember:
    try:
        with transaction.atomic():
            return CareTeamMember.objects.create(
                patient=patient, doctor=doctor, notes=notes, assigned_at=now, assigned_by_id=actor.user_id
            )
    except IntegrityError:
        raise Conflict("This doctor is on the care team already.", code="duplicate") from None


def _require_work(actor: Actor) -> None:
    if not may_work_with_patients(actor):
        raise NotAllowed("Researchers and officials do not see who treats whom.")


def _publish(member: CareTeamMember, today: date) -> CareTeamMemberOut:
    return CareTeamMemberOut(
        id=member.pk,
        patient=patient_card(member.patient, today),
        doctor=doctor_card(member.doctor),
        patient_name=member.patient.name,
        doctor_name=member.doctor.name,
        doctor_specialization=LABELS[member.doctor.specialization],
        notes=member.notes,
        is_active=member.is_active,
        assigned_at=member.assigned_at,
        ended_at=member.ended_at,
    )
