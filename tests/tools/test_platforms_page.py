from __future__ import annotations

from platforms import PLATFORMS
from publisher.platforms import platform_class
from tools.platforms_page import PAGE, page


def test_the_page_is_what_the_code_says():
    assert PAGE.read_text("utf-8") == page(), "run `make docs` and commit docs/platforms.md"


def test_every_platform_has_its_abilities_limits_and_notes():
    text = page()
    for name in PLATFORMS:
        traits = platform_class(name).traits
        assert sum(line.startswith(f"| {name} |") for line in text.splitlines()) == 1 + len(traits.plans)
        assert f"### {name}\n" in text
        for note in traits.notes:
            assert f"- {note}\n" in text
