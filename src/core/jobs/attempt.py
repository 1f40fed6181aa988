"""What a handler holds while it works."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from core.jobs.lease import lease_length
from core.jobs.outcomes import Cancelled, LeaseLost
from core.models import Job


@dataclass(frozen=True, slots=True)
class Run:
    """An attempt, in the hands of its handler: what to do, and how to say that it is still at it."""

    job_id: UUID
    kind: str
    args: dict[str, str]
    attempt: int
    requested_by: UUID | None

    def progress(self, done: int, total: int | None, message: str = "") -> None:
        """Say how far it is, and renew the lease; in a transaction of its own, so never within another.

        `message` names no patient. Raises LeaseLost, and Cancelled where somebody asked to stop.
        """
        self._renew(progress_done=done, progress_total=total, progress_message=message[:200])

    def keep(self) -> None:
        """Renew the lease, as `progress` without saying anything; call it more often than a lease is long."""
        self._renew()

    def fence(self) -> None:
        """Within the transaction that writes what was done: let it commit only while this attempt is the last one.

        Renews the lease, and keeps the job from being claimed until the transaction ends. Raises LeaseLost.
        """
        if not transaction.get_connection().in_atomic_block:
            raise RuntimeError("a fence guards a transaction, and there is none")
        if not self._mine().update(lease_until=timezone.now() + lease_length()):
            raise LeaseLost

    def _renew(self, **changes: Any) -> None:
        with transaction.atomic(durable=True):
            held = self._mine().filter(cancel_asked_at=None)
            if held.update(lease_until=timezone.now() + lease_length(), **changes):
                return
            raise Cancelled if self._mine().exists() else LeaseLost

    def _mine(self) -> "QuerySet[Job]":
        return Job.objects.filter(pk=self.job_id, attempt=self.attempt, state=Job.State.RUNNING)
