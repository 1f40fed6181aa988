"""Core's tables."""

from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from core.ids import new_id


class ThrottleCounter(models.Model):
    """How often one door was tried by one key within the running window; keys are digests, never addresses."""

    key = models.CharField(primary_key=True, max_length=64)
    window = models.BigIntegerField(help_text="Number of the window since the epoch.")
    hits = models.PositiveIntegerField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = "throttle counter"

    def __str__(self) -> str:
        return f"{self.hits} in window {self.window}"


class WrittenOnce(models.QuerySet[Any]):
    """Rows that are added and read, never changed: the ORM refuses everywhere, PostgreSQL by trigger too."""

    def update(self, **changes: Any) -> int:
        """Refuse."""
        raise PermissionError("audit rows are written once")

    def bulk_update(self, *_: Any, **__: Any) -> int:
        """Refuse."""
        raise PermissionError("audit rows are written once")

    def delete(self) -> tuple[int, dict[str, int]]:
        """Refuse."""
        raise PermissionError("audit rows are written once")


class WrittenOnceModel(models.Model):
    """The base of audit's tables."""

    objects = WrittenOnce.as_manager()

    class Meta:
        abstract = True

    def save(self, **options: Any) -> None:
        """Insert; refuse to change what is there."""
        if not self._state.adding:
            raise PermissionError("audit rows are written once")
        super().save(**{**options, "force_insert": True})

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        """Refuse."""
        raise PermissionError("audit rows are written once")


class AuditEvent(WrittenOnceModel):
    """Who did what, when, from where, by which rule, and whether it was allowed. Written by `core.audit` alone."""

    class Outcome(models.TextChoices):
        """How it ended."""

        ALLOWED = "allowed"
        REFUSED = "refused"

    id = models.UUIDField(primary_key=True, editable=False)
    at = models.DateTimeField(db_index=True)
    actor_kind = models.CharField(max_length=8)
    actor_id = models.UUIDField(null=True, db_index=True)
    role = models.CharField(max_length=16, blank=True)
    action = models.CharField(max_length=64, db_index=True)
    rule = models.CharField(max_length=255, blank=True)
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    request_id = models.CharField(max_length=64, blank=True)
    address = models.CharField(max_length=64, blank=True)
    mac = models.CharField(max_length=64)

    class Meta:
        verbose_name = "audit event"

    def __str__(self) -> str:
        return f"{self.action} by {self.actor_id}: {self.outcome}"


class AuditSubject(WrittenOnceModel):
    """What an event is about: opaque kind and id, and the rule that allowed the actor this one."""

    event = models.ForeignKey(AuditEvent, on_delete=models.PROTECT, related_name="subjects")
    kind = models.CharField(max_length=32)
    subject_id = models.UUIDField()
    rule = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = "audit subject"
        indexes = [models.Index(fields=["subject_id", "event"], name="events_about_a_subject")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_id}"


class IdempotentAnswer(models.Model):
    """What one actor's `Idempotency-Key` was answered with; `status` is empty while the first request is at work."""

    actor_id = models.UUIDField()
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    token = models.UUIDField(default=new_id, help_text="Whose request it is that is at work.")
    started_at = models.DateTimeField(db_index=True)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.BinaryField(default=bytes)

    class Meta:
        verbose_name = "idempotent answer"
        constraints = [models.UniqueConstraint(name="a_key_is_used_once_by_an_actor", fields=["actor_id", "key"])]

    def __str__(self) -> str:
        return f"{self.status}"


class Job(models.Model):
    """A long piece of work: the truth about it, of which the task queue is only the doorbell. See `core.jobs`."""

    class State(models.TextChoices):
        """How it stands: waiting, at work, or ended in one of three ways."""

        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        DEAD = "dead"
        CANCELLED = "cancelled"

    LIVE = (State.QUEUED, State.RUNNING)

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=64, db_index=True)
    key = models.CharField(max_length=200, help_text="Names one live job at most.")
    args = models.JSONField(default=dict, help_text="Ids only.")
    state = models.CharField(max_length=9, choices=State.choices, default=State.QUEUED)
    requested_by = models.UUIDField(null=True, help_text="The account; empty for the system.")
    progress_done = models.PositiveIntegerField(default=0)
    progress_total = models.PositiveIntegerField(null=True, help_text="Empty: not known.")
    progress_message = models.CharField(max_length=200, blank=True)
    attempt = models.PositiveSmallIntegerField(default=0, help_text="Every write of a worker is fenced on it.")
    worker = models.CharField(max_length=100, blank=True)
    lease_until = models.DateTimeField(null=True)
    run_after = models.DateTimeField()
    rung_at = models.DateTimeField(null=True, help_text="When the doorbell rings or last rang; empty: heard in vain.")
    cancel_asked_at = models.DateTimeField(null=True)
    result = models.JSONField(null=True, encoder=DjangoJSONEncoder, help_text="Ids and counts only.")
    error_code = models.CharField(max_length=32, blank=True)
    error_detail = models.CharField(max_length=255, blank=True, help_text="A sentence of ours, never what was read.")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, help_text="Of the last attempt.")
    finished_at = models.DateTimeField(null=True, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="a_key_names_one_live_job", fields=["key"], condition=Q(state__in=["queued", "running"])
            ),
            models.CheckConstraint(
                name="a_running_job_has_a_lease", condition=~Q(state="running") | Q(lease_until__isnull=False)
            ),
        ]
        indexes = [
            models.Index(fields=["requested_by", "id"], name="jobs_of_a_requester"),
            models.Index(fields=["kind", "run_after"], condition=Q(state__in=["queued", "running"]), name="live_jobs"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.state}"


class Lane(models.Model):
    """The row that is locked while somebody counts how many jobs of a kind are running."""

    kind = models.CharField(primary_key=True, max_length=64)

    def __str__(self) -> str:
        return self.kind


class Worker(models.Model):
    """A worker process and when it last said that it lives."""

    name = models.CharField(primary_key=True, max_length=100, help_text="Host, process, and a random word.")
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.name


class Report(models.Model):
    """A file that somebody asked for; its content stands in parts, so that no process ever holds all of it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=64)
    format = models.CharField(max_length=8)
    since = models.DateField(null=True)
    until = models.DateField(null=True, help_text="Included.")
    scope = models.CharField(max_length=64, help_text="What it is about, in the words of its kind; rights go by it.")
    requested_by = models.UUIDField()
    job = models.OneToOneField(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    row_count = models.PositiveIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0, help_text="In bytes.")
    created_at = models.DateTimeField()
    ready_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [models.Index(fields=["requested_by", "id"], name="reports_of_a_requester")]

    def __str__(self) -> str:
        return f"{self.kind} report"


class ReportPart(models.Model):
    """A stretch of a report's file, and whom its rows are about."""

    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    content = models.BinaryField()
    subjects = models.JSONField(default=list, help_text="Kind, id and rule of each, for the audit of each download.")

    class Meta:
        constraints = [models.UniqueConstraint(name="a_report_has_one_part_of_a_number", fields=["report", "number"])]

    def __str__(self) -> str:
        return f"part {self.number}"
