"""Reading everything that an answer says: its body, its headers, and what its cursors hold inside."""

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from tests.policy.cast import World

_PACKED = re.compile(r"[A-Za-z0-9_.+/-]{8,}")


def everything_said(answer: Any) -> str:
    """Return the answer's body and headers as text, together with whatever base64 or zlib was packed into them."""
    headers = "\n".join(f"{name}: {value}" for name, value in answer.items())
    cookies = answer.cookies.output()
    said = f"{unquote(headers)}\n{cookies}\n{answer.getvalue().decode(errors='replace')}"
    return "\n".join([said, *_unpacked(said)])


def _unpacked(said: str) -> Iterator[str]:
    for match in _PACKED.finditer(said):
        for part in match.group().split("."):
            packed = part.replace("-", "+").replace("_", "/")
            try:
                content = base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
            except binascii.Error:
                continue
            yield content.decode(errors="replace")
            try:
                yield zlib.decompress(content).decode(errors="replace")
            except zlib.error:
                continue


def secrets_told(world: World, answers: list[Any], reader: str) -> list[str]:
    """Name every secret that stands in these answers and is not for this reader; ids with dashes and without."""
    said = "\n".join(everything_said(answer) for answer in answers).lower()
    return [
        f"tells {secret.what}"
        for secret in world.secrets
        if reader not in secret.known_to and any(spelling in said for spelling in _spellings(secret.text.lower()))
    ]


def _spellings(text: str) -> tuple[str, ...]:
    bare = text.replace("-", "")
    return (text, bare) if len(bare) == 32 else (text,)
