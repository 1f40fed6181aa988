"""JSON by the letter (RFC 8259), bounded before anything is built from it.

UTF-8 without a byte order mark, no NaN and no infinity, at most 32 levels deep. A few megabytes of `{},{},…` make
hundreds of objects in memory, so what a document would weigh is told from its outline first: its brackets, commas and
colons, found without recursion and without decoding. Where an object names a key twice the last one counts, as in
JavaScript; a document is read by one reader here, so nobody could take the other value for true.
"""

import codecs
import re
from itertools import accumulate
from typing import Any

import orjson

from core.http.errors import OutboundError
from core.http.limits import MIB

DEEPEST = 32
# What one record, one string or one number may have, where a document is streamed.
LONGEST_RECORD = MIB
# What a whole document may weigh once it is decoded, its text included.
# With its bytes that is 64 MiB; of FHIR, whose objects are small, it is a page of 8 MiB.
HEAVIEST = 48 * MIB

# Measured with CPython 3.11, rounded up: an object, a list, a value, and the name of a value. Objects alike share
# their names; those with more than a few have names of their own.
_OBJECT, _LIST, _VALUE, _NAME = 200, 96, 80, 60
_FEW = 8
_PIECE = 64 * 1024
_STEPS = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1}
_NOT_OUTLINE = bytes(sorted(set(range(256)) - set(b'"{}[],:')))
_NOT_BRACKETS = b",:"
# One character beyond the first 65,536 makes Python keep a whole text in four bytes each.
_WIDE = re.compile(rb"[\xf0-\xf4]|\\u[dD][89abAB]")


def decode(body: bytes | bytearray) -> Any:
    """Return the value of a whole document; OutboundError (`not_json`, `too_deep`, `too_large`)."""
    outline, depth, weight = Outline(), Depth(), 0
    for start in range(0, len(body), _PIECE):
        piece = bytes(body[start : start + _PIECE])
        bones, text = outline.strip(piece)
        depth.follow(bones)
        weight += _weigh(bones) + (4 * text if outline.is_one_token or _WIDE.search(piece) else text)
        if weight > HEAVIEST:
            raise OutboundError("too_large", "The hospital's answer holds more values than one page may.")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise not_json() from None


def not_json() -> OutboundError:
    """Return the error for an answer that is not JSON by the letter."""
    return OutboundError("not_json", "The hospital's answer is not JSON.")


def _weigh(bones: bytes) -> int:
    objects, names = bones.count(b"{"), bones.count(b":")
    return (
        objects * _OBJECT
        + bones.count(b"[") * _LIST
        + bones.count(b",") * _VALUE
        + max(names - _FEW * objects, 0) * _NAME
    )


class Outline:
    """Takes the strings, numbers and words out of a document, piece by piece; brackets, commas and colons are left."""

    def __init__(self) -> None:
        self._in_string = False
        self._escaping = False
        self.is_one_token = False

    def strip(self, piece: bytes) -> tuple[bytes, int]:
        """Return the brackets, commas and colons of a piece, and how many bytes of text it has.

        `is_one_token` tells afterwards whether the whole piece lay inside one string, or had nothing but a number.
        """
        rest = (piece[1:] if self._escaping else piece).replace(rb"\\", b"")
        self._escaping = rest.endswith(b"\\")
        runs = rest.replace(rb"\"", b"").split(b'"')
        inside, outside = (runs[::2], runs[1::2]) if self._in_string else (runs[1::2], runs[::2])
        self._in_string ^= len(runs) % 2 == 0
        bones = b"".join(outside).translate(None, _NOT_OUTLINE)
        self.is_one_token = len(runs) == 1 and not bones
        return bones, sum(map(len, inside))


class Depth:
    """Follows how deep a document is, without recursion."""

    def __init__(self) -> None:
        self._depth = 0
        self.root = b""
        self.lowest = 0

    def follow(self, bones: bytes) -> None:
        """Take in brackets; OutboundError (`too_deep`). `lowest` is the lowest level that they touched."""
        brackets = bones.translate(None, _NOT_BRACKETS)
        self.root = self.root or brackets[:1]
        levels = list(accumulate(map(_STEPS.__getitem__, brackets), initial=self._depth))
        self._depth, self.lowest = levels[-1], min(levels)
        if max(levels) > DEEPEST:
            raise OutboundError("too_deep", f"The hospital's answer is nested more than {DEEPEST} levels deep.")


class StreamGuard:
    """Judges a document that passes by in pieces: its bytes, its depth, and how large its parts are."""

    def __init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")("strict")
        self._outline, self._depth = Outline(), Depth()
        self._at_start = True
        self._record = self._token = 0

    def pass_on(self, piece: bytes) -> None:
        """Judge the next piece; OutboundError (`not_json`, `too_deep`, `too_large`)."""
        self._read_text(piece)
        bones, _ = self._outline.strip(piece)
        self._depth.follow(bones)
        self._token = self._token + len(piece) if self._outline.is_one_token else 0
        # Records lie in a list, which is the document or one level below it.
        level_of_list = 1 if self._depth.root == b"[" else 2
        self._record = self._record + len(piece) if self._depth.lowest > level_of_list else 0
        if max(self._token, self._record) > LONGEST_RECORD:
            raise OutboundError("too_large", "The hospital's answer has a record of more than a megabyte.")

    def _read_text(self, piece: bytes) -> None:
        try:
            text = self._utf8.decode(piece, final=not piece)
        except UnicodeDecodeError:
            raise not_json() from None
        if self._at_start and text.startswith("\ufeff"):
            raise not_json()
        self._at_start = self._at_start and not text
