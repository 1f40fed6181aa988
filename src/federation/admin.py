"""Hospitals in the technical window, written by federation's services; everything else there is read-only."""

from datetime import datetime
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone

import identity.service
from core.actor import Actor
from core.admin import ReadOnlyModelAdmin, SchemaForm, ServiceModelAdmin
from core.errors import NotSignedIn
from core.wire import In
from federation import service
from federation.models import Feed, Hospital, PatientRecord, Pseudonym, Release, SyncProblem, SyncRun
from federation.schemas import HospitalChangeIn, HospitalIn

_HISTORY = ("created_by", "created_at", "updated_at", "deleted_at")


class HospitalForm(SchemaForm):
    """A hospital; the token is typed in and never shown again."""

    schema_to_add = HospitalIn
    schema_to_change = HospitalChangeIn
    auth_token = forms.CharField(
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Sent to exactly this origin; a new endpoint forgets it, unless it is given again. Empty: as it is.",
    )


@admin.register(Hospital)
class HospitalAdmin(ServiceModelAdmin):
    """Hospitals, without their tokens; one that was taken out of use is read-only."""

    form = HospitalForm
    list_display = ("id", "name", "location", "format", "sync_every_minutes", "deleted_at")
    list_filter = ("format", ("deleted_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "location")
    typed: ClassVar[tuple[str, ...]] = (
        "name",
        "location",
        "api_endpoint",
        "format",
        "auth_token",
        "sync_every_minutes",
    )

    def get_fields(self, request: HttpRequest, obj: Hospital | None = None) -> tuple[str, ...]:
        """Offer what is typed, and of a hospital that exists also what is not; a read-only page has no token."""
        if obj is None:
            return self.typed
        typed = self.typed
        if obj.deleted_at is not None:
            typed = tuple(name for name in typed if name != "auth_token")
        return (*typed, *_HISTORY)

    def get_readonly_fields(self, request: HttpRequest, obj: Hospital | None = None) -> tuple[str, ...]:
        """Name what is not typed."""
        return _HISTORY

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse for what is out of use."""
        return super().has_change_permission(request, obj) and (obj is None or obj.deleted_at is None)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Offer the service's deletion, once."""
        return obj is not None and obj.deleted_at is None

    def save_model(self, request: HttpRequest, obj: Hospital, form: ModelForm, change: bool) -> None:
        """Register or change the hospital."""
        actor, now, body = _writing(request, form)
        if not change:
            obj.pk = service.create_hospital(actor=actor, body=cast("HospitalIn", body), now=now).id
        elif body.model_fields_set:
            service.update_hospital(actor=actor, hospital_id=obj.pk, body=cast("HospitalChangeIn", body), now=now)

    def delete_model(self, request: HttpRequest, obj: Hospital) -> None:
        """Take the hospital out of use."""
        service.delete_hospital(actor=_actor(request), hospital_id=obj.pk, now=timezone.now())


@admin.register(Feed)
class FeedAdmin(ReadOnlyModelAdmin):
    """How fresh each copy is, and what keeps calls away."""

    list_display = ("hospital", "fetched_at", "record_count", "failures", "error_code", "opens_until", "due_at")
    list_select_related = ("hospital",)


@admin.register(PatientRecord)
class PatientRecordAdmin(ReadOnlyModelAdmin):
    """Records, fetched and typed in; written by copies, and by the API's and the portal's services."""

    audit_kind = "record"
    list_display = ("id", "hospital", "patient_id", "origin", "name", "removed_at")
    list_filter = ("origin", "is_vouched", "is_restricted", ("removed_at", admin.EmptyFieldListFilter))
    list_select_related = ("hospital",)


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnlyModelAdmin):
    """Attempts to copy a hospital; where the next page begins may name a patient, so it is not shown."""

    exclude = ("cursor",)
    list_display = ("id", "hospital", "state", "pages", "records_read", "problem_count", "error_code", "started_at")
    list_filter = ("state",)
    list_select_related = ("hospital",)


@admin.register(SyncProblem)
class SyncProblemAdmin(ReadOnlyModelAdmin):
    """What of an answer could not be taken."""

    list_display = ("run", "page", "code", "place")
    list_select_related = ("run__hospital",)


@admin.register(Pseudonym)
class PseudonymAdmin(ReadOnlyModelAdmin):
    """That researchers have names of their own for people; which name is whose is not shown."""

    exclude = ("person", "value")
    list_display = ("id", "researcher")
    list_select_related = ("researcher",)


@admin.register(Release)
class ReleaseAdmin(ReadOnlyModelAdmin):
    """The statistics of each day, as they were published."""

    list_display = ("day", "computed_at")


def _actor(request: HttpRequest) -> Actor:
    actor = identity.service.actor_of_portal_session(request, now=timezone.now())
    if actor is None:
        raise NotSignedIn
    return actor


def _writing(request: HttpRequest, form: ModelForm) -> tuple[Actor, datetime, In]:
    """Return who writes, when, and the shape that the form has checked."""
    return _actor(request), timezone.now(), cast("SchemaForm", form).body
