"""The import contracts hold, say what the architecture says, and each of them can fail."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.architecture.source import FLOORS, ROOT, SRC, contracts

# What a context shows to those above it; core shows all of itself.
FACE = {"service", "schemas", "permissions"}
# What config mounts; closed to everybody else by one contract for all contexts.
MOUNTED = {"api", "admin", "apps"}


@dataclass(frozen=True)
class Breach:
    """A line that must not stand in a file, and the contracts that notice it there."""

    file: str
    line: str
    broken: frozenset[str]

    def __str__(self) -> str:
        return f"{self.file}: {self.line.strip()}"


def breach(file: str, line: str, *broken: str) -> Breach:
    return Breach(file, line, frozenset(broken))


BREACHES = [
    breach("identity/service/roles.py", "import care.schemas", "floors"),
    breach("core/tasks.py", "def late():\n    import identity.schemas", "floors"),
    breach("care/service/cards.py", "import config.settings", "floors"),
    breach("identity/service/sessions.py", "import identity.service.accounts", "circles"),
    breach("care/service/names.py", "import care.service.patients", "circles"),
    breach("core/ids.py", "import core.wire", "rooms-core"),
    breach("identity/tokens.py", "import identity.schemas", "rooms-identity"),
    breach("care/calendar.py", "import care.schemas", "rooms-care"),
    breach("care/helpers.py", "", "rooms-care"),
    breach("scheduling/schemas.py", "import scheduling.permissions", "rooms-scheduling"),
    breach("federation/schemas.py", "import federation.permissions", "rooms-federation"),
    breach("config/demo.py", "import federation.connectors", "insides-federation"),
    breach("federation/__init__.py", "import scheduling.slots", "insides-scheduling"),
    breach("federation/__init__.py", "import scheduling.calendar", "scheduling-calendar"),
    breach("portal/error_pages.py", "import portal.forms", "rooms-portal"),
    breach("federation/__init__.py", "import identity.tokens", "insides-identity"),
    breach("care/service/cards.py", "from identity.models import User", "insides-identity"),
    breach("scheduling/__init__.py", "import care.models", "insides-care"),
    breach("scheduling/__init__.py", "from care.service.patients import get_patient", "insides-care"),
    breach("portal/urls.py", "import care.models", "insides-care", "doors"),
    breach("portal/urls.py", "import care.api", "mounts"),
    breach("portal/urls.py", "import care.calendar", "calendar-port"),
    breach("core/edge.py", "import core.models", "tables-core"),
    breach("identity/api.py", "import identity.models", "doors"),
    breach("care/api.py", "import care.permissions", "doors"),
]


@pytest.fixture
def copied_source(tmp_path) -> Path:
    """A copy of the source and its contracts, to plant breaches in."""
    shutil.copytree(SRC, tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def broken_contracts(project: Path) -> set[str]:
    """Run the linter as `make check` does, in the folder; returns the ids of the contracts that it calls broken."""
    linter = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run(
        [linter, "--no-logo", "--no-cache"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project / "src"), "COLUMNS": "300", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    verdicts = dict(re.findall(r"^(.+?) (KEPT|BROKEN)\b", run.stdout, flags=re.MULTILINE))
    names = {contract["name"]: contract_id for contract_id, contract in contracts().items()}
    assert verdicts.keys() == names.keys(), run.stdout + run.stderr
    broken = {names[name] for name, verdict in verdicts.items() if verdict == "BROKEN"}
    assert run.returncode == (1 if broken else 0)
    return broken


def unprotected_rooms(source: Path) -> set[str]:
    """The modules of all contexts but core that are neither shown to those above nor closed by a contract."""
    protected = {
        name
        for contract in contracts().values()
        if contract["type"] == "protected"
        for name in contract["protected_modules"]
    }
    between = [context for context in FLOORS if context not in ("config", "portal", "core")]
    rooms = {
        f"{context}.{path.stem}"
        for context in between
        for path in (source / context).iterdir()
        if (path.suffix == ".py" or path.is_dir()) and not path.name.startswith("__")
    }
    shown = {f"{context}.{room}" for context in between for room in FACE}
    mounted = {f"{context}.{room}" for context in between for room in MOUNTED if f"*.{room}" in protected}
    return rooms - shown - mounted - protected


def test_the_floors_are_those_of_the_architecture():
    assert FLOORS == ("config", "portal", "federation", "scheduling", "care", "identity", "core")


def test_the_source_keeps_every_contract(copied_source):
    assert broken_contracts(copied_source) == set()


@pytest.mark.parametrize("planted", BREACHES, ids=str)
def test_a_planted_breach_breaks_its_contract_and_no_other(planted, copied_source):
    with (copied_source / "src" / planted.file).open("a") as file:
        file.write(f"\n{planted.line}\n")

    assert broken_contracts(copied_source) == planted.broken


def test_every_contract_has_a_breach_that_it_alone_notices():
    alone = {contract_id for planted in BREACHES if len(planted.broken) == 1 for contract_id in planted.broken}
    assert alone == set(contracts())


def test_what_a_context_does_not_show_is_closed_by_a_contract():
    assert unprotected_rooms(SRC) == set()


def test_notices_a_room_that_no_contract_closes(copied_source):
    (copied_source / "src/care/ledger.py").touch()
    (copied_source / "src/federation/drawers").mkdir()

    assert unprotected_rooms(copied_source / "src") == {"care.ledger", "federation.drawers"}


@pytest.mark.parametrize("context", ["identity", "care", "federation"])
def test_the_whole_service_package_behind_its_face_is_closed(context):
    assert f"{context}.service.*" in contracts()[f"insides-{context}"]["protected_modules"]
    assert contracts()[f"insides-{context}"]["allowed_importers"] == [context]
