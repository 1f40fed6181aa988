"""Hospitals elsewhere, and doctors to read what they say."""

import pytest

from tests.federation.fakes import open_town


@pytest.fixture
def town():
    """A place to open hospitals in; they are really asked, over the network of this machine."""
    with open_town() as town:
        yield town
