"""Takes one commit out of a Git repository into the cache, with Git's own command and nothing run from the content.

Hooks, submodules, filters (Git LFS among them), credential prompts and the configuration of user and machine are off;
only the transport of the given URL is allowed. https://git-scm.com/docs/git#_environment_variables
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from website.errors import SourceError, printable

CONTENT_PREFIX: Final = "PEACEFULROBOT_CONTENT_"
"""In front of e.g. HTTPS_PROXY, a variable that counts for fetching content and nothing else."""

_LOCK_SECONDS: Final = 900
_GIT_SECONDS: Final = 1800
_KEPT: Final = 3
_KEPT_SECONDS: Final = 86_400

_COMMIT: Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")

_CONFIG: Final[Mapping[str, str]] = {
    "core.hooksPath": "/dev/null",
    "core.attributesFile": "/dev/null",
    "core.fsmonitor": "false",
    "core.autocrlf": "false",
    "core.eol": "lf",
    "core.symlinks": "true",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "submodule.recurse": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "60",
    "init.defaultBranch": "none",
    "protocol.allow": "never",
}
_KEPT_VARIABLES: Final = (
    *("PATH", "HOME", "TMPDIR", "SSH_AUTH_SOCK", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"),
)


def _variable(name: str) -> str | None:
    """A variable of the environment, or the one for fetching content only: empty there means not set.

    So the content can come over the machine's own proxy while everything else goes over another.
    """
    return os.environ.get(f"{CONTENT_PREFIX}{name}", os.environ.get(name))


@dataclass(frozen=True, slots=True)
class CheckedOut:
    """One commit's files on disk."""

    folder: Path
    """Holds ``tree``, ``git`` and ``index``."""
    commit: str

    @property
    def tree(self) -> Path:
        """The content."""
        return self.folder / "tree"


