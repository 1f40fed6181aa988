"""Where a request comes from."""

from ipaddress import IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the client's IP address.

    `X-Forwarded-For` is believed only as far as `TRUSTED_PROXIES` of our own proxies stand in front (0: not at all):
    each of them appended the address it saw, so the client's is that many entries from the right.
    """
    peer = request.META.get("REMOTE_ADDR", "")
    count: int = settings.TRUSTED_PROXIES
    if not count:
        return peer
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    return hops[-count] if len(hops) >= count else peer


def network_of(address: str) -> str:
    """Return what one subscriber has of the network, for counting: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    mapped = parsed.ipv4_mapped
    return str(mapped) if mapped else f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
