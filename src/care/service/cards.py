"""Patients and doctors as they stand inside something else: an answer, or an audit event."""

from datetime import date

from care.models import Doctor, Patient
from care.permissions import rule_for_patient
from care.schemas import DoctorCard, PatientCard
from care.specializations import LABELS
from core.actor import Actor
from core.audit import Subject


def patient_card(patient: Patient, today: date) -> PatientCard:
    """Publish a patient inside something else."""
    return PatientCard(
        id=patient.pk,
        name=patient.name,
        firstname=patient.firstname,
        lastname=patient.lastname,
        age=patient.age_on(today),
        gender=patient.gender,  # type: ignore[arg-type]  # the column's choices are these letters
        created_by=patient.created_by_id,
    )


def doctor_card(doctor: Doctor) -> DoctorCard:
    """Publish a doctor inside something else."""
    return DoctorCard(
        id=doctor.pk,
        name=doctor.name,
        firstname=doctor.firstname,
        lastname=doctor.lastname,
        specialization=doctor.specialization,
        specialization_display=LABELS[doctor.specialization],
        max_appointments_per_day=doctor.max_appointments_per_day,
        gender=doctor.gender,  # type: ignore[arg-type]  # the column's choices are these letters
        verified=doctor.verified,
    )


def about_patient(actor: Actor, patient: Patient) -> Subject:
    """Name a patient in an audit event, with the rule by which the actor sees the chart."""
    return Subject("patient", patient.pk, rule_for_patient(actor, patient))
