"""Asking one hospital directly, while somebody waits: nothing is stored, and no transaction is open meanwhile."""

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from core.actor import Actor, Role
from core.audit import Subject, audited_call
from core.errors import NotAllowed, Refusal
from core.http import INTERACTIVE, Limits, OutboundError, open_client
from core.throttle import Limit, count_attempt
from federation.connectors import FetchedRecord, Page, Source, find
from federation.models import Feed, Hospital, PatientRecord
from federation.permissions import may_fetch_records, may_manage_hospitals, rule_for_record
from federation.schemas import EndpointTestIn, EndpointTestOut, FetchedRecordOut, FetchOut
from federation.service.breaker import note_failure, note_success, seconds_closed_to
from federation.service.hospitals import find_hospital, judged
from federation.service.tokens import open_token

# Of one hospital, whoever asks; and of one administrator, whichever address is tried.
PER_HOSPITAL = Limit("fetch-hospital", 6, 60)
PER_TESTER = Limit("test-endpoint", 20, 60)

log = structlog.get_logger("polyclinic.federation")


class HospitalFailed(Refusal):
    """The hospital could not be asked or did not answer properly; says how old the last good copy is."""

    status = 502
    code = "hospital_failed"
    title = "The hospital did not answer properly"

    def __init__(self, failure: OutboundError, *, last_good_copy_at: datetime | None, now: datetime) -> None:
        super().__init__(failure.detail, code=failure.code)
        self.last_good_copy_at = last_good_copy_at
        self.now = now

    def more(self) -> Mapping[str, Any]:
        """Return when the last good copy was made and its age in whole seconds; null where there is none."""
        copied = self.last_good_copy_at
        return {
            "last_good_copy_at": copied and copied.isoformat().replace("+00:00", "Z"),
            "age_seconds": copied and int((self.now - copied).total_seconds()),
        }


class HospitalTimedOut(HospitalFailed):
    """The hospital did not answer in time."""

    status = 504
    title = "The hospital did not answer in time"


def fetch_records(*, actor: Actor, hospital_id: UUID, now: datetime) -> FetchOut:
    """Ask a hospital for its records now and hand them on; nothing is stored. For doctors and administrators.

    How it went is the breaker's business, as with a copy. Raises NotAllowed saying where else to look, NotFound,
    TooManyAttempts (6 a minute for each hospital), and HospitalFailed or HospitalTimedOut with a code of
    `core.http.OutboundError`, or `left_alone` while the breaker keeps us away.
    """
    with audited_call(actor, "hospital.fetch", Subject("hospital", hospital_id)) as act:
        if not may_fetch_records(actor):
            raise NotAllowed(_elsewhere(actor))
        hospital = find_hospital(actor, hospital_id)
        act.about(Subject("hospital", hospital.pk, rule_for_record(actor)))
        count_attempt([(PER_HOSPITAL, str(hospital.pk))], now=now)
        try:
            if seconds_closed_to(hospital.feed, now=now):
                raise OutboundError("left_alone", "It failed again and again, or asked for it: it is left alone now.")
            pages = _read(hospital.api_endpoint, hospital.format, lambda: open_token(hospital), INTERACTIVE)
        except OutboundError as failure:
            if failure.code != "left_alone":
                _note(hospital, failure, now=now)
            refusal = HospitalTimedOut if failure.code == "timeout" else HospitalFailed
            raise refusal(failure, last_good_copy_at=hospital.feed.fetched_at, now=now) from None
        _note(hospital, None, now=now)
    return _publish(hospital, pages, now=now)


