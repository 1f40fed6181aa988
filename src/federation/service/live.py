"""Asking many hospitals at once while somebody waits: so many at a time, and never longer than was said."""

from collections.abc import Collection
from contextvars import copy_context
from datetime import datetime
from queue import Empty, SimpleQueue
from threading import BoundedSemaphore, Lock, Thread
from time import monotonic
from uuid import UUID

import structlog
from django.db import connections

from core.errors import TooManyAttempts
from core.http import INTERACTIVE
from core.throttle import count_attempt
from federation.models import Hospital
from federation.service.fetching import PER_HOSPITAL
from federation.service.ingest import copy_hospital

AT_ONCE = 16
TOTAL_SECONDS = 8.0

# Of this process, whoever asks: each copy has a connection to the database and one to a hospital.
_seats = BoundedSemaphore(AT_ONCE)

log = structlog.get_logger("polyclinic.federation")


class _Round:
    """One round of asking: what waits, what has ended, and when it is over."""

    def __init__(self, hospital_ids: Collection[UUID], *, now: datetime, seconds: float) -> None:
        self.now = now
        self.ends = monotonic() + seconds
        self._waiting: SimpleQueue[UUID] = SimpleQueue()
        for hospital_id in hospital_ids:
            self._waiting.put(hospital_id)
        self._unreached = set(hospital_ids)
        self._lock = Lock()

    @property
    def seconds_left(self) -> float:
        return max(0.0, self.ends - monotonic())

    @property
    def unreached(self) -> frozenset[UUID]:
        """Return the hospitals that have not ended yet; later ones still store what they learn."""
        with self._lock:
            return frozenset(self._unreached)

    def work(self) -> None:
        """Copy one hospital after the other, in this thread's own database connection, until nothing waits."""
        if not _seats.acquire(timeout=self.seconds_left):
            return
        try:
            while self.seconds_left:
                hospital_id = self._waiting.get_nowait()
                _copy(hospital_id, now=self.now)
                with self._lock:
                    self._unreached.discard(hospital_id)
        except Empty:
            return
        finally:
            connections.close_all()
            _seats.release()


def copy_in_time(hospital_ids: Collection[UUID], *, now: datetime) -> frozenset[UUID]:
    """Copy these hospitals at once, through the same door as every sync; return those that did not end in time.

    Must be called outside a transaction. What fails is recorded in the hospital's feed. A copy that is still at work
    when the time is over is left alone: it ends by its own deadline and is stored, or not, as a whole.
    """
    if not hospital_ids:
        return frozenset()
    round_ = _Round(hospital_ids, now=now, seconds=TOTAL_SECONDS)
    # Daemons: a thread that hangs must keep neither this request nor the process from ending.
    threads = [
        Thread(target=copy_context().run, args=(round_.work,), daemon=True)
        for _ in range(min(AT_ONCE, len(hospital_ids)))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(round_.seconds_left)
    return round_.unreached


def _copy(hospital_id: UUID, *, now: datetime) -> None:
    """Copy one hospital, unless it was taken out of use or asked too often; whatever happens stays in this thread."""
    try:
        if not Hospital.objects.filter(pk=hospital_id, deleted_at__isnull=True).exists():
            return
        count_attempt([(PER_HOSPITAL, str(hospital_id))], now=now)
        copy_hospital(hospital_id=hospital_id, limits=INTERACTIVE, now=now)
    except TooManyAttempts:
        return
    except Exception:
        log.exception("live_copy", hospital=str(hospital_id))
