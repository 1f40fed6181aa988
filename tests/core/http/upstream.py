"""Other people's servers, played by sockets on 127.0.0.1 that do exactly what they are told."""

import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread


class Upstream:
    """A listener that hands each connection to `behave(connection, closing)`; `heard` keeps what was sent to it.

    `closing` is set at the end, so that whoever drips or waits stops.
    """

    def __init__(self, behave: Callable[[socket.socket, Event], None], *, host: str = "127.0.0.1") -> None:
        self._behave = behave
        self.closing = Event()
        self.heard: list[bytes] = []
        self.connections = 0
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family, backlog=64)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self._threads = [Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> "Upstream":
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=10)
            assert not thread.is_alive()

    def _accept(self) -> None:
        with suppress(OSError):
            while not self.closing.is_set():
                connection, _ = self._listener.accept()
                self.connections += 1
                thread = Thread(target=self._serve, args=[connection], daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        with connection, suppress(OSError):
            self._behave(connection, self.closing)

    def answering(self, answer: Callable[[bytes], bytes]) -> Callable[[socket.socket, Event], None]:
        """Return a behaviour that answers each request and keeps the connection."""

        def behave(connection: socket.socket, closing: Event) -> None:
            while not closing.is_set() and (request := hear(connection)):
                self.heard.append(request)
                connection.sendall(answer(request))

        return behave


def answering(answer: Callable[[bytes], bytes], **more: str) -> Upstream:
    """Return a server that answers each request with `answer(request)`."""
    upstream = Upstream(lambda connection, closing: None, **more)
    upstream._behave = upstream.answering(answer)
    return upstream


def hear(connection: socket.socket) -> bytes:
    """Read one request's head; empty where the client hung up."""
    heard = b""
    while not heard.endswith(b"\r\n\r\n"):
        piece = connection.recv(4096)
        if not piece:
            return b""
        heard += piece
    return heard


def reply(body: bytes = b"{}", status: str = "200 OK", *headers: str) -> bytes:
    """Return a whole answer in JSON's name."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def head(*headers: str, status: str = "200 OK") -> bytes:
    """Return an answer up to its body, with these headers alone."""
    return "\r\n".join([f"HTTP/1.1 {status}", *headers]).encode("latin-1") + b"\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """Return one chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def reset(connection: socket.socket) -> None:
    """Hang up with a reset instead of a goodbye."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
