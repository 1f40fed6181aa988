"""Real processes in tests: start them in an environment of their own, wait for what they do, see whether they live."""

import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def clean_environment(**variables: str) -> dict[str, str]:
    """Nothing of the shell's but what a program needs to run (and coverage to see it), and these variables."""
    kept = {name: value for name, value in os.environ.items() if name == "PATH" or name.startswith("COVERAGE_")}
    return {**kept, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]), **variables}


def python(code: str, *arguments: object) -> tuple[str, ...]:
    """A command line that runs `code` with the arguments in `sys.argv[1:]`."""
    return (sys.executable, "-c", code, *map(str, arguments))


def eventually(condition, seconds: float = 20):
    """Wait until `condition()` is true and return what it answered."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return answer


def is_running(pid: int) -> bool:
    """True while the process lives; one that is dead but not yet collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
