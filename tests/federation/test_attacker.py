"""Nobody works out a hidden count: not from the four tables together, and not with the source at hand.

The negative controls suppress less than we do, and the same attackers recover what they hid (F17).
"""

import random
from collections import Counter
from collections.abc import Hashable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.deidentify import OTHER, TWENTIES, Cell, publish, publish_table
from federation.deidentify.certainty import GUARANTEE
from tests.federation.attacker import FEW, could_be, every_table, recover

DIMENSIONS = ("hospital", "diagnosis", "age_band", "gender")
FIXED = {"age_band": TWENTIES, "gender": ("M", "F", "O", "U")}


def tabulate(people: list[tuple[int, int, int, int]]) -> dict[str, dict[str, int]]:
    """Count people, each four numbers, in four tables; hospitals and diagnoses of a few go into `other`."""
    tables = {}
    for place, dimension in enumerate(DIMENSIONS):
        counts = Counter(person[place] for person in people)
        if dimension in FIXED:
            labels = FIXED[dimension]
            tables[dimension] = {label: counts[n] for n, label in enumerate(labels)}
            continue
        named = {f"{dimension} {n}": count for n, count in counts.items() if count > FEW}
        rest = len(people) - sum(named.values())
        tables[dimension] = {**named, OTHER: rest} if rest else named
    return tables


def as_json(total: int | None, tables: dict[str, list[Cell] | None]) -> dict[str, Any]:
    """Write a publication as the API does."""
    return {
        "total": total,
        "tables": [
            {
                "dimension": dimension,
                "hidden": cells is None,
                "cells": [{"label": c.label, "count": c.count, "hidden": c.count is None} for c in cells or ()],
            }
            for dimension, cells in tables.items()
        ],
    }


def published(tables: dict[str, dict[str, int]]) -> dict[str, Any]:
    told = publish(tables, told={})
    return as_json(told.total, told.tables or dict.fromkeys(tables))


def hidden_cells(document: dict[str, Any]) -> int:
    return sum(cell["hidden"] for table in document["tables"] for cell in table["cells"])


def hide_the_few(table: dict[str, int]) -> list[Cell]:
    """Suppress as one would at first: the small counts and nothing else."""
    return [Cell(label, None if 0 < count <= FEW else count) for label, count in table.items()]


def hide_the_next_too(table: dict[str, int]) -> list[Cell]:
    """Suppress by the letter: the small counts, and the next smallest where one stands alone."""
    cells = hide_the_few(table)
    larger = [cell.label for cell in sorted(cells, key=lambda cell: cell.count or 0) if cell.count]
    alone = sum(cell.count is None for cell in cells) == 1 and bool(larger)
    return [Cell(cell.label, None) if alone and cell.label == larger[0] else cell for cell in cells]


PEOPLE = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 5), st.integers(0, 3)), min_size=0, max_size=90
)


def skewed(seed: int) -> list[tuple[int, int, int, int]]:
    """A population in which some groups are large and some have one or two people."""
    chance = random.Random(seed)
    size = chance.choice([11, 12, 15, 23, 40, 90, 300, 2_000])

    def draw(labels: int) -> list[int]:
        weights = [chance.paretovariate(chance.choice([0.3, 0.6, 1.2])) for _ in range(labels)]
        return chance.choices(range(labels), weights, k=size)

    return list(zip(draw(chance.randint(1, 12)), draw(chance.randint(1, 30)), draw(6), draw(4), strict=True))


