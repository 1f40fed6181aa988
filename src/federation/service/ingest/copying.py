"""One copy of one hospital, from the first page to the last; no transaction is open while the hospital is asked."""

from collections.abc import Generator, Iterable, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Literal
from uuid import UUID

from django.db import OperationalError, transaction
from django.utils import timezone

from core import jobs
from core.http import Answer, Client, Limits, OutboundError, Readable, open_client
from federation.connectors import Page, Source, StaleCursor, find
from federation.models import Feed, SyncRun
from federation.service.ingest.runs import Begun, Overtaken, Unavailable, begin_run, fail_run, store_page
from federation.service.tokens import open_token

_UNEXPECTED = OutboundError("failed", "Something unexpected happened while it was copied.")
_STALE = OutboundError("stale_cursor", "The hospital could not go on where it was interrupted.")
_CANCELLED = OutboundError("cancelled", "Somebody asked to stop.")


@dataclass(frozen=True, slots=True)
class Copied:
    """How a copy went: `kept_away` by the breaker and `busy` (somebody else copies it) asked the hospital nothing.

    `failure` is set where it failed, `wait` says in seconds when trying again is welcome, where that is known.
    """

    state: Literal["complete", "failed", "kept_away", "busy"]
    run: SyncRun | None = None
    failure: OutboundError | None = None
    wait: float | None = None


def copy_hospital(*, hospital_id: UUID, limits: Limits, now: datetime, job: jobs.Run | None = None) -> Copied:
    """Copy a hospital's records: new, changed and vanished ones. Safe to repeat, also after a crash in between.

    With a job, page by page, each in a transaction of its own that the job's fence guards; without one (within a
    request) as a whole, in one transaction after the last page was read. Never raises for what the hospital does: it
    keeps its last good copy, and its feed says what went wrong. Must be called outside a transaction. Raises
    LookupError for a hospital out of use, and LeaseLost and Cancelled of the job.
    """
    ended = SyncRun.objects.filter(job_id=job.job_id, state=SyncRun.State.COMPLETE).first() if job else None
    if ended is not None:
        # Its worker died between the last page and saying so.
        return Copied("complete", ended)
    try:
        begun = begin_run(hospital_id=hospital_id, job=job, now=now)
        try:
            return _copy(begun, limits=limits, job=job)
        except StaleCursor:
            _fail(begun.run, _STALE, job=job, counted=False)
            begun = begin_run(hospital_id=hospital_id, job=job, now=timezone.now(), afresh=True)
            return _copy(begun, limits=limits, job=job)
    except Unavailable as away:
        return Copied("kept_away" if away.why == "kept_away" else "busy", wait=away.seconds)
    except Overtaken:
        return Copied("busy", wait=1)


def _copy(begun: Begun, *, limits: Limits, job: jobs.Run | None) -> Copied:
    run = begun.run
    try:
        if job is None:
            _store_at_once(begun, list(_read(begun, limits=limits, job=None)))
        else:
            with closing(_read(begun, limits=limits, job=job)) as pages:
                _store_each(begun, pages, job)
    except OutboundError as failure:
        _fail(run, failure, job=job)
        return Copied("failed", run, failure, failure.retry_after)
    except jobs.Cancelled:
        _fail(run, _CANCELLED, job=job, counted=False)
        raise
    except (StaleCursor, Overtaken, jobs.LeaseLost, OperationalError):
        # A database that is busy or away is no failure of the hospital's; the run is taken up again or abandoned.
        raise
    except Exception:
        _fail(run, _UNEXPECTED, job=job)
        raise
    return Copied("complete", run)


def _read(begun: Begun, *, limits: Limits, job: jobs.Run | None) -> Generator[Page]:
    hospital = begun.hospital
    with open_client(hospital.api_endpoint, token=open_token(hospital), limits=limits) as client:
        source = Source(_KeptClient(client, job) if job else client, hospital.api_endpoint)
        yield from find(hospital.format)(source, begun.run.cursor or None)


def _store_at_once(begun: Begun, pages: list[Page]) -> None:
    with transaction.atomic(durable=True):
        # Locks are taken in one order: job, feed, run, records.
        Feed.objects.select_for_update().get(pk=begun.run.hospital_id)
        for page in pages:
            store_page(begun, page, now=timezone.now())


def _store_each(begun: Begun, pages: Iterable[Page], job: jobs.Run) -> None:
    for page in pages:
        with transaction.atomic(durable=True):
            job.fence()
            store_page(begun, page, now=timezone.now())
        job.progress(begun.run.records_read, begun.expected, f"page {begun.run.pages}")


def _fail(run: SyncRun, failure: OutboundError, *, job: jobs.Run | None, counted: bool = True) -> None:
    with transaction.atomic():
        if job is not None:
            job.fence()
        fail_run(run, failure, now=timezone.now(), counted=counted)


class _KeptClient:
    """A client that renews the job's lease before it asks, so that a slow hospital does not lose it."""

    SECONDS = 1.0

    def __init__(self, client: Client, job: jobs.Run) -> None:
        self.limits = client.limits
        self._client = client
        self._job = job
        self._kept_at = monotonic()

    def get_json(self, url: str = "", params: Mapping[str, str] | None = None) -> Answer:
        self._keep()
        return self._client.get_json(url, params)

    def stream(self, url: str = "", params: Mapping[str, str] | None = None) -> AbstractContextManager[Readable]:
        self._keep()
        return self._client.stream(url, params)

    def _keep(self) -> None:
        if monotonic() - self._kept_at > self.SECONDS:
            self._job.keep()
            self._kept_at = monotonic()
