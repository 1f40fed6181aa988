"""No hostile address is ever connected to: read from an audit hook on `socket.connect`, and from a canary."""

import json
import subprocess
import sys

import pytest

from tests.config.running import clean_environment
from tests.core.http.upstream import answering, reply


@pytest.fixture
def knock(tmp_path):
    """Run the program that asks for every hostile address; its report, and what reached the canary."""

    def run(switched_off):
        with answering(lambda _: reply()) as canary:
            ran = subprocess.run(
                [sys.executable, "-m", "tests.core.http.knocking", str(canary.port), switched_off],
                env=clean_environment(POLYCLINIC_HOME=str(tmp_path)),
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )
            assert ran.returncode == 0, ran.stderr
            return json.loads(ran.stdout), canary.connections

    return run


@pytest.mark.parametrize("switched_off", ["none", "register"])
def test_no_hostile_address_is_ever_connected_to(knock, switched_off):
    """Judging each connection holds alone, too: what is judged when registering only saves a look-up."""
    report, hits = knock(switched_off)
    assert report["urls"] >= 400
    assert report["dialled"] >= 400
    assert report["scripts"] >= 20
    assert report["denied"] == []
    assert hits == 0
    assert report["public"] > 20  # the hook sees: good answers were dialled


@pytest.mark.parametrize(("switched_off", "places"), [("dial", 15), ("both", 40)])
def test_without_judging_the_hook_and_the_canary_would_tell(knock, switched_off, places):
    report, hits = knock(switched_off)
    assert len(report["denied"]) >= places
    assert {"127.0.0.1", "10.0.0.1", "169.254.169.254", "::1"} <= set(report["denied"])
    assert hits > 10
