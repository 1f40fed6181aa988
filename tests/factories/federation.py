from datetime import datetime
from typing import Any

import factory
from django.utils import timezone

from federation.models import Feed, Hospital, PatientRecord


class FeedFactory(factory.django.DjangoModelFactory):
    """What is known of fetching from a hospital: nothing yet, unless `fetched_at` says when it was copied."""

    class Meta:
        model = Feed

    hospital = factory.SubFactory("tests.factories.federation.HospitalFactory", feed=None)
    attempted_at = factory.SelfAttribute("fetched_at")
    fetched_at = None


class HospitalFactory(factory.django.DjangoModelFactory):
    """A hospital in use with its feed; `HospitalFactory(feed__fetched_at=now)` for one that was copied."""

    class Meta:
        model = Hospital
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"Hospital {n}")
    location = "Elsewhere"
    api_endpoint = factory.Sequence(lambda n: f"https://hospital{n}.example/records")
    created_at = factory.LazyFunction(timezone.now)
    updated_at = factory.SelfAttribute("created_at")
    feed = factory.RelatedFactory(FeedFactory, factory_related_name="hospital")


class PatientRecordFactory(factory.django.DjangoModelFactory):
    """A record as a copy leaves it; `created_by=user` for one that was typed in."""

    class Meta:
        model = PatientRecord

    hospital = factory.SubFactory(HospitalFactory)
    patient_id = factory.Sequence(lambda n: f"P{n}")
    origin = factory.LazyAttribute(lambda record: "manual" if record.created_by else "sync")
    name = "Rosa Elsewhere"
    age_stated = 40
    diagnosis = "Influenza"
    created_by = None
    created_at = factory.LazyFunction(timezone.now)
    updated_at = factory.SelfAttribute("created_at")

    @factory.lazy_attribute
    def person(self) -> Any:
        return PatientRecord.person_of(self.hospital.pk, self.patient_id)

    @factory.lazy_attribute
    def search_key(self) -> str:
        return PatientRecord.key_of(name=self.name, patient_id=self.patient_id, diagnosis=self.diagnosis)


def make_hospital(
    name: str = "Elsewhere",
    *,
    endpoint: str = "https://elsewhere.example/records",
    fetched_at: datetime | None = None,
    feed: dict[str, Any] | None = None,
    **more: Any,
) -> Hospital:
    """A hospital in use, copied to its end where `fetched_at` says when; `feed` is what else is known of fetching."""
    known = {f"feed__{column}": value for column, value in (feed or {}).items()}
    return HospitalFactory(name=name, api_endpoint=endpoint, feed__fetched_at=fetched_at, **known, **more)


def make_record(hospital: Hospital, patient_id: str = "P1", **more: Any) -> PatientRecord:
    """A hospital's record of one patient, as a copy leaves it or, with `created_by`, as it was typed in."""
    return PatientRecordFactory(hospital=hospital, patient_id=patient_id, **more)
