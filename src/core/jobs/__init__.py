"""Long work that survives its workers: the database row is the truth, the task queue only the doorbell.

A job is submitted in the transaction of what makes it necessary; the doorbell rings when that commits, and again by
the reaper when nobody heard. A worker claims it by one conditional UPDATE, for as long as a lease. Every claim is a new
attempt, and a worker whose attempt is not the last one any more can write nothing: a job may begin more than once, so
handlers are idempotent, but only the last attempt counts. What fails is tried again with growing pauses, five times at
most; a dead job keeps its error.
"""

from core.jobs.attempt import Run
from core.jobs.bell import use_bell
from core.jobs.board import cancel_job, find_job, find_jobs, find_live_job, forget_old_jobs, get_job, list_jobs
from core.jobs.heartbeat import is_worker_alive, start_heartbeat, stop_heartbeat
from core.jobs.kinds import Handler, register
from core.jobs.outcomes import Cancelled, GiveUp, LeaseLost, RunLater
from core.jobs.reaper import reap
from core.jobs.run import run_job
from core.jobs.schemas import JobFilters, JobOut
from core.jobs.submit import hasten, submit

__all__ = [
    "Cancelled",
    "GiveUp",
    "Handler",
    "JobFilters",
    "JobOut",
    "LeaseLost",
    "Run",
    "RunLater",
    "cancel_job",
    "find_job",
    "find_jobs",
    "find_live_job",
    "forget_old_jobs",
    "get_job",
    "hasten",
    "is_worker_alive",
    "list_jobs",
    "reap",
    "register",
    "run_job",
    "start_heartbeat",
    "stop_heartbeat",
    "submit",
    "use_bell",
]
