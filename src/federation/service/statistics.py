"""Counts of the combined data: four tables a day, the same for everybody, in which no small count can be found."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, get_args

from django.utils import timezone

from care.schemas import Gender
from core.actor import Actor
from core.audit import Subject, audited
from core.errors import NotAllowed
from federation.deidentify import OTHER, TWENTIES, Publication, band_in_twenties, publish, share_labels
from federation.models import PatientRecord, Release
from federation.permissions import may_read_statistics, records_for_research
from federation.schemas import CellOut, Dimension, StatisticsOut, TableOut

# What is read of each record, many at a time.
_FIELDS = ("hospital__name", "diagnosis", "gender", "age_stated", "birth_date", "deceased_on", "is_deceased")
_CHUNK = 2_000


def get_statistics(*, actor: Actor, now: datetime) -> StatisticsOut:
    """Return the statistics of the clinic's day, the same for everybody; computed now if the worker has not.

    Raises NotAllowed.
    """
    release = _release_of_day(now) if may_read_statistics(actor) else None
    with audited(actor, "statistics.read") as act:
        if release is None:
            raise NotAllowed("Doctors, researchers, officials and administrators read the statistics.")
        act.about(Subject("release", release.pk))
        return _publish(release)


def compute_release(*, now: datetime) -> StatisticsOut:
    """Compute the statistics of the clinic's day if nobody has, and return them."""
    return _publish(_release_of_day(now))


def _release_of_day(now: datetime) -> Release:
    """Return the day's release. Of several who compute it at once one is kept, and all return that one.

    While there is nobody to count nothing is kept, so that a new clinic's first day is not spent on zeros.
    """
    day = timezone.localdate(now)
    kept = Release.objects.filter(day=day).first()
    if kept is not None:
        return kept
    publication = publish(_count_people(day), told=_told_before(day))
    computed = {"computed_at": now, "tables": _to_json(publication)}
    if publication.people == 0:
        return Release(day=day, **computed)
    return Release.objects.get_or_create(day=day, defaults=computed)[0]


def _told_before(day: date) -> dict[str, dict[str, int]]:
    before = Release.objects.filter(day__lt=day).order_by("-day").first()
    return before.tables["told"] if before else {}


def _count_people(day: date) -> dict[str, Mapping[str, int]]:
    """Count everybody in the four tables, in one reading, so that all count the same people; in bounded memory."""
    hospitals: Counter[str] = Counter()
    diagnoses: Counter[str] = Counter()
    bands: Counter[str] = Counter()
    genders: Counter[str] = Counter()
    for hospital, diagnosis, gender, *age in records_for_research().values_list(*_FIELDS).iterator(chunk_size=_CHUNK):
        hospitals[hospital] += 1
        diagnoses[diagnosis] += 1
        genders[gender] += 1
        bands[band_in_twenties(_age(day, *age))] += 1
    return {
        "hospital": _by_name(hospitals),
        "diagnosis": _by_name(diagnoses),
        "age_band": {band: bands[band] for band in TWENTIES},
        "gender": {gender: genders[gender] for gender in get_args(Gender)},
    }


def _age(day: date, stated: int | None, born: date | None, died: date | None, is_deceased: bool) -> int | None:
    return PatientRecord(age_stated=stated, birth_date=born, deceased_on=died, is_deceased=is_deceased).age_on(day)


def _by_name(spellings: Counter[str]) -> dict[str, int]:
    """Return counts by label in alphabetical order, `other` last and only where somebody is in it."""
    labels = share_labels(spellings.items())
    counts: Counter[str] = Counter()
    for spelling, people in spellings.items():
        counts[labels.show(spelling)] += people
    return dict(sorted(counts.items(), key=lambda entry: (entry[0] == OTHER, entry[0].casefold(), entry[0])))


def _to_json(publication: Publication) -> dict[str, Any]:
    tables = publication.tables
    return {
        "total": publication.total,
        "tables": tables and {name: [[cell.label, cell.count] for cell in cells] for name, cells in tables.items()},
        "told": publication.told,
    }


def _publish(release: Release) -> StatisticsOut:
    tables = release.tables["tables"]
    return StatisticsOut(
        day=release.day,
        computed_at=release.computed_at,
        total=release.tables["total"],
        tables=[
            TableOut(
                dimension=dimension,
                hidden=tables is None,
                cells=[
                    CellOut(label=label, count=count, hidden=count is None)
                    for label, count in (tables[dimension] if tables else ())
                ],
            )
            for dimension in get_args(Dimension)
        ],
    )
