"""Care's tables: patients, doctors, care teams, and guardian's two tables of who may see which patient."""

from datetime import date
from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from care.specializations import LABELS
from core.ids import new_id

GENDERS = [("M", "Male"), ("F", "Female"), ("O", "Other"), ("U", "Unknown")]
BLOOD_GROUPS = [(group, group) for group in ("A+", "A-", "B+", "B-", "AB+", "AB-", "O+", "O-")]


class Person(models.Model):
    """What a patient and a doctor have in common."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    firstname = models.CharField(max_length=150)
    lastname = models.CharField(max_length=150, blank=True)
    gender = models.CharField(max_length=1, choices=GENDERS, default="U")
    email = models.EmailField(max_length=254, blank=True)
    phone = models.CharField(max_length=16, blank=True)
    created_by = models.ForeignKey("identity.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """First and last name as they are written together."""
        return f"{self.firstname} {self.lastname}".strip()


class Patient(Person):
    """A chart. `user` is whose chart it is, `keeper` who keeps it; either may be nobody.

    Whoever adds a chart for themselves or their family keeps it. What the front desk adds is kept by nobody: its clerks
    see every chart by their role, and nothing of it is left to them when the role ends.
    """

    keeper = models.ForeignKey("identity.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    birth_date = models.DateField(null=True, blank=True)
    birth_date_estimated = models.BooleanField(default=False, help_text="Derived from an age that was given.")
    address = models.CharField(max_length=255, blank=True)
    medical_history = models.TextField(blank=True)
    blood_group = models.CharField(max_length=3, choices=BLOOD_GROUPS, blank=True)
    user = models.ForeignKey("identity.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    source_id = models.CharField(
        max_length=64, null=True, blank=True, unique=True, help_text="Its id where it was imported from."
    )
    # Folding may lengthen a text eighteenfold, so its length has no useful limit.
    search_key = models.TextField(editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="an_account_has_one_chart", fields=["user"], condition=Q(deleted_at__isnull=True)
            ),
            models.CheckConstraint(
                name="an_estimated_birth_date_is_a_birth_date",
                condition=Q(birth_date_estimated=False) | Q(birth_date__isnull=False),
            ),
        ]

    def age_on(self, day: date) -> int | None:
        """Return whole years at the day, or None where the birth date is not known."""
        if self.birth_date is None:
            return None
        before_birthday = (day.month, day.day) < (self.birth_date.month, self.birth_date.day)
        return max(0, day.year - self.birth_date.year - before_birthday)


class Doctor(Person):
    """An entry of the directory, with an account or without. Only a verified one confers access or is bookable."""

    specialization = models.CharField(max_length=8, choices=list(LABELS.items()))
    license_number = models.CharField(max_length=64, blank=True)
    qualifications = models.CharField(max_length=255, blank=True)
    experience_years = models.PositiveSmallIntegerField(default=0)
    consultation_fee = models.DecimalField(max_digits=10, decimal_places=2, default=Decimal("0.00"))
    location = models.CharField(max_length=255, blank=True)
    location_key = models.TextField(blank=True, editable=False)
    time_zone = models.CharField(max_length=64)
    is_available = models.BooleanField(default=True)
    max_appointments_per_day = models.PositiveSmallIntegerField(default=10)
    verified = models.BooleanField(default=False)
    verification_reason = models.CharField(max_length=255, blank=True)
    user = models.ForeignKey("identity.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    source_id = models.CharField(
        max_length=64, null=True, blank=True, unique=True, help_text="Its id where it was imported from."
    )
    # Folding may lengthen a text eighteenfold, so its length has no useful limit.
    search_key = models.TextField(editable=False)

    class Meta:
        indexes = [
            models.Index(
                fields=["specialization", "-id"], condition=Q(deleted_at__isnull=True), name="doctors_of_a_specialty"
            )
        ]
        constraints = [
            models.UniqueConstraint(
                name="an_account_is_one_doctor", fields=["user"], condition=Q(deleted_at__isnull=True)
            ),
            models.CheckConstraint(name="a_fee_is_not_negative", condition=Q(consultation_fee__gte=0)),
            models.CheckConstraint(name="experience_is_at_most_80_years", condition=Q(experience_years__lte=80)),
        ]


class CareTeamMember(models.Model):
    """A doctor treats a patient, from `assigned_at` until `ended_at`; ended rows are history and stay."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="care_team")
    doctor = models.ForeignKey(Doctor, on_delete=models.PROTECT, related_name="care_team")
    notes = models.TextField(blank=True)
    assigned_at = models.DateTimeField()
    assigned_by = models.ForeignKey("identity.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey("identity.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="a_doctor_is_on_a_care_team_once", fields=["patient", "doctor"], condition=Q(ended_at__isnull=True)
            ),
            models.CheckConstraint(
                name="a_membership_ends_after_it_began",
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("assigned_at")),
            ),
        ]
        indexes = [
            models.Index(fields=["doctor"], condition=Q(ended_at__isnull=True), name="live_care_team_of_a_doctor")
        ]

    def __str__(self) -> str:
        return f"{self.doctor_id} treats {self.patient_id}"

    @property
    def is_active(self) -> bool:
        """True until the membership ends."""
        return self.ended_at is None


class PatientUserPermission(UserObjectPermissionBase):
    """A grant: this account may view, or change, this patient. Written by `care.grants` alone."""

    content_object = models.ForeignKey(Patient, on_delete=models.CASCADE)

    class Meta(UserObjectPermissionBase.Meta):
        verbose_name = "patient grant"


class PatientGroupPermission(GroupObjectPermissionBase):
    """Guardian asks for this table beside the one above; no grant goes to a group here."""

    content_object = models.ForeignKey(Patient, on_delete=models.CASCADE)

    class Meta(GroupObjectPermissionBase.Meta):
        verbose_name = "patient group grant"
