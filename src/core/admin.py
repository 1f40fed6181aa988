"""The pages of Django's admin: a technical window without a door of its own, nothing secret shown."""

from typing import Any, ClassVar, cast
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import NON_FIELD_ERRORS
from django.db import transaction
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from pydantic import ValidationError

from core.actor import Actor
from core.audit import ALLOWED, Act, Subject, record, record_refusal
from core.errors import Invalid, Refusal
from core.models import (
    AuditEvent,
    AuditSubject,
    IdempotentAnswer,
    Job,
    Lane,
    Report,
    ReportPart,
    ThrottleCounter,
    Worker,
)
from core.wire import In


class AuditedRequest(HttpRequest):
    """A request that the technical window let in; its site says who acts. Only for annotations."""

    actor: Actor


class AuditedModelAdmin(admin.ModelAdmin):
    """The base of every ModelAdmin here: each list and each row that is shown leaves an event, in one transaction.

    Changes go through services, which record themselves. No bulk actions, no history of Django's own (it would keep
    patients' names), and nothing is deleted unless its service deletes it.
    """

    actions = None
    list_per_page = 50
    show_full_result_count = False
    audit_kind: ClassVar[str] = ""

    def audit_subjects(self, row: Any) -> list[Subject]:
        """Name what a row is about: itself, where its id is one of ours; tables about patients name them too."""
        kind = self.audit_kind or self.opts.model_name or ""
        return [Subject(kind, row.pk, "technical-window")] if isinstance(row.pk, UUID) else []

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Show a list, on record with every row of the page."""
        with transaction.atomic():
            answer = super().changelist_view(request, extra_context)
            if isinstance(answer, TemplateResponse) and answer.context_data and "cl" in answer.context_data:
                self._record(request, "list", list(answer.context_data["cl"].result_list))
            return answer

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show or save one row; showing it is on record."""
        with transaction.atomic():
            answer = super().changeform_view(request, object_id, form_url, extra_context)
            self._record_shown(request, answer, object_id)
            return answer

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask before deleting; the question shows the row, so it is on record."""
        with transaction.atomic():
            answer = super().delete_view(request, object_id, extra_context)
            self._record_shown(request, answer, object_id)
            return answer

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Allow the filters that the page offers and no others: any column could be guessed letter by letter."""
        offered = {str(entry[0] if isinstance(entry, tuple) else entry) for entry in self.get_list_filter(request)}
        return lookup.partition("__")[0] in offered

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Refuse: the audit trail is the history."""
        raise Http404

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Leave it to the audit trail, which keeps no names."""
        return None

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Leave it to the audit trail, which keeps no names."""
        return None

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Leave it to the audit trail, which keeps no names."""
        return None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: what ends in the clinic is ended by its service and stays readable."""
        return False

    def _record_shown(self, request: HttpRequest, answer: Any, object_id: str | None) -> None:
        if object_id is not None and isinstance(answer, TemplateResponse):
            row = self.get_object(request, unquote(object_id))
            self._record(request, "view", [row] if row is not None else [])

    def _record(self, request: HttpRequest, act: str, rows: list[Any]) -> None:
        kind = self.audit_kind or self.opts.model_name
        actor = cast("AuditedRequest", request).actor
        subjects = [subject for row in rows for subject in self.audit_subjects(row)]
        record(Act(actor, f"admin.{kind}.{act}", subjects), outcome=ALLOWED)


class ReadOnlyModelAdmin(AuditedModelAdmin):
    """For tables that only programs write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False


class ServiceModelAdmin(AuditedModelAdmin):
    """For tables whose rows change through services: `save_model` and `delete_model` call them instead of the ORM.

    What a service refuses is rolled back and told on the page that it came from.
    """

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show or save one row; a refusal leads back to the page."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Refusal as refused:
            return self._tell(request, refused)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask, then delete through the service; a refusal leads back to the page."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except Refusal as refused:
            return self._tell(request, refused)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[Any, Any], set[Any], list[Any]]:
        """Name the row alone: a service takes it out of sight and erases nothing, so nothing goes with it."""
        return [str(row) for row in objs], {self.opts.verbose_name_plural: len(objs)}, set(), []

    def _tell(self, request: HttpRequest, refused: Refusal) -> HttpResponse:
        record_refusal(refused)
        sentences = [refused.detail]
        if isinstance(refused, Invalid):
            sentences = [f"{field}: {sentence}" for field, several in refused.errors.items() for sentence in several]
        for sentence in sentences:
            self.message_user(request, sentence, messages.ERROR)
        return redirect(request.get_full_path())


