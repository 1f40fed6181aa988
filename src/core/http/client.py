"""The client: one origin, one deadline, bounded bodies, strict JSON.

It stands on httpcore, the engine inside httpx: no redirects, cookies, proxies or decompression to turn off, because
they are not there. What may be connected to is `core.http.dialling`'s, what may be decoded `core.http.strict_json`'s.
"""

import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol

import httpcore
import httpx

from core.http.addresses import judge_origin, read_url
from core.http.answers import cap_of_body, judge_headers
from core.http.deadline import Deadline
from core.http.dialling import Dialler, unreachable
from core.http.errors import OutboundError
from core.http.limits import Limits
from core.http.strict_json import StreamGuard, decode

_SENDABLE_TOKEN = re.compile(r"[\x21-\x7e]*")
# Hospitals that hang up on idle connections do so after 5 seconds or more.
_IDLE_SECONDS = 4.0
# Links to the next page carry the server's memory.
_LONGEST_LINK = 8000
_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """A decoded answer and the address that it came from."""

    value: Any
    url: str


class Readable(Protocol):
    """An answer's bytes, to be read piece by piece."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, at most `size`, or all of them without it; none at the end. Raises OutboundError."""


class Client(Protocol):
    """What a connector may do with a hospital. One thread uses one client."""

    limits: Limits

    def get_json(self, url: str = "", params: Mapping[str, str] | None = None) -> Answer:
        """Return one JSON document.

        `url` is absolute within the origin, or relative to the registered address as if that were a folder; empty it
        is the registered address itself. Raises OutboundError.
        """

    def stream(self, url: str = "", params: Mapping[str, str] | None = None) -> AbstractContextManager[Readable]:
        """Open a document to be read piece by piece, of the same addresses. Reading raises OutboundError too."""


@contextmanager
def open_client(address: str, *, token: str = "", limits: Limits) -> Iterator[Client]:
    """Open a client bound to the origin of `address`; `token` is sent to that origin and nowhere else.

    The clock of `limits.deadline` starts here. Raises OutboundError (`unsafe_address`) for an address that may not be
    asked.
    """
    client = _OriginClient(address, token, limits)
    try:
        yield client
    finally:
        client.close()


class _OriginClient:
    """The client, as a class of ours that nobody else makes."""

    def __init__(self, address: str, token: str, limits: Limits) -> None:
        self.limits = limits
        self._address, self._origin = read_url(address)
        judge_origin(self._origin)
        self._headers = [
            (b"Host", self._address.netloc),
            (b"Accept", b"application/fhir+json, application/json"),
            (b"Accept-Encoding", b"identity"),
            (b"User-Agent", b"polyclinic"),
        ]
        if token:
            self._headers.append((b"Authorization", b"Bearer " + _read_token(token)))
        self._deadline = Deadline(limits.deadline)
        self._dialler = Dialler(self._origin, self._deadline)
        # The context is a blank one: the dialler's streams speak TLS with their own.
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            max_connections=1,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=self._dialler,
        )

    def close(self) -> None:
        """Hang up."""
        self._pool.close()

    def get_json(self, url: str = "", params: Mapping[str, str] | None = None) -> Answer:
        """Return one JSON document (see Client)."""
        target = self._resolve(url, params)
        body = bytearray()
        with self._ask(target, self.limits.page_bytes) as pieces:
            for piece in pieces:
                body += piece
        return Answer(decode(body), str(target))

    @contextmanager
    def stream(self, url: str = "", params: Mapping[str, str] | None = None) -> Iterator[Readable]:
        """Open a document to be read piece by piece (see Client)."""
        with self._ask(self._resolve(url, params), self.limits.document_bytes) as pieces:
            yield _Body(pieces, self._deadline)

    def _resolve(self, url: str, params: Mapping[str, str] | None) -> httpx.URL:
        """Return what an address or a link means here; OutboundError (`off_origin`) where it leads elsewhere."""
        folder = self._address.copy_with(path=self._address.path.rstrip("/") + "/", query=None)
        try:
            target, origin = (
                read_url(str(folder.join(url)), longest=_LONGEST_LINK) if url else (self._address, self._origin)
            )
        except (OutboundError, httpx.InvalidURL, UnicodeError, ValueError):
            raise _off_origin() from None
        if origin != self._origin:
            raise _off_origin()
        return target.copy_merge_params(dict(params)) if params else target

    @contextmanager
    def _ask(self, target: httpx.URL, most_bytes: int) -> Iterator[Iterator[bytes]]:
        """Send a GET and open its answer's body, once status and headers are found in order."""
        self._deadline.begin_request(self.limits.request_deadline)
        self._deadline.left()
        self._dialler.begin_headers()
        with _worded():
            response = self._pool.handle_request(self._request(target))
        try:
            self._dialler.end_headers()
            judge_headers(response)
            yield self._read(response, cap_of_body(response, most_bytes))
        finally:
            response.close()

    def _request(self, target: httpx.URL) -> httpcore.Request:
        url = httpcore.URL(
            scheme=target.raw_scheme, host=target.raw_host, port=self._origin.port, target=target.raw_path
        )
        return httpcore.Request(b"GET", url, headers=self._headers)

    def _read(self, response: httpcore.Response, most_bytes: int) -> Iterator[bytes]:
        """Yield a body's pieces as they come; OutboundError where there are too many, too late, or not all."""
        read = 0
        with _worded():
            for piece in response.iter_stream():
                self._deadline.left()
                read += len(piece)
                if read > most_bytes:
                    raise OutboundError("too_large", "The hospital's answer is too large.")
                yield piece


class _Body:
    """A body that is judged as it is read. The time between two reads is ours, not the hospital's."""

    def __init__(self, pieces: Iterator[bytes], deadline: Deadline) -> None:
        self._pieces = pieces
        self._deadline = deadline
        self._guard = StreamGuard()
        self._unread = memoryview(b"")
        self._left_at = monotonic()

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, at most `size`, or all of them without it; none at the end."""
        if size < 0:
            return b"".join(iter(lambda: self.read(_PIECE), b""))
        if not self._unread:
            self._unread = memoryview(self._next_piece())
        taken, self._unread = self._unread[:size], self._unread[size:]
        return bytes(taken)

    def _next_piece(self) -> bytes:
        self._deadline.put_off(monotonic() - self._left_at)
        piece = next(self._pieces, b"")
        self._left_at = monotonic()
        self._guard.pass_on(piece)
        return piece


@contextmanager
def _worded() -> Iterator[None]:
    """Word what the engine raises; its own sentences repeat what the server sent."""
    try:
        yield
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol):
        raise unreachable() from None


def _read_token(token: str) -> bytes:
    stripped = token.strip()
    if not _SENDABLE_TOKEN.fullmatch(stripped):
        raise OutboundError("unauthorized", "The hospital's token has characters that cannot be sent.")
    return stripped.encode("ascii")


def _off_origin() -> OutboundError:
    return OutboundError("off_origin", "The hospital's answer leads to another server.")
