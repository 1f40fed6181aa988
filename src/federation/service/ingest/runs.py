"""A copy's own history: begun, taken up again after a crash, advanced page by page, ended once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from core import jobs
from core.http import OutboundError
from federation.connectors import Page, Problem
from federation.models import Feed, Hospital, SyncProblem, SyncRun
from federation.service.breaker import note_failure, note_success, seconds_closed_to
from federation.service.ingest.rows import count_records, sweep, write_records

MOST_PROBLEMS_KEPT = 1000
# Longer than any request lives; a copy within a request that is still open then died with it.
LONGEST_REQUEST = timedelta(seconds=60)
# A copy that failed in between goes on from where it stopped when it is tried again soon, before links grow stale.
LONGEST_INTERRUPTION = timedelta(hours=1)
# How long the problems of a copy can be read; their number stays with it.
PROBLEMS_KEPT_FOR = timedelta(days=7)
# What may be over when it is tried again, a server's own error (`status`) perhaps.
PASSING = {"unreachable", "timeout", "throttled", "interrupted"}

_INTERRUPTED = OutboundError("interrupted", "It was interrupted.")


class Unavailable(Exception):
    """The hospital is not to be copied now: `seconds` says when to ask again, `why` is `kept_away` or `busy`."""

    def __init__(self, why: str, seconds: float) -> None:
        super().__init__(why)
        self.why = why
        self.seconds = seconds


class Overtaken(Exception):
    """Somebody else ended or advanced this copy; what was about to be written is not."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A copy in progress: the hospital as it was registered when it began, and how many records it had."""

    hospital: Hospital
    run: SyncRun
    expected: int | None


def begin_run(*, hospital_id: UUID, job: jobs.Run | None, now: datetime, afresh: bool = False) -> Begun:
    """Open a hospital's copy, or take up the one that this job left when its worker died.

    A copy that failed in passing shortly before is gone on with from its cursor, unless `afresh`. Raises Unavailable
    where the breaker keeps us away or somebody else copies the hospital, LookupError where it is out of use.
    """
    with transaction.atomic():
        if job is not None:
            job.fence()
        feed = Feed.objects.select_for_update().filter(pk=hospital_id, hospital__deleted_at__isnull=True).first()
        if feed is None:
            raise LookupError("the hospital is not in use")
        hospital = Hospital.objects.get(pk=hospital_id)
        expected = feed.record_count if feed.fetched_at else None
        run = SyncRun.objects.filter(hospital=hospital, state=SyncRun.State.RUNNING).first()
        if run is not None and job is not None and run.job_id == job.job_id and not _is_outdated(run, hospital):
            return Begun(hospital, run, expected)
        if seconds := seconds_closed_to(feed, now=now):
            raise Unavailable("kept_away", seconds)
        if run is not None and not (_is_abandoned(run, now=now) or (job and run.job_id == job.job_id)):
            raise Unavailable("busy", LONGEST_REQUEST.total_seconds() / 6)
        if run is not None:
            _close(run, _INTERRUPTED, now=now)
        run = SyncRun(hospital=hospital, job_id=job.job_id if job else None, started_at=now)
        interrupted = _find_interrupted(hospital, now=now) if job and not afresh else None
        if interrupted is not None:
            run.generation, run.cursor = interrupted.generation, interrupted.cursor
        else:
            run.generation = feed.generation + 1
        run.save(force_insert=True)
        feed.generation, feed.attempted_at = run.generation, now
        feed.save(update_fields=["generation", "attempted_at"])
    return Begun(hospital, run, expected)


def store_page(begun: Begun, page: Page, *, now: datetime) -> None:
    """Write one page and how far the copy is, in the caller's transaction; the last page ends it.

    Raises Overtaken, so that nothing of it stays.
    """
    run = begun.run
    if page.cursor is None:
        # Locks are taken in one order: job, feed, run, records.
        Feed.objects.select_for_update().get(pk=run.hospital_id)
    _require_unchanged(begun.hospital)
    written = write_records(run, page.records, now=now)
    found = [*page.problems, *written.problems]
    _keep_problems(run, found)
    run.records_read += len(page.records)
    run.records_written += written.count
    run.problem_count += len(found)
    run.cursor = page.cursor or ""
    if page.cursor is None:
        run.records_removed = sweep(run, now=now)
        run.state, run.finished_at = SyncRun.State.COMPLETE, now
    _save(run, pages=run.pages + 1)
    if page.cursor is None:
        _note_copy(run, now=now)


