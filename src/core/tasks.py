"""Core's housekeeping in the worker."""

from django.utils import timezone
from huey import crontab
from huey.contrib.djhuey import db_periodic_task

from core.idempotency import forget_old_answers
from core.throttle import forget_expired_attempts


@db_periodic_task(crontab(minute="17"))
def sweep_throttle_counters() -> None:
    """Forget attempts whose window is over, once an hour."""
    forget_expired_attempts(now=timezone.now())


@db_periodic_task(crontab(minute="23"))
def sweep_idempotent_answers() -> None:
    """Forget answers to keys older than 24 hours, once an hour."""
    forget_old_answers(now=timezone.now())
