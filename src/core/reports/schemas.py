"""Reports as they are asked for and published."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from core.jobs import JobOut
from core.text import ShortLine
from core.wire import Day, In, Out

ReportFormat = Literal["csv"]


class ReportIn(In):
    """Which report; both days are included, and null means without end."""

    kind: Annotated[ShortLine, Field(description="`appointments`.")]
    format: ReportFormat = "csv"
    from_: Annotated[Day | None, Field(alias="from")] = None
    to: Day | None = None


class ReportRequestedOut(Out):
    """The job that writes the report, and the report that it will be."""

    job: UUID
    report: UUID


class ReportOut(Out):
    """A report: `ready_at` is null until it can be downloaded, `job` tells why it cannot."""

    id: UUID
    kind: str
    format: ReportFormat
    from_: Annotated[date | None, Field(serialization_alias="from")]
    to: date | None
    requested_by: UUID
    job: JobOut | None
    row_count: int
    size: Annotated[int, Field(description="In bytes.")]
    created_at: datetime
    ready_at: datetime | None
    expires_at: datetime
