"""Everything that is installed is pinned, and what can be is pinned by its hash."""

from __future__ import annotations

import ast
import re

import pytest

from tools.deploy.places import ROOT
from tools.supply_chain.bill_of_materials import go_modules
from tools.supply_chain.locks import LOCKS, locked

EXACT = re.compile(r"\d+(\.\d+)+([-.+a-z0-9]*)?")


@pytest.mark.parametrize("name", LOCKS)
def test_every_python_package_is_pinned_to_one_version_and_the_hashes_of_its_files(name):
    found = list(locked(ROOT / name))
    assert found
    assert [one.name for one in found if not EXACT.fullmatch(one.version)] == []
    assert [one.name for one in found if not one.hashes] == []


def test_every_package_that_is_asked_for_is_locked():
    names = {one.name for one in locked(ROOT / "requirements.txt")}
    text = (ROOT / "requirements.in").read_text()
    asked = [re.split(r"[\[=<>~;]", line)[0].strip() for line in text.splitlines() if line and line[0] != "#"]
    assert [one for one in asked if re.sub(r"[-_.]+", "-", one).lower() not in names] == []


def test_locked_packages_are_installed_by_their_hashes():
    text = (ROOT / "tools" / "bootstrap.py").read_text()
    assert "--require-hashes" in text


def test_every_go_module_of_the_engine_is_pinned_and_its_hash_is_in_go_sum():
    sums = {tuple(line.split()[:2]) for line in (ROOT / "tools" / "engine" / "go.sum").read_text().splitlines()}
    found = list(go_modules(ROOT / "tools" / "engine" / "go.mod"))
    assert len(found) > 50
    replaced = {"github.com/atotto/clipboard"}
    missing = [
        one["name"]
        for one in found
        if one["name"] not in replaced and (one["name"], f"{one['version']}/go.mod") not in sums
    ]
    assert missing == []


def sources():
    """Code that installs something from npm or as a Go module."""
    folders = ("tools", "sandbox", "tests/real", "publisher", "coordinator", "website")
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "node_modules" not in path.parts:
                yield path, path.read_text("utf-8")


def test_no_go_program_is_built_at_a_version_that_can_change():
    loose = [
        (path.relative_to(ROOT), found)
        for path, text in sources()
        for found in re.findall(r'"(github\.com/[^"\s]+@[^"\s]+)"', text)
        if not re.search(r"@v\d+\.\d+\.\d+", found)
    ]
    assert loose == []


def test_no_package_of_npm_is_installed_without_a_version_or_with_its_scripts():
    for path, text in sources():
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.List):
                continue
            words = [one.value for one in node.elts if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            if words[:2] in (["npm", "install"], ["npm", "ci"]):
                assert "--ignore-scripts" in words, path
                named = [one for one in words[2:] if not one.startswith("-") and one != "."]
                assert all(re.search(r".@\d", one) for one in named), (path, named)


def test_actions_of_the_pipelines_are_pinned_to_commits():
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml")):
        used = re.findall(r"uses:\s*(\S+)", path.read_text())
        loose = [one for one in used if not one.startswith("./") and not re.search(r"@[0-9a-f]{40}$", one)]
        assert loose == [], path
