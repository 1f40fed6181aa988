"""How far the copy of one hospital is, for the page that watches it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core import jobs
from core.actor import Actor
from core.errors import NotAllowed
from federation.permissions import may_manage_hospitals


@dataclass(frozen=True, slots=True)
class CopyAtWork:
    """A hospital's copy that waits or runs: records read so far, and of how many where that is known.

    `begins_at` is set while it waits, `has_worker` tells whether there is anybody to begin it. `error` says in our
    words why the attempt before failed, where this one tries again.
    """

    job: UUID
    begins_at: datetime | None
    has_worker: bool
    done: int
    total: int | None
    message: str
    error: str | None

    @property
    def at_most(self) -> int | None:
        """How many records there are to read, as far as can be told: never fewer than were read already."""
        return max(self.done, self.total) if self.total is not None else None


def find_copy_at_work(*, actor: Actor, hospital_id: UUID, now: datetime) -> CopyAtWork | None:
    """Return the copy of a hospital that waits or runs; None where there is none. For administrators."""
    if not may_manage_hospitals(actor):
        raise NotAllowed("Administrators have hospitals copied and read how that went.")
    job = jobs.find_live_job(f"sync:{hospital_id}")
    if job is None:
        return None
    is_waiting = job.state == "queued"
    return CopyAtWork(
        job=job.id,
        begins_at=job.run_after if is_waiting else None,
        has_worker=not is_waiting or jobs.is_worker_alive(now),
        done=job.progress.done,
        total=job.progress.total,
        message=job.progress.message,
        error=job.error.detail if job.error else None,
    )
