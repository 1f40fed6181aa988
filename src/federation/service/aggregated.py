"""The combined data: every hospital's last good copy, with names for those who treat, and how fresh each copy is."""

from datetime import datetime
from uuid import UUID

from django.utils import timezone

from core.actor import Actor, Role
from core.audit import audited_call
from core.errors import NotAllowed
from core.pagination import Page, PageIn, paginate
from federation.models import PatientRecord
from federation.permissions import (
    combined_records,
    may_read_combined,
    may_read_deidentified,
    visible_hospitals,
)
from federation.schemas import AggregatedOut, AggregatedRecordOut, DeidentifiedOut
from federation.service.freshness import count_complete, is_kept_away, publish_freshness
from federation.service.live import copy_in_time
from federation.service.records import about_record
from federation.service.research import get_deidentified

_UNREACHED = "It did not answer within the time of this request."


def get_aggregated(
    *, actor: Actor, page: PageIn, live: bool, now: datetime
) -> tuple[AggregatedOut | DeidentifiedOut, str | None]:
    """Return one page of the combined records with each hospital's freshness, and the cursor of the next page.

    With names for doctors and administrators, without for researchers. The first page asks the hospitals that were
    never copied (with `live` every hospital) and waits for them, 8 seconds in all; hospitals that the breaker protects
    are not asked. What is shown is always a last good copy, newest record first. Raises NotAllowed saying where else to
    look, and Invalid for a cursor of another list.
    """
    if may_read_deidentified(actor) and not live:
        _renew(actor, page, live=False, now=now)
        return get_deidentified(actor=actor, page=page, now=now)
    with audited_call(actor, "record.combined") as act:
        if not may_read_combined(actor):
            raise NotAllowed(_elsewhere(actor))
        unreached = _renew(actor, page, live=live, now=now)
        hospitals = [
            publish_freshness(each, now=now, unreached=_UNREACHED if each.pk in unreached else None)
            for each in visible_hospitals(actor).select_related("feed").order_by("-pk")
        ]
        rows = combined_records().select_related("hospital")
        found = paginate(rows, page=page, scope=f"combined:{actor.user_id}")
        act.about(*(about_record(actor, record) for record in found.items))
    records = _publish(found, now=now)
    complete = count_complete(each.status for each in hospitals)
    return AggregatedOut(complete=complete, hospitals=hospitals, records=records), found.next_cursor


def _renew(actor: Actor, page: PageIn, *, live: bool, now: datetime) -> frozenset[UUID]:
    """Copy the hospitals that a first page waits for; return those that did not end in time."""
    if page.cursor is not None:
        return frozenset()
    hospitals = visible_hospitals(actor).select_related("feed").order_by("pk")
    if not live:
        hospitals = hospitals.filter(feed__fetched_at__isnull=True)
    return copy_in_time([each.pk for each in hospitals if not is_kept_away(each.feed, now=now)], now=now)


def _elsewhere(actor: Actor) -> str:
    if actor.role is Role.RESEARCHER:
        return "Researchers read the last good copies, without `live`."
    if actor.role is Role.OFFICIAL:
        return "Officials read the counts of /api/aggregated-data/statistics/."
    return "Doctors, researchers and administrators read the combined data."


def _publish(found: Page[PatientRecord], *, now: datetime) -> list[AggregatedRecordOut]:
    today = timezone.localdate(now)
    return [
        AggregatedRecordOut(
            hospital=record.hospital_id,
            hospital_name=record.hospital.name,
            patient_id=record.patient_id,
            name=record.name,
            age=record.age_on(today),
            diagnosis=record.diagnosis,
        )
        for record in found.items
    ]
