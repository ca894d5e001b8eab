"""Where the content comes from: a folder as it is, or a commit of a Git repository."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from website.errors import SourceError, printable
from website.walk import check_folder

if TYPE_CHECKING:
    from website.repository import Repository

_SCP_LIKE: Final = re.compile(r"[A-Za-z0-9_][\w.-]*@[A-Za-z0-9_][\w.-]*:[^:].*")
_SCHEMES: Final = ("https", "ssh", "file")
_REF: Final = re.compile(r"[A-Za-z0-9_][\w./@+-]*")


@dataclass(frozen=True, slots=True)
class Checkout:
    """Content on disk."""

    folder: Path
    commit: str | None
    """Full hex; None for a folder."""
    stat_cache: Path
    """File for what is remembered of the folder's files."""


def fetch(source: str, ref: str | None, cache: Path) -> Checkout:
    """Bring the content onto this disk; raises SourceError if it names nothing that can be read.

    The folder belongs to the cache if ``source`` is a Git URL, and must not be written to.
    """
    url, _, behind = source.partition("#")
    scheme = _scheme(url)
    if scheme is None:
        return _folder(source, ref, cache)
    wanted = _wanted_ref(behind, ref)
    _check_url(url, scheme)
    checkout = _repository(url, scheme, cache / "git").checkout(wanted)
    return Checkout(checkout.tree, checkout.commit, checkout.folder / "stat.json")


def tip(source: str, ref: str | None, seconds: float) -> str:
    """The commit that a branch or tag of a Git URL names now, None for the default branch; raises SourceError.

    Nothing is fetched. ``seconds`` is how long the repository may take to answer.
    """
    url, _, behind = source.partition("#")
    scheme = _scheme(url)
    if scheme is None:
        raise SourceError(f"the content {printable(source)!r} is a folder, which has no commits. Give a Git URL.")
    wanted = _wanted_ref(behind, ref)
    _check_url(url, scheme)
    return _repository(url, scheme, Path(os.devnull), seconds).tip(wanted)


def is_folder(source: str) -> bool:
    """Whether the content is a folder rather than a Git URL; raises SourceError for transports that are not allowed."""
    return _scheme(source.partition("#")[0]) is None


def _repository(url: str, scheme: str, cache: Path, *seconds: float) -> Repository:
    """Git's side, and the lock that it needs, are imported where content comes from Git."""
    from website.repository import Repository

    return Repository(url, scheme, cache, *seconds)


def _scheme(url: str) -> str | None:
    """Scheme of a Git URL, or None for a folder; raises SourceError for transports that are not allowed."""
    if re.match(r"[A-Za-z][\w+.-]*::", url):
        raise SourceError(
            f"the content {printable(url)!r} uses a remote helper of Git, which can run any program. "
            "Use https://, ssh://, git@host:path or file://."
        )
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", url)
    if match is None:
        return "ssh" if _SCP_LIKE.fullmatch(url) and not Path(url).exists() else None
    if match[1] not in _SCHEMES:
        raise SourceError(
            f"the content cannot be fetched by {match[1]}://: it is not encrypted or not Git. "
            "Use https://, ssh://, git@host:path or file://."
        )
    return match[1]


def _folder(source: str, ref: str | None, cache: Path) -> Checkout:
    if ref:
        raise SourceError(
            f"contentRef {printable(ref)!r} has no meaning for the folder {printable(source)!r}. "
            "Empty it, or give a Git URL (file:// for a repository on this disk)."
        )
    folder = Path(source).expanduser()
    check_folder(folder, source)
    real = folder.resolve()
    key = hashlib.sha256(str(real).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return Checkout(real, None, cache / "stat" / f"{key}.json")


def _wanted_ref(behind: str, ref: str | None) -> str | None:
    if behind and ref and behind != ref:
        raise SourceError(
            f"the content's URL ends in #{printable(behind)}, but contentRef is {printable(ref)}. Give one of them."
        )
    wanted = behind or ref or None
    if wanted and (not _REF.fullmatch(wanted) or ".." in wanted or "@{" in wanted):
        raise SourceError(f"{printable(wanted)!r} is not the name of a branch, a tag or a whole commit. Correct it.")
    return wanted


def _check_url(url: str, scheme: str) -> None:
    if any(char.isspace() or not char.isprintable() for char in url):
        raise SourceError("the content's URL has a space or an invisible character. Encode spaces as %20.")
    authority = url.partition("://")[2].partition("/")[0]
    if (scheme == "https" and "@" in authority) or ":" in authority.rpartition("@")[0]:
        raise SourceError(
            "the content's URL holds a user name or a password, which would be shown in logs and kept in the state. "
            "Use ssh with a key, or check the repository out yourself and give the folder."
        )
