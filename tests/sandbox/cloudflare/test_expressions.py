from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.cloudflare.expressions import ExpressionError, parse

FIELDS = {
    "http.host": "www.example.org",
    "http.request.method": "GET",
    "http.request.uri": "/a/b.css?x=1",
    "http.request.uri.path": "/a/b.css",
    "http.request.uri.query": "x=1",
    "http.request.full_uri": "https://www.example.org/a/b.css?x=1",
    "ssl": True,
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('(http.host eq "www.example.org")', True),
        ('http.host == "other"', False),
        ('http.host ne "other"', True),
        ('http.host in {"a" "www.example.org"}', True),
        ('http.request.uri.path contains "b.c"', True),
        ("ssl", True),
        ("not ssl", False),
        ("!ssl", False),
        ("true or false and false", True),
        ("(true or false) and false", False),
        ("not false and true", True),
        ('starts_with(http.request.uri.path, "/a") && ends_with(http.request.uri.path, ".css")', True),
        ('concat("https://", http.host, http.request.uri.path)', "https://www.example.org/a/b.css"),
        ('lower("AbC")', "abc"),
        (r'http.host eq "quo\"te"', False),
    ],
)
def test_an_expression_has_the_value_the_language_gives_it(text, value):
    assert parse(text)(FIELDS) == value


@pytest.mark.parametrize(
    "text", ["", "(", "http.host eq", 'http.host eq "a" "b"', "ip.src", "concat(", "http.host in {", "ssl ~ 1", '"open']
)
def test_what_is_no_expression_is_refused(text):
    with pytest.raises(ExpressionError):
        parse(text)


@given(st.text(max_size=40))
def test_any_text_is_an_expression_or_refused(text):
    try:
        parse(text)
    except ExpressionError:
        return


@given(st.text(alphabet=st.characters(blacklist_characters='"\\', blacklist_categories=("Cs",)), max_size=20))
def test_a_literal_is_itself(text):
    assert parse(f'"{text}"')(FIELDS) == text
