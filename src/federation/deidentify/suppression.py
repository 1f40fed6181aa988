"""Hiding small counts in a one-way table, and as many others as it takes that nobody works the small ones out."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from federation.deidentify.certainty import DEMANDS, Attacker
from federation.deidentify.labels import THRESHOLD


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell as it is published; `count` is None where it is hidden."""

    label: str
    count: int | None


def publish_table(counts: Mapping[str, int]) -> list[Cell] | None:
    """Return the table's cells in the given order, or None where it cannot be made safe.

    Counts of 1 to 10 are hidden; the next smallest are hidden with them, one where a small count stands alone and then
    more, until each hidden cell is in doubt (`certainty`). Zeros are shown.
    """
    small = [label for label, count in counts.items() if 0 < count < THRESHOLD]
    hidden = _hide(counts, small) if small else set()
    if hidden is None:
        return None
    return [Cell(label, None if label in hidden else count) for label, count in counts.items()]


def _hide(counts: Mapping[str, int], small: list[str]) -> set[str] | None:
    """Return the labels to hide: the small ones, and the fewest others that leave doubt; None where none do."""
    larger = sorted((count, label) for label, count in counts.items() if count >= THRESHOLD)
    labels = [label for _, label in larger]
    attacker = Attacker(small=len(small), breaks_ties=[here < above for here, above in pairwise(labels)])
    for added in range(attacker.fewest_added, attacker.fewest_added + len(DEMANDS)):
        if added > len(larger):
            return None
        hidden = {*small, *labels[:added]}
        if attacker.is_in_doubt(
            added=added,
            hidden=sum(counts[label] for label in hidden),
            next_larger=larger[added][0] if added < len(larger) else None,
        ):
            return hidden
    return None
