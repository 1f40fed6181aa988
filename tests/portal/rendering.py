"""What a page asks of the database, and when."""

from contextlib import contextmanager

from django.core.signals import request_finished
from django.db import connection
from django.test import Client
from django.test.signals import template_rendered
from django.test.utils import CaptureQueriesContext


def count_queries(browser: Client, path: str) -> int:
    """Open a page and return how many queries it took; the page must be there."""
    with CaptureQueriesContext(connection) as captured:
        response = browser.get(path)
    assert response.status_code == 200, response.status_code
    return len(captured)


def queries_while_rendering(browser: Client, path: str) -> int:
    """Open a page and return how many queries ran after its first template had begun to render."""
    asked_at: dict[str, int] = {}

    def note_start(**_):
        asked_at.setdefault("start", len(captured))

    def note_end(**_):
        asked_at["end"] = len(captured)

    with (
        CaptureQueriesContext(connection) as captured,
        _connected(template_rendered, note_start),
        _connected(request_finished, note_end),
    ):
        browser.get(path)
    return asked_at["end"] - asked_at["start"]


@contextmanager
def _connected(signal, receiver):
    signal.connect(receiver)
    try:
        yield
    finally:
        signal.disconnect(receiver)
