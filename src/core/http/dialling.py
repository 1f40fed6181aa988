"""Connections: a name is resolved, every address it has is judged, and a judged address is dialled, never the name.

A name that is resolved twice may answer differently the second time (DNS rebinding), so nothing here or below looks it
up again. TLS still names the host and checks the certificate against it. Each wait ends with the client's deadline.
"""

import selectors
import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import certifi
import httpcore
from django.conf import settings

from core.http.addresses import Origin
from core.http.deadline import Deadline
from core.http.errors import OutboundError
from core.http.networks import Address, is_loopback, is_public, read_address

# What may come before an answer's body: status lines, headers, and interim answers (1xx) without end.
HEADER_BYTES = 32 * 1024


class Dialler(httpcore.NetworkBackend):
    """Dials one origin's addresses, all of them judged, within the deadline."""

    def __init__(self, origin: Origin, deadline: Deadline) -> None:
        self._origin = origin
        self._deadline = deadline
        self._stream: Stream | None = None

    def begin_headers(self) -> None:
        """Count what the connection reads from here on against the headers."""
        if self._stream is not None:
            self._stream.header_bytes_left = HEADER_BYTES

    def end_headers(self) -> None:
        """Count no more: the body has a cap of its own."""
        if self._stream is not None:
            self._stream.header_bytes_left = None

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers."""
        addresses = resolve(host, port, self._deadline)
        if not self._origin.is_listed:
            judge(addresses)
        self._stream = Stream(self._dial(addresses, port), self._deadline)
        return self._stream

    def _dial(self, addresses: list[Address], port: int) -> socket.socket:
        for tried, address in enumerate(addresses, start=1):
            # The last address may use up what is left; one before it that never answers must leave it something.
            timeout = self._deadline.left() / (1 if tried == len(addresses) else 2)
            try:
                return _connect(address, port, timeout)
            except OSError:
                continue
        self._deadline.left()
        raise unreachable()


class Stream(httpcore.NetworkStream):
    """A connection whose every wait ends with the deadline, and whose headers end somewhere."""

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket = connected
        self._deadline = deadline
        self.header_bytes_left: int | None = HEADER_BYTES

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what has come, at most `max_bytes`."""
        if self.header_bytes_left is not None:
            if self.header_bytes_left <= 0:
                raise OutboundError("too_large", "The hospital's headers have no end.")
            max_bytes = min(max_bytes, self.header_bytes_left)
        with _wait(self._socket, self._deadline):
            received = self._socket.recv(max_bytes)
        if self.header_bytes_left is not None:
            self.header_bytes_left -= len(received)
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send everything."""
        while buffer:
            with _wait(self._socket, self._deadline):
                buffer = buffer[self._socket.send(buffer) :]

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Speak TLS from here on; the certificate must be the host's."""
        with _wait(self._socket, self._deadline):
            self._socket = tls_context().wrap_socket(self._socket, server_hostname=server_hostname)
        return self

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def get_extra_info(self, info: str) -> Any:
        """Say whether something has come, which on an idle connection means that the server hung up."""
        return _has_something(self._socket) if info == "is_readable" else None


def resolve(host: str, port: int, deadline: Deadline) -> list[Address]:
    """Return a host's addresses, in the resolver's order; OutboundError where it has none or nobody says in time."""
    literal = read_address(host)
    if literal is not None:
        return [literal]
    answers: SimpleQueue[list[Any] | OSError | UnicodeError] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as failed:
            answers.put(failed)

    # The system's resolver takes no time limit; a thread that still waits for it is left behind until it gives up.
    Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.left())
    except Empty:
        deadline.left()
        raise unreachable() from None
    if isinstance(answer, Exception):
        raise OutboundError("unreachable", "The hospital's name is not known.")
    return _read_answer(answer)


def judge(addresses: list[Address]) -> None:
    """Raise OutboundError (`unsafe_address`) unless every address may be asked: one bad one spoils the name."""
    for address in addresses:
        if not (is_public(address) or (is_loopback(address) and not settings.PRODUCTION)):
            raise OutboundError("unsafe_address", "The hospital's name leads to an address that is not public.")


@lru_cache(maxsize=1)
def tls_context() -> ssl.SSLContext:
    """Return what TLS trusts: the system's authorities (SSL_CERT_FILE, SSL_CERT_DIR), or Mozilla's where it has none.

    One for all threads: reading the authorities takes 25 ms.
    """
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"]:
        context.load_verify_locations(certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context


def unreachable() -> OutboundError:
    """Return the error for a hospital that cannot be connected to, or hung up, or speaks no HTTP."""
    return OutboundError("unreachable", "The hospital cannot be reached.")


def _read_answer(answer: list[Any]) -> list[Address]:
    addresses = []
    for _family, _type, _protocol, _name, place in answer:
        address = read_address(str(place[0]))
        if address is None:
            raise OutboundError("unsafe_address", "The hospital's name leads to something that is no IP address.")
        if address not in addresses:
            addresses.append(address)
    if not addresses:
        raise OutboundError("unreachable", "The hospital's name has no address.")
    return addresses


@contextmanager
def _wait(connection: socket.socket, deadline: Deadline) -> Iterator[None]:
    """Give one wait the time that is left, and word how it fails."""
    connection.settimeout(deadline.left())
    try:
        yield
    except TimeoutError:
        deadline.left()
        raise OutboundError("timeout", "The hospital did not answer in time.") from None
    except ssl.SSLError:
        raise OutboundError("tls", "The hospital's certificate or encryption is not in order.") from None
    except OSError:
        raise unreachable() from None


def _connect(address: Address, port: int, timeout: float) -> socket.socket:
    """Return a connection to an address; raises OSError. Nothing is looked up: an address is all it is given."""
    connected = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
    try:
        connected.settimeout(timeout)
        connected.connect((str(address), port))
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        connected.close()
        raise
    return connected


def _has_something(connection: socket.socket) -> bool:
    if connection.fileno() < 0:
        return True
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        return bool(selector.select(timeout=0))
