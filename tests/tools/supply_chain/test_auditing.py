from __future__ import annotations

import pytest

from tests.tools.supply_chain.osv import Database
from tools.deploy.errors import Refused
from tools.supply_chain.auditing import audit, read

LOCK = "filelock==3.0.0 \\\n    --hash=sha256:{}\nclick==8.1.0 \\\n    --hash=sha256:{}\n    # via nothing\n"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "tools").mkdir()
    (tmp_path / "requirements.txt").write_text(LOCK.format("a" * 64, "b" * 64))
    (tmp_path / "tools" / "uv-requirements.txt").write_text(f"uv==0.9.0 \\\n    --hash=sha256:{'c' * 64}\n")
    return tmp_path


@pytest.fixture
def asking(monkeypatch):
    def ask(database):
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("PIP_AUDIT_OSV_URL", database.url)

    return ask


def test_every_locked_package_is_asked_for_and_nothing_known_is_a_pass(root, asking):
    with Database() as database:
        asking(database)
        found = audit(root)
    assert sorted(database.asked) == [("click", "8.1.0"), ("filelock", "3.0.0"), ("uv", "0.9.0")]
    assert (found.passed, found.audited, found.total) == (True, 3, 3)


def test_a_known_vulnerability_fails_and_is_named_with_what_mends_it(root, asking):
    with Database({"click": "8.1.1"}) as database:
        asking(database)
        found = audit(root)
    assert not found.passed
    assert list(found.sentences()) == ["click 8.1.0 is vulnerable: CVE-1-1, GHSA-test; mended in 8.1.1"]


def test_a_database_that_does_not_answer_is_no_pass(root, asking):
    with Database(status=500) as database:
        asking(database)
        with pytest.raises(Refused, match="nothing was audited"):
            audit(root)


def test_packages_that_were_skipped_are_no_pass_even_where_pip_audit_is_content():
    said = [{"name": "click", "skip_reason": "Dependency not found and could not be audited"}]
    found = read(said, {"click 8.1.0"})
    assert not found.passed
    assert found.audited == 0
    assert "no pass" in next(found.sentences())


def test_packages_that_were_not_spoken_of_are_no_pass():
    said = [{"name": "click", "version": "8.1.0", "vulns": []}]
    found = read(said, {"click 8.1.0", "uv 0.9.0"})
    assert (found.passed, found.audited, found.unasked) == (False, 1, ["uv 0.9.0"])


def test_nothing_at_all_is_no_pass():
    assert not read([], set()).passed
