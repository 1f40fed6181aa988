"""Texts that software trips over.

Those of minimaxir's big list (MIT), and with them what a list in JSON cannot hold (NUL, lone surrogates), forms of
Unicode that software likes to change on the way, and texts at and beyond the limits.
"""

import json
from functools import cache
from pathlib import Path

LIST = Path(__file__).resolve().parents[3] / "shared" / "data" / "hostile" / "naughty_strings.json"

UNICODE_FORMS = [
    "Ame\u0301lie",  # NFD
    "Am\u00e9lie",  # NFC
    "\u212bngstr\u00f6m",  # the sign for angstrom, which NFC replaces
    "\ufb01nal \u2460 \u00bd \u2126",  # compatibility forms, which NFKC replaces
    "\uff26\uff55\uff4c\uff4c width",
    "\u1112\u1161\u11ab\u1100\u1173\u11af",  # Hangul in parts
    "\ud55c\uae00",  # the same composed
    "a\u0323\u0307 a\u0307\u0323",  # marks in both orders
    "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324\u031e\u0349",  # many marks
    "\u0130stanbul \u0131\u015f\u0131k",  # dotted and dotless i
    "Stra\u00dfe STRA\u1e9eE",
    "\u039f\u03b4\u03c5\u03c3\u03c3\u03b5\u03cd\u03c2",  # a final sigma
    "\u0928\u093f\u0926\u093e\u0928",
    "\u0e01\u0e33\u0e2b\u0e19\u0e14",
    "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd",  # right to left, with points
    "\u0645\u0631\u064a\u0636 John \u0628",  # both directions
    "a\u200eb\u200fc",  # direction marks
    "a\u202eb\u202c",  # an override
    "a\u2066b\u2069",  # an isolate
    "zero\u200bwidth",
    "non\u200cjoiner",
    "\u0915\u094d\u200d\u0937",  # a joiner that means something
    "word\u2060joiner",
    "\ufeffmark first",
    "soft\u00adhyphen",
    "no\u00a0break",
    "narrow\u202fspace",
    "ideographic\u3000space",
    "line\u2028separator",
    "paragraph\u2029separator",
    "next\u0085line",
    "tab\tinside",
    "two\r\nlines",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",  # a family, joined
    "\U0001f44d\U0001f3fd \U0001f1e7\U0001f1e9 1\ufe0f\u20e3",  # a skin, a flag, a key
    "\u2764\ufe0f \u2764\ufe0e",  # variation selectors
    "\U000e0041\U000e0042",  # tags, which show nothing
    "\ufffe\uffff\U0010ffff",  # characters that are none
    "\ue000\U000f0000",  # private use
    "\ufffc \ufffd",  # object replacement, replacement
    "\u180e\u115f\u3164\u2800",  # nothing to see
    " leading and trailing ",
    "two  spaces",
]
LONG = [letter * length for letter in ("a", "\u00e9", "\U0001f4a9") for length in (64, 65, 150, 151, 255, 256)]
LONG += ["a" * length for length in (320, 321, 10_000, 10_001, 50_000)]
UNDECODABLE = ["\ud800", "a\udfff", "\ude00\ud83d"]  # lone and swapped surrogates, written as escapes
NUL = ["\x00", "before\x00after"]


@cache
def strings() -> list[str]:
    """Return all of them; fails where the shared test data are missing."""
    assert LIST.is_file(), "the test data are missing: ../shared/data beside the project"
    return [*json.loads(LIST.read_text()), *UNICODE_FORMS, *LONG, *UNDECODABLE, *NUL]
