"""The doorbell: tells the workers that a job waits. It may fail, and it may ring twice; neither does harm."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import structlog

log = structlog.get_logger("polyclinic.jobs")

# Takes the job's id and the seconds to wait before the ring.
Bell = Callable[[UUID, float], object]


def _ring_nowhere(job_id: UUID, delay: float) -> None:
    raise LookupError("no bell is connected")


_bell: Bell = _ring_nowhere


def use_bell(bell: Bell) -> None:
    """Connect the task queue; called once, at start, by the only part of core that knows its tasks."""
    global _bell
    _bell = bell


def ring(job_id: UUID, *, at: datetime, now: datetime) -> None:
    """Ring for a job at a time, now where that is past; a queue that does not answer is logged, the reaper rings again.

    Call it after the transaction that makes the job claimable.
    """
    try:
        _bell(job_id, max(0.0, (at - now).total_seconds()))
    except Exception:
        log.warning("bell failed", job=str(job_id), exc_info=True)
