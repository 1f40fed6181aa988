"""Who has seen a chart, so that it can be read: the same act of the same person on one day is one row."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from django.utils import timezone

from care.schemas import AccessOut, PatientCard


class AccessRow(NamedTuple):
    """The newest of some like acts, the names of the charts it was about, how many there were, and the first."""

    newest: AccessOut
    charts: list[str]
    times: int
    first: AccessOut


def access_rows(entries: Iterable[AccessOut], *, cards: Mapping[UUID, PatientCard]) -> list[AccessRow]:
    """Put like acts of one day together, newest first; charts without a card are not named."""
    alike: dict[tuple[object, ...], list[AccessOut]] = {}
    for entry in entries:
        day = timezone.localdate(entry.at)
        key = (day, entry.actor_name, entry.role, entry.own, entry.action, entry.rule, entry.outcome, *entry.patients)
        alike.setdefault(key, []).append(entry)
    return [
        AccessRow(
            newest=same[0],
            charts=[cards[patient_id].name for patient_id in same[0].patients if patient_id in cards],
            times=len(same),
            first=same[-1],
        )
        for same in alike.values()
    ]