class Repository:
    """A remote repository, and the commits of it that lie in the cache.

    A commit is fetched into a folder of its own that gets its name only when it is whole. So nothing that was left
    by a killed run is ever used.
    """

    def __init__(self, url: str, scheme: str, cache: Path) -> None:
        self._url = url
        self._scheme = scheme
        self._folder = cache / hashlib.sha256(url.encode()).hexdigest()[:32]

    def checkout(self, ref: str | None) -> CheckedOut:
        """The commit that ``ref`` names now, None for the default branch; raises SourceError."""
        commit = ref if ref and _COMMIT.fullmatch(ref) else self._resolve(ref)
        with self._locked():
            found = CheckedOut(self._folder / commit, commit)
            if not self._is_untouched(found):
                shutil.rmtree(found.folder, ignore_errors=True)
                found = self._fetch(commit)
            os.utime(found.folder)
            self._prune(found.folder)
        return found

    def tip(self, ref: str | None, seconds: float) -> str:
        """The commit that ``ref`` names now; nothing is fetched. Raises SourceError, also after ``seconds``."""
        return self._resolve(ref, seconds)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(self._folder / "lock", timeout=_LOCK_SECONDS):
                yield
        except Timeout as error:
            raise SourceError(
                f"another run has been fetching {self._url} for {_LOCK_SECONDS // 60} minutes. End it, then run again."
            ) from error
        except OSError as error:
            raise SourceError(
                f"{self._url} cannot be kept in {self._folder}: {error.strerror}. "
                "Free some space or mend its permissions."
            ) from error

    def _resolve(self, ref: str | None, seconds: float = _GIT_SECONDS) -> str:
        """Ask the remote what a branch or tag is now; a tag wins, as in Git itself."""
        tags = [f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}"]
        names = [*tags, f"refs/heads/{ref}", f"{ref}^{{}}", ref] if ref else ["HEAD"]
        output = self._git(["ls-remote", "--", self._url, *names], "asked for its branches", seconds=seconds)
        lines = (line.partition("\t") for line in output.splitlines())
        found = {name: commit for commit, _, name in lines}
        commit = next((found[name] for name in names if name in found), None)
        if commit is None or not _COMMIT.fullmatch(commit):
            raise SourceError(self._unknown(ref))
        return commit

    def _unknown(self, ref: str | None) -> str:
        if ref is None:
            return (
                f"{self._url} has no default branch, or no commit yet. Name a branch, tag or commit: {self._url}#main"
            )
        output = self._git(["ls-remote", "--heads", "--tags", "--refs", "--", self._url], "asked for its branches")
        known = [line.split("/", 2)[-1] for line in output.splitlines()[:10]]
        return (
            f"{self._url} has no branch or tag {ref!r}. It has: {printable(', '.join(known)) or 'none'}. "
            "Correct contentRef; a commit needs all of its hex digits."
        )

    def _fetch(self, commit: str) -> CheckedOut:
        for left_behind in self._folder.glob(".new-*"):
            shutil.rmtree(left_behind, ignore_errors=True)
        new = Path(tempfile.mkdtemp(dir=self._folder, prefix=".new-"))
        try:
            self._fetch_into(new, commit)
            self._refuse_submodules(new, commit)
            (new / "tree").mkdir()
            self._git(["read-tree", commit], "read", new)
            self._git(["checkout-index", "--all", "--force", "--index", "--quiet"], "written out", new)
            final = self._folder / commit
            new.rename(final)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        return CheckedOut(final, commit)

    def _fetch_into(self, new: Path, commit: str) -> None:
        algorithm = "sha1" if len(commit) == 40 else "sha256"
        self._git(
            ["init", "--quiet", "--bare", "--template=", f"--object-format={algorithm}", str(new / "git")], "prepared"
        )
        fetch = ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"]
        self._git([*fetch, "--", self._url, commit], f"fetched at {commit[:12]}", new)
        kind = self._git(["cat-file", "-t", commit], "read", new).strip()
        if kind != "commit":
            raise SourceError(f"{commit} in {self._url} is a {printable(kind)}, not a commit. Give the commit.")

    def _refuse_submodules(self, new: Path, commit: str) -> None:
        listing = self._git(["ls-tree", "-r", "-z", commit], "read", new)
        modules = [entry.partition("\t")[2] for entry in listing.split("\0") if entry.startswith("160000 ")]
        if modules:
            raise SourceError(
                f"{self._url} has the submodule {printable(modules[0])}, and submodules are not fetched. "
                "Commit its files instead, or check it out yourself and give the folder."
            )

    def _is_untouched(self, found: CheckedOut) -> bool:
        """Tell whether the files in the cache are still those of the commit, none changed, gone or added."""
        if not found.tree.is_dir():
            return False
        try:
            self._git(["update-index", "--refresh"], "compared", found.folder)
            return not self._git(["ls-files", "--others"], "compared", found.folder)
        except SourceError:
            return False

    def _prune(self, used: Path) -> None:
        """Delete older commits, but none that a run of the last day may still be reading."""
        others = [each for each in self._folder.iterdir() if _COMMIT.fullmatch(each.name) and each != used]
        others.sort(key=lambda each: each.stat().st_mtime, reverse=True)
        for old in others[_KEPT - 1 :]:
            if time.time() - old.stat().st_mtime > _KEPT_SECONDS:
                shutil.rmtree(old, ignore_errors=True)

    def _git(self, arguments: list[str], what: str, folder: Path | None = None, seconds: float = _GIT_SECONDS) -> str:
        """Output of one Git command, on the checkout in ``folder`` if given; raises SourceError with Git's words."""
        try:
            done = subprocess.run(
                ["git", *arguments],
                cwd="/",
                env=self._environment(folder),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=seconds,
                check=False,
            )
        except FileNotFoundError as error:
            raise SourceError("the content is a Git URL, but the command git is not on PATH. Install Git.") from error
        except subprocess.TimeoutExpired as error:
            raise SourceError(f"{self._url} was not {what} within {seconds:.0f} seconds. Try again later.") from error
        if done.returncode != 0:
            raise SourceError(self._failure(what, done.stderr))
        return done.stdout.decode("utf-8", "surrogateescape")

    def _failure(self, what: str, stderr: bytes) -> str:
        lines = [line for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
        said = printable(" / ".join(lines[-3:])) or "nothing"
        return (
            f"{self._url} could not be {what}. Git says: {said}. Check the address, your access (no passwords are "
            "asked for here: use ssh with a key in an agent), and the network."
        )

    def _environment(self, folder: Path | None) -> dict[str, str]:
        config = {**_CONFIG, f"protocol.{self._scheme}.allow": "always"}
        environment = {name: value for name in _KEPT_VARIABLES if (value := _variable(name))}
        environment.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o ConnectTimeout=30")
        environment |= {
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_SYSTEM": "/dev/null",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "false",
            "SSH_ASKPASS": "false",
            "GIT_ALLOW_PROTOCOL": self._scheme,
            "GIT_LFS_SKIP_SMUDGE": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_CONFIG_COUNT": str(len(config)),
        }
        for number, (key, value) in enumerate(config.items()):
            environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        if folder is not None:
            places = {"GIT_DIR": "git", "GIT_WORK_TREE": "tree", "GIT_INDEX_FILE": "index"}
            environment |= {name: str(folder / place) for name, place in places.items()}
        return environment
