"""The facts that nobody may set by naming a column: every row that confers a right, or says whose something is."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model

from care.models import CareTeamMember, Doctor, Patient, PatientGroupPermission, PatientUserPermission
from core.models import Job, Report
from federation.models import Feed, Hospital, PatientRecord, SyncRun
from identity.models import RefreshSession, RoleRequest, User
from scheduling.models import Appointment, Schedule, TimeOff

MODELS: tuple[type[Model], ...] = (
    User,
    User.groups.through,
    User.user_permissions.through,
    RoleRequest,
    RefreshSession,
    Patient,
    Doctor,
    CareTeamMember,
    PatientUserPermission,
    PatientGroupPermission,
    Schedule,
    TimeOff,
    Appointment,
    Job,
    Report,
    Hospital,
    Feed,
    PatientRecord,
    SyncRun,
)
# Other at each writing, whatever the body said; and row numbers, which mean nothing.
_VARYING = {"token_digest", "seal", "key", "args"}
_NUMBERED = {PatientUserPermission, PatientGroupPermission, User.groups.through, User.user_permissions.through}

PLANTED_TIME = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)

Facts = Counter[tuple[str, ...]]


def raw_rows() -> list[list[tuple[Any, ...]]]:
    """Return every row as the database holds it: enough to tell that nothing at all has changed, and quick."""
    with connection.cursor() as cursor:
        tables = []
        for model in MODELS:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(model._meta.db_table)} ORDER BY 1")
            tables.append(cursor.fetchall())
        return tables


@dataclass(slots=True)
class Snapshots:
    """Takes the facts of all rows; ids and hashes that were not there at the first snapshot read `new`."""

    known: set[str] = field(default_factory=set)

    def take(self) -> Facts:
        """Return every row as text, with how often it occurs; times read `set`, unless they are the planted one."""
        first = not self.known
        rows = list(_rows())
        if first:
            self.known = {str(value) for _, values in rows for value in values if _is_made(value)}
        return Counter((name, *(self._spelled(value) for value in values)) for name, values in rows)

    def _spelled(self, value: Any) -> str:
        if isinstance(value, datetime):
            return "planted" if value == PLANTED_TIME else "set"
        return "new" if _is_made(value) and str(value) not in self.known else repr(value)


def _is_made(value: Any) -> bool:
    return isinstance(value, UUID) or (isinstance(value, str) and value.startswith("argon2"))


def _rows() -> Iterator[tuple[str, tuple[Any, ...]]]:
    for model in MODELS:
        skipped = _VARYING | ({"id"} if model in _NUMBERED else set())
        columns = [column.attname for column in model._meta.concrete_fields if column.attname not in skipped]
        for values in model._default_manager.values_list(*columns):
            yield model.__name__, values
