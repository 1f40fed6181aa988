"""Identity's housekeeping in the worker."""

from django.utils import timezone
from huey import crontab
from huey.contrib.djhuey import db_periodic_task

from identity import service


@db_periodic_task(crontab(minute="41"))
def sweep_sessions() -> None:
    """Forget sessions whose tokens have all expired, once an hour."""
    service.forget_expired_sessions(now=timezone.now())
