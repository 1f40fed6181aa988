"""A job as a page shows it: in words, with how far it is and what came of it, and for how long the page asks again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import identity.service
from core.actor import Actor
from core.jobs import JobOut
from portal.wording import describe_job_kind, describe_job_state, job_tone

# A page that asks again by itself keeps its session from ending, so it does not do so for ever.
_FOLLOWED_FOR = timedelta(minutes=10)
_LIVE = ("queued", "running")


@dataclass(frozen=True, slots=True)
class JobView:
    """A job in words. `counts` are the figures of its result; `is_followed` while its page asks again by itself.

    `waits_until` is set where it begins only later, such as after a failed attempt.
    """

    job: JobOut
    title: str
    state: str
    tone: str
    sentence: str
    asked_by: str
    counts: list[tuple[str, int]]
    waits_until: datetime | None
    shows_progress: bool
    is_live: bool
    is_followed: bool
    can_cancel: bool


def view_jobs(jobs: Iterable[JobOut], *, actor: Actor, now: datetime) -> list[JobView]:
    """Return jobs ready for a page; one query for the names of those who asked for them."""
    found = list(jobs)
    names = identity.service.describe_users(job.requested_by for job in found if job.requested_by)
    return [_view(job, names, actor=actor, now=now) for job in found]


def _view(job: JobOut, names: Mapping[UUID, str], *, actor: Actor, now: datetime) -> JobView:
    is_live = job.state in _LIVE
    return JobView(
        job=job,
        title=describe_job_kind(job.kind),
        state=describe_job_state(job),
        tone=job_tone(job),
        sentence=_tell(job, now),
        asked_by=_asker(job, names, actor),
        counts=[(name.replace("_", " ").capitalize(), count) for name, count in _figures(job)],
        waits_until=job.run_after if job.state == "queued" and job.run_after > now else None,
        shows_progress=job.state == "running" or (is_live and job.progress.done > 0),
        is_live=is_live,
        is_followed=is_live and now - max(job.created_at, job.started_at or job.created_at) < _FOLLOWED_FOR,
        can_cancel=is_live and not job.cancel_asked,
    )


def _asker(job: JobOut, names: Mapping[UUID, str], actor: Actor) -> str:
    if job.requested_by is None:
        return "The clinic, by the clock"
    return "You" if job.requested_by == actor.user_id else names.get(job.requested_by, "An account that is gone")


def _figures(job: JobOut) -> list[tuple[str, int]]:
    return [(name, value) for name, value in (job.result or {}).items() if type(value) is int]


def _tell(job: JobOut, now: datetime) -> str:
    """Return the sentence that says how things stand; why an attempt failed is told apart from it."""
    if job.state == "running":
        return "It was asked to stop, and stops as soon as it notices." if job.cancel_asked else "It is being done."
    if job.state == "queued":
        if job.attempt:
            return "The last attempt failed. It is tried again by itself."
        return "It begins when its time has come." if job.run_after > now else "It begins as soon as a worker is free."
    if job.state == "dead":
        return f"It was tried {job.attempt} times and not finished." if job.attempt > 1 else "It could not be done."
    return {"done": "It is finished.", "cancelled": "It was stopped before it was finished."}[job.state]
