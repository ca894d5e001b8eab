"""Bare repositories of a forge's twin, run by Git itself; a hook of each stands for the forge's rules."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

NO_COMMIT = "0" * 40
_COMMIT = re.compile(r"[0-9a-f]{40}")
_CONFIG = """
[http]
    receivepack = true
[receive]
    advertisePushOptions = true
    fsckObjects = true
    autogc = false
[uploadpack]
    allowFilter = true
    allowAnySHA1InWant = true
[gc]
    auto = 0
"""
_POST_RECEIVE = r"""#!/bin/sh
unfinished="pushes/.$$"
{
  number=0
  while [ "$number" -lt "${GIT_PUSH_OPTION_COUNT:-0}" ]; do
    eval "option=\$GIT_PUSH_OPTION_$number"
    printf 'option %s\n' "$option"
    number=$((number + 1))
  done
  while read -r old new ref; do printf 'ref %s %s %s\n' "$old" "$new" "$ref"; done
} > "$unfinished"
mv "$unfinished" "pushes/$$"
"""


class GitFailed(Exception):
    """A Git command said no."""


@dataclass(frozen=True)
class Push:
    """What one push changed."""

    options: tuple[str, ...]
    changes: tuple[tuple[str, str, str], ...]
    """(old commit, new commit, full ref name)"""


class Repositories:
    """One folder, one bare repository for each project.

    ``rules`` is the text of the hook ``pre-receive``; it reads ``sandbox.defaultbranch`` and ``protected.BRANCH.*``.
    """

    def __init__(self, folder: Path, rules: str) -> None:
        self.folder = folder
        self._rules = rules
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, project: int) -> Path:
        """Folder of a project's repository."""
        return self.folder / f"{project}.git"

    async def make(self, project: int, default_branch: str) -> None:
        """An empty repository that takes push options and serves partial clones, as GitLab does."""
        path = self.path(project)
        path.mkdir()
        await self.git(project, "init", "--quiet", "--bare", "--template=", f"--initial-branch={default_branch}", ".")
        with (path / "config").open("a") as config:
            config.write(_CONFIG)
        await self.git(project, "config", "sandbox.defaultbranch", default_branch)
        (path / "hooks").mkdir()
        (path / "pushes").mkdir()
        for name, text in (("pre-receive", self._rules), ("post-receive", _POST_RECEIVE)):
            hook = path / "hooks" / name
            hook.write_text(text)
            hook.chmod(0o755)

    async def remove(self, project: int) -> None:
        """Delete a repository."""
        await asyncio.to_thread(shutil.rmtree, self.path(project), ignore_errors=True)

    async def tidy(self, project: int) -> None:
        """Pack what pushes left loose."""
        await self.git(project, "gc", "--quiet")

    async def git(self, project: int, *arguments: str, given: bytes = b"", **variables: str) -> bytes:
        """Output of a Git command in a project's repository; raises GitFailed with its words."""
        process = await asyncio.create_subprocess_exec(
            "git",
            *arguments,
            cwd=self.path(project),
            env={**environment(), "GIT_DIR": str(self.path(project)), **variables},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, said = await process.communicate(given)
        if process.returncode:
            raise GitFailed(said.decode("utf-8", "replace").strip())
        return out

    async def protect(self, project: int, branch: str, rules: Mapping[str, str]) -> None:
        """Set what the hook asks of pushes to a branch; none takes the protection away."""
        with suppress(GitFailed):  # there was none
            await self.git(project, "config", "--remove-section", f"protected.{branch}")
        for key, value in rules.items():
            await self.git(project, "config", f"protected.{branch}.{key}", value)

    async def branches(self, project: int) -> dict[str, str]:
        """Branch → commit, by name."""
        listing = await self.git(project, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads")
        lines = (line.partition(" ") for line in listing.decode().splitlines())
        return {ref.removeprefix("refs/heads/"): sha for sha, _, ref in lines}

    async def resolve(self, project: int, name: str) -> str | None:
        """Commit of a branch, tag or id, or None."""
        candidates = (f"refs/heads/{name}", f"refs/tags/{name}", name)
        for candidate in candidates[2:] if _COMMIT.fullmatch(name) else candidates:
            try:
                found = await self.git(project, "rev-parse", "--verify", "--quiet", f"{candidate}^{{commit}}")
            except GitFailed:
                continue
            return found.decode().strip()
        return None

    async def files(self, project: int, commit: str, folder: str = "") -> dict[str, tuple[str, str]]:
        """Path → (mode, blob) of a commit, below ``folder`` if given."""
        listing = await self.git(project, "ls-tree", "-r", "-z", commit, *([f"{folder}/"] if folder else []))
        found = {}
        for entry in listing.decode("utf-8", "surrogateescape").split("\0"):
            words, _, path = entry.partition("\t")
            if path:
                mode, _, blob = words.split()
                found[path] = (mode, blob)
        return found

    async def content(self, project: int, blob: str) -> bytes:
        """Bytes of a blob."""
        return await self.git(project, "cat-file", "blob", blob)

    async def log(self, project: int, start: str, most: int) -> list[dict[str, object]]:
        """Commits from ``start`` back, newest first, as the API shows them."""
        return await self._logged(project, f"--max-count={most}", start)

    async def commits(self, project: int, ids: Sequence[str]) -> dict[str, dict[str, object]]:
        """Single commits, by id."""
        listed = await self._logged(project, "--no-walk=unsorted", *dict.fromkeys(ids)) if ids else []
        return {str(commit["id"]): commit for commit in listed}

    async def _logged(self, project: int, *arguments: str) -> list[dict[str, object]]:
        layout = "%H%x00%P%x00%cI%x00%an%x00%ae%x00%B%x01"
        listing = await self.git(project, "log", f"--format={layout}", *arguments)
        commits = []
        for entry in listing.decode("utf-8", "replace").split("\x01"):
            if entry.strip():
                commits.append(_commit_view(*entry.lstrip("\n").split("\0")))
        return commits

    def pushes(self, project: int) -> list[Push]:
        """Pushes that were received and not looked at yet, oldest first; they are taken away by this."""
        found = []
        received = (self.path(project) / "pushes").glob("[0-9]*")
        for file in sorted(received, key=lambda each: each.stat().st_mtime_ns):
            lines = [line.split(" ") for line in file.read_text().splitlines()]
            options = tuple(" ".join(words[1:]) for words in lines if words[0] == "option")
            changes = tuple((words[1], words[2], words[3]) for words in lines if words[0] == "ref")
            found.append(Push(options, changes))
            file.unlink()
        return found


def environment() -> dict[str, str]:
    """Variables for Git on the server's side: nothing of the user's configuration."""
    own = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "HOME": "/nonexistent", "LC_ALL": "C"}
    for role in ("AUTHOR", "COMMITTER"):
        own |= {f"GIT_{role}_NAME": "Sandbox", f"GIT_{role}_EMAIL": "sandbox@example.com"}
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), **own}


def _commit_view(sha: str, parents: str, moment: str, author: str, email: str, message: str) -> dict[str, object]:
    text = message.rstrip("\n")
    view: Mapping[str, object] = {
        "id": sha,
        "short_id": sha[:8],
        "title": text.partition("\n")[0],
        "message": text,
        "parent_ids": parents.split(),
        "author_name": author,
        "author_email": email,
        "committer_name": author,
        "created_at": moment,
        "committed_date": moment,
        "authored_date": moment,
    }
    return dict(view)
