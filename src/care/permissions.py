"""Who may see and do what with patients, doctors and care teams: the page an auditor reads (SECURITY.md's table)."""

from django.db.models import Q, QuerySet

from care.grants import CHANGE, VIEW, granted
from care.models import CareTeamMember, Doctor, Patient
from care.specializations import find_specialization
from core.actor import Actor
from core.text import search_key

# What a person may change of the own chart when somebody else keeps it: demographics, nothing clinical.
OWN_CHART_FIELDS = frozenset(
    {"firstname", "lastname", "birth_date", "birth_date_estimated", "gender", "email", "phone", "address"}
)


# --- Patients -------------------------------------------------------------------------------------------------------
def visible_patients(actor: Actor) -> "QuerySet[Patient]":
    """Return the charts the actor may read: all for the front desk, none for research, else those granted."""
    patients = Patient.objects.filter(deleted_at__isnull=True)
    if actor.is_front_desk:
        return patients
    if not actor.works_with_identified_patients:
        return patients.none()
    return patients.filter(granted(actor, VIEW))


def changeable_patients(actor: Actor) -> "QuerySet[Patient]":
    """Return the charts the actor may change."""
    patients = visible_patients(actor)
    return patients if actor.is_front_desk else patients.filter(granted(actor, CHANGE))


def may_work_with_patients(actor: Actor) -> bool:
    """Researchers and officials never see an identified patient, whatever they ask."""
    return actor.works_with_identified_patients


def may_change_every_field(actor: Actor, patient: Patient) -> bool:
    """The front desk, who keeps the chart and its doctors change every field; its owner only OWN_CHART_FIELDS."""
    if actor.is_front_desk or _keeps(actor, patient):
        return True
    return CareTeamMember.objects.filter(
        patient=patient, ended_at__isnull=True, doctor__in=own_verified_doctor(actor)
    ).exists()


def may_delete_patient(actor: Actor, patient: Patient) -> bool:
    """Administrators, and who keeps the chart; not its doctors, its owner, or the desk that added it for others."""
    if actor.is_front_desk:
        return actor.is_admin
    # A chart that turned out to be another account's is not the keeper's to delete any more.
    return _keeps(actor, patient) and patient.user_id in (None, actor.user_id)


def may_book_for(actor: Actor, patient: Patient) -> bool:
    """The front desk books for anyone, everybody else for the charts they keep or that are about them."""
    return actor.is_front_desk or _keeps(actor, patient) or patient.user_id == actor.account_id


def may_link_patient(actor: Actor) -> bool:
    """The front desk says whose chart it is."""
    return actor.is_front_desk


def own_charts(actor: Actor) -> "QuerySet[Patient]":
    """Return the charts that the actor keeps or that are about them: whose access log is theirs to read."""
    return visible_patients(actor).filter(Q(keeper_id=actor.user_id) | Q(user_id=actor.user_id))


def rule_for_patient(actor: Actor, patient: Patient) -> str:
    """Name the rule by which the actor sees this chart, for the audit: an actor may meet several, the first counts."""
    if actor.is_system:
        return "system"
    if actor.is_front_desk:
        return "admin" if actor.is_admin else "front-desk"
    if _keeps(actor, patient):
        return "keeper"
    return "own-chart" if patient.user_id == actor.user_id else "care-team"


# --- Doctors --------------------------------------------------------------------------------------------------------
def visible_doctors(actor: Actor) -> "QuerySet[Doctor]":
    """Return the directory: every entry, for everybody signed in."""
    return Doctor.objects.filter(deleted_at__isnull=True)


def bookable_doctors(*, specialization: str | None = None, location: str | None = None) -> "QuerySet[Doctor]":
    """Return the entries that take appointments: verified, available, not deleted; narrowed as the directory is."""
    doctors = Doctor.objects.filter(verified=True, is_available=True, deleted_at__isnull=True)
    if specialization is not None:
        code = find_specialization(specialization)
        doctors = doctors.filter(specialization=code) if code else doctors.none()
    for word in search_key(location or "").split():
        doctors = doctors.filter(location_key__contains=word)
    return doctors


def may_add_doctors(actor: Actor) -> bool:
    """Everybody but researchers and officials may add an entry; it starts unverified unless an admin adds it."""
    return actor.works_with_identified_patients


def may_see_contact(actor: Actor, doctor: Doctor) -> bool:
    """A verified doctor's contact data is public; an unverified entry's is its creator's, its own and the desk's."""
    return doctor.verified or actor.is_front_desk or _created(actor, doctor) or _is(actor, doctor)


def may_change_doctor(actor: Actor, doctor: Doctor) -> bool:
    """The front desk, a doctor the own entry, and the creator while the entry is unverified."""
    if not may_add_doctors(actor):
        return False
    own = actor.is_doctor and _is(actor, doctor)
    return actor.is_front_desk or own or (_created(actor, doctor) and not doctor.verified)


def may_delete_doctor(actor: Actor, doctor: Doctor) -> bool:
    """Administrators, and the creator while the entry is unverified; the front desk adds and changes, no more."""
    if not may_add_doctors(actor):
        return False
    return actor.is_admin or (_created(actor, doctor) and not doctor.verified and not actor.is_front_desk)


def may_verify_doctors(actor: Actor) -> bool:
    """Only administrators vouch for a doctor or connect one with an account."""
    return actor.is_admin


def own_verified_doctor(actor: Actor) -> "QuerySet[Doctor]":
    """Return the verified entry of an actor who practises; empty for everybody else."""
    if not actor.is_doctor:
        return Doctor.objects.none()
    return Doctor.objects.filter(user_id=actor.account_id, verified=True, deleted_at__isnull=True)


def may_import(actor: Actor) -> bool:
    """Only administrators, and the system on an operator's command, bring in a whole directory or its patients."""
    return actor.is_admin


# --- Care teams -----------------------------------------------------------------------------------------------------
def visible_memberships(actor: Actor) -> "QuerySet[CareTeamMember]":
    """Return who treats whom, live and ended, of the patients the actor may see."""
    return CareTeamMember.objects.filter(patient__in=visible_patients(actor).values("pk"))


def may_assign(actor: Actor, patient: Patient) -> bool:
    """The front desk, and who keeps the chart, say who treats the patient."""
    return actor.is_front_desk or _keeps(actor, patient)


def may_end_membership(actor: Actor, membership: CareTeamMember) -> bool:
    """Whoever may assign, and the doctor concerned."""
    return may_assign(actor, membership.patient) or own_verified_doctor(actor).filter(pk=membership.doctor_id).exists()


def _keeps(actor: Actor, patient: Patient) -> bool:
    return actor.user_id is not None and patient.keeper_id == actor.user_id


def _created(actor: Actor, doctor: Doctor) -> bool:
    return actor.user_id is not None and doctor.created_by_id == actor.user_id


def _is(actor: Actor, doctor: Doctor) -> bool:
    return actor.user_id is not None and doctor.user_id == actor.user_id
