"""The tests run the real parts: none of them replaces our own code by a mock."""

import ast
from pathlib import Path

import pytest

from tests.architecture.source import TESTS, parse, python_files

MOCKING_PACKAGES = {"mock", "pytest_mock", "flexmock", "mockito", "asynctest"}
MOCKING_FIXTURES = {"mocker", "class_mocker", "module_mocker", "session_mocker"}


def mocks_in(path: Path) -> list[str]:
    """Every import of a mocking package and every use of a mocking fixture in a file, as `line name`."""
    found = []
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.arg):
            names = [node.arg] if node.arg in MOCKING_FIXTURES else []
        else:
            continue
        found += [
            f"{node.lineno} {name}"
            for name in names
            if name in MOCKING_FIXTURES
            or name.split(".")[0] in MOCKING_PACKAGES
            or name.split(".")[:2] == ["unittest", "mock"]
        ]
    return found


def test_no_test_replaces_our_own_code_by_a_mock():
    found = {path.relative_to(TESTS).as_posix(): mocks_in(path) for path in python_files(TESTS)}

    assert {path: mocks for path, mocks in found.items() if mocks} == {}


@pytest.mark.parametrize(
    "line",
    [
        "from unittest import mock",
        "import unittest.mock",
        "from unittest.mock import patch",
        "from mock import patch",
        "def test_it(mocker): ...",
    ],
)
def test_notices_a_planted_mock(line, tmp_path):
    planted = tmp_path / "test_planted.py"
    planted.write_text(f"{line}\n")

    assert len(mocks_in(planted)) == 1


def test_leaves_the_other_tools_of_unittest_alone(tmp_path):
    harmless = tmp_path / "test_harmless.py"
    harmless.write_text("from unittest import TestCase\nimport pytest\n")

    assert mocks_in(harmless) == []
