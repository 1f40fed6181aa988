"""Somebody who has the published statistics and wants the hidden counts.

`recover` has nothing but the JSON and the rules that are written down for everybody; its intervals are exact for tables
that share their total alone. `could_be` has read the source as well: it tries every table there is and asks what would
have been published.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any

FEW = 10
# More than any count that a test publishes.
MANY = 10**9
NAMED = ("hospital", "diagnosis")

Interval = tuple[int, int]
Cells = dict[str, Interval]


def recover(published: Mapping[str, Any]) -> dict[tuple[str, str], int]:
    """Return the hidden counts that are certain, by dimension and label."""
    tables = {table["dimension"]: table["cells"] for table in published["tables"] if not table["hidden"]}
    hidden = {name: {cell["label"] for cell in cells if cell["hidden"]} for name, cells in tables.items()}
    known = {name: {cell["label"]: _by_itself(name, cell) for cell in cells} for name, cells in tables.items()}
    people = (0, MANY) if published["total"] is None else (published["total"] - 2, published["total"] + 2)
    before: Any = None
    while before != (people, known):
        before = people, known
        for cells in known.values():
            people = _meet(people, _sum(cells.values()))
        known = {name: _narrow(cells, hidden[name], people) for name, cells in known.items()}
    return {
        (name, label): known[name][label][0]
        for name, labels in hidden.items()
        for label in labels
        if known[name][label][0] == known[name][label][1]
    }


def _by_itself(dimension: str, cell: Mapping[str, Any]) -> Interval:
    """What one cell tells: a label that is named is shared by more than a few."""
    if not cell["hidden"]:
        return cell["count"], cell["count"]
    return (FEW + 1 if dimension in NAMED and cell["label"] != "other" else 1), MANY


def _narrow(cells: Cells, hidden: set[str], people: Interval) -> Cells:
    """What the total leaves; and that something was hidden for being few, and the rest for being the next smallest."""
    shown = [low for label, (low, _) in cells.items() if label not in hidden and low]
    narrower = dict(cells)
    for label in hidden:
        rest = _sum(interval for other, interval in narrower.items() if other != label)
        found = _meet(narrower[label], (people[0] - rest[1], people[1] - rest[0]))
        found = _meet(found, (1, min(shown, default=MANY)))
        if all(narrower[other][0] > FEW for other in hidden - {label}):
            found = _meet(found, (1, FEW))
        narrower[label] = found
    return narrower


def _sum(intervals: Iterable[Interval]) -> Interval:
    found = list(intervals)
    return sum(low for low, _ in found), min(MANY, sum(high for _, high in found))


def _meet(one: Interval, other: Interval) -> Interval:
    return max(one[0], other[0]), min(one[1], other[1])


def every_table(people: int, least: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """Every way in which so many people can be spread over these labels, with at least so many under each."""
    label, *others = least
    if not others:
        if people >= least[label]:
            yield {label: people}
        return
    for count in range(least[label], people + 1):
        for rest in every_table(people - count, {other: least[other] for other in others}):
            yield {label: count, **rest}


def could_be(
    populations: Iterable[dict[str, int]], publish: Callable[[dict[str, int]], Hashable]
) -> dict[Hashable, dict[str, set[int]]]:
    """Return, for each thing that can be published, the values that each count has where that is published."""
    values: dict[Hashable, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for population in populations:
        found = values[publish(population)]
        for label, count in population.items():
            found[label].add(count)
    return values
