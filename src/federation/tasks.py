"""Federation's jobs, and what it does by the clock."""

from django.utils import timezone
from huey import crontab
from huey.contrib.djhuey import db_periodic_task

from core import jobs
from federation.service import schedule, statistics, sync
from federation.service.ingest import runs

jobs.register(sync.KIND, sync.run_sync, at_most=sync.AT_ONCE)


@db_periodic_task(crontab())
def submit_due_syncs() -> None:
    """Have hospitals copied whose copy is due, every minute."""
    schedule.submit_due_syncs(now=timezone.now())


@db_periodic_task(crontab())
def close_abandoned_runs() -> None:
    """End the copies whose worker or request is no more, every minute."""
    runs.close_abandoned_runs(now=timezone.now())


@db_periodic_task(crontab(minute="41"))
def forget_old_problems() -> None:
    """Forget what could not be taken a week ago and earlier, once an hour."""
    runs.forget_old_problems(now=timezone.now())


@db_periodic_task(crontab(minute="7"))
def compute_statistics() -> None:
    """Have the day's statistics computed if they are not, every hour."""
    statistics.compute_release(now=timezone.now())
