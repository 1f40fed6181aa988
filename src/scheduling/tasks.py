"""What scheduling does in the worker: the reports of appointments."""

from datetime import date
from uuid import UUID

import identity.service
from core import reports
from core.actor import Actor
from core.reports import ReportRows
from scheduling import service


class AppointmentsReport:
    """A file of appointments: a doctor's own calendar, or the clinic's."""

    def actor_of(self, user_id: UUID) -> Actor:
        """Return the actor that the requester is now."""
        return identity.service.actor_from_user_id(user_id)

    def scope_for(self, *, actor: Actor) -> str:
        """Say whose appointments they are."""
        return service.get_scope_of_appointments(actor=actor)

    def may_have(self, *, actor: Actor, scope: str) -> bool:
        """Return whether the actor may now have them."""
        return service.may_have_appointments(actor=actor, scope=scope)

    def find_rows(self, *, actor: Actor, scope: str, since: date | None, until: date | None) -> ReportRows:
        """Settle which appointments these are."""
        return service.find_appointments_to_take(actor=actor, scope=scope, since=since, until=until)


reports.register("appointments", AppointmentsReport())
