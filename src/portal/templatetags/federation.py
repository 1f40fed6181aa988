"""Hospitals, their copies and records in words, for templates."""

from datetime import datetime
from uuid import UUID

from django import template
from django.utils import timezone

from portal.wording import (
    COPY_STATES,
    COPY_TONES,
    FRESHNESS,
    FRESHNESS_TONES,
    HOSPITAL_FORMATS,
    describe_age,
    describe_problem,
    describe_wait,
)

register = template.Library()


@register.filter
def freshness(status: str) -> str:
    """Return the word for how fresh a copy is."""
    return FRESHNESS[status]


@register.filter
def freshness_tone(status: str) -> str:
    """Return the tone of that word's badge; empty for the plain one."""
    return FRESHNESS_TONES[status]


@register.filter
def copy_state(state: str) -> str:
    """Return the word for how an attempt to copy a hospital went."""
    return COPY_STATES[state]


@register.filter
def copy_tone(state: str) -> str:
    """Return the tone of that word's badge."""
    return COPY_TONES[state]


@register.filter
def hospital_format(value: str) -> str:
    """Return the name of a format."""
    return HOSPITAL_FORMATS[value]


@register.filter
def problem(code: str) -> str:
    """Return what could not be taken of a hospital's answer, in words."""
    return describe_problem(code)


@register.filter
def ago(moment: datetime) -> str:
    """Return how long ago something was."""
    return describe_age(moment, now=timezone.now())


@register.filter
def until(moment: datetime) -> str:
    """Return how long something is still to come."""
    return describe_wait(moment, now=timezone.now())


@register.filter
def end_of_id(value: UUID) -> str:
    """Return the end of an id, by which people tell one from another: of ids made together only the ends differ."""
    return f"#{str(value)[-8:]}"
