"""Text as it comes in: what a line or a paragraph may hold, and how it is made searchable."""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

# C0 and C1 control characters but tab and line breaks; the latter are allowed in paragraphs only.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_CONTROLS_IN_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Overrides that make text display in another order than it is stored (Unicode TR 36, section 3.1).
_BIDI_OVERRIDES = re.compile(r"[\u202a-\u202e\u2066-\u2069]")


def require_line(value: str) -> str:
    """Return the text unchanged, or raise ValueError for control characters and line breaks."""
    if _CONTROLS_IN_LINE.search(value):
        raise ValueError("must be one line without control characters")
    if _BIDI_OVERRIDES.search(value):
        raise ValueError("must not change the direction of the text")
    return value


def require_paragraph(value: str) -> str:
    """Return the text unchanged, or raise ValueError for control characters; line breaks are welcome."""
    if _CONTROLS.search(value):
        raise ValueError("must not contain control characters")
    return value


def require_visible(value: str) -> str:
    """Return the text unchanged, or raise ValueError where nothing of it would show on paper."""
    if not any(unicodedata.category(character)[0] in "LNPS" for character in value):
        raise ValueError("must not be blank")
    return value


def search_key(*parts: str) -> str:
    """Fold text for searching: no accents, no case, single spaces; the same for what is stored and what is asked.

    Unicode compatibility decomposition without combining marks, then case folding, so that "gomez" finds "Gómez" on
    every database.
    """
    decomposed = unicodedata.normalize("NFKD", " ".join(part for part in parts if part))
    bare = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(bare.casefold().split())


# Shapes for schemas. Text is kept exactly as it came, or refused: nothing is trimmed or replaced silently.
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=150), AfterValidator(require_line), AfterValidator(require_visible)
]
OptionalName = Annotated[str, StringConstraints(max_length=150), AfterValidator(require_line)]
Line = Annotated[str, StringConstraints(max_length=255), AfterValidator(require_line)]
ShortLine = Annotated[str, StringConstraints(max_length=64), AfterValidator(require_line)]
Paragraph = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(require_paragraph)]
SearchText = Annotated[str, StringConstraints(max_length=200), AfterValidator(require_line)]
