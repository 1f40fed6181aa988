"""The source under examination: where it lies, its syntax trees, and the import contracts it is held to."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
TESTS = ROOT / "tests"


def contracts() -> dict[str, dict[str, Any]]:
    """The import contracts of pyproject.toml by their ids."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return {contract["id"]: contract for contract in settings["contracts"]}


# The contexts from the top floor to the ground floor, as the import contract orders them.
FLOORS: tuple[str, ...] = tuple(contracts()["floors"]["layers"])


def python_files(folder: Path) -> Iterator[Path]:
    """Every Python file under a folder, in a fixed order."""
    yield from sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def dotted(node: ast.expr) -> str:
    """`a.b.c` for a name or an attribute of one; the last names alone where it hangs on something computed."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else node.attr
    return ""
