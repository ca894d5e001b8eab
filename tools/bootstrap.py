"""Makes ``.venv`` from the locked requirements; run by every target of the Makefile, with nothing installed yet.

Standard library only. The work is done by uv: one on PATH if it is recent enough, else one of a pinned version and
hash, kept in the cache folder. When ``.venv`` is complete already, this returns at once and prints nothing. It may be
killed at any moment: the stamp that says "complete" is removed first and written last.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 11)
OLDEST_UV = (0, 5, 0)
"""The first uv whose ``pip sync`` and ``venv`` know every option used here."""
STAMP = "complete"
INDEX_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX")


class SetupFailed(Exception):
    """The set-up cannot go on; the text says what failed, why, and what to do."""


def say(text: str) -> None:
    """One line of progress, on standard error: standard output belongs to the command that follows."""
    sys.stderr.write(f"set-up: {text}\n")
    sys.stderr.flush()


@contextlib.contextmanager
def step(text: str) -> Iterator[None]:
    """Announce what takes long, and say afterwards how long it took."""
    say(f"{text} …")
    started = time.monotonic()
    yield
    say(f"{text}: done in {time.monotonic() - started:.1f} s")


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where everything is kept that outlives a checkout: uv and the engine."""
    own = environment.get("PEACEFULROBOT_CACHE")
    if own:
        return Path(own).expanduser().absolute()
    base = environment.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "peacefulrobot-infra"


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> None:
    """Refuse a Python that the project does not run on."""
    if version < OLDEST_PYTHON:
        raise SetupFailed(
            f"Python {'.'.join(map(str, version))} ({sys.executable}) is too old: the project needs 3.11 or newer. "
            "Install one, then name it: make PYTHON=/path/to/python3.11"
        )


def digest(*contents: bytes) -> str:
    """SHA-256 over ``contents``, hex."""
    whole = hashlib.sha256()
    for content in contents:
        whole.update(hashlib.sha256(content).digest())
    return whole.hexdigest()


def expected_stamp(venv: Path, lock: Path) -> str:
    """What the stamp holds when ``venv`` is complete: the lock and the interpreter that the environment was made of."""
    return digest(lock.read_bytes(), (venv / "pyvenv.cfg").read_bytes())


def is_complete(venv: Path, lock: Path) -> bool:
    """Whether ``venv`` holds what ``lock`` says and its interpreter still exists."""
    try:
        return (venv / "bin/python").exists() and (venv / STAMP).read_text("utf-8") == expected_stamp(venv, lock)
    except OSError:
        return False


def command_failed(what: str, command: list[str], why: str) -> SetupFailed:
    """An error that names the command, what it said, and what usually helps."""
    shown = " ".join([Path(command[0]).name, *command[1:]])
    return SetupFailed(
        f"{what} failed: `{shown}`\n{why.strip()}\n"
        "If a package registry could not be reached: check the network, HTTPS_PROXY and, for a mirror, PIP_INDEX_URL "
        "or UV_DEFAULT_INDEX; behind a proxy with its own certificate authority set SSL_CERT_FILE. Then run it again: "
        "it goes on where it stopped."
    )


def run(what: str, command: list[str], environment: Mapping[str, str] | None = None, folder: Path | None = None) -> str:
    """Run a command quietly and return what it printed; its messages are shown when it fails."""
    try:
        done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    except OSError as error:
        raise command_failed(what, command, str(error)) from error
    if done.returncode != 0:
        raise command_failed(what, command, done.stderr or done.stdout)
    return done.stdout


def uv_on_path() -> Path | None:
    """A uv that the user has, if it is recent enough."""
    found = shutil.which("uv")
    if found is None:
        return None
    try:
        printed = run("uv", [found, "--version"])
    except SetupFailed:
        return None
    version = re.search(r"(\d+)\.(\d+)\.(\d+)", printed)
    recent = version is not None and tuple(map(int, version.groups())) >= OLDEST_UV
    return Path(found) if recent else None


def find_uv(root: Path) -> Path:
    """A uv that is recent enough: the user's, else one of our own."""
    return uv_on_path() or uv_in_cache(cache_folder(), root / "tools/uv-requirements.txt")


def uv_in_cache(cache: Path, requirements: Path) -> Path:
    """The pinned uv of the cache folder, installed there first if need be."""
    final = cache / "uv" / digest(requirements.read_bytes())[:16] / "uv"
    if not final.exists():
        with step("installing uv (once a machine)"):
            final.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=final.parent) as scratch:
                install_uv(Path(scratch), requirements).replace(final)
    return final


