"""Whatever another server does ends in an error of ours, in time, and within 64 MiB."""

import json
import subprocess
import sys
from contextlib import ExitStack

import pytest

from tests.config.running import clean_environment
from tests.core.http.hostile_upstreams import BEHAVIOURS
from tests.core.http.upstream import Upstream

MOST_MEMORY = 64 * 1024 * 1024


# For servers that would never end, and for those that are to be refused for another reason than the time.
SHORT, LONG = 0.5, 20


def endure(home, way, *, short):
    """Ask every hostile server in a process of its own; its report, with the deadline that each was given."""
    deadlines = {name: short if getattr(each, way) == "timeout" else LONG for name, each in BEHAVIOURS.items()}
    with ExitStack() as stack:
        upstreams = {name: stack.enter_context(Upstream(each.behave)) for name, each in BEHAVIOURS.items()}
        servers = {
            name: [upstream.url.replace("http", BEHAVIOURS[name].scheme), way, deadlines[name]]
            for name, upstream in upstreams.items()
        }
        ran = subprocess.run(
            [sys.executable, "-m", "tests.core.http.enduring"],
            input=json.dumps(servers),
            env=clean_environment(POLYCLINIC_HOME=str(home)),
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
    assert ran.returncode == 0, ran.stderr
    return {name: {**each, "deadline": deadlines[name]} for name, each in json.loads(ran.stdout).items()}


def judge(report, way):
    """Nothing but our errors, each with the right code, in time and within the memory."""
    assert len(report) >= 30
    assert {name: each["unexpected"] for name, each in report.items() if each["unexpected"]} == {}
    expected = {name: getattr(behaviour, way) for name, behaviour in BEHAVIOURS.items()}
    assert {name: each["code"] for name, each in report.items() if each["code"] != expected[name]} == {}
    assert {name: each["seconds"] for name, each in report.items() if each["seconds"] > each["deadline"] + 1} == {}
    assert {name: each["growth"] for name, each in report.items() if each["growth"] > MOST_MEMORY} == {}


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")
@pytest.mark.parametrize("way", ["whole", "streamed"])
def test_hostile_servers_end_in_errors_of_ours(tmp_path, way):
    report = endure(tmp_path, way, short=SHORT)
    judge(report, way)
    for name in ("429 with seconds", "503 with seconds"):
        assert report[name]["retry_after"] == 7
    assert 0 < report["429 with a date"]["retry_after"] <= 3600


@pytest.mark.prove
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")
@pytest.mark.parametrize("way", ["whole", "streamed"])
def test_hostile_servers_at_the_real_deadline(tmp_path, way, proof_scale):
    judge(endure(tmp_path, way, short=max(10 * proof_scale, SHORT)), way)
