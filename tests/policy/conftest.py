"""The cast of the policy's tests, made once a module; each probe takes back what it did."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction

from tests.federation.fakes import open_town
from tests.policy.cast import World, build_world


@contextmanager
def taken_back() -> Iterator[None]:
    """Run the block in a transaction, or a savepoint of one, that is rolled back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker) -> Iterator[World]:
    """Everybody and everything, in one transaction that ends with the module; each test runs in a savepoint of it."""
    with open_town() as town, django_db_blocker.unblock(), taken_back():
        yield build_world(town)