class SchemaForm(forms.ModelForm):
    """Checks what was typed with the shapes that the API takes, so that both doors refuse the same text.

    Once valid, `body` is the shape for the service: `schema_to_add` with every field for a new row, else
    `schema_to_change` with those that changed. Fields of the form that the shape does not know are the caller's.
    """

    schema_to_add: ClassVar[type[In]]
    schema_to_change: ClassVar[type[In]]
    body: In

    def clean(self) -> dict[str, Any]:
        """Build `body`, or say at each field what is wrong with it."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        adding = self.instance._state.adding
        schema = self.schema_to_add if adding else self.schema_to_change
        named = [name for name in (cleaned if adding else self.changed_data) if name in schema.model_fields]
        try:
            self.body = schema.model_validate({name: _plain(cleaned[name]) for name in named})
        except ValidationError as wrong:
            for entry in wrong.errors():
                field = str(entry["loc"][0]) if entry["loc"] else NON_FIELD_ERRORS
                sentence = entry["msg"].removeprefix("Value error, ")
                self.add_error(field if field in self.fields else None, sentence)
        return cleaned


def _plain(value: Any) -> Any:
    """Return the id of a row that was chosen, everything else as it is."""
    return value.pk if isinstance(value, Model) else value


@admin.register(ThrottleCounter)
class ThrottleCounterAdmin(ReadOnlyModelAdmin):
    """Counters, for the question why somebody cannot sign in."""

    list_display = ("key", "hits", "expires_at")


class AuditSubjectInline(admin.TabularInline):
    """What an event is about."""

    model = AuditSubject
    fields = readonly_fields = ("kind", "subject_id", "rule")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyModelAdmin):
    """Events; written by `core.audit` alone and never changed."""

    list_display = ("at", "actor_id", "role", "action", "rule", "outcome", "address")
    list_filter = ("action", "outcome", "role")
    search_fields = ("actor_id", "request_id", "subjects__subject_id")
    inlines = (AuditSubjectInline,)


@admin.register(AuditSubject)
class AuditSubjectAdmin(ReadOnlyModelAdmin):
    """What events are about."""

    list_display = ("subject_id", "kind", "rule", "event")
    search_fields = ("subject_id",)


@admin.register(IdempotentAnswer)
class IdempotentAnswerAdmin(ReadOnlyModelAdmin):
    """Keys of requests that were sent once; their answers are not shown."""

    list_display = fields = ("actor_id", "key", "started_at", "status")


@admin.register(Job)
class JobAdmin(ReadOnlyModelAdmin):
    """Long work; it is stopped by its service alone."""

    list_display = ("kind", "state", "attempt", "created_at", "started_at", "finished_at", "error_code")
    list_filter = ("kind", "state")
    search_fields = ("id", "key", "requested_by")


@admin.register(Worker)
class WorkerAdmin(ReadOnlyModelAdmin):
    """Worker processes, for the question why nothing moves."""

    list_display = ("name", "started_at", "beat_at")


@admin.register(Report)
class ReportAdmin(ReadOnlyModelAdmin):
    """Reports that were asked for; their files are downloaded through their service alone."""

    list_display = ("kind", "scope", "requested_by", "row_count", "created_at", "expires_at")


@admin.register(ReportPart)
class ReportPartAdmin(ReadOnlyModelAdmin):
    """How a report's file is cut; what stands in it is not shown."""

    list_display = fields = ("report", "number")


@admin.register(Lane)
class LaneAdmin(ReadOnlyModelAdmin):
    """Kinds of jobs of which only so many run at once."""

    list_display = ("kind",)
