from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
from click.testing import CliRunner
from rich.console import Console

from tests.website.checks.checking import page
from tools.check import checking, nu, remembered
from tools.check.__main__ import main
from tools.check.asked import asked
from tools.check.gate import Gate
from tools.deploy.commands import Commands, stack_of
from tools.deploy.errors import Refused
from tools.deploy.places import ROOT, Places
from website import load_site
from website.checks.report import Findings
from website.checks.settings import Checks

GOOD = {"index.html": page('<a href="about">x</a>'), "about.html": page("us")}
BROKEN = {**GOOD, "index.html": page('<a href="/gone">x</a>\n<img src="a.png">'), "a.png": "x"}


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def content(tmp_path, monkeypatch, cache):
    """Writes the content that the commands are asked to check."""
    folder = tmp_path / "content"
    folder.mkdir()
    monkeypatch.setenv("PEACEFULROBOT_CONTENT", str(folder))
    monkeypatch.setenv("PEACEFULROBOT_CACHE", str(cache))
    monkeypatch.delenv("PEACEFULROBOT_CHECKS", raising=False)
    monkeypatch.delenv("PEACEFULROBOT_RELEASE", raising=False)

    def write(files):
        for path, text in files.items():
            (folder / path).write_text(text)
        return folder

    return write


def run(*arguments):
    return CliRunner().invoke(main, list(arguments))


def test_the_sample_site_passes_every_check(content):
    shutil.copytree(ROOT / "examples" / "site", content({}), dirs_exist_ok=True)
    result = run("--format", "json")
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert found["files"] > 20
    assert found["findings"] == []
    assert [one["check"] for one in found["notRun"]] == ["nu"]


def test_an_error_is_told_by_file_and_line_and_ends_with_1(content):
    content(BROKEN)
    result = run()
    assert result.exit_code == 1
    assert "index.html:3: error [links] /gone is not in the site (404)." in result.stdout
    assert "index.html:4: warning [alt]" in result.stdout
    assert "1 error, 1 warning" in result.stdout


def test_the_three_forms_tell_the_same_and_nothing_else_goes_to_standard_output(content):
    content(BROKEN)
    found = json.loads(run("--format", "json").stdout)
    assert (found["errors"], found["warnings"]) == (1, 1)
    assert found["findings"][0] | {"text": ""} == {
        "path": "index.html",
        "line": 3,
        "check": "links",
        "level": "error",
        "text": "",
    }
    assert run("--format", "markdown").stdout.startswith("### Content checks: 1 error, 1 warning\n")


def test_warnings_stop_nothing(content):
    content({**GOOD, "x.html": "<p>no title"})
    result = run()
    assert result.exit_code == 0
    assert "warning [titles]" in result.stdout


def test_advisory_checks_tell_and_do_not_stop(content, monkeypatch):
    content(BROKEN)
    monkeypatch.setenv("PEACEFULROBOT_CHECKS", "advisory")
    result = run()
    assert result.exit_code == 0
    assert "error [links]" in result.stdout


def test_a_mode_that_is_none_is_refused_with_the_known_ones(content, monkeypatch):
    monkeypatch.setenv("PEACEFULROBOT_CHECKS", "maybe")
    result = run()
    assert result.exit_code == 1
    assert "enforce, advisory, off" in result.stderr


def test_content_that_cannot_be_published_is_told_with_its_places_and_what_was_not_checked(content):
    content({"about.html": page("us"), "_redirects": "/a /b 301\n/only-a-source\n"})
    found = json.loads(run("--format", "json").stdout)
    assert {(one["path"], one["line"], one["check"]) for one in found["findings"]} == {
        ("_redirects", 2, "content"),
        ("index.html", 0, "content"),
    }
    assert found["notRun"][0]["check"] == "all others"


def test_content_that_is_not_there_is_one_sentence(content, monkeypatch):
    monkeypatch.setenv("PEACEFULROBOT_CONTENT", "/no/such/folder")
    result = run()
    assert result.exit_code == 1
    assert "does not exist" in result.stderr


def test_a_missing_search_for_secrets_is_told_and_the_rest_is_checked(content, monkeypatch):
    content(BROKEN)
    monkeypatch.setitem(__import__("sys").modules, "website.checks.secrets", None)
    result = run()
    assert "Not checked: secrets" in result.stdout
    assert "error [links]" in result.stdout


def gate(notes=None):
    return Gate(ROOT, "sandbox", notes or Console(quiet=True))


def test_the_gate_lets_good_content_pass_and_stops_errors(content):
    content(GOOD)
    gate().require()
    content(BROKEN)
    with pytest.raises(Refused, match="errors"):
        gate().require()


def test_up_stops_at_the_gate_before_anything_is_started(content, tmp_path, monkeypatch):
    content(BROKEN)
    places = Places(ROOT, tmp_path / "state")
    run = Commands(stack_of("sandbox", places), Console(quiet=True), Console(quiet=True), gate())
    monkeypatch.setattr(run, "find_engine", lambda: None)
    with pytest.raises(Refused, match="errors"):
        run.up()
    assert not (tmp_path / "state" / "world").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PEACEFULROBOT_CHECKS", "advisory"),
        ("PEACEFULROBOT_CHECKS", "off"),
        ("PEACEFULROBOT_RELEASE", "r0123456789abcdef"),
    ],
)
def test_the_gate_is_open_for_advisory_checks_and_for_an_earlier_release(content, monkeypatch, name, value):
    content(BROKEN)
    monkeypatch.setenv(name, value)
    gate().require()


def test_the_gate_reads_unchanged_content_once_and_a_change_anew(content, monkeypatch):
    content(BROKEN)
    assert not gate().is_passed()
    with monkeypatch.context() as patched:
        patched.setattr(checking, "_checked", lambda *_: pytest.fail("it was checked again"))
        assert not gate().is_passed()
    content({"gone.html": page("here now")})
    assert gate().is_passed()


def test_what_was_found_is_remembered_for_the_same_content_and_settings_only(content, tmp_path):
    site = load_site(str(content(BROKEN)), cache=tmp_path)
    wanted = asked(ROOT, "sandbox")
    relaxed = replace(wanted, checks=Checks.model_validate({"levels": {"links": "warning"}}))
    elsewhere = replace(wanted, hosts=("www.example.org",))
    other = load_site(str(content({"about.html": page("them")})), cache=tmp_path)
    keys = [remembered.key(site, wanted), remembered.key(site, relaxed), remembered.key(site, elsewhere)]
    assert len({*keys, remembered.key(other, wanted)}) == 4
    assert remembered.key(site, replace(wanted, source="elsewhere")) == keys[0]


def test_without_java_the_validator_is_told_as_not_run(content, monkeypatch, tmp_path):
    findings = Findings(Checks.model_validate({"levels": {"nu": "error"}}))
    monkeypatch.setattr(nu.shutil, "which", lambda name: None)
    nu.check_pages(load_site(str(content(GOOD)), cache=tmp_path), findings, tmp_path, Console(quiet=True))
    report = findings.report("", 0)
    assert report.findings == ()
    assert [(one.check, "java" in one.why, "npm" in one.how) for one in report.not_run] == [("nu", True, True)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"levels": {"lynx": "error"}}, "lynx is no check"),
        ({"levels": {"content": "off"}}, "content is no check"),
        ({"ignore": [{"check": "linx", "paths": "a"}]}, "linx is no check"),
        ({"mode": "maybe"}, "enforce"),
    ],
)
def test_mistakes_in_the_settings_are_told_with_what_is_known(given, said):
    with pytest.raises(ValueError, match=said):
        Checks.model_validate(given)
