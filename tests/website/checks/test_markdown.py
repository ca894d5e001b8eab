from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from website.checks.markdown import SMALLEST, code, section
from website.checks.report import Finding, NotRun, Report
from website.checks.settings import DEFAULT_LEVELS

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
FINDINGS = st.builds(
    Finding,
    TEXTS,
    st.integers(0, 9999),
    st.sampled_from(list(DEFAULT_LEVELS)),
    st.sampled_from(["error", "warning"]),
    TEXTS,
)


def report(*findings, not_run=()):
    return Report("r0123456789abcdef", 7, tuple(sorted(findings, key=lambda finding: finding.rank)), tuple(not_run))


def test_the_worst_comes_first_and_equal_findings_are_one_line_with_their_places():
    links = [Finding("a.html", line, "links", "error", "/gone is not in the site.") for line in range(1, 9)]
    found = section(
        report(*links, Finding("b.html", 2, "alt", "warning", "no alt"), Finding("c.js", 3, "secrets", "error", "k"))
    )
    assert found.splitlines() == [
        "### Content checks: 9 errors, 1 warning",
        "",
        "- **error** secrets: `k` in `c.js:3`",
        "- **error** links: `/gone is not in the site.` in `a.html:1`, `a.html:2`, `a.html:3`, `a.html:4`, `a.html:5` "
        "and 3 more places",
        "- **warning** alt: `no alt` in `b.html:2`",
    ]


def test_nothing_found_is_said_with_the_number_of_files_and_what_was_not_checked():
    found = section(report(not_run=[NotRun("nu", "there is no java", "Install Java.")]))
    assert found.startswith("### Content checks: nothing found in 7 files\n")
    assert "- nu: `there is no java`. Install Java." in found


def test_what_has_no_room_is_counted_to_the_last_finding():
    many = [
        Finding(f"{n}.html", n, "links" if n % 2 else "alt", "error" if n % 2 else "warning", f"{n} {'x' * 90}")
        for n in range(200)
    ]
    found = section(report(*many), 2_000)
    shown = found.count("- **error**")
    assert 0 < shown < 100
    assert f"… and {100 - shown} errors and 100 warnings that have no room here" in found


@given(
    st.lists(FINDINGS, max_size=30),
    st.lists(st.builds(NotRun, TEXTS, TEXTS, TEXTS), max_size=3),
    st.integers(SMALLEST, 5_000),
)
def test_a_section_never_exceeds_its_limit(findings, not_run, limit):
    assert len(section(report(*findings, not_run=not_run), limit)) <= limit


def test_a_limit_without_room_is_refused():
    with pytest.raises(ValueError, match="1,000"):
        section(report(), SMALLEST - 1)


@given(TEXTS)
def test_a_code_span_holds_any_text_on_one_line_and_nothing_gets_out_of_it(text):
    span = code(text)
    fence = re.match("`+", span)[0]
    inside = span[len(fence) : -len(fence)]
    assert span.endswith(fence)
    assert fence not in re.findall("`+", inside)
    assert "\n" not in span
    assert inside.strip(" ") or not text.strip()


@given(st.lists(FINDINGS, max_size=5))
def test_a_report_survives_json(findings):
    made = report(*findings, not_run=[NotRun("nu", "why", "how")])
    assert Report.from_json(made.as_json()) == made
