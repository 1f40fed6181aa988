"""What there is to do."""

import time

from huey import crontab
from huey.contrib.djhuey import db_periodic_task

from core.jobs import Run, register
from core.models import Lane

BY_THE_CLOCK = "by the clock"


def dawdle(run: Run) -> dict[str, int]:
    """Take half a minute, unless somebody tried before; so there is time to kill who tries first."""
    run.progress(1, 2, "begun")
    ends_at = time.monotonic() + (30 if run.attempt == 1 else 0)
    while time.monotonic() < ends_at:
        run.keep()
        time.sleep(0.05)
    return {"attempt": run.attempt}


def hurry(run: Run) -> dict[str, int]:
    """Take three seconds, and say how it goes."""
    for done in range(30):
        run.progress(done, 30)
        time.sleep(0.1)
    return {"attempt": run.attempt}


def nothing(run: Run) -> dict[str, int]:
    """Be done at once."""
    return {}


register("test.dawdle", dawdle)
register("test.hurry", hurry)
register("test.nothing", nothing)


@db_periodic_task(crontab())
def leave_a_mark() -> None:
    """Show that somebody minds the clock."""
    Lane.objects.get_or_create(kind=BY_THE_CLOCK)
