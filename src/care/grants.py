"""Who may view and change a patient, as rows that a list can be filtered by.

The rows are a derived index, never a second truth. The facts are three: who keeps the chart, whose chart it is, and
which verified doctors with an active account of that role are on its care team. Whatever changes a fact calls
`refresh_grants` in its own transaction.
"""

from collections.abc import Collection
from uuid import UUID

from django.contrib.auth.models import Permission
from django.db import transaction
from django.db.models import Exists, OuterRef

import identity.permissions
from care.models import CareTeamMember, Patient, PatientUserPermission
from core.actor import Actor

VIEW = "view_patient"
CHANGE = "change_patient"
_BATCH = 500

Grant = tuple[UUID, UUID, str]  # account, patient, codename


def granted(actor: Actor, codename: str) -> Exists:
    """Return the condition on Patient rows that the actor was granted this; one Exists, served by guardian's index."""
    permission = Permission.objects.filter(
        content_type__app_label="care", content_type__model="patient", codename=codename
    )
    return Exists(
        PatientUserPermission.objects.filter(
            content_object=OuterRef("pk"), user_id=actor.account_id, permission=permission.values("pk")[:1]
        )
    )


def facts(patient_ids: Collection[UUID]) -> set[Grant]:
    """Derive the grants of these patients from the facts; a deleted patient has none."""
    people: set[tuple[UUID, UUID]] = set()
    patients = Patient.objects.filter(pk__in=patient_ids, deleted_at__isnull=True)
    for patient_id, keeper, user in patients.values_list("pk", "keeper", "user"):
        people |= {(account, patient_id) for account in (keeper, user) if account}
    team = CareTeamMember.objects.filter(
        patient__in=patients,
        ended_at__isnull=True,
        doctor__verified=True,
        doctor__deleted_at__isnull=True,
        doctor__user__in=identity.permissions.practising_accounts().values("pk"),
    )
    people |= set(team.values_list("doctor__user", "patient"))
    return {(account, patient, codename) for account, patient in people for codename in (VIEW, CHANGE)}


def stored(patient_ids: Collection[UUID]) -> dict[Grant, int]:
    """Return the grants on record for these patients, with their row ids."""
    rows = PatientUserPermission.objects.filter(content_object__in=patient_ids)
    return {
        (account, patient, codename): pk
        for account, patient, codename, pk in rows.values_list(
            "user_id", "content_object_id", "permission__codename", "pk"
        )
    }


def refresh_grants(patient_ids: Collection[UUID]) -> int:
    """Make the stored grants of these patients equal to the facts; returns how many rows changed. Safe to repeat.

    Call it in the transaction that changed a fact. The patients are locked first, in ascending id order: of two
    transactions that change facts of one patient the second computes with what the first committed.
    """
    changed = 0
    with transaction.atomic():
        ordered = sorted(patient_ids)
        for start in range(0, len(ordered), _BATCH):
            batch = ordered[start : start + _BATCH]
            lock_patients(batch)
            changed += _refresh(batch)
    return changed


def lock_patients(patient_ids: Collection[UUID]) -> None:
    """Hold these patients until the transaction ends, in ascending id order so that no two holders wait in a circle.

    The order over tables is doctor, patient, membership; everything in care takes its locks in it.
    """
    list(Patient.objects.select_for_update(no_key=True).filter(pk__in=patient_ids).order_by("pk").values_list("pk"))


def _refresh(batch: Collection[UUID]) -> int:
    wanted, present = facts(batch), stored(batch)
    gone = [pk for grant, pk in present.items() if grant not in wanted]
    missing = wanted - present.keys()
    if gone:
        PatientUserPermission.objects.filter(pk__in=gone).delete()
    if missing:
        ids = dict(
            Permission.objects.filter(
                content_type__app_label="care", content_type__model="patient", codename__in=(VIEW, CHANGE)
            ).values_list("codename", "pk")
        )
        PatientUserPermission.objects.bulk_create(
            PatientUserPermission(user_id=account, content_object_id=patient, permission_id=ids[codename])
            for account, patient, codename in sorted(missing)
        )
    return len(gone) + len(missing)


def rebuild_all_grants() -> int:
    """Refresh every patient that has a fact or a grant; returns how many rows were wrong."""
    every = list(Patient.objects.order_by("pk").values_list("pk", flat=True))
    return sum(refresh_grants(every[start : start + _BATCH]) for start in range(0, len(every), _BATCH))
