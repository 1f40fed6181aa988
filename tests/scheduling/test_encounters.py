"""The overlap rule on a century of real intervals: all encounters of a synthetic hospital network, by their start."""

import csv
import gzip
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from django.db import transaction

from care.models import Doctor, Patient
from scheduling import service
from scheduling.models import Appointment, Schedule
from scheduling.slots import Interval
from tests.factories import DoctorFactory, PatientFactory
from tests.scheduling.appointment_book import occupying_rows, overlaps

ENCOUNTERS = Path(__file__).resolve().parents[3] / "shared/data/bulk/synthea_fhir_2019/encounters.csv.gz"


@dataclass(frozen=True, order=True, slots=True)
class Encounter:
    """Somebody saw somebody; in order of start, then of end, then of id."""

    starts_at: datetime
    ends_at: datetime
    id: str
    practitioner: str
    patient: str


def read_encounters() -> list[Encounter]:
    assert ENCOUNTERS.is_file(), "the test data are missing: ../shared/data beside the project"
    with gzip.open(ENCOUNTERS, "rt", encoding="utf-8", newline="") as rows:
        return sorted(
            Encounter(
                datetime.fromisoformat(row["start"]).astimezone(UTC),
                datetime.fromisoformat(row["end"]).astimezone(UTC),
                row["id"],
                row["practitioner"],
                row["patient"],
            )
            for row in csv.DictReader(rows)
        )


def refused_by_sweeping(encounters: list[Encounter]) -> dict[str, str]:
    """Derive what must be refused without any table: in order of start it only counts who is busy until when.

    Accepted intervals of one person do not overlap, so of them the last one accepted ends last; a later encounter meets
    one of them exactly when it begins before that end.
    """
    busy_until: dict[str, datetime] = {}
    refused = {}
    for each in encounters:
        if each.starts_at < busy_until.get(each.practitioner, each.starts_at):
            refused[each.id] = "slot_taken"
        elif each.starts_at < busy_until.get(each.patient, each.starts_at):
            refused[each.id] = "patient_busy"
        else:
            busy_until[each.practitioner] = busy_until[each.patient] = each.ends_at
    return refused


def refused_by_the_service(encounters: list[Encounter]) -> dict[str, str]:
    """Ask the service's rule about each encounter, and enter it in the book where nothing is against it."""
    doctors = {practitioner: DoctorFactory.build() for practitioner in {each.practitioner for each in encounters}}
    patients = {patient: PatientFactory.build() for patient in {each.patient for each in encounters}}
    Doctor.objects.bulk_create(doctors.values())
    Patient.objects.bulk_create(patients.values())
    now = datetime.now(UTC)
    hours = Schedule.objects.create(
        doctor=next(iter(doctors.values())),
        first_on=date(2030, 1, 1),
        last_on=date(2030, 1, 1),
        start_time=time(9),
        end_time=time(12),
        time_zone="UTC",
        created_at=now,
        updated_at=now,
    )
    refused = {}
    for each in encounters:
        doctor, patient = doctors[each.practitioner], patients[each.patient]
        asked = Interval(each.starts_at, each.ends_at)
        conflict = service.find_conflict(doctor_id=doctor.pk, patient_id=patient.pk, time=asked)
        if conflict is not None:
            refused[each.id] = conflict
            continue
        # One insert at a time, so that the table's own constraints judge every accepted one as well.
        Appointment.objects.create(
            doctor=doctor,
            patient=patient,
            schedule=hours,
            starts_at=each.starts_at,
            ends_at=each.ends_at,
            date=each.starts_at.date(),
            status=Appointment.Status.FULFILLED,
            fee=0,
            currency="USD",
            created_at=now,
            updated_at=now,
        )
    return refused


@pytest.mark.realdata
@pytest.mark.django_db
def test_refuses_exactly_the_encounters_that_overlap_an_accepted_one():
    encounters = read_encounters()
    assert len(encounters) == 50_227
    assert all(each.starts_at < each.ends_at for each in encounters)

    expected = refused_by_sweeping(encounters)
    with transaction.atomic():
        refused = refused_by_the_service(encounters)

    assert refused == expected
    assert Counter(refused.values()) == {"slot_taken": 3_166, "patient_busy": 106}
    assert len(occupying_rows()) == 50_227 - 3_166 - 106
    assert overlaps(occupying_rows()) == []
