"""A doctor who works, and the days on which they do."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from care.models import Doctor
from scheduling.models import Schedule
from tests.factories.scheduling import make_schedule


@pytest.fixture
def monday() -> date:
    """A Monday one to two weeks from now."""
    today = timezone.now().date()
    return today + timedelta(days=14 - today.weekday())


@pytest.fixture
def morning(a_doctor: Doctor, monday: date) -> Schedule:
    """Jane Doe works on that Monday from nine to twelve, UTC: six half hours."""
    return make_schedule(a_doctor, monday)


@pytest.fixture
def chens_morning(dr_chen, monday: date) -> Schedule:
    """The same hours of Lin Chen, who has an account."""
    return make_schedule(dr_chen.doctor, monday)
