"""The W3C's validator on the cases of our own checks: it is the judge of what is right and wrong."""

from __future__ import annotations

import pytest
from rich.console import Console

from tests.website.checks.checking import page
from tests.website.checks.test_page import CASES
from tools.check import nu
from website import load_site
from website.checks.report import Findings
from website.checks.settings import Checks


def test_the_validator_finds_a_mistake_wherever_we_do(tmp_path, request):
    content = tmp_path / "content"
    content.mkdir()
    (content / "index.html").write_text(page("x"))
    for number, (body, _) in enumerate(CASES):
        (content / f"{number}.html").write_text(page(body))
    findings = Findings(Checks.model_validate({"levels": {"nu": "error"}}))
    site = load_site(str(content), cache=tmp_path / "cache")
    nu.check_pages(site, findings, nu_cache(), Console(quiet=True))
    report = findings.report("", 0)
    if report.not_run:
        pytest.skip(report.not_run[0].why)
    wrong = {finding.path for finding in report.findings}
    assert "index.html" not in wrong
    ours = {f"{number}.html" for number, (_, found) in enumerate(CASES) if any(check == "html" for check, _ in found)}
    assert ours - wrong == set()


def nu_cache():
    from tools.bootstrap import cache_folder

    return cache_folder()
