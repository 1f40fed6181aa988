"""docs/compatibility.md lists every promise of the documents, and every test that it names exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, parse

TABLE = ROOT / "docs/compatibility.md"

# How many promises each document makes, and those that belong to a later stage.
PROMISES = {"000": 19, "001": 27, "002": 45, "003": 19, "004": 26}
LATER = {"001-26"}

_CELL_BOUNDARY = re.compile(r"(?<!\\)\|")
_TEST = re.compile(r"`([^`]+)`")
_NOT_YET = re.compile(r"stage \d+( or later)?: not yet")


def all_rows() -> set[str]:
    return {f"{document}-{n:02}" for document, amount in PROMISES.items() for n in range(1, amount + 1)}


@cache
def defined_in(path: Path) -> set[str]:
    """The tests of a file as `test_name` or `Class::test_name`."""
    if not path.is_file():
        return set()
    found = set()
    for node in parse(path).body:
        members = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        found |= {
            prefix + member.name
            for member in members
            if isinstance(member, ast.FunctionDef) and member.name.startswith("test_")
        }
    return found


def complaints(text: str) -> list[str]:
    """What is wrong with a table, a sentence each."""
    found, seen = [], set()
    for line in text.splitlines():
        if not re.match(r"\| \d{3}-\d{2} ", line):
            continue
        cells = [cell.strip() for cell in _CELL_BOUNDARY.split(line)[1:-1]]
        if len(cells) != 4:
            found.append(f"{cells[0]} has {len(cells)} cells instead of 4")
            continue
        row, promise, how, tests = cells
        if row in seen:
            found.append(f"{row} stands twice")
        seen.add(row)
        if not promise:
            found.append(f"{row} does not say what is promised")
        if row in LATER and _NOT_YET.fullmatch(tests):
            continue
        if not how:
            found.append(f"{row} does not say how it is kept")
        named = _TEST.findall(tests)
        if not named:
            found.append(f"{row} names no test")
        for name in named:
            path, _, test = name.partition("::")
            if test not in defined_in(ROOT / path):
                found.append(f"{row} names {name}, which does not exist")
    found += [f"{row} is missing" for row in sorted(all_rows() - seen)]
    found += [f"{row} is no promise of a document" for row in sorted(seen - all_rows())]
    return found


def test_every_promise_has_its_row_and_every_named_test_exists():
    assert complaints(TABLE.read_text()) == []


class TestNotices:
    @pytest.fixture
    def table(self) -> str:
        return TABLE.read_text()

    def test_a_missing_row(self, table):
        without = "\n".join(line for line in table.splitlines() if not line.startswith("| 002-17 "))

        assert complaints(without) == ["002-17 is missing"]

    def test_a_missing_row_of_a_later_stage(self, table):
        without = "\n".join(line for line in table.splitlines() if not line.startswith("| 001-26 "))

        assert complaints(without) == ["001-26 is missing"]

    def test_a_test_that_is_gone(self, table):
        renamed = table.replace("TestDoctors::test_updates_a_doctor`", "TestDoctors::test_changes_a_doctor`")

        assert len(complaints(renamed)) == 2
        assert all("test_changes_a_doctor, which does not exist" in complaint for complaint in complaints(renamed))

    def test_a_file_that_is_gone(self, table):
        moved = table.replace("`tests/journeys/test_document_003.py::", "`tests/gone.py::", 1)

        [complaint] = complaints(moved)
        assert complaint.endswith("which does not exist")

    def test_a_row_that_stands_twice(self, table):
        [line] = [line for line in table.splitlines() if line.startswith("| 001-07 ")]

        assert complaints(f"{table}\n{line}\n") == ["001-07 stands twice"]

    def test_a_due_row_that_is_put_off(self, table):
        lines = [
            "| 001-07 | `GET /api/patients/{id}/` | | stage 9: not yet |" if line.startswith("| 001-07 ") else line
            for line in table.splitlines()
        ]

        assert complaints("\n".join(lines)) == ["001-07 does not say how it is kept", "001-07 names no test"]

    def test_a_row_that_no_document_has(self, table):
        assert (
            complaints(f"{table}\n| 003-99 | x | y | stage 2: not yet |\n")[-1] == "003-99 is no promise of a document"
        )
