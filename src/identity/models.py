"""Identity's tables: accounts, sessions and role requests."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.crypto import constant_time_compare, salted_hmac

from core.actor import Role
from core.ids import new_id
from identity.identifiers import KINDS, Kind, normalise


def _require_normal(kind: Kind, value: str) -> None:
    try:
        normalise(kind, value)
    except ValueError as wrong:
        raise ValidationError(str(wrong)) from None


def validate_username(value: str) -> None:
    """Let Django's commands and forms say what is wrong with a username."""
    _require_normal("username", value)


def validate_mobile_number(value: str) -> None:
    """Let Django's commands and forms say what is wrong with a mobile number."""
    _require_normal("mobile_number", value)


ROLE_CHOICES = [(role.value, role.value.capitalize()) for role in Role]


class UserManager(BaseUserManager["User"]):
    """Makes accounts; the commands `createsuperuser` and the registration service both end here."""

    def create_user(self, password: str | None = None, **fields: Any) -> "User":
        """Insert an account with normalised identifiers and a hashed password (None: one that never matches)."""
        for kind in KINDS:
            fields[kind] = normalise(kind, fields[kind]) if fields.get(kind) else None
        user = self.model(**fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, password: str | None = None, **fields: Any) -> "User":
        """Insert an administrator who may also open Django's technical window."""
        return self.create_user(password, **{**fields, "role": Role.ADMIN, "is_superuser": True})

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find by username in its normal form, as Django's commands do."""
        try:
            return self.get(username=normalise("username", username or ""))
        except ValueError:
            raise self.model.DoesNotExist from None


class User(AbstractBaseUser, PermissionsMixin):
    """An account. At least one identifier; the role is the clinic's, `is_superuser` opens only the technical window."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    username = models.CharField(max_length=150, unique=True, null=True, blank=True, validators=[validate_username])
    email = models.EmailField(max_length=254, unique=True, null=True, blank=True)
    mobile_number = models.CharField(
        max_length=16, unique=True, null=True, blank=True, validators=[validate_mobile_number]
    )
    name = models.CharField(max_length=301, blank=True)
    address = models.CharField(max_length=255, blank=True)
    role = models.CharField(max_length=16, choices=ROLE_CHOICES, default=Role.PATIENT)
    is_active = models.BooleanField(default=True)
    token_version = models.PositiveIntegerField(default=0, help_text="Raising it ends every session at once.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = UserManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = ["email"]

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="an_account_has_an_identifier",
                condition=Q(username__isnull=False) | Q(email__isnull=False) | Q(mobile_number__isnull=False),
            ),
            models.CheckConstraint(
                name="a_username_is_not_an_email", condition=Q(username__isnull=True) | ~Q(username__contains="@")
            ),
            models.CheckConstraint(
                name="an_email_contains_an_at_sign", condition=Q(email__isnull=True) | Q(email__contains="@")
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.username or self.email or self.mobile_number or str(self.pk)

    @property
    def is_staff(self) -> bool:
        """Django's admin asks this; it has nothing to do with the clinic's role of that name."""
        return self.is_superuser

    def clean(self) -> None:
        """Store no empty identifier (two would collide)."""
        for kind in KINDS:
            setattr(self, kind, getattr(self, kind) or None)

    def get_session_auth_hash(self) -> str:
        """Return the seal that sessions carry: it changes with the password, the role and the token version.

        Django compares it on each request of the portal, `is_sealed_by` on each request of the API; so a change made by
        whatever command or query ends the sessions from before it.
        """
        return self._seal(secret=None)

    def _get_session_auth_fallback_hash(self) -> Any:
        """Yield the seals under retired keys (Django's `SECRET_KEY_FALLBACKS`)."""
        for secret in settings.SECRET_KEY_FALLBACKS:
            yield self._seal(secret=secret)

    def _seal(self, secret: str | bytes | None) -> str:
        facts = f"{self.password}|{self.role}|{self.token_version}"
        return salted_hmac("identity.User.seal", facts, secret=secret, algorithm="sha256").hexdigest()

    def is_sealed_by(self, seal: str) -> bool:
        """Tell whether a session with this seal is still one of this account's."""
        return constant_time_compare(seal, self.get_session_auth_hash())


class RefreshSession(models.Model):
    """One sign-in by API and all tokens that descend from it (a session family).

    Only the digest of the refresh token that is valid now is kept. A signed token of this family with another digest
    was rotated before, so showing it is reuse.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="refresh_sessions")
    token_digest = models.CharField(max_length=64)
    seal = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    rotated_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=32, blank=True)

    class Meta:
        indexes = [models.Index(fields=["user"], condition=Q(ended_at__isnull=True), name="live_sessions_of_a_user")]

    def __str__(self) -> str:
        return f"session of {self.user_id}"

    def is_live(self, now: datetime) -> bool:
        """Tell whether the session still opens doors."""
        return self.ended_at is None and self.expires_at > now


class RoleRequest(models.Model):
    """A role asked for, and what became of it. Until it is approved the account stays what it was."""

    class Status(models.TextChoices):
        """Where a request stands."""

        PENDING = "pending"
        APPROVED = "approved"
        DENIED = "denied"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="role_requests")
    role = models.CharField(max_length=16, choices=[choice for choice in ROLE_CHOICES if choice[0] != Role.ADMIN])
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PENDING)
    reason = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_pending_role_request_an_account", fields=["user"], condition=Q(status="pending")
            ),
            models.CheckConstraint(name="admin_is_never_asked_for", condition=~Q(role=Role.ADMIN)),
            models.CheckConstraint(
                name="a_decided_request_says_when",
                condition=Q(status="pending", decided_at__isnull=True)
                | (~Q(status="pending") & Q(decided_at__gte=F("created_at"))),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} for {self.user_id}: {self.status}"
