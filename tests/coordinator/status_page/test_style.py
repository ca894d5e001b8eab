"""Text on the page can be read: WCAG 2.2, 1.4.3. The browser judges the whole page in tests/real."""

from __future__ import annotations

import re

import pytest

from coordinator.status_page.rendering import STYLE

LIGHT, DARK = (dict(re.findall(r"--([\w-]+):(#\w+)", part)) for part in re.findall(r":root\{([^}]*)\}", STYLE)[:2])
TEXT_ON = [
    *((ink, ground) for ink in ("ink", "soft") for ground in ("page", "card")),
    *(("soft", "none-soft"), ("ink", "partly-soft")),
    *((name, f"{name}-soft") for name in ("well", "partly", "unwell")),
    *(("unwell", "card"), ("partly", "card")),
]


def luminance(colour):
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    digits = colour.removeprefix("#")
    digits = "".join(one * 2 for one in digits) if len(digits) == 3 else digits
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXT_ON)
def test_text_stands_out_from_its_ground(colours, ink, ground):
    assert contrast(colours[ink], colours[ground]) >= 4.5


def test_the_sentence_stands_out_in_every_state():
    grounds = re.findall(r"\.hero(?:\.\w+)?\{(?:[^}]*;)?background:(#\w+)", STYLE)
    assert len(grounds) == 4
    assert all(contrast("#fff", ground) >= 4.5 for ground in grounds)
