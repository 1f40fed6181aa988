"""Small charts as geometry: a template draws them as SVG, so they need no script, no style and no other server.

Every chart carries the sentence that says the same; a template gives it to whoever cannot see the picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass

_STEP = 24
_BAR = 16
_HEIGHT = 96
# Room above the tallest bar for its number, and below the line for the names of the bars.
_ABOVE = 16
_BELOW = 18


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar in the units of its chart; `middle` is where its number and its name are centred."""

    x: int
    y: float
    width: int
    height: float
    middle: int
    number_y: float
    value: int
    name: str
    is_marked: bool


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars on a line; `sentence` says what they show."""

    width: int
    height: int
    line: int
    names_y: int
    bars: list[Bar]
    sentence: str


@dataclass(frozen=True, slots=True)
class ShareChart:
    """A share of a whole as a filled part of a stripe 100 units long; `sentence` says what it shows."""

    part: float
    percent: str
    sentence: str


def bar_chart(bars: Sequence[tuple[str, int]], *, marked: int | None, sentence: str) -> BarChart:
    """Return a chart of (name, value) pairs, none negative, the tallest as high as there is room; `marked` stands out.

    A chart in which everything is nought has flat bars.
    """
    highest = max((value for _, value in bars), default=0) or 1
    room = _HEIGHT - _ABOVE
    drawn = []
    for place, (name, value) in enumerate(bars):
        height = round(room * value / highest, 1)
        x = place * _STEP + (_STEP - _BAR) // 2
        y = round(_HEIGHT - height, 1)
        drawn.append(
            Bar(
                x=x,
                y=y,
                width=_BAR,
                height=height,
                middle=x + _BAR // 2,
                number_y=y - 4,
                value=value,
                name=name,
                is_marked=place == marked,
            )
        )
    return BarChart(
        width=max(len(bars), 1) * _STEP,
        height=_HEIGHT + _BELOW,
        line=_HEIGHT,
        names_y=_HEIGHT + _BELOW - 4,
        bars=drawn,
        sentence=sentence,
    )


def share_chart(part: int, whole: int, *, sentence: str) -> ShareChart:
    """Return the share of a part in a whole, in percent with one decimal; of nothing it is nought."""
    percent = 100 * part / whole if whole else 0.0
    return ShareChart(part=round(percent, 1), percent=f"{percent:.1f}", sentence=sentence)


def compare_bars(values: Sequence[int | None]) -> list[ShareChart | None]:
    """Return a stripe for each number, as long as its share of the largest one; None for a number that is not told.

    The number itself stands beside its stripe, so the sentence says only how it compares.
    """
    largest = max((value or 0 for value in values), default=0)
    return [None if value is None else _compare(value, largest) for value in values]


def _compare(value: int, largest: int) -> ShareChart:
    if not value:
        return share_chart(0, largest, sentence="Nobody")
    if value == largest:
        return share_chart(value, largest, sentence="The largest number of this table")
    return share_chart(value, largest, sentence=f"{100 * value / largest:.0f} % of the largest number of this table")
