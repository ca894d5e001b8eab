"""The floor of security headers gets an A+ of the HTTP Observatory, and no content can take it below."""

from __future__ import annotations

import pytest

from tests.observatory import grade, modifiers, score
from website import DEFAULT_FLOOR
from website.floor import Lowered, raised

CSP = DEFAULT_FLOOR["Content-Security-Policy"]
EVAL = "default-src 'self' 'unsafe-eval'; object-src 'none'"


def without(name):
    return {key: value for key, value in DEFAULT_FLOOR.items() if key != name}


def test_the_floor_is_an_a_plus():
    assert score(DEFAULT_FLOOR) >= 100
    assert grade(score(DEFAULT_FLOOR)) == "A+"


@pytest.mark.parametrize(
    ("headers", "rule", "points"),
    [
        (without("Content-Security-Policy"), "csp", -25),
        (without("Strict-Transport-Security"), "hsts", -20),
        (without("X-Content-Type-Options"), "nosniff", -5),
        ({**DEFAULT_FLOOR, "Content-Security-Policy": "default-src 'self' 'unsafe-inline'"}, "csp", -20),
        ({**DEFAULT_FLOOR, "Content-Security-Policy": EVAL}, "csp", -10),
        ({**DEFAULT_FLOOR, "Content-Security-Policy": f"{CSP}; style-src 'self' 'unsafe-inline'"}, "csp", 0),
        ({**DEFAULT_FLOOR, "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}, "csp", 10),
        ({**DEFAULT_FLOOR, "Access-Control-Allow-Origin": "*"}, "cors", 0),
        ({**DEFAULT_FLOOR, "Access-Control-Allow-Credentials": "true"}, "cors", -50),
        ({**DEFAULT_FLOOR, "Strict-Transport-Security": "max-age=3600"}, "hsts", -10),
        ({**DEFAULT_FLOOR, "Referrer-Policy": "unsafe-url"}, "referrer", -5),
        ({"X-Frame-Options": "DENY"}, "frames", 0),
        ({}, "frames", -20),
    ],
)
def test_each_rule_counts_as_the_observatory_counts_it(headers, rule, points):
    assert modifiers(headers)[rule] == points


def test_credit_is_given_only_where_the_required_is_there():
    assert score({**DEFAULT_FLOOR, "Access-Control-Allow-Credentials": "true"}) == 50
    assert score(DEFAULT_FLOOR, redirects=False) == 80


@pytest.mark.parametrize("name", ["Content-Security-Policy", "Strict-Transport-Security", "X-Content-Type-Options"])
@pytest.mark.parametrize(
    "value", ["", "default-src * 'unsafe-inline'", "max-age=1", "sniff", "script-src 'self' 'unsafe-eval'"]
)
def test_what_content_is_allowed_to_say_keeps_the_a_plus(name, value):
    try:
        kept = raised(name, DEFAULT_FLOOR[name], value)
    except Lowered:
        return
    assert score({**DEFAULT_FLOOR, name: kept}) >= 100
