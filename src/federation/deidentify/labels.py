"""Labels by name, such as a diagnosis or a hospital: only where enough people share them."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from core.text import search_key

# So many people make a label or a count fit to be told; 1 to 10 are too few.
THRESHOLD = 11
OTHER = "other"
UNKNOWN = "unknown"


def fold(label: str) -> str:
    """Return the form in which labels are compared: no case, no accents, single spaces; an empty one is `unknown`."""
    return search_key(label) or UNKNOWN


class Labels:
    """How each label is shown. What is not in here is shown as `other`."""

    def __init__(self, shown: Mapping[str, str]) -> None:
        self._shown = dict(shown)

    def show(self, label: str) -> str:
        """Return the label as it may be told."""
        return self._shown.get(fold(label), OTHER)


def share_labels(counted: Iterable[tuple[str, int]], *, among: Collection[str] | None = None) -> Labels:
    """Return how labels are shown, from each spelling with the number of people who have it.

    A label is shown in its most frequent spelling if that alone is shared by enough people, else folded: how one person
    happened to write it is told of nobody. `among` names the labels that matter; only they are kept in memory.
    """
    wanted = None if among is None else {fold(label) for label in among}
    people: Counter[str] = Counter()
    best: dict[str, tuple[int, str]] = {}
    for spelling, count in counted:
        key = fold(spelling)
        if wanted is not None and key not in wanted:
            continue
        people[key] += count
        if count >= THRESHOLD:
            best[key] = min(best.get(key, (-count, spelling)), (-count, spelling))
    return Labels({key: _spell(key, best) for key, count in people.items() if count >= THRESHOLD and key != OTHER})


def _spell(key: str, best: Mapping[str, tuple[int, str]]) -> str:
    return key if key == UNKNOWN or key not in best else " ".join(best[key][1].split())
