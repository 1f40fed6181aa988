"""A report of 100,000 appointments is written, and read, within 150 MiB of memory."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.config.running import ROOT, clean_environment
from tests.servers import empty_database

ROWS = 100_000
MOST_MIB = 150


@pytest.mark.prove
def test_its_memory_does_not_grow_with_its_length(tmp_path, proof_scale, record_property):
    rows = int(ROWS * proof_scale)
    with empty_database() as url:
        environment = clean_environment(
            DJANGO_SETTINGS_MODULE="tests.served", POLYCLINIC_HOME=str(tmp_path), DATABASE_URL=url, DEBUG="true"
        )

        def run(*command: object) -> str:
            done = subprocess.run(
                [sys.executable, *map(str, command)],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        def program(*words: object) -> dict[str, Any]:
            return json.loads(run("-m", "tests.scheduling.report_of_size", *words))

        run(ROOT / "manage.py", "migrate", "--verbosity", "0")
        assert program("fill", rows)["rows"] == rows
        written, read = program("write"), program("read")
        assert program("check")["broken"] == 0

    record_property("written", written)
    record_property("read", read)
    assert (written["state"], written["result"]["rows"]) == ("done", rows)
    assert (read["lines"], read["bytes"], read["told"]) == (rows + 1, read["announced"], rows)
    assert max(written["mib"], read["mib"]) <= MOST_MIB
