"""Colour tokens hold WCAG 2.2 AA in both schemes: text 4.5, edges and focus 3.0."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

SHEET = files("ccpor_server").joinpath("static", "ccpor.css").read_text("utf-8")
TEXT_PAIRS = [
    *((word, paper) for word in ("text", "soft", "link", "bad") for paper in ("ground", "paper", "raised")),
    *((tone, f"{tone}-paper") for tone in ("good", "bad", "warn", "old", "calm")),
    *((tone, "paper") for tone in ("good", "warn", "calm")),
    *((word, "calm-paper") for word in ("text", "soft", "link")),
    *((word, f"{tone}-paper") for word in ("text",) for tone in ("good", "bad")),
    ("top-text", "top"),
    ("top-soft", "top"),
    ("action-text", "action"),
]  # fmt: skip
EDGE_PAIRS = [
    ("edge", "paper"),
    ("edge", "ground"),
    ("focus", "paper"),
    ("focus", "ground"),
    ("focus", "raised"),
]
SCHEMES = ("light", "dark")


def tokens(scheme: str) -> dict[str, str]:
    """Return the tokens of a scheme; dark lays over light."""
    blocks = re.findall(r":root \{(.*?)\}", SHEET, re.S)
    found: dict[str, str] = {}
    for block in blocks[: 1 if scheme == "light" else 2]:
        found.update(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))
    return found


def luminance(colour: str) -> float:
    """Return the relative luminance (WCAG 2.2, definition)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_can_be_read(scheme: str) -> None:
    """A grey that is pretty on one screen is invisible on the courtroom's."""
    held = tokens(scheme)
    low = {
        pair: round(ratio, 2)
        for pair in TEXT_PAIRS
        if (ratio := contrast(held[pair[0]], held[pair[1]])) < 4.5
    }

    assert low == {}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_edges_and_focus_can_be_seen(scheme: str) -> None:
    """Fields and the focus ring are all that a keyboard user has."""
    held = tokens(scheme)
    low = {
        pair: round(ratio, 2)
        for pair in EDGE_PAIRS
        if (ratio := contrast(held[pair[0]], held[pair[1]])) < 3.0
    }

    assert low == {}


def test_the_measure_is_the_published_one() -> None:
    """Negative control: black on white is 21, and a known poor pair is poor."""
    assert round(contrast("#000000", "#ffffff"), 2) == 21.0
    assert contrast("#777777", "#ffffff") < 4.5


def test_every_token_of_light_has_its_dark_one() -> None:
    """A forgotten one is a white box in a dark page."""
    dark = set(re.findall(r"--([a-z-]+):", re.findall(r":root \{(.*?)\}", SHEET, re.S)[1]))

    assert {name for name in tokens("light") if name not in dark} == set()


def test_the_sheet_loads_nothing_from_elsewhere() -> None:
    """No CDN, no font of others: the policy would refuse it, and courts are offline."""
    assert "url(" not in SHEET
    assert "@import" not in SHEET
