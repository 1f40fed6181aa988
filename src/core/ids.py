"""Identifiers: UUID version 7 (RFC 9562), unique across tables and ordered by their time of creation."""

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """Make an id whose order is the order of creation, to the millisecond and, within a process, strictly."""
    return uuid_utils.compat.uuid7()
