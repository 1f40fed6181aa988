"""Jobs as they are published: what is done, how far it is, how it ended. Never what it read."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from core.text import ShortLine
from core.wire import Out

JobState = Literal["queued", "running", "done", "dead", "cancelled"]


class JobFilters(Schema):
    """Which jobs; each condition narrows."""

    kind: ShortLine | None = None
    state: JobState | None = None


class ProgressOut(Out):
    """How far a job is; `total` is null where that is not known."""

    done: int
    total: int | None
    message: str


class JobErrorOut(Out):
    """Why the last attempt failed: `code` for programs, `detail` for people."""

    code: str
    detail: str


class JobOut(Out):
    """A job. `result` holds ids and counts; `error` is of the last attempt that failed, also between two attempts."""

    id: UUID
    kind: str
    state: JobState
    progress: ProgressOut
    result: dict[str, Any] | None
    error: JobErrorOut | None
    attempt: Annotated[int, Field(description="How often it was begun.")]
    cancel_asked: Annotated[bool, Field(description="Somebody asked it to stop and it has not noticed yet.")]
    requested_by: UUID | None
    created_at: datetime
    run_after: Annotated[datetime, Field(description="It begins no sooner.")]
    started_at: datetime | None
    finished_at: datetime | None
