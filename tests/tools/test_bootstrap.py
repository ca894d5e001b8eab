from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tools import bootstrap
from tools.bootstrap import SetupFailed

UV = """#!{python}
import os, pathlib, sys
log = pathlib.Path({log!r})
with log.open("a") as stream:
    stream.write(" ".join(sys.argv[1:]) + "\\n")
if sys.argv[1] == "--version":
    print("uv {version}")
elif sys.argv[1] == "venv":
    bin = pathlib.Path(sys.argv[-1], "bin")
    bin.mkdir(parents=True)
    (bin / "python").symlink_to(sys.executable)
    (bin.parent / "pyvenv.cfg").write_text("home = x")
elif pathlib.Path({fail!r}).exists():
    sys.exit("error: no route to the registry")
"""


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with a lock, and a uv on PATH that writes down what it is asked."""
    root = tmp_path / "checkout"
    (root / "tools").mkdir(parents=True)
    (root / "requirements.txt").write_text("one==1 --hash=sha256:00\n")
    shutil.copy(bootstrap.ROOT / "tools/uv-requirements.txt", root / "tools")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PEACEFULROBOT_CACHE", str(tmp_path / "cache"))
    put_uv(tmp_path, "0.13.9")
    return root


def put_uv(folder, version):
    uv = folder / "bin" / "uv"
    uv.parent.mkdir(exist_ok=True)
    uv.write_text(UV.format(python=sys.executable, log=str(folder / "log"), version=version, fail=str(folder / "fail")))
    uv.chmod(uv.stat().st_mode | stat.S_IXUSR)


def asked(tmp_path):
    path = tmp_path / "log"
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


def test_a_complete_environment_is_left_alone_without_a_word(checkout, tmp_path, capsys):
    bootstrap.bootstrap(checkout)
    before = asked(tmp_path)
    capsys.readouterr()
    bootstrap.bootstrap(checkout)
    assert asked(tmp_path) == before == ["--version", "venv", "pip"]
    assert capsys.readouterr() == ("", "")


def test_packages_are_synced_with_their_hashes_and_no_python_is_fetched(checkout, tmp_path):
    bootstrap.bootstrap(checkout)
    assert "pip sync --require-hashes" in (tmp_path / "log").read_text()
    assert bootstrap.uv_environment()["UV_PYTHON_DOWNLOADS"] == "never"


def test_another_lock_means_another_sync_and_no_new_environment(checkout, tmp_path):
    bootstrap.bootstrap(checkout)
    (checkout / "requirements.txt").write_text("one==2 --hash=sha256:00\n")
    bootstrap.bootstrap(checkout)
    assert asked(tmp_path) == ["--version", "venv", "pip", "--version", "pip"]


def test_a_sync_that_failed_is_not_taken_for_complete_and_says_what_to_do(checkout, tmp_path):
    bootstrap.bootstrap(checkout)
    (checkout / "requirements.txt").write_text("one==2 --hash=sha256:00\n")
    (tmp_path / "fail").touch()
    with pytest.raises(SetupFailed, match=r"no route to the registry[\s\S]*HTTPS_PROXY"):
        bootstrap.bootstrap(checkout)
    (checkout / "requirements.txt").write_text("one==1 --hash=sha256:00\n")
    assert not bootstrap.is_complete(checkout / ".venv", checkout / "requirements.txt")


def test_an_environment_whose_python_is_gone_is_made_anew(checkout, tmp_path):
    bootstrap.bootstrap(checkout)
    python = checkout / ".venv/bin/python"
    python.unlink()
    python.symlink_to(tmp_path / "gone")
    bootstrap.bootstrap(checkout)
    assert python.exists()
    assert asked(tmp_path).count("venv") == 2


def test_a_folder_that_is_no_environment_is_never_removed(checkout):
    (checkout / ".venv").mkdir()
    (checkout / ".venv/thesis.txt").write_text("years of work")
    with pytest.raises(SetupFailed, match="move it away"):
        bootstrap.bootstrap(checkout)
    assert (checkout / ".venv/thesis.txt").exists()


def test_an_old_uv_on_path_is_passed_over_for_the_one_in_the_cache(checkout, tmp_path):
    put_uv(tmp_path, "0.4.30")
    requirements = checkout / "tools/uv-requirements.txt"
    cached = tmp_path / "cache/uv" / bootstrap.digest(requirements.read_bytes())[:16] / "uv"
    cached.parent.mkdir(parents=True)
    shutil.copy(tmp_path / "bin/uv", cached)
    assert bootstrap.find_uv(checkout) == cached


def test_a_uv_that_cannot_be_run_is_passed_over(checkout, tmp_path):
    (tmp_path / "bin/uv").write_text("#!/no/such/interpreter\n")
    assert bootstrap.uv_on_path() is None


@pytest.mark.parametrize("version", [(3, 10, 9), (2, 7, 18)])
def test_an_old_python_is_refused_with_what_to_do(version):
    with pytest.raises(SetupFailed, match=r"3\.11 or newer.*make PYTHON="):
        bootstrap.check_python(version)


def test_the_mirror_that_pip_uses_is_used_unless_uv_has_its_own(monkeypatch):
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    assert bootstrap.uv_environment()["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    monkeypatch.setenv("UV_INDEX_URL", "https://own.example/simple")
    assert "UV_DEFAULT_INDEX" not in bootstrap.uv_environment()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"PEACEFULROBOT_CACHE": "/own", "XDG_CACHE_HOME": "/xdg"}, "/own"),
        ({"XDG_CACHE_HOME": "/xdg"}, "/xdg/peacefulrobot-infra"),
        ({}, str(Path("~/.cache/peacefulrobot-infra").expanduser())),
    ],
)
def test_the_cache_folder_follows_the_environment(environment, expected):
    assert str(bootstrap.cache_folder(environment)) == expected


def test_it_can_be_loaded_with_nothing_installed():
    load = "import runpy, sys; runpy.run_path(sys.argv[1], run_name='loaded')"
    command = [sys.executable, "-I", "-S", "-c", load, str(bootstrap.ROOT / "tools/bootstrap.py")]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
