"""A day's statistics: tables of the same people, each made safe, and none of them where one cannot be."""

from collections.abc import Mapping
from dataclasses import dataclass

from federation.deidentify.labels import THRESHOLD, fold
from federation.deidentify.suppression import Cell, publish_table

ROUNDING = 5

# What was told last of each cell, by table and folded label; the total stands under a table of its own.
Memory = Mapping[str, Mapping[str, int]]
_TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Publication:
    """What is told of a day: `tables` is None where everything is kept back.

    `people`, how many there are, and `told`, for the next day, are not for publishing.
    """

    people: int
    total: int | None
    tables: dict[str, list[Cell]] | None
    told: dict[str, dict[str, int]]


def publish(tables: Mapping[str, Mapping[str, int]], *, told: Memory) -> Publication:
    """Return what may be told of tables that count the same people.

    The total is rounded to 5. Of up to 10 people nothing is told; and nothing at all where one table cannot be made
    safe, because that alone would say how its counts lie. A count that differs by 1 to 10 from what was told last is
    told as it was.
    """
    people = {sum(table.values()) for table in tables.values()}
    if len(people) != 1:
        raise ValueError("the tables do not count the same people")
    total = people.pop()
    cells = {name: publish_table(table) for name, table in tables.items()}
    safe = {name: found for name, found in cells.items() if found is not None}
    if 0 < total < THRESHOLD or len(safe) < len(tables):
        return Publication(total, None, None, _copy(told))
    return _keep_small_changes(total, safe, _copy(told))


def _keep_small_changes(total: int, tables: dict[str, list[Cell]], told: dict[str, dict[str, int]]) -> Publication:
    """Tell again what was told of a cell that has moved by 1 to 10 since; a function of what may be told anyway."""
    steady = {
        name: [Cell(cell.label, _steady(cell.count, told.setdefault(name, {}), fold(cell.label))) for cell in cells]
        for name, cells in tables.items()
    }
    rounded = _round(total)
    if rounded is not None:
        before = told.setdefault(_TOTAL, {}).get(_TOTAL)
        rounded = before if before is not None and abs(total - before) < THRESHOLD else rounded
        told[_TOTAL][_TOTAL] = rounded
    return Publication(total, rounded, steady, told)


def _steady(count: int | None, told: dict[str, int], key: str) -> int | None:
    if count is None:
        return None
    before = told.get(key)
    if before is None or abs(count - before) >= THRESHOLD:
        told[key] = count
    return told[key]


def _round(people: int) -> int | None:
    """Return the number rounded to 5, or None where that would be one of 1 to 10, or hide that somebody is there."""
    rounded = ROUNDING * round(people / ROUNDING)
    return None if people and rounded < THRESHOLD else rounded


def _copy(told: Memory) -> dict[str, dict[str, int]]:
    return {name: dict(table) for name, table in told.items()}
