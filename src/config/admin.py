"""Accounts in the technical window, wired with care: only care rebuilds who may see which patient."""

from datetime import datetime
from uuid import UUID

# Registers Group when first imported; it has to be taken away after that.
import django.contrib.auth.admin  # noqa: F401
from django.contrib import admin

# config may not know identity's tables: Django names the account's model, and the page's base is identity's.
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

import care.service
from core.actor import Actor, Role
from identity.admin import UserAdmin

# Rights come from the clinic's roles; Django's groups give none, so they are not offered.
admin.site.unregister(Group)


@admin.register(get_user_model())
class ClinicUserAdmin(UserAdmin):
    """Accounts; sessions end and grants follow when a role or the activity changes."""

    def set_role(self, *, actor: Actor, user_id: UUID, role: Role, now: datetime) -> None:
        """Change the role through care."""
        care.service.set_role(actor=actor, user_id=user_id, role=role, now=now)

    def set_active(self, *, actor: Actor, user_id: UUID, active: bool, now: datetime) -> None:
        """Open or close the account through care."""
        change = care.service.activate_user if active else care.service.deactivate_user
        change(actor=actor, user_id=user_id, now=now)
