"""Transactions that PostgreSQL takes back because of rivals: they are run again, a few times.

Locks are taken in one order, so deadlocks should not happen; where one does, or a lock is not given in time, nothing
was done and the same act may well succeed a moment later.
"""

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection

# PostgreSQL's codes: serialization_failure, deadlock_detected, lock_not_available.
_RIVALS = frozenset({"40001", "40P01", "55P03"})
# The longest pause before each further try, in seconds; rivals that collided once must not meet again.
_PAUSES = (0.05, 0.1, 0.2)

P = ParamSpec("P")
R = TypeVar("R")


def repeated_on_contention(act: Callable[P, R]) -> Callable[P, R]:
    """Run the act again where rivals made PostgreSQL take it back: three times at most, after a random pause.

    The act must be one transaction, and all that it does must be in it. Within another transaction it is run once,
    since that one was taken back as well and is what has to be repeated. The last failure stays an OperationalError,
    which the edges answer with 503.
    """

    @wraps(act)
    def repeated(*args: P.args, **kwargs: P.kwargs) -> R:
        for longest in _PAUSES:
            try:
                return act(*args, **kwargs)
            except OperationalError as failure:
                if connection.in_atomic_block or getattr(failure.__cause__, "sqlstate", None) not in _RIVALS:
                    raise
            time.sleep(random.uniform(0, longest))  # noqa: S311  apart from each other, not secret
        return act(*args, **kwargs)

    return repeated
