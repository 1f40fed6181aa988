"""Which addresses may be asked, as far as that can be told without a network.

A hospital is reached by https on port 443, at a name or at a public address. `FEDERATION_ALLOWED_HOSTS` (host, or
host:port) names those that are reached anyhow; outside production http, other ports and the machine itself are allowed
too. What a name resolves to is judged each time a connection is made (`core.http.dialling`).
"""

import re
from dataclasses import dataclass

import httpx
from django.conf import settings

from core.http.errors import OutboundError
from core.http.networks import is_loopback, is_public, read_address

_LONGEST = 2000
# What browsers and servers read in different ways: controls, white space, and a slash that leans the wrong way.
_AMBIGUOUS = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029]")
_AUTHORITY = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)
_HOST_AND_PORT = re.compile(r"(\[[^\[\]]*\]|[^\[\]:]*)(:[0-9]{0,5})?")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """A scheme, a host in its normal spelling (an IPv6 address without brackets), and a port."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """The host and the port, as an address spells them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_listed(self) -> bool:
        """True where the deployment names it in `FEDERATION_ALLOWED_HOSTS`; a host alone is meant with every port."""
        listed = {_normal_entry(entry) for entry in settings.FEDERATION_ALLOWED_HOSTS}
        return (self.host, None) in listed or (self.host, self.port) in listed


def judge_address(url: str) -> str:
    """Return an address in its one normal spelling; OutboundError (`unsafe_address`) where it may not be asked."""
    parsed, origin = read_url(url)
    judge_origin(origin)
    return str(parsed)


def origin_of(url: str) -> str:
    """Return the origin that a token is bound to, such as `https://hospital.example:443`.

    Raises OutboundError (`unsafe_address`) where the address cannot be read in exactly one way.
    """
    return str(read_url(url)[1])


def judge_origin(origin: Origin) -> None:
    """Raise OutboundError (`unsafe_address`) for an origin that may not be asked, whatever its name resolves to."""
    if origin.is_listed:
        return
    address = read_address(origin.host)
    if settings.PRODUCTION and origin.scheme != "https":
        raise _unsafe("Hospitals are reached by https.")
    if settings.PRODUCTION and origin.port != _DEFAULT_PORTS["https"]:
        raise _unsafe("Hospitals are reached on port 443.")
    if address is None and _is_local_name(origin.host) and settings.PRODUCTION:
        raise _unsafe("This name is the machine itself.")
    if address is not None and not (is_public(address) or (is_loopback(address) and not settings.PRODUCTION)):
        raise _unsafe("This IP address is not a public one.")


def read_url(url: str, *, longest: int = _LONGEST) -> tuple[httpx.URL, Origin]:
    """Return an address that can be read in exactly one way, without its fragment, and its origin.

    Raises OutboundError (`unsafe_address`) for every other: user info, control characters, and hosts that are neither
    a name nor an IP address in its usual spelling (`127.1`, `0x7f000001` and `2130706433` are all one machine).
    """
    if len(url) > longest:
        raise _unsafe(f"An address has at most {longest} characters.")
    authority = _AUTHORITY.match(url)
    if authority is None or _AMBIGUOUS.search(url):
        raise _unsafe("An address is written http://… or https://…, without spaces.")
    if "@" in authority[1]:
        raise _unsafe("An address carries no user name or password.")
    if not _HOST_AND_PORT.fullmatch(authority[1]):
        raise _unsafe("A host may be followed by a colon and a port, from 1 to 65535.")
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError):
        raise _unsafe("This is not an address.") from None
    port = _DEFAULT_PORTS[parsed.scheme] if parsed.port is None else parsed.port
    if not 1 <= port <= 65535:
        raise _unsafe("A port is a number from 1 to 65535.")
    host = _read_host(parsed)
    spelled = f"[{host}]" if ":" in host else host
    return parsed.copy_with(host=spelled, fragment=None), Origin(parsed.scheme, host, port)


def _read_host(url: httpx.URL) -> str:
    """Return the host in lower case: an IP address in its shortest spelling, or a name as DNS knows it."""
    host = url.raw_host.decode("ascii").lower()
    address = read_address(host)
    if address is not None:
        if "%" in host:
            raise _unsafe("An IP address names no network interface here.")
        return str(address)
    labels = host.split(".")
    # A last label that begins like a number makes resolvers take the whole for an IPv4 address (WHATWG URL, 3.5).
    if len(host) > 253 or not all(map(_LABEL.fullmatch, labels)) or re.fullmatch(r"\d+|0x[0-9a-f]*", labels[-1]):
        raise _unsafe("The host is a name such as hospital.example, or an IP address in its usual spelling.")
    return host


def _is_local_name(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")


def _normal_entry(entry: str) -> tuple[str, int | None]:
    """Return the host, and the port if any, of an entry of `FEDERATION_ALLOWED_HOSTS`; checked when we start."""
    host, port = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::(\d+))?", entry.lower()).groups()  # type: ignore[union-attr]
    address = read_address(host.strip("[]"))
    return str(address) if address else host, int(port) if port else None


def _unsafe(sentence: str) -> OutboundError:
    return OutboundError("unsafe_address", sentence)
