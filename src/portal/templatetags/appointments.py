"""Appointments in words, for templates."""

from datetime import date, timedelta
from decimal import Decimal

from django import template

from portal.wording import STATUS_TONES, STATUSES, describe_time_zone

register = template.Library()


@register.filter
def status(value: str) -> str:
    """Return the word for where an appointment stands."""
    return STATUSES[value]


@register.filter
def tone(value: str) -> str:
    """Return the tone of a status's badge; empty for the plain one."""
    return STATUS_TONES[value]


@register.filter
def money(value: Decimal) -> str:
    """Return an amount to the cent, its thousands apart."""
    return f"{value:,.2f}"


@register.filter
def zone(value: str) -> str:
    """Return a time zone as people read it: the city and its continent."""
    return describe_time_zone(value)


@register.filter
def day_after(day: date) -> date:
    """Return the day after."""
    return day + timedelta(days=1)


@register.filter
def day_before(day: date) -> date:
    """Return the day before."""
    return day - timedelta(days=1)
