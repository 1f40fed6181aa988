"""What other people's servers may do to us: each a function that plays it on one connection.

`BEHAVIOURS` says how asking for a whole document must end, and how streaming one: a code, or None where it is fine.
"""

import gzip
import socket
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Event

from tests.core.http.upstream import chunk, head, hear, reply, reset

MIB = 1024 * 1024
JSON = "Content-Type: application/json"


@dataclass(frozen=True)
class Behaviour:
    """A hostile server and how it must end."""

    behave: Callable[[socket.socket, Event], None]
    whole: str | None
    streamed: str | None
    scheme: str = "http"


def says(*pieces: bytes) -> Callable[[socket.socket, Event], None]:
    """Answer each request with these bytes."""

    def behave(connection: socket.socket, closing: Event) -> None:
        while hear(connection):
            for piece in pieces:
                connection.sendall(piece)

    return behave


def says_and_hangs_up(*pieces: bytes) -> Callable[[socket.socket, Event], None]:
    """Answer one request with these bytes and close."""

    def behave(connection: socket.socket, closing: Event) -> None:
        hear(connection)
        for piece in pieces:
            connection.sendall(piece)
        connection.shutdown(socket.SHUT_WR)
        closing.wait(0.2)

    return behave


def says_without_end(start: bytes, again: bytes, *, pause: float = 0) -> Callable[[socket.socket, Event], None]:
    """Answer one request with `start`, then `again` and again; 64 KiB at a time, or slowly."""
    piece = again if pause else again * (65536 // len(again) + 1)

    def behave(connection: socket.socket, closing: Event) -> None:
        hear(connection)
        connection.sendall(start)
        while not closing.wait(pause):
            connection.sendall(piece)

    return behave


def streams(pieces: Callable[[], Iterator[bytes]]) -> Callable[[socket.socket, Event], None]:
    """Answer one request with a chunked body, made while it is sent."""

    def behave(connection: socket.socket, closing: Event) -> None:
        hear(connection)
        connection.sendall(head(JSON, "Transfer-Encoding: chunked"))
        for piece in pieces():
            connection.sendall(chunk(piece))
        connection.sendall(b"0\r\n\r\n")

    return behave


def repeated(start: bytes, again: bytes, times: int, end: bytes) -> Callable[[], Iterator[bytes]]:
    """Return a body of `times` times `again`, in pieces of about 64 KiB."""

    def pieces() -> Iterator[bytes]:
        yield start
        at_once = max(65536 // len(again), 1)
        for _ in range(times // at_once):
            yield again * at_once
        if times % at_once:
            yield again * (times % at_once)
        yield end

    return pieces


def speaks_first(text: bytes) -> Callable[[socket.socket, Event], None]:
    """Speak before being asked, as servers of other protocols do."""

    def behave(connection: socket.socket, closing: Event) -> None:
        connection.sendall(text)
        closing.wait(0.2)

    return behave


def is_silent(connection: socket.socket, closing: Event) -> None:
    """Accept and say nothing."""
    closing.wait()


def hangs_up(connection: socket.socket, closing: Event) -> None:
    """Close what was accepted."""


def resets_at_once(connection: socket.socket, closing: Event) -> None:
    """Reset what was accepted."""
    reset(connection)


def resets_mid_body(connection: socket.socket, closing: Event) -> None:
    """Reset in the middle of a body."""
    hear(connection)
    connection.sendall(head(JSON, "Content-Length: 1000") + b'{"records": [')
    closing.wait(0.1)
    reset(connection)


def _compressed(encoding: str, body: bytes) -> Callable[[socket.socket, Event], None]:
    return says(reply(body, "200 OK", f"Content-Encoding: {encoding}"))


BOMB = gzip.compress(b" " * (64 * MIB), compresslevel=9)
DOUBLE_BOMB = gzip.compress(BOMB, compresslevel=9)
SOON = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
A_MILLION = repeated(b"[{}", b',{"patient_id":1,"name":"A B","age":44,"condition":"Cough"}', 999_999, b"]")


def _eight_names(number: int) -> bytes:
    return b"{%s}" % b",".join(b'"%06x":1' % name for name in range(8 * number, 8 * number + 8))


# As heavy as a page may just be, in what weighs most for each byte.
JUST_NOT_TOO_MUCH = {
    "objects": repeated(b'[{"a":999}', b',{"a":999}', 170_000, b"]"),
    "objects without anything": repeated(b"[{}", b",{}", 170_000, b"]"),
    "lists": repeated(b"[[999]", b",[999]", 280_000, b"]"),
    "short texts": repeated(b'["zz"', b',"\xc3\xa9\xc3\xa9"', 590_000, b"]"),
    "wide texts": repeated(b'[""', b',"\xf0\x9f\x98\x80aaaaaaaaaa"', 365_000, b"]"),
    "numbers": repeated(b"[1", b",1.5", 620_000, b"]"),
    "names of one object": lambda: iter([b"{%s}" % b",".join(b'"%06x":1' % number for number in range(344_000))]),
    "names of many objects": lambda: iter([b"[%s]" % b",".join(map(_eight_names, range(55_000)))]),
}
FOUR_BYTES = b'["\xf0\x9f\x98\x80' + b"a" * (9 * MIB) + b'"]'

BEHAVIOURS = {
    # Encodings nobody asked for
    "gzip bomb": Behaviour(_compressed("gzip", BOMB), "encoded", "encoded"),
    "deflate bomb": Behaviour(_compressed("deflate", zlib.compress(b" " * MIB)), "encoded", "encoded"),
    "brotli": Behaviour(_compressed("br", b"\x8b\x07\x80"), "encoded", "encoded"),
    "double gzip bomb": Behaviour(_compressed("gzip, gzip", DOUBLE_BOMB), "encoded", "encoded"),
    "gzip in two headers": Behaviour(
        says(reply(BOMB, "200 OK", "Content-Encoding: identity", "Content-Encoding: gzip")), "encoded", "encoded"
    ),
    "gzip unannounced": Behaviour(says(reply(BOMB)), "not_json", "not_json"),
    "gzip as a transfer": Behaviour(
        says(head(JSON, "Transfer-Encoding: gzip, chunked"), chunk(BOMB), b"0\r\n\r\n"), "unreachable", "unreachable"
    ),
    # Too much
    "endless chunks": Behaviour(
        says_without_end(head(JSON, "Transfer-Encoding: chunked"), chunk(b'"some text",' * 2048)),
        "too_large",
        "too_large",
    ),
    "endless body": Behaviour(says_without_end(head(JSON) + b"[1", b",1"), "too_large", "too_large"),
    "tiny chunks": Behaviour(
        says_without_end(head(JSON, "Transfer-Encoding: chunked"), chunk(b" ")), "timeout", "timeout"
    ),
    "a chunk's endless extension": Behaviour(
        says_without_end(head(JSON, "Transfer-Encoding: chunked") + b"2;", b"a=b;"), "unreachable", "unreachable"
    ),
    "endless trailers": Behaviour(
        says_without_end(head(JSON, "Transfer-Encoding: chunked") + chunk(b"{}") + b"0\r\n", b"A: b\r\n"),
        "unreachable",
        "unreachable",
    ),
    "a huge length": Behaviour(says(head(JSON, f"Content-Length: {2**63}")), "too_large", "too_large"),
    "an absurd length": Behaviour(says(head(JSON, f"Content-Length: {'9' * 4000}")), "unreachable", "unreachable"),
    "a 100 KB header": Behaviour(
        says_and_hangs_up(head(JSON, "X-Long: " + "a" * 100_000), b"{}"), "too_large", "too_large"
    ),
    "100,000 headers": Behaviour(says_and_hangs_up(head(JSON, *["A: b"] * 100_000), b"{}"), "too_large", "too_large"),
    "a flood of interim answers": Behaviour(
        says_without_end(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), "too_large", "too_large"
    ),
    "a million records": Behaviour(streams(A_MILLION), "too_large", None),
    "a flood of empty objects": Behaviour(streams(repeated(b"[{}", b",{}", 3 * MIB, b"]")), "too_large", None),
    "a flood of lists": Behaviour(streams(repeated(b"[[]", b",[1]", 2 * MIB, b"]")), "too_large", None),
    "a flood of objects inside a record": Behaviour(
        streams(repeated(b'{"records":[{"a":[{}', b',{"b":1}', MIB, b"]}]}")), "too_large", "too_large"
    ),
    "a record of a million keys": Behaviour(
        streams(repeated(b'[{"a":1', b',"abcdef":1', 10**6, b"}]")), "too_large", "too_large"
    ),
    "one string of nine megabytes": Behaviour(says(reply(FOUR_BYTES)), None, "too_large"),
    "one number of nine megabytes": Behaviour(streams(repeated(b"[1", b"0", 9 * MIB, b"]")), "not_json", "too_large"),
    **{f"just not too much: {name}": Behaviour(streams(body), None, None) for name, body in JUST_NOT_TOO_MUCH.items()},
    # Too slow
    "a body that drips": Behaviour(
        says_without_end(head(JSON, "Content-Length: 100000"), b" ", pause=0.05), "timeout", "timeout"
    ),
    "headers that drip": Behaviour(
        says_without_end(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a", pause=0.05), "timeout", "timeout"
    ),
    "a status that drips": Behaviour(says_without_end(b"", b"HTTP/1.1 200 OK", pause=0.05), "timeout", "timeout"),
    "silence": Behaviour(is_silent, "timeout", "timeout"),
    "silence in the middle": Behaviour(says(head(JSON, "Content-Length: 9") + b"[1"), "timeout", "timeout"),
    "silence where TLS begins": Behaviour(is_silent, "timeout", "timeout", scheme="https"),
    # Not what it seems
    "a body that is cut": Behaviour(
        says_and_hangs_up(head(JSON, "Content-Length: 1000"), b'{"records": []}'), "unreachable", "unreachable"
    ),
    "chunks that are cut": Behaviour(
        says_and_hangs_up(head(JSON, "Transfer-Encoding: chunked"), b"ff\r\n{}"), "unreachable", "unreachable"
    ),
    "a length that is too short": Behaviour(says(head(JSON, "Content-Length: 1") + b"{}"), "not_json", None),
    "two lengths": Behaviour(
        says(head(JSON, "Content-Length: 2", "Content-Length: 4") + b"{}  "), "unreachable", "unreachable"
    ),
    "a negative length": Behaviour(says(head(JSON, "Content-Length: -2") + b"{}"), "unreachable", "unreachable"),
    "a chunk that is no chunk": Behaviour(
        says(head(JSON, "Transfer-Encoding: chunked") + b"zz\r\n{}\r\n"), "unreachable", "unreachable"
    ),
    "a page for people": Behaviour(
        says(head("Content-Type: text/html", "Content-Length: 2") + b"{}"), "not_json", "not_json"
    ),
    "a picture": Behaviour(says(head("Content-Type: image/png", "Content-Length: 2") + b"{}"), "not_json", "not_json"),
    "an empty body": Behaviour(says(reply(b"")), "not_json", None),
    "no content": Behaviour(says(head(status="204 No Content")), "not_json", None),
    "other protocols: SSH": Behaviour(speaks_first(b"SSH-2.0-OpenSSH_9.9\r\n"), "unreachable", "unreachable"),
    "other protocols: HTTP/0.9": Behaviour(says_and_hangs_up(b"<html>hello</html>"), "unreachable", "unreachable"),
    "other protocols: HTTP/2": Behaviour(
        speaks_first(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00" * 18), "unreachable", "unreachable"
    ),
    "garbage": Behaviour(speaks_first(bytes(range(256)) * 512), "unreachable", "unreachable"),
    "TLS where none was asked": Behaviour(
        says_and_hangs_up(b"\x15\x03\x03\x00\x02\x02\x46"), "unreachable", "unreachable"
    ),
    "no TLS where it was asked": Behaviour(
        speaks_first(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "tls", "tls", scheme="https"
    ),
    "switching protocols": Behaviour(
        says(head("Connection: Upgrade", "Upgrade: x", status="101 Switching Protocols")),
        "unreachable",
        "unreachable",
    ),
    "hanging up": Behaviour(hangs_up, "unreachable", "unreachable"),
    "a reset at once": Behaviour(resets_at_once, "unreachable", "unreachable"),
    "a reset in the middle": Behaviour(resets_mid_body, "unreachable", "unreachable"),
    # Not JSON by the letter
    "bad UTF-8": Behaviour(says(reply(b'{"name": "\xff\xfe"}')), "not_json", "not_json"),
    "overlong UTF-8": Behaviour(says(reply(b'{"name": "\xc0\xaf"}')), "not_json", "not_json"),
    "half of a character": Behaviour(says(reply(b'{"name": "\xe4\xbd')), "not_json", "not_json"),
    "surrogates in UTF-8": Behaviour(says(reply(b'{"name": "\xed\xa0\x80"}')), "not_json", "not_json"),
    "UTF-16": Behaviour(says(reply('{"name": "Ä"}'.encode("utf-16"))), "not_json", "not_json"),
    "a byte order mark": Behaviour(says(reply(b"\xef\xbb\xbf{}")), "not_json", "not_json"),
    "NaN": Behaviour(says(reply(b'[{"age": NaN}]')), "not_json", None),
    "infinity": Behaviour(says(reply(b'[{"age": -Infinity}]')), "not_json", None),
    "a number out of range": Behaviour(says(reply(b'[{"age": 1e999}]')), "not_json", None),
    "two documents": Behaviour(says(reply(b"{} {}")), "not_json", None),
    "a comment": Behaviour(says(reply(b"{} // ok")), "not_json", None),
    "a comma too many": Behaviour(says(reply(b"[1,]")), "not_json", None),
    "the same key twice": Behaviour(says(reply(b'{"a": 1, "a": 2}')), None, None),
    "100,000 lists deep": Behaviour(says(reply(b"[" * 100_000 + b"]" * 100_000)), "too_deep", "too_deep"),
    "100,000 objects deep": Behaviour(says(reply(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)), "too_deep", "too_deep"),
    "33 deep": Behaviour(says(reply(b"[" * 33 + b"]" * 33)), "too_deep", "too_deep"),
    # Refusing us
    "429 with seconds": Behaviour(says(reply(b"", "429 No", "Retry-After: 7")), "throttled", "throttled"),
    "429 with a date": Behaviour(says(reply(b"", "429 No", f"Retry-After: {SOON}")), "throttled", "throttled"),
    "503 with seconds": Behaviour(says(reply(b"", "503 No", "Retry-After: 7")), "throttled", "throttled"),
    "503 without": Behaviour(says(reply(b"", "503 No")), "status", "status"),
    "500 with an endless body": Behaviour(
        says_without_end(head(JSON, status="500 Oops"), b"a" * 1024), "status", "status"
    ),
    "401": Behaviour(says(reply(b"", "401 No", "WWW-Authenticate: Basic")), "unauthorized", "unauthorized"),
    "403": Behaviour(says(reply(b"", "403 No")), "unauthorized", "unauthorized"),
    "404": Behaviour(says(reply(b"{}", "404 No")), "status", "status"),
    "999": Behaviour(says(reply(b"{}", "999 No")), "status", "status"),
    "a redirect": Behaviour(says(reply(b"", "302 Found", "Location: http://127.0.0.1/")), "redirected", "redirected"),
    "300 without a place": Behaviour(says(reply(b"", "300 Choose")), "redirected", "redirected"),
    "304 unasked": Behaviour(says(head(status="304 Not Modified")), "redirected", "redirected"),
}
