"""https://docs.github.com/en/actions/reference/workflows-and-actions/expressions."""

from __future__ import annotations

import pytest

from sandbox.github.expressions import NotUnderstood, filled_in, value

CONTEXTS = {"github": {"ref": "refs/heads/main", "event": {"number": 7}}, "vars": {"EMPTY": ""}}


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("github.ref == 'refs/heads/MAIN'", True),
        ("github.ref != 'x' && github.event.number == 7", True),
        ("vars.EMPTY || github.nothing || 'else'", "else"),
        ("vars.EMPTY != ''", False),
        ("!(always() && false)", True),
        ("format('refs/heads/{0}', 'main') == github.ref", True),
        ("fromJSON('[1, 2]')", [1, 2]),
        ("'it''s'", "it's"),
        ("github.nothing == ''", True),
    ],
)
def test_values(expression, wanted):
    assert value(expression, CONTEXTS) == wanted


@pytest.mark.parametrize("wrong", ["", "'open", "a b", "(a", "a ==", "unknown('x')", "a; b", "()"])
def test_what_is_not_understood_is_said(wrong):
    with pytest.raises(NotUnderstood):
        value(wrong, CONTEXTS)


def test_texts_are_filled_in():
    assert filled_in("a ${{ github.event.number }}${{ github.nothing }}${{ true }}", CONTEXTS) == "a 7true"
