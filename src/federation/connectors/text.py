"""Outside text made fit to keep: one line, no control characters, at most 255 long."""

import re
import unicodedata
from typing import Any

MOST = 255

# C0 and C1 controls, line and paragraph separators, and the overrides that show text in another order than it stands
# (Unicode TR 36, section 3.1): each becomes a space.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# Halves of pairs, which JSON can spell and no database can keep.
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_SPACES = re.compile(r"\s+")


def clean_line(value: Any) -> str:
    """Return text as one line in NFC with single spaces, as it came otherwise; "" for what is no text."""
    if not isinstance(value, str):
        return ""
    if value.isascii() and value.isprintable() and "  " not in value:
        return value.strip()
    whole = _CONTROLS.sub(" ", _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", value))
    return _SPACES.sub(" ", unicodedata.normalize("NFC", whole)).strip()


def shorten(line: str) -> str:
    """Return the first 255 characters of a line."""
    return line[:MOST].rstrip()


def read_id(value: Any) -> str | None:
    """Return a hospital's id of a patient as text, unchanged (numbers as their digits); None for what is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        # Bounded before it is written out: Python refuses to spell numbers of thousands of digits.
        value = str(value) if value.bit_length() < 800 else ""
    if not isinstance(value, str) or not value.strip() or len(value) > MOST:
        return None
    return None if _CONTROLS.search(value) or _SURROGATES.search(value) else value
