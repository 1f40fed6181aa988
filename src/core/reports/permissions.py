"""Who may see which reports: their own, administrators all; who may have the file of one, its kind says."""

from datetime import datetime

from django.db.models import QuerySet

from core.actor import Actor
from core.models import Report


def visible_reports(actor: Actor, now: datetime) -> "QuerySet[Report]":
    """Return the reports that have not expired: those that the actor asked for, for administrators everybody's."""
    reports = Report.objects.filter(expires_at__gt=now)
    return reports if actor.is_admin else reports.filter(requested_by=actor.account_id)
