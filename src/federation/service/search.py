"""Which records a reader asks for: every filter as a condition that both databases answer alike."""

from datetime import date, datetime, time

from django.db.models import Case, DateField, F, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import ExtractDay, ExtractMonth, ExtractYear, StrIndex, Substr
from django.utils import timezone

from core.errors import Invalid
from core.text import search_key
from federation.models import PatientRecord
from federation.schemas import PatientRecordFilters

_YEARS = range(1900, 2201)


def filter_records(
    rows: "QuerySet[PatientRecord]", filters: PatientRecordFilters, *, today: date
) -> "QuerySet[PatientRecord]":
    """Return the rows that pass every filter; raises Invalid for a date out of range."""
    if filters.hospital:
        rows = rows.filter(hospital_id=filters.hospital)
    if filters.age is not None:
        rows = _of_age(rows, filters.age, today)
    if filters.from_:
        rows = rows.filter(created_at__gte=_instant("from", filters.from_))
    if filters.to:
        rows = rows.filter(created_at__lt=_instant("to", filters.to))
    return _containing(rows, who=filters.q, diagnosis=filters.diagnosis)


def _of_age(rows: "QuerySet[PatientRecord]", age: int, today: date) -> "QuerySet[PatientRecord]":
    """Return the rows of whom `age_on` says this age: the stated one, or that on the day, at death where it came first.

    The years between two dates, one less where the second comes earlier in its year; nobody's birthday is rounded.
    """
    last = Case(When(deceased_on__lt=today, then=F("deceased_on")), default=Value(today), output_field=DateField())
    years = ExtractYear(last) - ExtractYear("birth_date")
    in_year = ExtractMonth(last) * 100 + ExtractDay(last)
    birthday = ExtractMonth("birth_date") * 100 + ExtractDay("birth_date")
    rows = rows.annotate(
        computed_age=Case(
            When(birth_date__isnull=True, then=F("age_stated")),
            When(is_deceased=True, deceased_on__isnull=True, then=Value(None)),
            default=years,
            output_field=IntegerField(),
        ),
        has_birthday_to_come=Case(When(birth_date__isnull=True, then=Value(0)), default=in_year - birthday),
    )
    stated, had, to_come = (
        Q(birth_date__isnull=True, computed_age=age),
        Q(birth_date__isnull=False, has_birthday_to_come__gte=0, computed_age=age),
        Q(birth_date__isnull=False, has_birthday_to_come__lt=0, computed_age=age + 1),
    )
    return rows.filter(stated | had | to_come)


def _containing(
    rows: "QuerySet[PatientRecord]", *, who: str | None, diagnosis: str | None
) -> "QuerySet[PatientRecord]":
    """Return the rows whose key holds every word in its line (`PatientRecord.key_of`), folded as it is."""
    end_of_line = StrIndex("search_key", Value("\n"))
    if who:
        rows = rows.annotate(who_key=Substr("search_key", 1, end_of_line - 1))
        for word in search_key(who).split():
            rows = rows.filter(who_key__contains=word)
    if diagnosis:
        rows = rows.annotate(diagnosis_key=Substr("search_key", end_of_line + 1))
        for word in search_key(diagnosis).split():
            rows = rows.filter(diagnosis_key__contains=word)
    return rows


def _instant(name: str, value: date | datetime) -> datetime:
    """Return the instant that a filter means; a date is its first moment in the clinic's zone."""
    if value.year not in _YEARS:
        raise Invalid({name: ["must lie between the years 1900 and 2200"]})
    if isinstance(value, datetime):
        return value
    return timezone.make_aware(datetime.combine(value, time.min))
