"""What the tests of role requests and of the administrators' pages share."""

from django.utils import timezone

import identity.service
from core.models import AuditEvent
from identity.models import RoleRequest
from identity.schemas import RoleRequestIn
from tests.conftest import Person


def ask(person: Person, role: str) -> RoleRequest:
    """Ask for a role, as the person does."""
    asked = identity.service.ask_for_role(actor=person.actor, body=RoleRequestIn(role=role), now=timezone.now())
    return RoleRequest.objects.get(pk=asked.id)


def refused(action: str, person: Person) -> list[str]:
    """The codes of the refusals on record for what somebody tried."""
    events = AuditEvent.objects.filter(action=action, actor_id=person.id, outcome="refused")
    return list(events.order_by("pk").values_list("rule", flat=True))
