"""The heartbeat of a worker process: a thread that says every ten seconds that it lives, and reaps in between."""

import threading
from datetime import datetime, timedelta

import structlog
from django.db import close_old_connections, connections
from django.utils import timezone

from core.jobs.lease import SILENCE, lease_length
from core.jobs.process import host_name, process_name
from core.jobs.reaper import reap
from core.models import Worker

log = structlog.get_logger("polyclinic.jobs")

BEAT_EVERY = timedelta(seconds=10)
REAP_EVERY = timedelta(seconds=30)


def beat(now: datetime) -> None:
    """Write that this process lives."""
    if not Worker.objects.filter(pk=process_name()).update(beat_at=now):
        Worker.objects.create(name=process_name(), started_at=now, beat_at=now)


def is_worker_alive(now: datetime, *, here: bool = False) -> bool:
    """Return whether any worker, or one of this machine's (`here`), has said within a minute that it lives."""
    workers = Worker.objects.filter(beat_at__gte=now - SILENCE)
    return (workers.filter(name__startswith=f"{host_name()}:") if here else workers).exists()


class Heartbeat(threading.Thread):
    """Beats until told to stop, on a database connection of its own; a failure is logged and does not end it."""

    def __init__(self) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._asked_to_stop = threading.Event()
        self._reap_at: datetime | None = None

    def run(self) -> None:
        """Beat and reap in turns."""
        try:
            while True:
                self._beat_once()
                if self._asked_to_stop.wait(min(BEAT_EVERY, _reap_every()).total_seconds()):
                    break
        finally:
            connections.close_all()

    def stop(self) -> None:
        """End after the beat that is at work."""
        self._asked_to_stop.set()
        self.join(timeout=5)

    def _beat_once(self) -> None:
        close_old_connections()
        now = timezone.now()
        try:
            beat(now)
            if self._reap_at is None or now >= self._reap_at:
                self._reap_at = now + _reap_every()
                reap(now)
        except Exception:
            log.warning("heartbeat failed", exc_info=True)
            close_old_connections()


def _reap_every() -> timedelta:
    """Return the time between two looks: half a lease where that is short."""
    return min(REAP_EVERY, lease_length() / 2)


_heartbeat: Heartbeat | None = None


def start_heartbeat() -> None:
    """Begin to beat in this process; each worker process calls it once, after it has been forked."""
    global _heartbeat
    _heartbeat = Heartbeat()
    _heartbeat.start()


def stop_heartbeat() -> None:
    """Stop beating, when the process ends orderly."""
    if _heartbeat is not None:
        _heartbeat.stop()
