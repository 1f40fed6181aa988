"""Is it alive, is it ready: two questions a supervisor or a load balancer asks without signing in."""

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from core.jobs import is_worker_alive
from core.queue import does_queue_answer

log = structlog.get_logger("polyclinic.health")


def livez(request: HttpRequest) -> HttpResponse:
    """Answer 200 while the process serves; asks nothing of the database."""
    return JsonResponse({"status": "alive"})


def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 when the database and the queue answer and a worker is at work, else 503.

    What is missing stands in the log; a stranger learns no more than that something is.
    """
    missing = _find_missing()
    if missing:
        log.warning("not ready", missing=missing)
        return JsonResponse({"status": "not ready"}, status=503)
    return JsonResponse({"status": "ready"})


def _find_missing() -> str:
    """Name the first thing that is missing, empty where nothing is."""
    try:
        # Asks the database for the worker, so that one question answers two.
        if not is_worker_alive(timezone.now()):
            return "a worker"
    except DatabaseError:
        return "the database"
    return "" if does_queue_answer(settings.HUEY) else "the queue"
