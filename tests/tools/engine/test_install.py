from __future__ import annotations

import io
import os
import stat
from pathlib import Path

import pytest
import requests
from rich.console import Console

from tools.engine import go_build, install
from tools.engine.errors import EngineMissing


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def bin_folder(tmp_path, monkeypatch):
    """A folder that is all of PATH."""
    monkeypatch.setenv("PATH", f"{tmp_path}/bin{os.pathsep}/usr/bin{os.pathsep}/bin")
    return tmp_path / "bin"


def no_internet(*arguments, **options):
    raise requests.ConnectionError


def finished_build(cache: Path) -> Path:
    build = cache / f"build-{go_build.engine_version()}-go1.99.0-{go_build.pinned_digest()}"
    build.mkdir(parents=True)
    for name in ("pulumi", *(Path(name).name for name in go_build.RUNTIME_FILES)):
        script(build / name, "true")
    return build


@pytest.mark.parametrize(
    ("version", "fits"),
    [
        ("v3.250.0", True),
        ("v3.299.1", True),
        ("v3.251.0-alpha.1", True),
        ("v3.249.9", False),
        ("v4.0.0", False),
        ("?", False),
    ],
)
def test_an_engine_on_path_is_taken_if_its_version_is_in_range(bin_folder, version, fits):
    script(bin_folder / "pulumi", f"echo {version}")
    script(bin_folder / "pulumi-language-python", "true")
    assert (install.on_path() is not None) is fits


def test_an_engine_on_path_without_the_python_language_host_is_passed_over(bin_folder):
    script(bin_folder / "pulumi", "echo v3.250.0")
    assert install.on_path() is None


def test_an_engine_on_path_that_cannot_be_run_is_passed_over(bin_folder):
    script(bin_folder / "pulumi", "").write_text("#!/no/such/interpreter\n")
    script(bin_folder / "pulumi-language-python", "true")
    assert install.on_path() is None


def test_a_finished_build_in_the_cache_is_used_without_network_or_go(bin_folder, tmp_path, console, monkeypatch):
    monkeypatch.setattr(requests, "head", no_internet)
    finished_build(tmp_path / "cache/engine")
    first = install.ensure(tmp_path / "cache", console)
    assert first.binary.exists()
    for name in ("pulumi-language-python", "language_host.py", "pulumi-language-python-exec"):
        assert (first.folder / name).exists()
    assert os.access(first.folder / "pulumi-language-python", os.X_OK)
    assert install.ensure(tmp_path / "cache", console) == first


def test_another_language_host_gets_a_folder_of_its_own_over_the_same_build(tmp_path, monkeypatch):
    build = finished_build(tmp_path)
    first = install.assemble(tmp_path, build)
    monkeypatch.setattr(install, "own_digest", lambda: "01234567")
    second = install.assemble(tmp_path, build)
    assert first != second
    assert (first / "pulumi").samefile(second / "pulumi")


def test_what_a_killed_run_left_in_the_cache_is_removed_and_not_used(bin_folder, tmp_path, console, monkeypatch):
    monkeypatch.setattr(requests, "head", no_internet)
    left = tmp_path / "cache/engine/partial-x/result/pulumi"
    script(left, "true")
    with pytest.raises(EngineMissing):
        install.ensure(tmp_path / "cache", console)
    assert not left.exists()


def test_without_any_way_the_error_names_each_and_what_to_do(bin_folder, tmp_path, console, monkeypatch):
    monkeypatch.setattr(requests, "head", no_internet)
    with pytest.raises(EngineMissing) as missing:
        install.ensure(tmp_path / "cache", console)
    text = str(missing.value)
    assert "cannot be reached from here (ConnectionError)" in text
    assert "no `go` on PATH" in text
    assert "Install Pulumi" in text


@pytest.mark.parametrize("version", ["go1.24.9", "go1.9", "devel"])
def test_an_old_go_is_refused_with_the_version_that_is_needed(bin_folder, version):
    script(bin_folder / "go", f"echo {version}")
    with pytest.raises(EngineMissing, match=r"Go 1\.25 or newer"):
        go_build.find_go()


def test_a_build_fetches_compiles_and_appears_whole(bin_folder, tmp_path, console):
    sdk = tmp_path / "sdk/python"
    for name in go_build.RUNTIME_FILES:
        script(sdk / name, "true")
    script(
        bin_folder / "go",
        f"""case "$*" in
        "env GOVERSION") echo go1.26.8 ;;
        "list -m"*) echo {sdk.parent} ;;
        "list -deps"*) echo "go: downloading example.com/a v1" >&2; printf 'one\\ntwo\\n' ;;
        build*) echo one >&2; echo two >&2; while [ "$1" != -o ]; do shift; done; echo engine > "$2" ;;
        esac""",
    )
    go = go_build.find_go()
    built = go_build.build(tmp_path / "cache", go, console)
    assert (built / "pulumi").read_text() == "engine\n"
    assert go_build.existing_build(tmp_path / "cache") == built
    assert os.access(built / "pulumi-language-python-exec", os.X_OK)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [built.name]


def test_a_build_that_fails_leaves_nothing_and_shows_what_go_said(bin_folder, tmp_path, console):
    script(bin_folder / "go", 'case "$*" in "env GOVERSION") echo go1.26.8 ;; *) echo "no route" >&2; exit 1 ;; esac')
    with pytest.raises(EngineMissing, match=r"exit code 1:\nno route"):
        go_build.build(tmp_path / "cache", go_build.find_go(), console)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_failing_installer_is_explained_and_leaves_nothing(bin_folder, tmp_path, console, monkeypatch):
    monkeypatch.setattr(install, "probe", lambda: None)
    monkeypatch.setattr(install, "INSTALLER_CODE", "import sys; sys.exit('curl: (6) no such host')")
    with pytest.raises(EngineMissing, match="no such host"):
        install.by_installer(tmp_path, console)
    assert list(tmp_path.glob("official*")) == []


def test_an_installed_engine_appears_whole_under_its_final_name(bin_folder, tmp_path, console, monkeypatch):
    monkeypatch.setattr(install, "probe", lambda: None)
    code = """
import pathlib, sys
folder = pathlib.Path(sys.argv[1], "bin")
folder.mkdir()
for name in ("pulumi", "pulumi-language-python"):
    (folder / name).write_text(f"#!/bin/sh\\necho v{sys.argv[2]}\\n")
    (folder / name).chmod(0o755)
"""
    monkeypatch.setattr(install, "INSTALLER_CODE", code)
    folder = install.by_installer(tmp_path, console)
    assert install.in_cache(tmp_path) == install.Engine(folder, "cache")


def test_the_engine_the_sdk_and_the_language_host_have_one_version():
    from tools.engine import language_host

    requirements = (go_build.MODULE.parents[1] / "requirements.in").read_text()
    assert f"pulumi=={go_build.engine_version()}" in requirements
    assert go_build.engine_version() == language_host.VERSION
    assert ".".join(map(str, install.OLDEST)) == go_build.engine_version()
