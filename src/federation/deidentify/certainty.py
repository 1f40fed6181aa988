"""How much somebody can work out about the hidden cells of a table, who knows all but their values.

The audit is generous to the attacker. It grants them the way the table was suppressed, the exact number of people in it
(the other tables may give it away), which of the hidden cells were hidden for being small, and in which order the
others were added. What is left open is every table that would have been published in just the same way; a cell is safe
while it has enough different values among those. Whoever knows less than this can only be less certain.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain

from federation.deidentify.labels import THRESHOLD

_LARGEST_SMALL = THRESHOLD - 1
# Values that each hidden cell must keep: at first, and after one, two and three more cells were added. That a demand
# was not met is itself a hint, so the first asks for more than is guaranteed.
GUARANTEE = 3
DEMANDS = (4, GUARANTEE, GUARANTEE, GUARANTEE)
# Of many candidates for a value so many are tried from either end; trying fewer finds fewer tables, never a wrong one.
_WINDOW = 60

# The values still open: of the sum of the small cells, then of each added cell in the order in which it was added.
_Open = tuple[frozenset[int], ...]


class Attacker:
    """Somebody before one table of which `small` cells were hidden for being 1 to 10.

    `breaks_ties[i]` says of the i-th added cell that the next larger one may be just as large: cells are added in the
    order of their size and, where they are equal, of their label.
    """

    def __init__(self, *, small: int, breaks_ties: Sequence[bool]) -> None:
        self.fewest_added = 1 if small == 1 else 0
        self._small = small
        self._breaks_ties = tuple(breaks_ties)
        self._open = cache(self._find_open)

    def is_in_doubt(self, *, added: int, hidden: int, next_larger: int | None) -> bool:
        """Tell whether each hidden cell keeps the values demanded at this step.

        `hidden` is the sum of all hidden cells; `next_larger` is the smallest cell above them that is shown.
        """
        demand = DEMANDS[added - self.fewest_added]
        sums, *others = self._open(added, hidden, self._ceiling(added, next_larger))
        return all(len(values) >= demand for values in (self._small_values(sums), *others))

    def _ceiling(self, added: int, next_larger: int | None) -> int | None:
        if not added or next_larger is None:
            return None
        return next_larger if self._breaks_ties[added - 1] else next_larger - 1

    def _small_values(self, sums: Iterable[int]) -> set[int]:
        """Return the values that one small cell can have where their sum is one of these."""
        others = self._small - 1
        return {
            value
            for total in sums
            for value in range(max(1, total - _LARGEST_SMALL * others), min(_LARGEST_SMALL, total - others) + 1)
        }

    def _find_open(self, added: int, hidden: int, ceiling: int | None) -> _Open:
        """Return what is open for all tables that reach this step: their steps before it did not leave enough doubt."""
        if not added:
            fits = self._small <= hidden <= _LARGEST_SMALL * self._small
            return (frozenset({hidden} if fits else ()),)
        found: list[set[int]] = [set() for _ in range(added + 1)]
        for largest in self._candidates(added, hidden, ceiling):
            before, rest = added - 1, hidden - largest
            if before >= self.fewest_added and self.is_in_doubt(added=before, hidden=rest, next_larger=largest):
                continue
            smaller = self._open(before, rest, self._ceiling(before, largest))
            if smaller[0]:
                for place, values in enumerate((*smaller, {largest})):
                    found[place] |= values
        return tuple(frozenset(values) for values in found)

    def _candidates(self, added: int, hidden: int, ceiling: int | None) -> Iterable[int]:
        """Return what the largest of the added cells can be: at least their mean, leaving the others their least."""
        least = max(THRESHOLD, -((_LARGEST_SMALL * self._small - hidden) // added))
        most = hidden - self._small - THRESHOLD * (added - 1)
        if ceiling is not None:
            most = min(most, ceiling)
        if most - least < 2 * _WINDOW:
            return range(least, most + 1)
        return chain(range(least, least + _WINDOW), range(most - _WINDOW + 1, most + 1))
