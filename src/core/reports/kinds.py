"""Which kinds of reports there are, and what their owners say about them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol
from uuid import UUID

from core.actor import Actor
from core.audit import Subject
from core.errors import NotAllowed


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A line of the file, and whom it is about."""

    cells: tuple[Any, ...]
    subject: Subject


@dataclass(frozen=True, slots=True)
class ReportRows:
    """What a report holds: its columns, how many rows there are, and the rows, read while they are asked for."""

    columns: tuple[str, ...]
    total: int
    rows: Iterator[ReportRow]


class ReportKind(Protocol):
    """What the owner of a kind of report answers."""

    def actor_of(self, user_id: UUID) -> Actor:
        """Return the actor that an account is now; raises a Refusal where it is no more."""

    def scope_for(self, *, actor: Actor) -> str:
        """Say what a report would be about that this actor asked for now, in 64 characters; raises NotAllowed."""

    def may_have(self, *, actor: Actor, scope: str) -> bool:
        """Return whether the actor may now have a report of this scope, whoever asked for it."""

    def find_rows(self, *, actor: Actor, scope: str, since: date | None, until: date | None) -> ReportRows:
        """Settle which rows the report holds, both days included; the actor may have it."""


_kinds: dict[str, ReportKind] = {}


def register(name: str, kind: ReportKind) -> None:
    """Offer a kind of report, in `tasks.py` of its owner, imported by its AppConfig.ready: no query is made."""
    _kinds[name] = kind


def find_kind(name: str) -> ReportKind | None:
    """Return the kind, or None where nobody offers it."""
    return _kinds.get(name)


def require_reader(actor: Actor) -> None:
    """Raise NotAllowed for whom no kind of report is there, whatever they ask for."""
    for kind in _kinds.values():
        try:
            kind.scope_for(actor=actor)
        except NotAllowed:
            continue
        return
    raise NotAllowed("Doctors take reports of their own calendar with them, administrators of the clinic.")