def test_endpoint(*, actor: Actor, body: EndpointTestIn, hospital_id: UUID | None, now: datetime) -> EndpointTestOut:
    """Try an address, saved or not: read its first page, keep nothing, and say how much of it can be read.

    With `hospital_id` and no token in the body the saved token is sent, to the saved address alone. For
    administrators. Raises NotAllowed, NotFound, TooManyAttempts, and Invalid for an address that may not be asked;
    what goes wrong on the way there is in the answer's `error`.
    """
    named = [Subject("hospital", hospital_id)] if hospital_id else []
    with audited_call(actor, "hospital.test", *named):
        if not may_manage_hospitals(actor):
            raise NotAllowed("Administrators try addresses.")
        saved = find_hospital(actor, hospital_id) if hospital_id else None
        address = judged(body.api_endpoint)
        count_attempt([(PER_TESTER, str(actor.user_id))], now=now)

        def token() -> str:
            if saved is None or saved.api_endpoint != address or body.auth_token:
                return body.auth_token
            return open_token(saved)

        try:
            pages = _read(address, body.format, token, INTERACTIVE, most=1)
        except OutboundError as failure:
            return EndpointTestOut(record_count=0, problem_count=0, has_more=False, error=failure.detail)
    first = pages[0] if pages else Page()
    return EndpointTestOut(
        record_count=len(first.records),
        problem_count=len(first.problems),
        has_more=first.cursor is not None,
        error=None,
    )


def _read(
    address: str, format_: str, token: Callable[[], str], limits: Limits, *, most: int | None = None
) -> list[Page]:
    """Return a hospital's pages, all of them or the first few; raises OutboundError."""
    try:
        with closing(_ask(address, format_, token, limits)) as pages:
            return list(islice(pages, most))
    except OutboundError:
        raise
    except Exception:
        # Whatever a hospital finds to upset a reader is its failure, not an error of whoever asked.
        log.exception("fetch")
        raise OutboundError("failed", "Something unexpected happened while it was read.") from None


def _note(hospital: Hospital, failure: OutboundError | None, *, now: datetime) -> None:
    """Tell the hospital's feed how asking it went."""
    with transaction.atomic():
        feed = Feed.objects.select_for_update().get(pk=hospital.pk)
        if failure is None:
            note_success(feed)
        else:
            note_failure(feed, failure, now=now)
        feed.save(update_fields=["failures", "error_code", "error_detail", "opens_until"])


def _ask(address: str, format_: str, token: Callable[[], str], limits: Limits) -> Generator[Page]:
    with open_client(address, token=token(), limits=limits) as client:
        yield from find(format_)(Source(client, address))


def _elsewhere(actor: Actor) -> str:
    if actor.role is Role.RESEARCHER:
        return "Researchers read the de-identified records of /api/aggregated-data/."
    if actor.role is Role.OFFICIAL:
        return "Officials read the counts of /api/aggregated-data/statistics/."
    return "Doctors and administrators ask a hospital for its records."


def _publish(hospital: Hospital, pages: list[Page], *, now: datetime) -> FetchOut:
    """Publish what was read; of a patient who comes twice the first counts, as in a copy."""
    records: dict[str, FetchedRecord] = {}
    problems = sum(len(page.problems) for page in pages)
    for page in pages:
        for record in page.records:
            problems += record.patient_id in records
            records.setdefault(record.patient_id, record)
    return FetchOut(
        hospital=hospital.pk,
        hospital_name=hospital.name,
        location=hospital.location,
        fetched_at=now,
        complete=problems == 0,
        problem_count=problems,
        records=[_publish_record(record, now) for record in records.values()],
    )


def _publish_record(record: FetchedRecord, now: datetime) -> FetchedRecordOut:
    described = PatientRecord(
        age_stated=record.age,
        birth_date=record.birth_date,
        deceased_on=record.deceased_on,
        is_deceased=record.is_deceased,
    )
    return FetchedRecordOut(
        patient_id=record.patient_id,
        name=record.name,
        age=described.age_on(timezone.localdate(now)),
        diagnosis=record.diagnosis,
        gender=record.gender,  # type: ignore[arg-type]  # connectors give these letters
        birth_date=record.birth_date,
    )
