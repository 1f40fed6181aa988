"""Days on which doctors work, for the tests of the appointment book's pages."""

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone

from care.models import Doctor
from core.models import AuditEvent
from tests.conftest import Person
from tests.factories.scheduling import make_schedule


def next_monday() -> date:
    """A Monday one to two weeks from now."""
    today = timezone.now().date()
    return today + timedelta(days=14 - today.weekday())


def works_on(doctor: Doctor, *days: date, hours: str = "09:00-12:00") -> None:
    """Give a doctor hours on these dates."""
    start, end = hours.split("-")
    for day in days:
        make_schedule(doctor, day, start, end)


def instant(moment: datetime) -> str:
    """An instant as the portal's addresses carry it."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def book_at(doctor: Doctor, moment: datetime, **more: Any) -> str:
    """The address of the page that books this time."""
    return f"/book/at/?{urlencode({'doctor': doctor.pk, 'at': instant(moment), **more})}"


def refusals(person: Person, action: str) -> list[str]:
    """The codes of what somebody tried in vain, in order."""
    events = AuditEvent.objects.filter(actor_id=person.id, action=action, outcome="refused")
    return list(events.order_by("pk").values_list("rule", flat=True))
