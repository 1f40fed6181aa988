"""Hospitals: registering, finding, changing, and taking out of use."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from core.actor import Actor
from core.audit import Subject, audited
from core.errors import Invalid, NotAllowed, NotFound
from core.http import OutboundError, judge_address
from core.pagination import Page, PageIn, paginate
from federation.models import Feed, Hospital
from federation.permissions import may_manage_hospitals, visible_hospitals
from federation.schemas import HospitalChangeIn, HospitalDetailOut, HospitalIn, HospitalOut
from federation.service.freshness import freshness_of
from federation.service.tokens import keep_token


def list_hospitals(*, actor: Actor, page: PageIn, now: datetime) -> Page[HospitalDetailOut] | Page[HospitalOut]:
    """Return one page of the hospitals in use, newest first; administrators see where they are reached."""
    found = paginate(visible_hospitals(actor).select_related("feed"), page=page, scope=f"hospitals:{actor.user_id}")
    return found.map(lambda hospitals: [publish_hospital(actor, each, now=now) for each in hospitals])


def get_hospital(*, actor: Actor, hospital_id: UUID, now: datetime) -> HospitalDetailOut | HospitalOut:
    """Return one hospital; raises NotFound."""
    return publish_hospital(actor, find_hospital(actor, hospital_id), now=now)


def create_hospital(*, actor: Actor, body: HospitalIn, now: datetime) -> HospitalDetailOut:
    """Register a hospital; it is asked for nothing yet. For administrators.

    Raises NotAllowed, and Invalid for an address that may not be asked as far as can be told without the network.
    """
    with audited(actor, "hospital.create") as act:
        _require_management(actor)
        hospital = Hospital(created_by_id=actor.user_id, created_at=now)
        _apply(hospital, body.model_dump(), now=now)
        hospital.save(force_insert=True)
        hospital.feed = Feed.objects.create(hospital=hospital, due_at=now if hospital.sync_every_minutes else None)
        act.about(_about(hospital))
    return publish_detail(hospital, now=now)


def update_hospital(*, actor: Actor, hospital_id: UUID, body: HospitalChangeIn, now: datetime) -> HospitalDetailOut:
    """Change what the body names; safe to repeat. A new address forgets the token, unless one comes with it.

    Raises NotFound, and as `create_hospital`.
    """
    with audited(actor, "hospital.update", Subject("hospital", hospital_id)) as act:
        hospital = _held(actor, hospital_id)
        act.about(_about(hospital))
        before = (hospital.api_endpoint, hospital.format)
        rhythm = hospital.sync_every_minutes
        _apply(hospital, body.changes(), now=now)
        hospital.save()
        feed = Feed.objects.select_for_update().get(pk=hospital.pk)
        if (hospital.api_endpoint, hospital.format) != before:
            # What went wrong at the old address says nothing of the new one.
            feed.failures, feed.error_code, feed.error_detail, feed.opens_until = 0, "", "", None
        if hospital.sync_every_minutes != rhythm:
            feed.due_at = _next_copy(hospital, feed, now=now)
        feed.save(update_fields=["failures", "error_code", "error_detail", "opens_until", "due_at"])
        hospital.feed = feed
    return publish_detail(hospital, now=now)


def delete_hospital(*, actor: Actor, hospital_id: UUID, now: datetime) -> None:
    """Take a hospital out of use and forget its token; its records stay, and a copy at work ends by itself.

    For administrators. Raises NotFound and NotAllowed.
    """
    with audited(actor, "hospital.delete", Subject("hospital", hospital_id)) as act:
        hospital = _held(actor, hospital_id)
        act.about(_about(hospital))
        keep_token(hospital, "")
        hospital.deleted_at = hospital.updated_at = now
        hospital.save(update_fields=["sealed_token", "token_origin", "deleted_at", "updated_at"])
        Feed.objects.filter(pk=hospital.pk).update(due_at=None)


def find_hospital(actor: Actor, hospital_id: UUID) -> Hospital:
    """Return a hospital in use with its feed; raise NotFound."""
    return _one(visible_hospitals(actor).select_related("feed"), hospital_id)


def publish_hospital(actor: Actor, hospital: Hospital, *, now: datetime) -> HospitalDetailOut | HospitalOut:
    """Publish a hospital as the actor may see it."""
    if may_manage_hospitals(actor):
        return publish_detail(hospital, now=now)
    return HospitalOut(id=hospital.pk, name=hospital.name, location=hospital.location)


def publish_detail(hospital: Hospital, *, now: datetime) -> HospitalDetailOut:
    """Publish a hospital as administrators see it."""
    return HospitalDetailOut(
        id=hospital.pk,
        name=hospital.name,
        location=hospital.location,
        api_endpoint=hospital.api_endpoint,
        format=hospital.format,  # type: ignore[arg-type]  # the column's choices are these words
        has_token=bool(hospital.sealed_token),
        sync_every_minutes=hospital.sync_every_minutes,
        status=freshness_of(hospital, now=now),
        fetched_at=hospital.feed.fetched_at,
        created_at=hospital.created_at,
        updated_at=hospital.updated_at,
    )


def judged(address: str) -> str:
    """Return an address as it is kept; raise Invalid with the reason where it may not be asked."""
    try:
        return judge_address(address)
    except OutboundError as refused:
        raise Invalid({"api_endpoint": [refused.detail]}) from None


def _apply(hospital: Hospital, changes: dict[str, Any], *, now: datetime) -> None:
    """Write the changes into the hospital; a token is sealed for the address that the hospital has afterwards."""
    token = changes.pop("auth_token", None)
    if "api_endpoint" in changes:
        changes["api_endpoint"] = judged(changes["api_endpoint"])
        if token is None and changes["api_endpoint"] != hospital.api_endpoint:
            token = ""
    for column, value in changes.items():
        setattr(hospital, column, value)
    if token is not None:
        keep_token(hospital, token)
    hospital.updated_at = now


def _next_copy(hospital: Hospital, feed: Feed, *, now: datetime) -> datetime | None:
    """Return when the clock's next copy is due: at once where the last attempt is long enough ago."""
    if not hospital.sync_every_minutes:
        return None
    if feed.attempted_at is None:
        return now
    return max(now, feed.attempted_at + timedelta(minutes=hospital.sync_every_minutes))


def _held(actor: Actor, hospital_id: UUID) -> Hospital:
    """Return the hospital, locked, for somebody who may change it; raise NotFound, then NotAllowed."""
    hospital = _one(visible_hospitals(actor).select_for_update(of=("self",), no_key=True), hospital_id)
    _require_management(actor)
    return hospital


def _one(rows: "QuerySet[Hospital]", hospital_id: UUID) -> Hospital:
    hospital = rows.filter(pk=hospital_id).first()
    if hospital is None:
        raise NotFound
    return hospital


def _require_management(actor: Actor) -> None:
    if not may_manage_hospitals(actor):
        raise NotAllowed("Administrators register hospitals and change them.")


def _about(hospital: Hospital) -> Subject:
    return Subject("hospital", hospital.pk, "admin")
