"""Patient records: listing them all, and writing those that are typed in here."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from core.actor import Actor
from core.audit import Subject, audited
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.pagination import Page, PageIn, paginate
from federation.models import PatientRecord
from federation.permissions import (
    is_vouched_for,
    may_delete_record,
    may_work_with_records,
    rule_for_record,
    visible_hospitals,
    visible_records,
)
from federation.schemas import PatientRecordChangeIn, PatientRecordFilters, PatientRecordIn, PatientRecordOut
from federation.service.search import filter_records

_MANUAL = PatientRecord.Origin.MANUAL


def list_patient_records(
    *, actor: Actor, filters: PatientRecordFilters, page: PageIn, now: datetime
) -> Page[PatientRecordOut]:
    """Return one page of the records the actor may see, newest first. Raises NotAllowed, and Invalid for a date."""
    with audited(actor, "record.list") as act:
        _require_work(actor)
        rows = filter_records(visible_records(actor), filters, today=timezone.localdate(now))
        found = paginate(
            rows.select_related("hospital"), page=page, scope=f"records:{actor.user_id}:{filters.model_dump_json()}"
        )
        act.about(*(about_record(actor, record) for record in found.items))
    return found.map(lambda records: [_publish(record, now) for record in records])


def get_patient_record(*, actor: Actor, record_id: UUID, now: datetime) -> PatientRecordOut:
    """Return one record; raises NotFound where the actor may not see it, NotAllowed for research accounts."""
    with audited(actor, "record.read", Subject("record", record_id)) as act:
        _require_work(actor)
        record = _one(visible_records(actor).select_related("hospital"), record_id)
        act.about(about_record(actor, record))
    return _publish(record, now)


def create_patient_record(*, actor: Actor, body: PatientRecordIn, now: datetime) -> PatientRecordOut:
    """Type a record in; it stays apart from what the hospital itself says of the same patient.

    What others than doctors and the front desk type in enters no combined data. Raises NotAllowed, Invalid for an
    unknown hospital or an impossible birth date, and Conflict (`duplicate`) where the patient has such a record.
    """
    with audited(actor, "record.create") as act:
        _require_work(actor)
        record = PatientRecord(
            origin=_MANUAL, created_by_id=actor.user_id, created_at=now, is_vouched=is_vouched_for(actor)
        )
        _apply(actor, record, body.changes(), now=now)
        _save(record)
        act.about(about_record(actor, record))
    return _publish(record, now)


def update_patient_record(
    *, actor: Actor, record_id: UUID, body: PatientRecordChangeIn, now: datetime
) -> PatientRecordOut:
    """Change what the body names of a record that was typed in; safe to repeat.

    Raises NotFound, and Conflict: `comes_from_the_hospital` for a fetched one, else as `create_patient_record`.
    """
    with audited(actor, "record.update", Subject("record", record_id)) as act:
        record = _held(actor, record_id)
        act.about(about_record(actor, record))
        _require_typed_in(record)
        # Who is no doctor any more changes what they once typed in for themselves alone.
        record.is_vouched = record.is_vouched and is_vouched_for(actor)
        _apply(actor, record, body.changes(), now=now)
        _save(record)
    return _publish(record, now)


def delete_patient_record(*, actor: Actor, record_id: UUID, now: datetime) -> None:
    """Take a record that was typed in out of sight; one of the same patient may be typed in again.

    Raises NotFound, NotAllowed, and Conflict (`comes_from_the_hospital`) for a fetched one.
    """
    with audited(actor, "record.delete", Subject("record", record_id)) as act:
        record = _held(actor, record_id)
        act.about(about_record(actor, record))
        if not may_delete_record(actor, record):
            raise NotAllowed("Only who typed a record in, and administrators, delete it.")
        _require_typed_in(record)
        record.removed_at = record.updated_at = now
        record.save(update_fields=["removed_at", "updated_at"])


def about_record(actor: Actor, record: PatientRecord) -> Subject:
    """Name a record in an audit event, with the rule by which the actor sees it."""
    return Subject("record", record.pk, rule_for_record(actor))


def _held(actor: Actor, record_id: UUID) -> PatientRecord:
    _require_work(actor)
    rows = visible_records(actor).select_related("hospital").select_for_update(of=("self",), no_key=True)
    return _one(rows, record_id)


def _one(rows: "QuerySet[PatientRecord]", record_id: UUID) -> PatientRecord:
    record = rows.filter(pk=record_id).first()
    if record is None:
        raise NotFound
    return record


def _require_work(actor: Actor) -> None:
    if not may_work_with_records(actor):
        raise NotAllowed("Researchers and officials work with de-identified data only.")


def _require_typed_in(record: PatientRecord) -> None:
    if record.origin != _MANUAL:
        raise Conflict(
            "The hospital itself keeps this record; the next copy would undo the change.",
            code="comes_from_the_hospital",
        )


def _apply(actor: Actor, record: PatientRecord, changes: dict[str, Any], *, now: datetime) -> None:
    """Write the changes into the record; the hospital must be one in use where it is a new one."""
    _apply_age(record, changes, today=timezone.localdate(now))
    hospital_id = changes.pop("hospital", record.hospital_id)
    if hospital_id != record.hospital_id:
        hospital = visible_hospitals(actor).filter(pk=hospital_id).first()
        if hospital is None:
            raise Invalid({"hospital": ["is not known"]})
        record.hospital = hospital
    for column, value in changes.items():
        setattr(record, column, value)
    record.person = PatientRecord.person_of(record.hospital_id, record.patient_id)
    record.search_key = PatientRecord.key_of(name=record.name, patient_id=record.patient_id, diagnosis=record.diagnosis)
    record.updated_at = now


def _apply_age(record: PatientRecord, changes: dict[str, Any], *, today: date) -> None:
    """Replace `age` in the changes by `age_stated`, where it says something else than the date of birth.

    A date of birth goes before an age; an age that differs from it is what the hospital says now, so the date goes.
    """
    says_age, age = "age" in changes, changes.pop("age", None)
    if changes.get("birth_date", record.birth_date) != record.birth_date:
        changes["age_stated"] = age if changes["birth_date"] is None else None
        _require_possible(changes["birth_date"], today)
    elif says_age and record.birth_date is None:
        changes["age_stated"] = age
    elif age is not None and age != record.age_on(today):
        changes["birth_date"], changes["age_stated"] = None, age


def _require_possible(birth_date: date | None, today: date) -> None:
    if birth_date is None:
        return
    if birth_date > today:
        raise Invalid({"birth_date": ["must not lie in the future"]})
    if PatientRecord(birth_date=birth_date).age_on(today) is None:
        raise Invalid({"birth_date": ["must lie within the last 130 years"]})


def _save(record: PatientRecord) -> None:
    """Save the record, in the place of a deleted one of the same patient; raise Conflict where there is a live one."""
    key = {"hospital_id": record.hospital_id, "patient_id": record.patient_id, "origin": _MANUAL}
    try:
        with transaction.atomic():
            PatientRecord.objects.filter(**key, removed_at__isnull=False).delete()
            record.save(force_insert=record._state.adding)
    except IntegrityError:
        raise Conflict("This hospital's patient has a record that was typed in.", code="duplicate") from None


def _publish(record: PatientRecord, now: datetime) -> PatientRecordOut:
    return PatientRecordOut(
        id=record.pk,
        hospital=record.hospital_id,
        hospital_name=record.hospital.name,
        patient_id=record.patient_id,
        name=record.name,
        age=record.age_on(timezone.localdate(now)),
        diagnosis=record.diagnosis,
        gender=record.gender,  # type: ignore[arg-type]  # the column's choices are these letters
        birth_date=record.birth_date,
        origin=record.origin,  # type: ignore[arg-type]  # the column's choices are these words
        created_by=record.created_by_id,
        created_at=record.created_at,
        updated_at=record.updated_at,
    )
