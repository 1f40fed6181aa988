"""How long and how much another server may take."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, bytes and counts.

    `deadline` is for everything that a client does, `request_deadline` for each request. A whole JSON answer may have
    `page_bytes`, a streamed one `document_bytes`. `pages` and `records` are counted by whoever knows what they are.
    """

    deadline: float
    request_deadline: float
    page_bytes: int
    document_bytes: int
    records: int
    pages: int


# While somebody waits for a page or an answer of ours.
INTERACTIVE = Limits(
    deadline=5, request_deadline=5, page_bytes=10 * MIB, document_bytes=10 * MIB, records=50_000, pages=500
)
# In a job: a large hospital takes minutes, one request never does.
BACKGROUND = Limits(
    deadline=1800, request_deadline=10, page_bytes=16 * MIB, document_bytes=64 * MIB, records=1_000_000, pages=10_000
)
