"""A bare repository in a temporary folder: knows GitLab's trees without their files, and pushes what is new.

Nothing is checked out. GitLab's commits come without history and without file contents (a partial clone), so the
folder holds what is sent and little else. https://git-scm.com/docs/partial-clone
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import stamina

from publisher.errors import PlatformRefused, PlatformUnavailable
from publisher.platforms.gitlab.api import POLICY, TOKEN_VARIABLE, basic_authorization, token
from publisher.retries import Budget, HealingAnswer, backoff
from website import File, open_verified

_CHUNK = 1 << 20
_SECONDS = 1800.0
_CONFIG = {
    "core.hooksPath": "/dev/null",
    "core.attributesFile": "/dev/null",
    "core.autocrlf": "false",
    "credential.helper": "",
    "fastimport.unpackLimit": "0",
    "gc.auto": "0",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "60",
    "maintenance.auto": "false",
    # The sparse walk may miss that a file was only moved, and would send or fetch it.
    "pack.useSparse": "false",
    "protocol.allow": "never",
    "protocol.http.allow": "always",
    "protocol.https.allow": "always",
    "transfer.fsckObjects": "false",
}
_KEPT_VARIABLES = (
    *("PATH", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "CURL_CA_BUNDLE"),
    *("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"),
)
_DENIED = re.compile(r"Authentication failed|could not read Username|returned error: 401|Access denied", re.IGNORECASE)
_HEALING = re.compile(
    r"returned error: (408|425|429|5\d\d)|RPC failed|early EOF|unexpected disconnect|hung up|Could not resolve|"
    r"Failed to connect|Couldn't connect|Connection (refused|reset|timed out)|Operation too slow|Empty reply|"
    r"transfer closed|invalid server response|protocol error|bad line length|not valid: is this a git repository|"
    r"remote error: .*try again|internal server error|Recv failure|Send failure",
    re.IGNORECASE,
)
_OVERTAKEN = re.compile(
    r"stale info|fetch first|non-fast-forward|cannot lock ref|reference already exists", re.IGNORECASE
)


class Overtaken(Exception):
    """Somebody else moved the branch in the meantime."""


class Repository:
    """The publisher's side of one project's repository; ``close`` removes it."""

    def __init__(self, budget: Budget) -> None:
        self._folder: Path | None = None
        self._remote: dict[str, str] = {}
        self._tips: dict[str, str] = {}
        self._trees: dict[str, str] = {}
        self._budget = budget
        self._import: asyncio.subprocess.Process | None = None
        self._one_at_a_time = asyncio.Lock()

    @property
    def connected(self) -> bool:
        """Whether the branches are known, as they were some time in this run."""
        return self._folder is not None

    async def connect(self, url: str) -> None:
        """Learn the trees of all branches at ``url``, or what is new in them."""
        if self._folder is None:
            self._folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="peacefulrobot-gitlab-"))
            self._remote = {
                "remote.origin.url": url,
                "remote.origin.promisor": "true",
                "remote.origin.partialclonefilter": "blob:none",
                "extensions.partialClone": "origin",
            }
            await self._git("init", "--quiet", "--bare", "--template=", "--object-format=sha1", ".")
        fetch = ("fetch", "--quiet", "--depth=1", "--filter=blob:none", "--no-tags", "--prune", "--no-write-fetch-head")
        await self._talk("reading the repository", *fetch, "origin", "+refs/heads/*:refs/remotes/origin/*")
        listing = await self._git("for-each-ref", "--format=%(objectname) %(tree) %(refname)", "refs/remotes/origin")
        lines = [line.split(" ", 2) for line in listing.splitlines()]
        self._tips = {name.removeprefix("refs/remotes/origin/"): commit for commit, _, name in lines}
        self._trees |= {commit: tree for commit, tree, _ in lines}

    async def known_blobs(self) -> set[str]:
        """Ids of all files in the branches' tips."""
        found: set[str] = set()
        for tree in dict.fromkeys(self._trees[commit] for commit in self._tips.values()):
            listing = await self._git("ls-tree", "-r", "-z", tree)
            found |= {entry.partition("\t")[0].rpartition(" ")[2] for entry in listing.split("\0") if entry}
        return found

    async def add(self, file: File) -> None:
        """Take one file's bytes in; they are hashed on the way."""
        async with self._one_at_a_time:
            if self._import is None:
                self._import = await self._started("fast-import", "--quiet", "--depth=0", "--done")
            writer = self._import.stdin
            if writer is None:
                raise AssertionError("fast-import was started with a pipe")
            try:
                writer.write(f"blob\ndata {file.size}\n".encode())
                pieces = open_verified(file, _CHUNK)
                while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                    writer.write(piece)
                    await writer.drain()
                writer.write(b"\n")
                await writer.drain()
            except (BrokenPipeError, ConnectionResetError) as error:
                raise PlatformUnavailable(
                    f"gitlab: git could not take {file.path} into its temporary folder. Is the disk full? Run again."
                ) from error

    async def added(self) -> None:
        """Complete the pack of the added files."""
        process, self._import = self._import, None
        if process is None:
            return
        _, said = await _finished(process, b"done\n")
        if process.returncode:
            raise PlatformUnavailable(f"gitlab: git fast-import failed ({_words(said)}). Is the disk full? Run again.")

    async def commit(self, entries: Mapping[str, str], message: str, date: str) -> str:
        """Commit without a parent, of path → blob id; the same id for the same arguments, whoever asks."""
        index = "".join(f"100644 {blob}\t{path}\0" for path, blob in sorted(entries.items()))
        await asyncio.to_thread((self._folder or Path()).joinpath("index").unlink, missing_ok=True)
        await self._git("update-index", "-z", "--index-info", given=index.encode())
        tree = await self._git("write-tree", "--missing-ok")
        made = await self._git("commit-tree", "-m", message, tree, date=date)
        self._trees[made] = tree
        return made

    def tip(self, branch: str) -> str | None:
        """Commit that a branch of GitLab was at when we connected."""
        return self._tips.get(branch)

    def tree(self, commit: str) -> str | None:
        """Id of the tree of a commit that we made or that is the tip of a branch."""
        return self._trees.get(commit)

    async def follow_up(self, parent: str | None, tree: str, message: str) -> str:
        """A new commit on top of ``parent``, made now."""
        on_top = ("-p", parent) if parent else ()
        return await self._git("commit-tree", *on_top, "-m", message, tree)

    async def push(self, commit: str, branch: str, expected: str | None, *, skip_ci: bool, action: str) -> None:
        """Let ``branch`` be ``commit``, if it still is at ``expected`` (None: not there). Raises Overtaken."""
        # A thin pack would have the old versions of changed files fetched, to be packed as differences from them.
        options = ("--no-thin", "--push-option=ci.skip") if skip_ci else ("--no-thin",)
        lease = f"--force-with-lease=refs/heads/{branch}:{expected or ''}"
        await self._talk(action, "push", "--quiet", *options, lease, "origin", f"{commit}:refs/heads/{branch}")

    async def close(self) -> None:
        """Remove the folder."""
        if self._import is not None:
            await _ended(self._import)
            self._import = None
        if self._folder is not None:
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
            self._folder = None

    async def _talk(self, action: str, *arguments: str) -> None:
        """One command that speaks with GitLab, again where that can help."""
        attempts = stamina.retry_context(on=backoff(POLICY, self._budget), attempts=POLICY.attempts, timeout=None)
        try:
            async for attempt in attempts:
                with attempt:
                    await self._once(action, arguments)
        except HealingAnswer as error:
            raise PlatformUnavailable(
                f"gitlab: {action} did not succeed in {POLICY.attempts} attempts or within the time for retries "
                f"({error}). The release that was live before stays live; run again later to finish."
            ) from error

    async def _once(self, action: str, arguments: Iterable[str]) -> None:
        authorization = basic_authorization()
        process = await self._started(*arguments, authorization=authorization)
        try:
            async with asyncio.timeout(_SECONDS):
                _, said = await _finished(process, b"")
        except TimeoutError as error:
            raise HealingAnswer(408, f"git took longer than {_SECONDS:.0f} s", None) from error
        if not process.returncode:
            return
        text = said.decode("utf-8", "replace").replace(authorization, "…").replace(token(), "…")
        if _OVERTAKEN.search(text):
            raise Overtaken(_words(said))
        if _DENIED.search(text):
            raise PlatformRefused(
                f"gitlab: {action} was refused with HTTP 401 ({_words(text.encode())}). {POLICY.hints[401]}", status=401
            )
        if _HEALING.search(text):
            raise HealingAnswer(503, _words(text.encode()), None)
        raise PlatformRefused(
            f"gitlab: {action} was refused ({_words(text.encode())}). Is the token in {TOKEN_VARIABLE} one of a "
            "maintainer, with the scope `api`, and may maintainers push to the default branch? Nothing was published."
        )

    async def _git(self, *arguments: str, given: bytes = b"", date: str | None = None) -> str:
        """Output of a command that stays on this machine."""
        process = await self._started(*arguments, date=date)
        out, said = await _finished(process, given)
        if process.returncode:
            raise PlatformUnavailable(f"gitlab: git {arguments[0]} failed ({_words(said)}). Run again.")
        return out.decode("utf-8", "surrogateescape").removesuffix("\n")

    async def _started(
        self, *arguments: str, authorization: str | None = None, date: str | None = None
    ) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                "git",
                *arguments,
                cwd=self._folder,
                env=self._environment(authorization, date),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except FileNotFoundError as error:
            raise PlatformRefused("gitlab: the command git is not on PATH. Install Git.") from error

    def _environment(self, authorization: str | None, date: str | None) -> dict[str, str]:
        """The token goes through the environment, where no list of processes shows it."""
        config = {
            **_CONFIG,
            **self._remote,
            **({"http.extraHeader": f"Authorization: {authorization}"} if authorization else {}),
        }
        environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        environment |= {
            "HOME": str(self._folder),
            "LC_ALL": "C",
            "GIT_DIR": str(self._folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "false",
            "GIT_CONFIG_COUNT": str(len(config)),
        }
        for role in ("AUTHOR", "COMMITTER"):
            environment |= {f"GIT_{role}_NAME": "peacefulrobot-infra", f"GIT_{role}_EMAIL": "publisher@localhost"}
            environment |= {f"GIT_{role}_DATE": date} if date else {}
        for number, (key, value) in enumerate(config.items()):
            environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return environment


async def _finished(process: asyncio.subprocess.Process, given: bytes) -> tuple[bytes, bytes]:
    """Output of a process; one that nobody waits for any more is ended."""
    try:
        return await process.communicate(given)
    finally:
        await _ended(process)


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


def _words(said: bytes) -> str:
    """Git's last words, without advice."""
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines()]
    kept = [line for line in lines if line and not line.startswith("hint:")]
    return " / ".join(kept[-3:])[:300] or "no text"
