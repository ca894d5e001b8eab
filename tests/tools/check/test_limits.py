from __future__ import annotations

import pytest

from platforms import PLATFORMS
from publisher.platforms import platform_class
from publisher.platforms.base import Plan
from tests.website.checks.checking import page
from tools.check.limits import check_limits
from website import load_site
from website.checks.report import Findings
from website.checks.settings import Checks


def found(folder, platforms, files=()):
    content = folder / "site"
    content.mkdir(exist_ok=True)
    for path, text in {"index.html": page("x"), **dict(files)}.items():
        (content / path).write_text(text)
    findings = Findings(Checks())
    site = load_site(str(content), cache=folder / "cache")
    check_limits(site, platforms if isinstance(platforms, dict) else {name: {} for name in platforms}, findings)
    return [(one.place, one.check, one.text) for one in findings.report("", 0).findings]


def test_a_small_site_is_within_every_platforms_limits(tmp_path):
    assert found(tmp_path, PLATFORMS, {"_redirects": "/a / 301\n"}) == []


@pytest.mark.parametrize(("limit", "check"), [(2, "near-limits"), (1, "limits")])
def test_the_number_of_files_is_held_against_the_plan(tmp_path, monkeypatch, limit, check):
    traits = platform_class("vercel").traits
    monkeypatch.setitem(traits.plans, "hobby", Plan(max_files=limit))
    told = found(tmp_path, {"vercel": {"plan": "hobby"}})
    assert [(place, name) for place, name, _ in told] == [(".", check)]
    assert "vercel (plan hobby)" in told[0][2]
    assert found(tmp_path, {"vercel": {"plan": "pro"}}) == []


def test_every_file_that_is_too_large_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(platform_class("firebase").traits.plans, "spark", Plan(max_file_bytes=500))
    told = found(tmp_path, ["firebase"], {"a.txt": "x" * 501, "b.txt": "x" * 460, "c.txt": "x"})
    assert [(place, name) for place, name, _ in told] == [("a.txt", "limits"), ("b.txt", "near-limits")]


def test_a_rule_that_a_platform_cannot_express_is_told_by_file_and_line_for_each_platform(tmp_path):
    told = found(tmp_path, PLATFORMS, {"_redirects": "/a / 301\n/b / 307\n/c / 308\n"})
    assert {(place, name) for place, name, _ in told} == {("_redirects:2", "limits"), ("_redirects:3", "limits")}
    assert [text.split()[0] for _, _, text in told] == ["azure", "gitlab"] * 2


def test_a_refusal_without_a_line_is_told_of_the_whole_site(tmp_path, monkeypatch):
    monkeypatch.setattr("publisher.platforms.netlify.MAX_FILES_A_FOLDER", 1)
    told = found(tmp_path, ["netlify"], {"a.txt": "x"})
    assert [(place, name) for place, name, _ in told] == [(".", "limits")]
