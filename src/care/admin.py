"""Patients, doctors and care teams in the technical window: written by care's services, like everywhere else."""

from datetime import datetime
from typing import Any, ClassVar, cast

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone

import identity.service
from care import service
from care.models import CareTeamMember, Doctor, Patient, PatientGroupPermission, PatientUserPermission
from care.schemas import CareTeamMemberIn, DoctorChangeIn, DoctorIn, PatientChangeIn, PatientIn
from core.actor import Actor
from core.admin import ReadOnlyModelAdmin, SchemaForm, ServiceModelAdmin
from core.audit import Subject
from core.errors import NotSignedIn
from core.text import search_key
from core.wire import In

_HISTORY = ("created_by", "source_id", "created_at", "updated_at", "deleted_at")


class PersonForm(SchemaForm):
    """A patient or a doctor, and whose account it is."""

    def clean_user(self) -> Model | None:
        """Refuse to take a link away: no service does that, because the account may have acted by it."""
        user: Model | None = self.cleaned_data["user"]
        if user is None and self.initial.get("user"):
            raise forms.ValidationError("A link to an account stays.")
        return user


class PatientForm(PersonForm):
    """A chart."""

    schema_to_add = PatientIn
    schema_to_change = PatientChangeIn


class DoctorForm(PersonForm):
    """An entry of the directory."""

    schema_to_add = DoctorIn
    schema_to_change = DoctorChangeIn


class AssignmentForm(SchemaForm):
    """Who shall treat whom."""

    schema_to_add = CareTeamMemberIn
    schema_to_change = CareTeamMemberIn


class EndForm(forms.ModelForm):
    """The one thing that happens to a membership: it ends."""

    end_now = forms.BooleanField(required=False, label="End this membership now")


class PersonAdmin(ServiceModelAdmin):
    """What the pages of patients and doctors share: a deleted row is read-only and shown to the end."""

    typed: ClassVar[tuple[str, ...]]
    shown: ClassVar[tuple[str, ...]] = _HISTORY
    raw_id_fields = ("user",)
    search_fields = ("search_key",)
    list_select_related = ("user", "created_by")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Offer what is typed, and of a row that exists also what is not."""
        return self.typed if obj is None else (*self.typed, *self.shown)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Name what is not typed."""
        return self.shown

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """Search as the API does, without accents and case."""
        return super().get_search_results(request, queryset, search_key(search_term))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse for what is deleted."""
        return super().has_change_permission(request, obj) and not _is_deleted(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Offer the service's deletion, once."""
        return obj is not None and not _is_deleted(obj)


@admin.register(Patient)
class PatientAdmin(PersonAdmin):
    """Charts."""

    form = PatientForm
    list_display = ("id", "name", "gender", "birth_date", "user", "created_by", "deleted_at")
    list_filter = ("gender", ("deleted_at", admin.EmptyFieldListFilter))
    typed = (
        *("firstname", "lastname", "birth_date", "gender", "email", "phone", "address"),
        *("medical_history", "blood_group", "user"),
    )
    shown = ("birth_date_estimated", *_HISTORY)

    def save_model(self, request: HttpRequest, obj: Patient, form: ModelForm, change: bool) -> None:
        """Create or change the chart, then say whose it is."""
        actor, now, body = _writing(request, form)
        if not change:
            obj.pk = service.create_patient(actor=actor, body=cast("PatientIn", body), now=now).id
        elif body.model_fields_set:
            service.update_patient(actor=actor, patient_id=obj.pk, body=cast("PatientChangeIn", body), now=now)
        if "user" in form.changed_data:
            service.link_patient(actor=actor, patient_id=obj.pk, user_id=form.cleaned_data["user"].pk, now=now)

    def delete_model(self, request: HttpRequest, obj: Patient) -> None:
        """Take the chart out of sight."""
        service.delete_patient(actor=_actor(request), patient_id=obj.pk, now=timezone.now())


