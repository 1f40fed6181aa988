"""People who act at the same moment: real threads, each with its own database connection."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection


def in_parallel(*acts: Callable[[], Any]) -> list[Any]:
    """Run all acts at once and return what each returned; the first failure of any is raised."""
    start = threading.Barrier(len(acts))
    results: list[Any] = [None] * len(acts)
    failures: list[BaseException] = []

    def run(place: int, act: Callable[[], Any]) -> None:
        try:
            start.wait(timeout=30)
            results[place] = act()
        except BaseException as failure:  # whatever it is, it must fail the test, not die with the thread
            failures.append(failure)
        finally:
            connection.close()

    rivals = [threading.Thread(target=run, args=entry) for entry in enumerate(acts)]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join(timeout=120)
    if failures:
        raise failures[0]
    assert not any(rival.is_alive() for rival in rivals), "a rival never finished"
    return results