def install_uv(scratch: Path, requirements: Path) -> Path:
    """Install uv into ``scratch``: by a virtual environment's pip, or by the Python's own where venv has no pip."""
    options = ["--quiet", "--no-input", "--no-deps", "--only-binary=:all:", "--require-hashes", "-r", str(requirements)]
    quiet = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_USER": "0"}
    try:
        run("making a virtual environment", [sys.executable, "-m", "venv", str(scratch / "venv")])
    except SetupFailed as failure:
        if not has_pip():
            raise SetupFailed(
                f"{sys.executable} can make no virtual environment and has no pip, so uv cannot be installed.\n"
                "Install uv yourself, or what your system calls python3-venv (Debian, Ubuntu: apt install "
                "python3-venv), and run it again."
            ) from failure
        target = scratch / "target"
        run("installing uv", [sys.executable, "-m", "pip", "install", "--target", str(target), *options], quiet)
        return target / "bin/uv"
    run("installing uv", [str(scratch / "venv/bin/python"), "-m", "pip", "install", *options], quiet)
    return scratch / "venv/bin/uv"


def has_pip() -> bool:
    """Whether this Python has pip."""
    command = [sys.executable, "-m", "pip", "--version"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def uv_environment() -> dict[str, str]:
    """Environment for uv: never fetches a Python, and uses the package mirror that pip is configured for."""
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    environment.pop("VIRTUAL_ENV", None)
    if not any(os.environ.get(name) for name in INDEX_VARIABLES):
        mirror = os.environ.get("PIP_INDEX_URL") or configured_mirror()
        if mirror:
            environment["UV_DEFAULT_INDEX"] = mirror
    return environment


def configured_mirror() -> str:
    """The ``index-url`` of pip's configuration files, empty if there is none."""
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def make_environment(venv: Path, uv: Path, environment: Mapping[str, str]) -> None:
    """Create ``venv`` unless a working one is there; a broken one is replaced, a foreign folder is refused."""
    if (venv / "bin/python").exists() and (venv / "pyvenv.cfg").exists():
        return
    if venv.exists():
        if not (venv / "pyvenv.cfg").exists() and any(venv.iterdir()):
            raise SetupFailed(f"{venv} is no virtual environment and not empty: move it away, then run it again")
        shutil.rmtree(venv)
    command = [str(uv), "venv", "--quiet", "--no-project", "--python", sys.executable, str(venv)]
    run("making the virtual environment", command, environment)


def sync(venv: Path, lock: Path, uv: Path) -> None:
    """Bring ``venv`` to exactly what ``lock`` says."""
    environment = uv_environment()
    (venv / STAMP).unlink(missing_ok=True)
    make_environment(venv, uv, environment)
    command = [str(uv), "pip", "sync", "--require-hashes", "--python", str(venv / "bin/python"), str(lock)]
    if not sys.stderr.isatty():
        run("installing the locked packages", command, environment)
    elif subprocess.run(command, env=environment, check=False).returncode != 0:
        raise command_failed("installing the locked packages", command, "uv's message is above.")
    (venv / STAMP).write_text(expected_stamp(venv, lock), "utf-8")


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a lock on ``folder``: two set-ups of one checkout wait for each other. It ends with the process."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def bootstrap(root: Path = ROOT) -> None:
    """Make sure that ``root``/.venv is complete."""
    check_python()
    venv, lock = root / ".venv", root / "requirements.txt"
    if is_complete(venv, lock):
        return
    with alone(root):
        if is_complete(venv, lock):
            return
        uv = find_uv(root)
        with step(f"installing {lock.read_text('utf-8').count('==')} locked packages into {venv.name}"):
            sync(venv, lock, uv)


def lock(root: Path = ROOT) -> None:
    """Resolve requirements.in and tools/uv.in anew, for every supported Python, with all hashes."""
    uv = find_uv(root)
    for source, target in (("requirements.in", "requirements.txt"), ("tools/uv.in", "tools/uv-requirements.txt")):
        options = ["--quiet", "--universal", "--generate-hashes", "--python-version", "3.11", "--upgrade"]
        command = [str(uv), "pip", "compile", *options, source, "--output-file", target]
        with step(f"writing {target}"):
            run(f"resolving {source}", command, uv_environment(), root)


def main(arguments: Sequence[str] = ()) -> int:
    """Run the set-up, or with the argument ``lock`` write the lock files; exit code 1 with a message on failure."""
    try:
        lock() if arguments == ["lock"] else bootstrap()
    except SetupFailed as failure:
        say(str(failure))
        return 1
    except OSError as error:
        say(f"{error.strerror}: {error.filename}. Check free space and permissions, then run it again.")
        return 1
    except KeyboardInterrupt:
        say("stopped; run it again to go on")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