def fail_run(run: SyncRun, failure: OutboundError, *, now: datetime, counted: bool = True) -> None:
    """End a copy that cannot go on, in the caller's transaction; what is there stays as it is.

    `counted`: it is the hospital's failure, and the breaker's business. Raises Overtaken.
    """
    feed = Feed.objects.select_for_update().get(pk=run.hospital_id)
    if not _close(run, failure, now=now):
        raise Overtaken
    if counted:
        note_failure(feed, failure, now=now)
        feed.save(update_fields=["failures", "error_code", "error_detail", "opens_until"])


def close_abandoned_runs(*, now: datetime) -> int:
    """End the copies whose job or request is no more; returns how many. Safe to repeat."""
    open_runs = SyncRun.objects.filter(state=SyncRun.State.RUNNING, started_at__lt=now - LONGEST_REQUEST)
    return sum(_close(run, _INTERRUPTED, now=now) for run in open_runs if _is_abandoned(run, now=now))


def forget_old_problems(*, now: datetime) -> int:
    """Delete the problems of copies that ended more than a week ago; returns how many."""
    deleted, _ = SyncProblem.objects.filter(run__finished_at__lt=now - PROBLEMS_KEPT_FOR).delete()
    return deleted


def _is_abandoned(run: SyncRun, *, now: datetime) -> bool:
    if run.job_id is None:
        return run.started_at < now - LONGEST_REQUEST
    job = jobs.find_job(run.job_id)
    return job is None or job.state not in {"queued", "running"}


def _is_outdated(run: SyncRun, hospital: Hospital) -> bool:
    """Tell whether the hospital was changed since: its pages may be elsewhere now."""
    return hospital.updated_at > run.started_at


def _find_interrupted(hospital: Hospital, *, now: datetime) -> SyncRun | None:
    run = SyncRun.objects.filter(hospital=hospital).order_by("-pk").first()
    if run is None or run.state != SyncRun.State.FAILED or run.error_code not in {*PASSING, "status"} or not run.cursor:
        return None
    if run.pages == 0:
        # It went on from an earlier one and came nowhere: perhaps the hospital has forgotten that page for good.
        return None
    ended = run.finished_at or run.started_at
    return None if ended < now - LONGEST_INTERRUPTION or _is_outdated(run, hospital) else run


def _require_unchanged(hospital: Hospital) -> None:
    """Raise Overtaken where the hospital was taken out of use, or is reached elsewhere, since the copy began."""
    same = Hospital.objects.filter(
        pk=hospital.pk, deleted_at__isnull=True, api_endpoint=hospital.api_endpoint, format=hospital.format
    )
    if not same.exists():
        raise Overtaken


def _keep_problems(run: SyncRun, problems: list[Problem]) -> None:
    room = max(0, MOST_PROBLEMS_KEPT - run.problem_count)
    rows = [SyncProblem(run=run, page=run.pages + 1, code=each.code, place=each.place) for each in problems[:room]]
    SyncProblem.objects.bulk_create(rows)


def _save(run: SyncRun, *, pages: int) -> None:
    """Write the run where nobody else has advanced or ended it since we read it."""
    columns = ("cursor", "records_read", "records_written", "records_removed", "problem_count", "state", "finished_at")
    changes: dict[str, Any] = {name: getattr(run, name) for name in columns}
    mine = SyncRun.objects.filter(pk=run.pk, state=SyncRun.State.RUNNING, pages=run.pages)
    if not mine.update(pages=pages, **changes):
        raise Overtaken
    run.pages = pages


def _note_copy(run: SyncRun, *, now: datetime) -> None:
    feed = Feed.objects.get(pk=run.hospital_id)
    note_success(feed)
    feed.fetched_at, feed.record_count = now, count_records(run)
    feed.save(update_fields=["fetched_at", "record_count", "failures", "error_code", "error_detail", "opens_until"])


def _close(run: SyncRun, failure: OutboundError, *, now: datetime) -> bool:
    return bool(
        SyncRun.objects.filter(pk=run.pk, state=SyncRun.State.RUNNING).update(
            state=SyncRun.State.FAILED,
            error_code=failure.code[:32],
            error_detail=failure.detail[:255],
            finished_at=now,
        )
    )
