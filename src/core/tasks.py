"""Core's tasks: the doorbell of jobs, the heartbeat of each worker process, and housekeeping."""

from uuid import UUID

from django.utils import timezone
from huey import crontab
from huey.contrib.djhuey import db_periodic_task, db_task, on_shutdown, on_startup

from core import jobs, reports
from core.idempotency import forget_old_answers
from core.reports.write import JOB, write_report
from core.throttle import forget_expired_attempts

jobs.register(JOB, write_report)


@db_task()
def run_job(job_id: str) -> None:
    """Do a job, if it is still to be done."""
    jobs.run_job(UUID(job_id))


def ring(job_id: UUID, delay: float) -> None:
    """Put a job's id into the queue, now or after so many seconds."""
    run_job.schedule((str(job_id),), delay=delay) if delay else run_job(str(job_id))


# The process that forks the workers must not touch the database, so each worker begins to beat by itself.
@on_startup()
def start_heartbeat() -> None:
    """Say that this worker process lives, from now on."""
    jobs.start_heartbeat()


@on_shutdown()
def stop_heartbeat() -> None:
    """Fall silent in an orderly end."""
    jobs.stop_heartbeat()


@db_periodic_task(crontab(minute="17"))
def sweep_throttle_counters() -> None:
    """Forget attempts whose window is over, once an hour."""
    forget_expired_attempts(now=timezone.now())


@db_periodic_task(crontab(minute="23"))
def sweep_idempotent_answers() -> None:
    """Forget answers to keys older than 24 hours, once an hour."""
    forget_old_answers(now=timezone.now())


@db_periodic_task(crontab(minute="29"))
def sweep_jobs() -> None:
    """Forget jobs that ended more than 30 days ago, once an hour."""
    jobs.forget_old_jobs(now=timezone.now())


@db_periodic_task(crontab(minute="37"))
def sweep_reports() -> None:
    """Forget reports whose day is over, with their files, once an hour."""
    reports.forget_expired_reports(now=timezone.now())
