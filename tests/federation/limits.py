"""The limits of somebody who waits, made short for tests."""

from dataclasses import replace

from core.http import INTERACTIVE, Limits


def shortened(seconds: float) -> Limits:
    """Return the interactive limits with this deadline, in seconds."""
    return replace(INTERACTIVE, deadline=seconds, request_deadline=seconds)
