from __future__ import annotations

import subprocess

import pytest

from tests.tools.ci.forge_shell import ROOT, checkout
from tools.ci import linting

CURSED = """\
on: [pull_request_target]
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
        with: {ref: "${{ github.event.pull_request.head.sha }}"}
      - run: echo ${{ github.event.pull_request.title }}
"""


@pytest.fixture(scope="module")
def cursed(tmp_path_factory):
    """A checkout with a workflow and a pipeline as they must not be."""
    root = checkout(tmp_path_factory.mktemp("cursed") / "root")
    (root / ".github/workflows/cursed.yml").write_text(CURSED)
    (root / ".gitlab/cursed.yml").write_text("job: {script: [make], resource_grup: prod}\n")
    return root


def found(root, checks):
    return {check.name: said for check, said in linting.failures(checks, root)}


def test_each_linter_finds_what_is_its_to_find(cursed):
    said = found(cursed, linting.python_checks(cursed))
    assert "dangerous-triggers" in said["zizmor"]
    assert "template-injection" in said["zizmor"]
    assert "unpinned-uses" in said["zizmor"]
    assert "resource_grup" in said["check-jsonschema (GitLab)"]
    assert "cursed.yml" in said["check-jsonschema (time-outs)"]


def test_programs_in_go_find_what_is_theirs_where_they_are_built(cursed):
    skipped: list[str] = []
    key = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEA7b5n" * 12 + "\n-----END RSA PRIVATE KEY-----\n"
    (cursed / "deploy.pem").write_text(key)
    checks = list(linting.go_checks(cursed, build=False, skipped=skipped.append))
    if skipped:
        pytest.skip("; ".join(skipped))
    said = found(cursed, checks)
    assert "untrusted" in said["actionlint"]
    assert "leaks found: 1" in said["gitleaks dir"]


def test_a_secret_that_was_removed_again_is_found_in_the_history(tmp_path):
    try:
        gitleaks = linting.program(linting.GITLEAKS, build=False)
    except linting.NotHere as missing:
        pytest.skip(str(missing))
    secret = tmp_path / "key.pem"
    secret.write_text(
        "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEA7b5n" * 12 + "\n-----END RSA PRIVATE KEY-----\n"
    )
    person = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "."], [*person, "commit", "-qm", "a"], ["rm", "-q", "key.pem"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    subprocess.run(["git", *person, "commit", "-qm", "b"], cwd=tmp_path, check=True)
    config = ["--no-banner", "--redact", "--config", str(ROOT / ".gitleaks.toml"), str(tmp_path)]
    assert subprocess.run([gitleaks, "git", *config], capture_output=True, check=False).returncode == 1


def test_a_program_that_is_not_built_is_left_out_by_name(tmp_path, monkeypatch):
    monkeypatch.setenv("PEACEFULROBOT_CACHE", str(tmp_path))
    skipped: list[str] = []
    assert list(linting.go_checks(ROOT, build=False, skipped=skipped.append)) == []
    assert [text.split(":")[0] for text in skipped] == ["actionlint", "gitleaks"]


def test_without_go_the_reason_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PEACEFULROBOT_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(linting.NotHere, match="actionlint: there is no `go` on PATH"):
        linting.program(linting.ACTIONLINT, build=True)
