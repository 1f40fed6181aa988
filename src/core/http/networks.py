"""Which IP addresses lead out into the world, and which back to ourselves or our neighbours.

Python's `is_global` and `is_private` are not enough: they let embedded IPv4 addresses, multicast and some providers'
metadata services pass. So an address must be global in Python's eyes and in none of the networks listed here.
Sources: the IANA special-purpose registries (RFC 6890 and its updates), RFC 6052, RFC 8215.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

_DENIED_V4 = tuple(
    map(
        IPv4Network,
        [
            "0.0.0.0/8",  # this host
            "10.0.0.0/8",
            "100.64.0.0/10",  # shared by a carrier's customers; a metadata service too
            "127.0.0.0/8",
            "168.63.129.16/32",  # a provider's own service, reachable from each of its machines
            "169.254.0.0/16",  # link-local, and most metadata services
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",  # anycast sinks (AS112), tunnels (AMT) and relays (6to4)
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",
        ],
    )
)
_GLOBAL_UNICAST_V6 = IPv6Network("2000::/3")
_DENIED_V6 = tuple(
    map(
        IPv6Network,
        [
            "2001::/23",  # protocols' own: Teredo, which carries an IPv4 address, and identifiers nobody routes
            "2001:db8::/32",
            "2002::/16",  # 6to4, which carries one too
            "2620:4f:8000::/48",  # AS112
            "3ffe::/16",  # given back
            "3fff::/20",  # documentation
        ],
    )
)
# An IPv4 address in other clothes: what is inside counts. Of 64:ff9b:1::/48, 6to4, Teredo and `::a.b.c.d` nothing is
# ever a hospital's; they are not global unicast, or denied above, whatever they carry.
_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")


def read_address(text: str) -> Address | None:
    """Return the address that a text is the usual spelling of; None for names and for every other spelling."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """True where the address is one machine's, out in the world."""
    plain = _unwrap(address)
    if isinstance(plain, IPv4Address):
        return plain.is_global and not any(plain in network for network in _DENIED_V4)
    return (
        plain.is_global
        and plain.scope_id is None
        and plain in _GLOBAL_UNICAST_V6
        and not any(plain in network for network in _DENIED_V6)
    )


def is_loopback(address: Address) -> bool:
    """True where the address is this machine."""
    return _unwrap(address).is_loopback


def _unwrap(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, else the address itself."""
    if isinstance(address, IPv6Address) and address.scope_id is None and (address in _MAPPED or address in _NAT64):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address
