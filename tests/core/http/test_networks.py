"""Which IP addresses lead out into the world."""

from ipaddress import IPv4Address, ip_address
from random import Random

import pytest

from core.http.networks import is_loopback, is_public, read_address
from tests.core.http.hostile_addresses import DENIED_V6, PUBLIC, TARGETS, embeddings, spellings


@pytest.mark.parametrize("address", PUBLIC)
def test_the_world_is_public(address):
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", [*TARGETS, *DENIED_V6])
def test_ourselves_and_our_neighbours_are_not(address):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("target", TARGETS)
def test_an_address_inside_another_is_still_that_address(target):
    carried = [ip_address(each) for each in embeddings(target) if "%" not in each]
    assert len(carried) > 12
    assert not any(map(is_public, carried))


@pytest.mark.parametrize("address", ["::ffff:8.8.8.8%eth0", "fe80::1%1", "2001:4860:4860::8888%eth0"])
def test_an_address_of_one_network_card_is_not_public(address):
    assert not is_public(ip_address(address))


def test_nothing_beside_a_denied_network_is_denied_with_it():
    """Random addresses: what is public here is global to Python, and differs from it by the networks listed only."""
    random = Random(20261120)
    stricter = {168, 192, 224}
    for _ in range(5_000):
        address = IPv4Address(random.getrandbits(32))
        assert address.is_global or not is_public(address)
        if address.is_global and not is_public(address):
            assert int(address) >> 24 in stricter or int(address) >> 28 == 0xE, address


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_this_machine_is_known(address):
    assert is_loopback(ip_address(address))


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "10.0.0.1", "8.8.8.8", "fe80::1"])
def test_nothing_else_is_this_machine(address):
    assert not is_loopback(ip_address(address))


def test_only_the_usual_spelling_is_an_address():
    usual, *others = spellings("127.0.0.1")
    assert read_address(usual) is not None
    assert [other for other in others if read_address(other) is not None] == []
