"""The combined data without names, for research: one row a person, under a name that only this researcher knows."""

from collections.abc import Collection, Iterator
from datetime import date, datetime
from itertools import islice
from uuid import UUID, uuid4

from django.core import signing
from django.db.models import Count, Exists, OuterRef
from django.utils import timezone

from core.actor import Actor
from core.audit import audited
from core.errors import Invalid, NotAllowed
from core.pagination import PageIn
from federation.deidentify import OTHER, THRESHOLD, Labels, band_in_fives, share_labels
from federation.models import Hospital, PatientRecord, Pseudonym
from federation.permissions import may_read_deidentified, records_for_research, visible_hospitals
from federation.schemas import BlindFreshnessOut, DeidentifiedOut, DeidentifiedRecordOut
from federation.service.freshness import count_complete, freshness_of

# People who are given a pseudonym in one statement: what a first request keeps in memory.
BATCH = 1_000
# Pseudonyms that are read in one query: a page, its next row, and some who are there no more.
WALK = 120


def get_deidentified(*, actor: Actor, page: PageIn, now: datetime) -> tuple[DeidentifiedOut, str | None]:
    """Return one page of people without names, in the order of their pseudonyms, and the cursor of the next page.

    The first page gives a pseudonym to everybody who has none yet; these are rows, written before and apart from the
    event of this reading. One query is one event; it names no person, for it concerns all of them. Raises NotAllowed,
    and Invalid for a cursor that was not made for this researcher.
    """
    if may_read_deidentified(actor) and page.cursor is None:
        _name_people(actor.account_id)
    with audited(actor, "record.deidentified"):
        if not may_read_deidentified(actor):
            raise NotAllowed("Only researchers read de-identified records; see /api/aggregated-data/statistics/.")
        rows, cursor = _read_page(actor.account_id, page)
        records = _publish(rows, today=timezone.localdate(now))
        hospitals = _describe_copies(actor, now)
    complete = count_complete(each.status for each in hospitals)
    return DeidentifiedOut(complete=complete, hospitals=hospitals, records=records), cursor


def _name_people(researcher_id: UUID) -> None:
    """Give everybody of the research data a pseudonym of this researcher's, where there is none yet.

    Goes through people in the order of their ids, each batch a statement of its own: memory is bounded, what was done
    stays done, and of two requests at once each skips what the other has written.
    """
    named = Pseudonym.objects.filter(researcher_id=researcher_id, person=OuterRef("person"))
    nameless = records_for_research().filter(~Exists(named)).order_by("person").values_list("person", flat=True)
    people = list(nameless.distinct()[:BATCH])
    while people:
        Pseudonym.objects.bulk_create(
            [Pseudonym(researcher_id=researcher_id, person=person, value=uuid4()) for person in people],
            ignore_conflicts=True,
        )
        people = list(nameless.filter(person__gt=people[-1]).distinct()[:BATCH])


def _read_page(researcher_id: UUID, page: PageIn) -> tuple[list[tuple[UUID, PatientRecord]], str | None]:
    """Return pseudonyms with the records they stand for, and a cursor that carries nothing but the last pseudonym."""
    signer = signing.Signer(salt=f"cursor:deidentified:{researcher_id}")
    after = _read_cursor(signer, page.cursor) if page.cursor is not None else None
    found = list(islice(_walk(researcher_id, after), page.limit + 1))
    rows = found[: page.limit]
    return rows, signer.sign_object(str(rows[-1][0])) if len(found) > page.limit else None


def _walk(researcher_id: UUID, after: UUID | None) -> Iterator[tuple[UUID, PatientRecord]]:
    """Yield pseudonyms in order with the records they stand for, leaving out who is there no more; a batch a time."""
    named = Pseudonym.objects.filter(researcher_id=researcher_id).order_by("value").values_list("value", "person")
    while True:
        batch = list((named.filter(value__gt=after) if after else named)[:WALK])
        rows = records_for_research().filter(person__in=[person for _, person in batch])
        records = {record.person: record for record in rows}
        yield from ((value, records[person]) for value, person in batch if person in records)
        if len(batch) < WALK:
            return
        after = batch[-1][0]


def _read_cursor(signer: signing.Signer, cursor: str) -> UUID:
    try:
        return UUID(signer.unsign_object(cursor))
    except (signing.BadSignature, ValueError):
        raise Invalid({"cursor": ["is not a cursor of this list"]}) from None


def _publish(rows: list[tuple[UUID, PatientRecord]], *, today: date) -> list[DeidentifiedRecordOut]:
    hospitals = _name_hospitals({record.hospital_id for _, record in rows})
    diagnoses = _share_diagnoses({record.diagnosis for _, record in rows})
    return [
        DeidentifiedRecordOut(
            pseudonym=value,
            hospital=hospitals.get(record.hospital_id, OTHER),
            age_band=band_in_fives(record.age_on(today)),
            gender=record.gender,  # type: ignore[arg-type]  # the column holds these letters
            diagnosis=diagnoses.show(record.diagnosis),
        )
        for value, record in rows
    ]


def _name_hospitals(hospital_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of those of these hospitals that have enough people at this moment."""
    people = records_for_research().filter(hospital=OuterRef("pk")).order_by()
    named = Hospital.objects.filter(Exists(people[THRESHOLD - 1 : THRESHOLD]), pk__in=hospital_ids)
    return dict(named.values_list("pk", "name"))


def _share_diagnoses(among: Collection[str]) -> Labels:
    """Return how the diagnoses of a page are shown, by how many people share them at this moment."""
    counted = records_for_research().order_by().values_list("diagnosis").annotate(people=Count("pk"))
    return share_labels(counted.iterator() if among else (), among=among)


def _describe_copies(actor: Actor, now: datetime) -> list[BlindFreshnessOut]:
    """Return how fresh each hospital's copy is, freshest first, so that the order says nothing of whose it is."""
    hospitals = visible_hospitals(actor).select_related("feed")
    copies = [(freshness_of(each, now=now), each.feed.fetched_at) for each in hospitals]
    copies.sort(key=lambda copy: (copy[1].timestamp() if copy[1] else 0.0, copy[0]), reverse=True)
    return [BlindFreshnessOut(status=status, fetched_at=fetched_at) for status, fetched_at in copies]
