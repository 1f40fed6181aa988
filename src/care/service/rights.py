"""What an actor may do, said beforehand: so that a page offers only what its service would not refuse.

Nothing is decided here. Each answer is that of the function in `care.permissions` that the service itself asks, at this
moment; the service asks it again when the act is tried. No fact about a patient is told, so no event is recorded.
"""

from dataclasses import dataclass
from uuid import UUID

from care.models import CareTeamMember, Patient
from care.permissions import (
    changeable_patients,
    may_add_doctors,
    may_assign,
    may_book_for,
    may_change_doctor,
    may_change_every_field,
    may_delete_doctor,
    may_delete_patient,
    may_link_patient,
    may_verify_doctors,
    may_work_with_patients,
    own_charts,
    own_verified_doctor,
    visible_doctors,
    visible_patients,
)
from core.actor import Actor
from core.errors import NotAllowed, NotFound


@dataclass(frozen=True, slots=True)
class ClinicRights:
    """What an actor may do with the clinic's lists, whatever stands in them."""

    can_work_with_patients: bool
    can_add_patients: bool
    can_add_doctors: bool


@dataclass(frozen=True, slots=True)
class PatientRights:
    """What an actor may do with one chart they see.

    `can_change` without `can_change_everything` is the owner's right to the own demographics. `can_end` holds the ids
    of the live memberships of the care team that the actor may end.
    """

    can_change: bool
    can_change_everything: bool
    can_delete: bool
    can_assign: bool
    can_end: frozenset[UUID]
    can_see_access: bool
    can_book: bool
    can_link: bool


@dataclass(frozen=True, slots=True)
class DoctorRights:
    """What an actor may do with one entry of the directory."""

    can_change: bool
    can_delete: bool
    can_verify: bool


def get_clinic_rights(*, actor: Actor) -> ClinicRights:
    """Return what the actor may do with the lists of patients and doctors; no query."""
    works = may_work_with_patients(actor)
    return ClinicRights(can_work_with_patients=works, can_add_patients=works, can_add_doctors=may_add_doctors(actor))


def get_patient_rights(*, actor: Actor, patient_id: UUID) -> PatientRights:
    """Return what the actor may do with this chart; raises NotAllowed for research accounts, else NotFound."""
    if not may_work_with_patients(actor):
        raise NotAllowed("Researchers and officials work with de-identified data only.")
    patient = visible_patients(actor).filter(pk=patient_id).first()
    if patient is None:
        raise NotFound
    can_change = changeable_patients(actor).filter(pk=patient.pk).exists()
    return PatientRights(
        can_change=can_change,
        can_change_everything=can_change and may_change_every_field(actor, patient),
        can_delete=may_delete_patient(actor, patient),
        can_assign=may_assign(actor, patient),
        can_end=_endable(actor, patient),
        can_see_access=actor.is_admin or own_charts(actor).filter(pk=patient.pk).exists(),
        can_book=may_book_for(actor, patient),
        can_link=may_link_patient(actor),
    )


def get_doctor_rights(*, actor: Actor, doctor_id: UUID) -> DoctorRights:
    """Return what the actor may do with this entry; raises NotFound."""
    doctor = visible_doctors(actor).filter(pk=doctor_id).first()
    if doctor is None:
        raise NotFound
    return DoctorRights(
        can_change=may_change_doctor(actor, doctor),
        can_delete=may_delete_doctor(actor, doctor),
        can_verify=may_verify_doctors(actor),
    )


def _endable(actor: Actor, patient: Patient) -> frozenset[UUID]:
    """Return what `may_end_membership` would say yes to, for the whole team in one query."""
    live = CareTeamMember.objects.filter(patient=patient, ended_at__isnull=True)
    if not may_assign(actor, patient):
        live = live.filter(doctor__in=own_verified_doctor(actor))
    return frozenset(live.values_list("pk", flat=True))
