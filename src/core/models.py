"""Core's tables."""

from typing import Any

from django.db import models

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
