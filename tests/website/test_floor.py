from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from website import DEFAULT_FLOOR
from website.csp import parse_policy, weaknesses
from website.floor import Lowered, raised

HSTS = DEFAULT_FLOOR["Strict-Transport-Security"]
CSP = DEFAULT_FLOOR["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("name", "floor", "value"),
    [
        ("Strict-Transport-Security", HSTS, "max-age=63072000; includeSubDomains; preload"),
        ("strict-transport-security", HSTS, 'INCLUDESUBDOMAINS; MAX-AGE="31536000"'),
        ("X-Content-Type-Options", "nosniff", "nosniff"),
        ("X-Frame-Options", "SAMEORIGIN", "DENY"),
        ("X-Frame-Options", "DENY", "deny"),
        ("Referrer-Policy", "strict-origin-when-cross-origin", "no-referrer"),
        ("Referrer-Policy", "strict-origin-when-cross-origin", "same-origin, strict-origin"),
        ("Referrer-Policy", "no-referrer, origin", "strict-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin-allow-popups", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-site", "same-origin"),
        ("X-Custom", "one", "one"),
        ("Content-Security-Policy", "default-src 'self'", "default-src 'none'; img-src 'self'"),
        ("Content-Security-Policy", CSP, f"{CSP}; upgrade-insecure-requests; report-uri /csp"),
        ("Content-Security-Policy", "default-src 'self' https://a.example", "DEFAULT-SRC https://a.example"),
    ],
)
def test_the_floor_may_be_raised(name: str, floor: str, value: str) -> None:
    assert raised(name, floor, value).lower() == value.lower()


@pytest.mark.parametrize(
    ("name", "floor", "value", "reason"),
    [
        ("Strict-Transport-Security", HSTS, "max-age=300; includeSubDomains", "max-age is shorter"),
        ("Strict-Transport-Security", HSTS, "max-age=63072000", "lacks includesubdomains"),
        ("Strict-Transport-Security", HSTS, "max-age=forever", "number of seconds"),
        ("X-Content-Type-Options", "nosniff", "sniff", "only value is nosniff"),
        ("X-Frame-Options", "DENY", "SAMEORIGIN", "allows more"),
        ("X-Frame-Options", "DENY", "ALLOW-FROM https://a.example", "use one of"),
        ("Referrer-Policy", "strict-origin", "same-origin", "tells other sites more"),
        ("Referrer-Policy", "strict-origin-when-cross-origin", "unsafe-url", "tells other sites more"),
        ("Referrer-Policy", "strict-origin-when-cross-origin", "unsafe-url, no-referrer", "tells other sites more"),
        ("Referrer-Policy", "no-referrer", "", "use one of"),
        ("Permissions-Policy", "camera=()", "camera=*", "camera is allowed to more"),
        ("Permissions-Policy", "camera=()", "camera=(self)", "camera is allowed to more"),
        ("Permissions-Policy", "camera=()", "camera 'none'", "write feature=()"),
        ("Cross-Origin-Opener-Policy", "same-origin", "unsafe-none", "allows more"),
        ("X-Custom", "one", "two", "no order of strictness"),
    ],
)
def test_the_floor_may_not_be_lowered(name: str, floor: str, value: str, reason: str) -> None:
    with pytest.raises(Lowered, match=reason):
        raised(name, floor, value)


def test_permissions_that_content_does_not_name_stay_as_the_floor_has_them() -> None:
    joined = raised("Permissions-Policy", "camera=(), usb=(self)", 'usb=(), midi=("https://a.example" self)')
    assert joined == 'camera=(), usb=(), midi=(self "https://a.example")'


@pytest.mark.parametrize(
    ("floor", "policy", "reason"),
    [
        (CSP, "default-src 'self'", "img-src is missing"),
        ("default-src 'self'", "img-src 'self'", "default-src is missing"),
        ("default-src 'self'", "default-src *", r"default-src also allows \*"),
        (
            "default-src 'self'",
            "default-src 'self'; script-src 'unsafe-inline'",
            "script-src also allows 'unsafe-inline'",
        ),
        ("default-src 'self'", "default-src 'self'; script-src-elem https://a.example", "script-src-elem also allows"),
        (
            "default-src *; script-src 'self'",
            "default-src *; script-src 'self'; worker-src *",
            "worker-src also allows",
        ),
        ("default-src *; script-src 'self'", "default-src *; script-src 'self'; child-src *", "worker-src also allows"),
        ("frame-ancestors 'none'", "frame-ancestors 'self'", "frame-ancestors also allows 'self'"),
        ("sandbox", "sandbox allow-scripts", "sandbox also allows"),
        ("upgrade-insecure-requests", "default-src 'none'", "upgrade-insecure-requests is missing"),
        ("require-trusted-types-for 'script'", "require-trusted-types-for", "asks for less"),
        (
            "script-src 'unsafe-inline' 'sha256-abc='",
            "script-src 'unsafe-inline'",
            "lacks 'sha256-abc=', which narrows",
        ),
        ("script-src 'strict-dynamic' https:", "script-src https:", "lacks 'strict-dynamic'"),
    ],
)
def test_a_weaker_policy_is_recognised(floor: str, policy: str, reason: str) -> None:
    with pytest.raises(Lowered, match=reason):
        raised("Content-Security-Policy", floor, policy)


@pytest.mark.parametrize(
    ("policy", "reason"),
    [("default-src 'self', script-src *", "two policies"), ("img-src a; img-src *", "twice"), (" ; ", "empty")],
)
def test_a_policy_that_cannot_be_compared_is_refused(policy: str, reason: str) -> None:
    with pytest.raises(Lowered, match=reason):
        raised("Content-Security-Policy", CSP, policy)


SOURCES = st.lists(
    st.sampled_from(["'self'", "https:", "data:", "'unsafe-inline'", "'none'", "a.example", "*"]), max_size=4
)
DIRECTIVES = st.sampled_from(
    [
        "default-src",
        "script-src",
        "script-src-elem",
        "child-src",
        "worker-src",
        "frame-src",
        "img-src",
        "frame-ancestors",
    ]
)
POLICIES = st.dictionaries(DIRECTIVES, SOURCES, min_size=1).map(
    lambda policy: "; ".join(f"{name} {' '.join(sources)}" for name, sources in policy.items())
)
CHAINS = {
    "script-src-elem": ["script-src-elem", "script-src", "default-src"],
    "worker-src": ["worker-src", "child-src", "script-src", "default-src"],
    "frame-src": ["frame-src", "child-src", "default-src"],
    "img-src": ["img-src", "default-src"],
    "frame-ancestors": ["frame-ancestors"],
}


def allowed(policy: str, directive: str) -> frozenset[str] | None:
    parsed = parse_policy(policy)
    return next((parsed[name] for name in CHAINS[directive] if name in parsed), None)


@given(POLICIES, POLICIES)
def test_a_policy_that_passes_allows_no_source_that_the_floor_forbids(floor: str, policy: str) -> None:
    if weaknesses(parse_policy(floor), parse_policy(policy)):
        return
    for directive in CHAINS:
        limit, granted = allowed(floor, directive), allowed(policy, directive)
        assert limit is None or (granted is not None and granted <= limit)


@given(POLICIES)
def test_a_policy_is_not_weaker_than_itself(policy: str) -> None:
    assert weaknesses(parse_policy(policy), parse_policy(policy)) == []


def test_the_default_floor_keeps_the_rules_of_the_observatory() -> None:
    policy = parse_policy(CSP)
    assert not any(
        source.startswith("'unsafe") or source in {"*", "https:", "http:"}
        for each in policy.values()
        for source in each
    )
    assert policy["default-src"] == {"'self'"}
    assert "data:" not in policy.get("script-src", policy["default-src"])
    assert policy["object-src"] == policy["frame-ancestors"] == frozenset()
    assert {"base-uri", "form-action"} <= policy.keys()
    assert int(HSTS.partition("max-age=")[2].partition(";")[0]) >= 15_768_000
    assert DEFAULT_FLOOR["X-Content-Type-Options"] == "nosniff"
    assert DEFAULT_FLOOR["Referrer-Policy"] in {
        "no-referrer",
        "same-origin",
        "strict-origin",
        "strict-origin-when-cross-origin",
    }
