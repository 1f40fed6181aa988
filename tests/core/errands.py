"""Jobs that tests make up: a handler is somebody's errand for as long as the block lasts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from core.jobs import Handler, bell, register, submit, use_bell
from core.jobs.kinds import _kinds
from core.models import Job

ERRAND = "test.errand"


@contextmanager
def errand(handler: Handler, *, kind: str = ERRAND, at_most: int | None = None) -> Iterator[str]:
    """Have jobs of a kind done by the handler."""
    register(kind, handler, at_most=at_most)
    try:
        yield kind
    finally:
        _kinds.pop(kind, None)


@contextmanager
def listening(to: Callable[[UUID, float], object]) -> Iterator[None]:
    """Let a test hear the bell instead of the queue."""
    usual = bell._bell
    use_bell(to)
    try:
        yield
    finally:
        use_bell(usual)


def ask(kind: str = ERRAND, *, key: str = "", requested_by: UUID | None = None, **more: Any) -> UUID:
    """Submit a job, with a key of its own unless one is given."""
    return submit(
        kind=kind, key=key or str(uuid4()), args=more.pop("args", {}), requested_by=requested_by,
        now=more.pop("now", None) or timezone.now(), **more,
    )  # fmt: skip


def job(job_id: UUID) -> Job:
    return Job.objects.get(pk=job_id)