class TestWithThePublishedTablesAlone:
    @given(PEOPLE)
    @settings(max_examples=150, deadline=None)
    def test_recovers_nothing_from_any_population(self, people):
        document = published(tabulate(people))

        assert recover(document) == {}
        assert not any(0 < (cell["count"] or 0) <= FEW for table in document["tables"] for cell in table["cells"])
        assert document["total"] is None or not 0 < document["total"] <= FEW

    def test_recovers_nothing_from_skewed_populations(self, proof_scale):
        documents = [published(tabulate(skewed(seed))) for seed in range(int(3_000 * proof_scale))]

        assert [recover(document) for document in documents if recover(document)] == []
        assert sum(map(hidden_cells, documents)) > len(documents)  # there was something to recover
        kept_back = sum(all(table["hidden"] for table in document["tables"]) for document in documents)
        assert kept_back < len(documents) / 10  # and it was not avoided by publishing nothing

    @pytest.mark.parametrize("suppress", [hide_the_few, hide_the_next_too])
    def test_recovers_cells_from_less_suppression(self, suppress):
        """The negative control: the same attacker, the same populations, a publisher who stops earlier."""
        recovered, right = 0, 0
        for seed in range(300):
            tables = tabulate(skewed(seed))
            total = 5 * round(sum(tables["gender"].values()) / 5)
            found = recover(as_json(total, {name: suppress(table) for name, table in tables.items()}))
            recovered += len(found)
            right += sum(tables[dimension][label] == count for (dimension, label), count in found.items())

        assert recovered > 5
        assert right == recovered  # what it is certain of is so: its reasoning is sound


def in_words(cells: list[Cell] | None) -> Hashable:
    return cells and tuple(cells)


def certain_cells(told: Hashable, values: dict[str, set[int]]) -> list[str]:
    """The hidden cells of a published table that have fewer possible values than are guaranteed."""
    if told is None:
        return []
    return [cell.label for cell in told if cell.count is None and len(values[cell.label]) < GUARANTEE]


class TestWithTheSourceAtHand:
    """Every table of a size is tried, and the number of people in it is given away."""

    @pytest.mark.parametrize("people", [*range(11, 34), 40, 47, 61])
    def test_a_table_of_small_and_large_counts_keeps_its_secrets(self, people):
        labels = {"a": 0, "b": 0, "c": 0} if people > 25 else {"a": 0, "b": 0, "c": 0, "d": 0}
        found = could_be(every_table(people, labels), lambda table: in_words(publish_table(table)))

        assert {told: sure for told, values in found.items() if (sure := certain_cells(told, values))} == {}

    @pytest.mark.parametrize("people", [*range(12, 40), 55, 62, 81])
    def test_a_table_of_names_keeps_its_secrets(self, people):
        """All but `other` are known to be shared by at least 11."""
        for names in (1, 2, 3):
            least = {f"name {n}": FEW + 1 for n in range(names)} | {OTHER: 1}
            found = could_be(every_table(people, least), lambda table: in_words(publish_table(table)))

            assert {told: sure for told, values in found.items() if (sure := certain_cells(told, values))} == {}

    def test_nor_do_two_tables_together_tell_more_than_each(self):
        """Here the size is not given away but found out, from both tables and the rounded total, kept back or not."""

        def both(one, other):
            return {f"one {label}": n for label, n in one.items()} | {f"other {label}": n for label, n in other.items()}

        def parted(counts, name):
            return {label.split()[1]: n for label, n in counts.items() if label.startswith(f"{name} ")}

        def told_of(counts):
            told = publish({name: parted(counts, name) for name in ("one", "other")}, told={})
            return told.total, told.tables and tuple((name, tuple(cells)) for name, cells in told.tables.items())

        populations = (
            both(one, other)
            for people in range(27)
            for one in every_table(people, {"a": 0, "b": 0})
            for other in every_table(people, {"x": 0, "y": 0, "z": 0})
        )
        sure = []
        for (total, tables), values in could_be(populations, told_of).items():
            cells = [(f"{name} {c.label}", c.count) for name, found in tables or () for c in found]
            kept_back = [(label, None) for label in values] if tables is None else []
            sure += [
                (total, tables, label)
                for label, count in [*cells, *kept_back]
                if count is None and len(values[label]) < GUARANTEE
            ]

        assert sure == []

    @pytest.mark.parametrize("suppress", [hide_the_few, hide_the_next_too])
    def test_less_suppression_gives_counts_away(self, suppress):
        """The negative control."""
        certain = 0
        for people in (12, 13, 20, 22):
            found = could_be(every_table(people, {"a": 0, "b": 0, "c": 0}), lambda table: tuple(suppress(table)))
            certain += sum(
                cell.count is None and len(values[cell.label]) == 1 for told, values in found.items() for cell in told
            )

        assert certain > 0
