"""The clinic's letters, roles and audit events in words, for templates."""

from django import template

from care.schemas import AccessOut
from core.actor import Role
from portal.roles import ROLES
from portal.wording import ACTS, GENDERS, REASONS, YOUR_REASONS, format_phone

register = template.Library()


@register.filter
def gender(letter: str) -> str:
    """Return the word for a gender's letter."""
    return GENDERS[letter]


@register.filter
def telephone(number: str) -> str:
    """Return the number as people read it."""
    return format_phone(number)


@register.filter
def role(value: str) -> str:
    """Return the role's name; empty for the system, which has none."""
    return ROLES[Role(value)].label if value else ""


@register.filter
def act(entry: AccessOut) -> str:
    """Say what somebody did; an action that is not about charts is named as it is recorded."""
    return ACTS.get(entry.action, entry.action)


@register.filter
def reason(entry: AccessOut) -> str:
    """Say why it was allowed: every rule that the actor met."""
    reasons = YOUR_REASONS if entry.own else REASONS
    return "; ".join(reasons.get(rule, rule) for rule in entry.rule.split(", "))
