"""Federation's tables: hospitals, how fresh our copy of each is, their records, and the history of fetching them."""

from datetime import date
from uuid import UUID, uuid5

from django.db import models
from django.db.models import Q

from core.ids import new_id
from core.text import search_key


class Hospital(models.Model):
    """Another hospital: its name, its address on the network, and the sealed token that it asks for."""

    class Format(models.TextChoices):
        """What it speaks; one connector each."""

        JSON = "json"
        FHIR_R4 = "fhir_r4"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=255)
    location = models.CharField(max_length=255, blank=True)
    api_endpoint = models.CharField(max_length=2000)
    format = models.CharField(max_length=16, choices=Format.choices, default=Format.JSON)
    sealed_token = models.TextField(blank=True, help_text="Good for `token_origin` alone (core.secrets).")
    token_origin = models.CharField(max_length=300, blank=True)
    sync_every_minutes = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: only when asked.")
    created_by = models.ForeignKey("identity.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="a_token_is_bound_to_an_origin", condition=Q(sealed_token="") | ~Q(token_origin="")
            )
        ]

    def __str__(self) -> str:
        return self.name


class Feed(models.Model):
    """What we know of fetching from one hospital: its last good copy, its failures, when it is due.

    Written by whoever fetches; a row apart, so that fetching and administrators never overwrite each other.
    """

    hospital = models.OneToOneField(Hospital, primary_key=True, on_delete=models.CASCADE, related_name="feed")
    fetched_at = models.DateTimeField(null=True, blank=True, help_text="When the last complete copy was made.")
    attempted_at = models.DateTimeField(null=True, blank=True)
    record_count = models.PositiveIntegerField(default=0)
    generation = models.PositiveBigIntegerField(default=0, help_text="Of the newest copy, complete or not.")
    failures = models.PositiveIntegerField(default=0, help_text="In a row, since the last success.")
    error_code = models.CharField(max_length=32, blank=True)
    error_detail = models.CharField(max_length=255, blank=True, help_text="A sentence of ours, never the hospital's.")
    opens_until = models.DateTimeField(null=True, blank=True, help_text="The breaker keeps calls away until then.")
    due_at = models.DateTimeField(null=True, blank=True, db_index=True, help_text="Empty: not by the clock.")

    def __str__(self) -> str:
        return f"feed of {self.hospital_id}"


class PatientRecord(models.Model):
    """What one hospital says of one patient, fetched (`sync`) or typed in here (`manual`).

    A fetched record that the hospital no longer has stays as a tombstone (`removed_at`).
    """

    class Origin(models.TextChoices):
        """Who wrote it."""

        MANUAL = "manual"
        SYNC = "sync"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    hospital = models.ForeignKey(Hospital, on_delete=models.PROTECT, related_name="records")
    patient_id = models.CharField(max_length=255, help_text="The hospital's own id, as text.")
    person = models.UUIDField(
        default=new_id, db_index=True, help_text="Shared by both origins of one patient, see `person_of`."
    )
    origin = models.CharField(max_length=8, choices=Origin.choices)
    name = models.CharField(max_length=255)
    age_stated = models.PositiveSmallIntegerField(null=True, blank=True, help_text="In years, where birth is unknown.")
    birth_date = models.DateField(null=True, blank=True)
    deceased_on = models.DateField(null=True, blank=True)
    is_deceased = models.BooleanField(default=False)
    gender = models.CharField(max_length=1, default="U")
    diagnosis = models.CharField(max_length=255, blank=True)
    is_restricted = models.BooleanField(default=False, help_text="Kept from research and statistics.")
    is_vouched = models.BooleanField(default=True, help_text="Counts; not so what others than the clinic typed in.")
    search_key = models.TextField(blank=True, default="", help_text="Folded for searching, see `key_of`.")
    run = models.ForeignKey(
        "SyncRun", null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="That last changed it."
    )
    generation = models.PositiveBigIntegerField(default=0, help_text="The newest copy that it was seen in.")
    created_by = models.ForeignKey("identity.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="a_hospitals_patient_has_one_record_of_each_origin", fields=["hospital", "patient_id", "origin"]
            ),
            models.CheckConstraint(
                name="a_fetched_record_has_no_author", condition=Q(origin="manual") | Q(created_by=None)
            ),
        ]
        indexes = [
            models.Index(fields=["hospital", "generation"], condition=Q(origin="sync"), name="records_of_a_copy"),
            models.Index(fields=["created_by"], condition=Q(origin="manual"), name="records_typed_in_by"),
        ]

    def __str__(self) -> str:
        return f"{self.origin} record of {self.hospital_id}"

    @staticmethod
    def person_of(hospital_id: UUID, patient_id: str) -> UUID:
        """Return what both origins of one patient share; computed, so that no order of writing can part them."""
        return uuid5(hospital_id, patient_id)

    @staticmethod
    def key_of(*, name: str, patient_id: str, diagnosis: str) -> str:
        """Return what `search_key` holds: a folded line of who it is, and one of the diagnosis."""
        return f"{search_key(name, patient_id)}\n{search_key(diagnosis)}"

    def age_on(self, day: date) -> int | None:
        """Return the age in whole years on a day, at death where that came first; None where it cannot be told."""
        if self.birth_date is None:
            return self.age_stated
        if self.is_deceased and self.deceased_on is None:
            return None
        last = min(day, self.deceased_on) if self.deceased_on else day
        age = last.year - self.birth_date.year - ((last.month, last.day) < (self.birth_date.month, self.birth_date.day))
        return age if 0 <= age <= 130 else None


