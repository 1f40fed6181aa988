"""The tour in README.md works when it is pasted into a shell."""

import json
import re
import subprocess

import pytest

from tests.architecture.source import ROOT

MARK = "<!-- tour -->"
ADDRESS = "http://127.0.0.1:8000"
_BLOCK = re.compile(r"^```sh\n(?P<script>.*?)^```$", flags=re.DOTALL | re.MULTILINE)


def tour_in(text: str) -> str:
    """Return the first fenced `sh` block behind the mark; raises LookupError where there is none."""
    _, mark, after = text.partition(MARK)
    block = _BLOCK.search(after)
    if not mark or block is None:
        raise LookupError(f"no `sh` block behind {MARK}")
    return block["script"]


@pytest.mark.django_db(transaction=True)
def test_the_tour_ends_with_an_answer_in_json(live_server, tmp_path):
    script = tour_in((ROOT / "README.md").read_text())
    assert ADDRESS in script

    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace(ADDRESS, live_server.url)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    json.loads(run.stdout.strip().splitlines()[-1])


def test_finds_the_block_behind_the_mark_and_no_other():
    text = f"```sh\nmake run\n```\n{MARK}\n\n```sh\ncurl one\ncurl two\n```\n\n```sh\nmake test\n```\n"

    assert tour_in(text) == "curl one\ncurl two\n"


@pytest.mark.parametrize("text", ["```sh\ncurl\n```\n", f"{MARK}\nno block\n", f"```sh\ncurl\n```\n{MARK}\n"])
def test_a_text_without_a_tour_is_told(text):
    with pytest.raises(LookupError):
        tour_in(text)
