"""Other hospitals of the cast: registered, copied, with records that everybody typed in and some that were fetched."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import federation.service
from core.actor import SYSTEM, Actor
from federation.models import Feed, Hospital, PatientRecord, SyncProblem, SyncRun
from federation.schemas import HospitalIn, PatientRecordIn
from tests.factories.federation import make_record
from tests.federation.fakes import Town
from tests.policy.table import ADMIN, OTHER_DOCTOR, STAFF, TEAM_DOCTOR, UNVERIFIED_DOCTOR

KeepSecret = Callable[[dict[str, Any], str, Iterable[str]], None]

# Doctors read every record, whether or not anybody vouches for their entry in the directory.
DOCTORS = frozenset({TEAM_DOCTOR, UNVERIFIED_DOCTOR, OTHER_DOCTOR})
READ_RECORDS = DOCTORS | {STAFF, ADMIN}
FETCH = DOCTORS | {ADMIN}

# Of all records here: those that nobody sees any more, those of the combined data, and those that leave without a name.
GONE = frozenset({"deleted", "removed", "withdrawn"})
NOT_FOR_RESEARCH = frozenset({"again", "restricted", "restricted again", "withdrawn again"})
FOR_RESEARCH = frozenset({"fetched", "vouched", "removed again", "never again"})
COMBINED = FOR_RESEARCH | NOT_FOR_RESEARCH

Ids = dict[tuple[str, str, str], UUID]


class Elsewhere:
    """Makes the hospitals and writes down beside each canary who may read it."""

    def __init__(self, town: Town, *, word: Callable[[], str], keep_secret: KeepSecret, now: datetime) -> None:
        self.town = town
        self.word = word
        self.keep_secret = keep_secret
        self.now = now

    def build(self, people: dict[str, Actor], keeper: Actor) -> Ids:
        """Make everything while all are patients yet; returns (kind, target, actor) -> id."""
        own, foreign, deleted = (self._hospital() for _ in range(3))
        federation.service.delete_hospital(actor=SYSTEM, hospital_id=deleted.pk, now=self.now)
        for hospital in (own, foreign):
            self._copies(hospital)
        somebody_elses = self._typed_in(keeper, own, known_to=READ_RECORDS)
        shared = self._shared(own, deleted)
        self._fetched(foreign)
        ids: Ids = {}
        for name, actor in people.items():
            gone = self._typed_in(actor, own, known_to=())
            federation.service.delete_patient_record(actor=actor, record_id=gone, now=self.now)
            ids |= {
                ("hospital", "own", name): own.pk,
                ("hospital", "foreign", name): foreign.pk,
                ("hospital", "deleted", name): deleted.pk,
                ("record", "own", name): self._typed_in(actor, own, known_to=READ_RECORDS | {name}),
                ("record", "foreign", name): somebody_elses,
                ("record", "deleted", name): gone,
            }
            ids |= {("record", target, name): record for target, record in shared.items()}
        return ids

    def _shared(self, hospital: Hospital, out_of_use: Hospital) -> dict[str, UUID]:
        """Add records of every kind that the combined data tells apart; what the clinic typed in again is vouched for.

        Nobody is asked for the hospital that was never copied: its breaker is open.
        """
        never = self._hospital()
        Feed.objects.filter(pk=never.pk).update(fetched_at=None, opens_until=self.now + timedelta(days=1))
        fetched = {
            "fetched": self._fetched(hospital),
            "restricted": self._fetched(hospital, is_restricted=True),
            "removed": self._fetched(hospital, removed_at=self.now),
            "withdrawn": self._fetched(hospital, is_restricted=True, removed_at=self.now),
            "never": self._fetched(never),
            "out of use": self._fetched(out_of_use),
        }
        patients = PatientRecord.objects.in_bulk(list(fetched.values()))
        again = {
            name: self._typed_in(SYSTEM, record.hospital, known_to=READ_RECORDS, patient_id=record.patient_id)
            for name, record in (
                ("again", patients[fetched["fetched"]]),
                ("restricted again", patients[fetched["restricted"]]),
                ("removed again", patients[fetched["removed"]]),
                ("withdrawn again", patients[fetched["withdrawn"]]),
                ("never again", patients[fetched["never"]]),
            )
        }
        return {**fetched, **again, "vouched": self._typed_in(SYSTEM, hospital, known_to=READ_RECORDS)}

    def _hospital(self) -> Hospital:
        """Register a hospital that really answers, and copy it, so that nobody is asked for the combined data."""
        where, token, patient = self.word(), self.word(), self.word()
        fake = self.town.add(where, [{"patient_id": 1, "name": patient, "age": 50, "condition": "Flu"}])
        body = HospitalIn(name=f"Hospital {where[-4:]}", api_endpoint=fake.url, auth_token=token)
        made = federation.service.create_hospital(actor=SYSTEM, body=body, now=self.now)
        Feed.objects.filter(pk=made.id).update(fetched_at=self.now, record_count=1)
        self.keep_secret({"address": where}, "a hospital", {ADMIN})
        self.keep_secret({"token": token}, "a hospital", ())
        self.keep_secret({"name": patient}, "a hospital's patient", FETCH)
        return Hospital.objects.get(pk=made.id)

    def _copies(self, hospital: Hospital) -> None:
        for generation in (1, 2):
            run = SyncRun.objects.create(
                hospital=hospital,
                generation=generation,
                state="complete",
                problem_count=1,
                started_at=self.now,
                finished_at=self.now,
            )
            SyncProblem.objects.create(run=run, page=1, code="no_patient_id", place="records[1]")
            self.keep_secret({"id": run.pk}, "a copy", {ADMIN})

    def _said(self, known_to: Iterable[str]) -> dict[str, str]:
        said = {"patient_id": self.word(), "name": self.word(), "diagnosis": self.word()}
        self.keep_secret(said, "a record", known_to)
        return said

    def _typed_in(self, actor: Actor, hospital: Hospital, *, known_to: Iterable[str], patient_id: str = "") -> UUID:
        said = self._said(known_to) | ({"patient_id": patient_id} if patient_id else {})
        body = PatientRecordIn(hospital=hospital.pk, age=50, **said)
        made = federation.service.create_patient_record(actor=actor, body=body, now=self.now)
        self.keep_secret({"id": made.id}, "a record", {ADMIN, *known_to})  # the audit names it, also when it is gone
        return made.id

    def _fetched(self, hospital: Hospital, **more: Any) -> UUID:
        record = make_record(hospital, **self._said(READ_RECORDS), created_at=self.now, **more)
        self.keep_secret({"id": record.pk}, "a fetched record", READ_RECORDS)
        self.keep_secret({"person": record.person}, "a fetched record", ())
        return record.pk
