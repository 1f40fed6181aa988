"""What is somebody's own: the appointments of their charts, and the charts they book for."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

import care.permissions
import care.service
from care.schemas import PatientCard
from core.actor import Actor
from core.audit import Subject, audited
from core.errors import NotAllowed
from scheduling.models import Appointment
from scheduling.permissions import appointments_of_own_charts, may_work_with_appointments
from scheduling.service.entries import AppointmentEntry, entries_of
from scheduling.service.publish import about_patients

# Nobody looks further back, or has more ahead; the API pages through all of them.
MOST = 100


@dataclass(frozen=True, slots=True)
class OwnAppointments:
    """The appointments of somebody's charts: live ones that have not ended, soonest first; the others, newest first.

    At most 100 of each; `there_are_more` says that older ones were left out.
    """

    upcoming: list[AppointmentEntry]
    past: list[AppointmentEntry]
    there_are_more: bool


def list_own_appointments(*, actor: Actor, now: datetime) -> OwnAppointments:
    """Return the appointments of the actor's own chart and of those they keep.

    The front desk keeps charts for the whole clinic: it gets those of the own chart alone. Raises NotAllowed for
    research accounts. The number of queries is the same for any number of appointments.
    """
    with audited(actor, "appointment.list") as act:
        if not may_work_with_appointments(actor):
            raise NotAllowed("Researchers and officials have no appointments here.")
        rows = appointments_of_own_charts(actor)
        upcoming = Q(status__in=Appointment.LIVE, ends_at__gt=now)
        ahead = list(rows.filter(upcoming).order_by("starts_at", "pk")[:MOST])
        behind = list(rows.exclude(upcoming).order_by("-starts_at", "-pk")[: MOST + 1])
        shown = [*ahead, *behind[:MOST]]
        act.about(*about_patients(actor, shown))
        entries = entries_of(actor, shown, now=now)
    return OwnAppointments(entries[: len(ahead)], entries[len(ahead) :], there_are_more=len(behind) > MOST)


def list_charts_to_book_for(*, actor: Actor, now: datetime) -> list[PatientCard]:
    """Return the charts that the actor keeps for others, by name; their own is not among them, and needs no naming.

    Empty for the front desk, which books for whom it finds. Raises NotAllowed for research accounts.
    """
    with audited(actor, "patient.list") as act:
        if not may_work_with_appointments(actor):
            raise NotAllowed("Researchers and officials book no appointments.")
        if actor.is_front_desk:
            return []
        own = care.service.get_my_profile(actor=actor).patient
        kept = care.permissions.own_charts(actor).exclude(pk__in=[own] if own else []).values_list("pk", flat=True)
        cards = care.service.describe_patients(kept, today=timezone.localdate(now))
        act.about(*(Subject("patient", patient_id, "keeper") for patient_id in cards))
    return sorted(cards.values(), key=lambda card: (card.name, card.id))