@admin.register(Doctor)
class DoctorAdmin(PersonAdmin):
    """The directory."""

    form = DoctorForm
    list_display = ("id", "name", "specialization", "location", "verified", "user", "created_by", "deleted_at")
    list_filter = ("verified", ("deleted_at", admin.EmptyFieldListFilter), "specialization")
    typed = (
        *("firstname", "lastname", "specialization", "gender", "license_number", "qualifications"),
        *("experience_years", "consultation_fee", "location", "time_zone", "email", "phone"),
        *("is_available", "max_appointments_per_day", "user"),
    )

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Offer `verified` for an entry that exists; one that is added here is verified at once."""
        offered = super().get_fields(request, obj)
        return offered if obj is None else ("verified", *offered)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Start with the clinic's time zone."""
        return {"time_zone": settings.TIME_ZONE, **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: Doctor, form: ModelForm, change: bool) -> None:
        """Create or change the entry, then say whose it is and whether it is vouched for."""
        actor, now, body = _writing(request, form)
        if not change:
            obj.pk = service.create_doctor(actor=actor, body=cast("DoctorIn", body), now=now).id
        elif body.model_fields_set:
            service.update_doctor(actor=actor, doctor_id=obj.pk, body=cast("DoctorChangeIn", body), now=now)
        if "user" in form.changed_data:
            service.link_doctor(actor=actor, doctor_id=obj.pk, user_id=form.cleaned_data["user"].pk, now=now)
        if "verified" in form.changed_data:
            service.verify_doctor(actor=actor, doctor_id=obj.pk, verified=form.cleaned_data["verified"], now=now)

    def delete_model(self, request: HttpRequest, obj: Doctor) -> None:
        """Take the entry out of the directory."""
        service.delete_doctor(actor=_actor(request), doctor_id=obj.pk, now=timezone.now())


@admin.register(CareTeamMember)
class CareTeamMemberAdmin(ServiceModelAdmin):
    """Who treats whom: a row begins, and it ends; nothing else about it changes."""

    audit_kind = "mapping"
    list_display = ("id", "patient", "doctor", "assigned_at", "ended_at")
    list_filter = (("ended_at", admin.EmptyFieldListFilter),)
    list_select_related = ("patient", "doctor")
    raw_id_fields = ("patient", "doctor")
    search_fields = ("patient__search_key", "doctor__search_key")
    typed = ("patient", "doctor", "notes")
    shown = (*typed, "assigned_at", "assigned_by", "ended_at", "ended_by")

    def audit_subjects(self, row: CareTeamMember) -> list[Subject]:
        """Name the membership and whom it is about."""
        return [*super().audit_subjects(row), Subject("patient", row.patient_id, "technical-window")]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type[ModelForm]:
        """Take an assignment for a new row, and its end for one that exists."""
        return super().get_form(request, obj, change=change, form=EndForm if obj else AssignmentForm, **kwargs)

    def get_fields(self, request: HttpRequest, obj: CareTeamMember | None = None) -> tuple[str, ...]:
        """Offer to end a live row."""
        if obj is None:
            return self.typed
        return (*self.shown, "end_now") if obj.is_active else self.shown

    def get_readonly_fields(self, request: HttpRequest, obj: CareTeamMember | None = None) -> tuple[str, ...]:
        """Name everything of a row that exists."""
        return () if obj is None else self.shown

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """Search as the API does, without accents and case."""
        return super().get_search_results(request, queryset, search_key(search_term))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse for a row that has ended."""
        return super().has_change_permission(request, obj) and (obj is None or obj.is_active)

    def save_model(self, request: HttpRequest, obj: CareTeamMember, form: ModelForm, change: bool) -> None:
        """Assign the doctor, or end the membership where that was asked for."""
        if not change:
            actor, now, body = _writing(request, form)
            obj.pk = service.assign_doctor(actor=actor, body=cast("CareTeamMemberIn", body), now=now).id
        elif form.cleaned_data["end_now"]:
            service.end_membership(actor=_actor(request), membership_id=obj.pk, now=timezone.now())


@admin.register(PatientUserPermission)
class PatientUserPermissionAdmin(ReadOnlyModelAdmin):
    """Grants, for the question why somebody sees a chart; `rebuild-grants` repairs them."""

    list_display = ("id", "user", "permission", "content_object")
    list_select_related = ("user", "permission__content_type", "content_object")

    def audit_subjects(self, row: PatientUserPermission | PatientGroupPermission) -> list[Subject]:
        """Name whom the grant is about."""
        return [Subject("patient", row.content_object_id, "technical-window")]


@admin.register(PatientGroupPermission)
class PatientGroupPermissionAdmin(ReadOnlyModelAdmin):
    """Guardian's table for groups: always empty here."""

    list_display = ("id", "group", "permission", "content_object")
    list_select_related = ("group", "permission__content_type", "content_object")

    def audit_subjects(self, row: PatientUserPermission | PatientGroupPermission) -> list[Subject]:
        """Name whom the grant is about."""
        return [Subject("patient", row.content_object_id, "technical-window")]


def _actor(request: HttpRequest) -> Actor:
    actor = identity.service.actor_of_portal_session(request, now=timezone.now())
    if actor is None:
        raise NotSignedIn
    return actor


def _writing(request: HttpRequest, form: ModelForm) -> tuple[Actor, datetime, In]:
    """Return who writes, when, and the shape that the form has checked."""
    return _actor(request), timezone.now(), cast("SchemaForm", form).body


def _is_deleted(person: Patient | Doctor | None) -> bool:
    return person is not None and person.deleted_at is not None