class SyncRun(models.Model):
    """One attempt to copy a hospital: how far it came, what it counted, how it ended. Never what it read."""

    class State(models.TextChoices):
        """How it stands."""

        RUNNING = "running"
        COMPLETE = "complete"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    hospital = models.ForeignKey(Hospital, on_delete=models.PROTECT, related_name="runs")
    job_id = models.UUIDField(null=True, blank=True, db_index=True, help_text="Empty: fetched within a request.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    generation = models.PositiveBigIntegerField()
    cursor = models.TextField(blank=True, help_text="Where the next page begins; saved with the page before it.")
    pages = models.PositiveIntegerField(default=0)
    records_read = models.PositiveIntegerField(default=0)
    records_written = models.PositiveIntegerField(default=0, help_text="New or changed.")
    records_removed = models.PositiveIntegerField(default=0)
    problem_count = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=32, blank=True)
    error_detail = models.CharField(max_length=255, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="a_hospital_is_copied_once_at_a_time", fields=["hospital"], condition=Q(state="running")
            )
        ]

    def __str__(self) -> str:
        return f"{self.state} copy of {self.hospital_id}"


class SyncProblem(models.Model):
    """Something in a hospital's answer that could not be taken: what and where, never what stood there."""

    run = models.ForeignKey(SyncRun, on_delete=models.CASCADE, related_name="problems")
    page = models.PositiveIntegerField()
    code = models.CharField(max_length=32)
    place = models.CharField(max_length=100)

    def __str__(self) -> str:
        return f"{self.code} at {self.place}"


class Pseudonym(models.Model):
    """What one researcher calls one person: a random value, derived from nothing."""

    id = models.BigAutoField(primary_key=True)
    researcher = models.ForeignKey("identity.User", on_delete=models.PROTECT, related_name="+")
    person = models.UUIDField(help_text="As in PatientRecord.")
    value = models.UUIDField(unique=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="a_researcher_has_one_name_for_a_person", fields=["researcher", "person"])
        ]
        indexes = [models.Index(fields=["researcher", "value"], name="a_researchers_pseudonyms")]

    def __str__(self) -> str:
        return f"pseudonym {self.pk}"  # never the value beside anything else


class Release(models.Model):
    """The statistics of one day, as they were published: computed once, the same for everybody."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    day = models.DateField(unique=True)
    computed_at = models.DateTimeField()
    tables = models.JSONField()

    def __str__(self) -> str:
        return f"statistics of {self.day}"
