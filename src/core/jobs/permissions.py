"""Who may see which jobs: their own, administrators all (SECURITY.md's table)."""

from django.db.models import QuerySet

from core.actor import Actor
from core.models import Job


def visible_jobs(actor: Actor) -> "QuerySet[Job]":
    """Return the jobs that the actor asked for; all of them for administrators and the system."""
    return Job.objects.all() if actor.is_admin else Job.objects.filter(requested_by=actor.account_id)
