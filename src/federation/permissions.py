"""Who may see and do what with hospitals and their records: the page an auditor reads (SECURITY.md's table)."""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from core.actor import Actor, Role
from federation.models import Hospital, PatientRecord


# --- Hospitals ------------------------------------------------------------------------------------------------------
def visible_hospitals(actor: Actor) -> "QuerySet[Hospital]":
    """Return the hospitals in use; everybody signed in sees their names, `may_manage_hospitals` who sees more."""
    return Hospital.objects.filter(deleted_at__isnull=True)


def may_manage_hospitals(actor: Actor) -> bool:
    """Administrators register hospitals, see where they are reached, copy them and read how that went."""
    return actor.is_admin


def may_fetch_records(actor: Actor) -> bool:
    """Doctors and administrators ask a hospital directly; what it answers names its patients."""
    return actor.is_doctor or actor.is_admin


# --- Patient records ------------------------------------------------------------------------------------------------
def may_work_with_records(actor: Actor) -> bool:
    """Researchers and officials never see a record that names somebody."""
    return actor.works_with_identified_patients


def visible_records(actor: Actor) -> "QuerySet[PatientRecord]":
    """Return live records: all for doctors and the front desk, else those that the actor typed in."""
    records = PatientRecord.objects.filter(removed_at__isnull=True)
    if actor.is_front_desk or actor.is_doctor:
        return records
    if not may_work_with_records(actor):
        return records.none()
    return records.filter(created_by=actor.account_id)


def may_delete_record(actor: Actor, record: PatientRecord) -> bool:
    """Administrators, and who typed it in; doctors and the desk correct records, they do not take them away."""
    if actor.is_front_desk or actor.is_doctor:
        return actor.is_admin
    return record.created_by_id == actor.account_id


def rule_for_record(actor: Actor) -> str:
    """Name the rule by which the actor sees a record, for the audit."""
    if actor.is_system:
        return "system"
    if actor.is_front_desk:
        return "admin" if actor.is_admin else "front-desk"
    return "doctor" if actor.is_doctor else "own-record"


def is_vouched_for(actor: Actor) -> bool:
    """What doctors and the front desk type in enters the combined data; what others do stays with them."""
    return actor.is_front_desk or actor.is_doctor


# --- Combined data --------------------------------------------------------------------------------------------------
def combined_records() -> "QuerySet[PatientRecord]":
    """Return the records of the combined data: live, vouched for, of hospitals in use that were copied at least once.

    A fetched record of a hospital whose first copy never came to its end is not shown; one typed in stands by itself.
    """
    # The hospitals that do not count are left out by a list of them: with joins, counting a hundred thousand records
    # takes PostgreSQL ten times as long; with a list of those that do, SQLite.
    records = PatientRecord.objects.filter(removed_at__isnull=True, is_vouched=True)
    records = records.exclude(hospital__in=Hospital.objects.filter(deleted_at__isnull=False).values("pk"))
    return records.exclude(origin=PatientRecord.Origin.SYNC, hospital__in=_never_copied())


def _never_copied() -> "QuerySet[Any, Any]":
    return Hospital.objects.filter(feed__fetched_at__isnull=True).values("pk")


def records_for_research() -> "QuerySet[PatientRecord]":
    """Return the combined records that may leave without a name, one a person.

    Not what a hospital restricts, whoever typed it in again; and of a person with a fetched and a typed-in record only
    the fetched one.
    """
    fetched = PatientRecord.objects.filter(person=OuterRef("person"), origin=PatientRecord.Origin.SYNC).filter(
        Q(is_restricted=True) | Q(Q(removed_at__isnull=True), ~Q(hospital__in=_never_copied()))
    )
    typed_in_again = PatientRecord.objects.filter(Exists(fetched), origin=PatientRecord.Origin.MANUAL)
    return combined_records().filter(is_restricted=False).exclude(pk__in=typed_in_again.values("pk"))


def may_read_combined(actor: Actor) -> bool:
    """Doctors and administrators read the combined records with names."""
    return actor.is_doctor or actor.is_admin


def may_read_deidentified(actor: Actor) -> bool:
    """Researchers read them without; nobody else has a pseudonym for anybody."""
    return actor.role is Role.RESEARCHER


def may_read_statistics(actor: Actor) -> bool:
    """Doctors, researchers, officials and administrators read suppressed counts."""
    return actor.is_admin or actor.role in (Role.DOCTOR, Role.RESEARCHER, Role.OFFICIAL)
