"""The contrast of the portal's colours, computed from the tokens (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re
from pathlib import Path

import pytest

import portal

TOKENS = (Path(portal.__file__).parent / "static/portal/tokens.css").read_text()
LIGHT, DARK = TOKENS.split("@media (prefers-color-scheme: dark)")

TEXT_ON_GROUND = [
    *(("ink", ground) for ground in ("page", "surface", "sunken")),
    *(("ink-soft", ground) for ground in ("page", "surface", "sunken")),
    *((accent, ground) for accent in ("accent", "accent-strong") for ground in ("page", "surface", "accent-ground")),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    *((tone, f"{tone}-ground") for tone in ("danger", "warning", "success", "info")),
    ("danger", "page"),
    ("danger", "surface"),
    *((ink, rail) for ink in ("rail-ink", "rail-soft") for rail in ("rail", "rail-raised")),
]
EDGE_ON_GROUND = [
    ("edge", "page"),
    ("edge", "surface"),
    ("focus", "page"),
    ("focus", "surface"),
    ("danger", "surface"),
    ("rail-focus", "rail"),
    ("rail-focus", "rail-raised"),
]


def colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): #([0-9a-f]{6});", block))


SCHEMES = {"light": colours(LIGHT), "dark": colours(LIGHT) | colours(DARK)}


def luminance(colour: str) -> float:
    """Relative luminance as WCAG defines it: 0 is black, 1 is white."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_the_measure_is_right():
    assert contrast("000000", "ffffff") == pytest.approx(21)
    assert contrast("777777", "ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("text", "ground"), TEXT_ON_GROUND)
def test_text_can_be_read_on_its_ground(scheme, text, ground):
    assert contrast(SCHEMES[scheme][text], SCHEMES[scheme][ground]) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("edge", "ground"), EDGE_ON_GROUND)
def test_edges_and_the_focus_stand_out(scheme, edge, ground):
    assert contrast(SCHEMES[scheme][edge], SCHEMES[scheme][ground]) >= 3


def test_every_colour_that_is_used_is_a_token():
    folder = Path(portal.__file__).parent / "static/portal"
    defined = set(re.findall(r"(--[\w-]+):", LIGHT))

    for sheet in sorted(folder.glob("*.css")):
        source = sheet.read_text()
        assert set(re.findall(r"var\((--[\w-]+)", source)) <= defined, sheet.name
        if sheet.name != "tokens.css":
            assert not re.search(r"#[0-9a-f]{3,8}\b", source), sheet.name
