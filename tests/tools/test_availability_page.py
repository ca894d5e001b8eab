from __future__ import annotations

import pytest

from planning.model import TERMS, estimate, load_facts
from planning.providers import platforms
from tools.availability.declared import declared, modelled
from tools.availability.report import number
from tools.availability_page import PAGE, ROOT, STACK, page


@pytest.fixture(scope="module")
def text():
    return PAGE.read_text("utf-8")


def test_the_page_is_what_the_model_says(text):
    assert text == page(), "run `make docs` and commit docs/availability.md"


def test_the_page_holds_the_figures_of_the_stack(text):
    found = estimate(modelled(declared(ROOT, STACK)), load_facts())
    assert f"| **total** | **{number(found.total)}** |" in text
    for key, minutes in found.minutes.items():
        assert (f"| {TERMS[key]} | {number(minutes)} |" in text) == (minutes > 0), key


def test_nothing_is_left_of_the_template_and_the_target_is_not_claimed(text):
    assert "{{" not in text
    assert "99.999 % is not reached" in text
    assert "is reached" not in text


def test_every_record_provider_and_platform_is_on_the_page(text):
    facts = load_facts()
    for row in facts.records:
        assert f"| {row.date} | {row.provider} | {row.cause} |" in text
    for key in platforms(facts.providers):
        assert f"| {facts.providers[key].name} |" in text
