"""Accounts in the technical window: no password, no hash; roles and activity change through services."""

from datetime import datetime
from uuid import UUID

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone

from core.actor import Actor, Role
from core.admin import ReadOnlyModelAdmin, ServiceModelAdmin
from core.errors import NotSignedIn
from identity.models import RefreshSession, RoleRequest, User
from identity.service import actor_of_portal_session


class UserAdmin(ServiceModelAdmin):
    """Accounts: role and activity may be changed, everything else is the owner's.

    Which service changes them is for `config` to say, by overriding the two methods: a changed role also changes who
    may see which patient, and that is known above identity. Accounts are made by registering and `createsuperuser`.
    """

    list_display = ("id", "username", "email", "mobile_number", "name", "role", "is_active", "is_superuser")
    list_filter = ("role", "is_active")
    search_fields = ("username", "email", "mobile_number", "name")
    fields = (
        *("username", "email", "mobile_number", "name", "address", "role", "is_active", "is_superuser"),
        *("last_login", "created_at", "updated_at"),
    )
    readonly_fields = tuple(name for name in fields if name not in ("role", "is_active"))

    def set_role(self, *, actor: Actor, user_id: UUID, role: Role, now: datetime) -> None:
        """Give the account another role."""
        raise NotImplementedError

    def set_active(self, *, actor: Actor, user_id: UUID, active: bool, now: datetime) -> None:
        """Open or close the account."""
        raise NotImplementedError

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: an account needs a password, and none is typed here."""
        return False

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm, change: bool) -> None:
        """Change what was changed through its service."""
        now = timezone.now()
        actor = actor_of_portal_session(request, now=now)
        if actor is None:
            raise NotSignedIn
        if "role" in form.changed_data:
            self.set_role(actor=actor, user_id=obj.pk, role=Role(form.cleaned_data["role"]), now=now)
        if "is_active" in form.changed_data:
            self.set_active(actor=actor, user_id=obj.pk, active=form.cleaned_data["is_active"], now=now)


@admin.register(RoleRequest)
class RoleRequestAdmin(ReadOnlyModelAdmin):
    """Role requests; they are decided by their service."""

    list_display = ("id", "user", "role", "status", "created_at", "decided_at")
    list_filter = ("status", "role")
    list_select_related = ("user",)


@admin.register(RefreshSession)
class RefreshSessionAdmin(ReadOnlyModelAdmin):
    """Sessions without their digests and seals."""

    list_display = ("id", "user", "created_at", "rotated_at", "expires_at", "ended_at", "end_reason")
    list_select_related = ("user",)
    fields = list_display
