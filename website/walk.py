"""The files under a folder, with everything refused that is not a plain file inside it.

Folders are opened one from another without following symlinks, so a folder that is swapped for a symlink while the
walk is under way cannot lead out of the tree.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from website.errors import Problem, SourceError, unreadable
from website.names import RELEASE_FILE, Collisions, is_housekeeping, name_problem

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DEEPEST = 64


class Found(NamedTuple):
    """A file of the content as the walk saw it."""

    path: str
    """In the site, posix."""
    location: str
    """Absolute path on disk, free of symlinks."""
    stat: os.stat_result


class Walk:
    """One pass over a folder: ``files`` sorted by path, ``problems`` in the order in which they were met.

    Raises SourceError if the folder cannot be read.
    """

    def __init__(self, root: Path) -> None:
        self.files: list[Found] = []
        self.problems: list[Problem] = []
        self._root = os.path.realpath(root)
        self._collisions = Collisions()
        self._following = False
        try:
            with _folder(self._root, None) as top:
                self._top = top
                self._enter(top, "", self._root, ())
        except OSError as error:
            raise unreadable(str(error.filename or self._root), error) from error
        self.files.sort()

    def _enter(self, descriptor: int, prefix: str, location: str, above: tuple[tuple[int, int], ...]) -> None:
        state = os.fstat(descriptor)
        here = (state.st_dev, state.st_ino)
        if here in above or len(above) >= _DEEPEST:
            self._refuse(prefix, f"the folder contains itself, or lies deeper than {_DEEPEST} folders. Flatten it.")
            return
        with os.scandir(descriptor) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                self._visit(entry, descriptor, prefix, location, (*above, here))

    def _visit(
        self, entry: os.DirEntry[str], parent: int, prefix: str, location: str, above: tuple[tuple[int, int], ...]
    ) -> None:
        name = entry.name
        if is_housekeeping(name):
            return
        path = prefix + name
        reason = name_problem(name, prefix) or self._collisions.problem(path)
        if reason:
            self._refuse(path, reason)
        elif entry.is_file(follow_symlinks=False):
            self._add(path, f"{location}/{name}", entry.stat(follow_symlinks=False))
        elif entry.is_dir(follow_symlinks=False):
            with _folder(name, parent, path) as descriptor:
                self._enter(descriptor, f"{path}/", f"{location}/{name}", above)
        elif entry.is_symlink():
            self._follow(path, f"{location}/{name}", above)
        else:
            self._refuse(path, "is a device, a socket or a FIFO, not a file. Delete it from the content.")

    def _follow(self, path: str, location: str, above: tuple[tuple[int, int], ...]) -> None:
        """Publish what a symlink within the tree points to; refuse one that leaves it or ends nowhere."""
        target = os.path.realpath(location)
        inside = os.path.relpath(target, self._root).split("/")
        if inside[0] == ".." or any(map(is_housekeeping, inside)):
            self._refuse(path, "is a symlink out of the content. Put a copy of the file in its place (cp -L).")
        elif not os.path.lexists(target):
            self._refuse(path, "is a symlink to nothing. Delete it or put the file in its place.")
        elif Path(target).is_dir():
            self._follow_folder(path, target, inside, above)
        else:
            with _beneath(self._top, inside[:-1], path) as descriptor:
                self._add(path, target, os.stat(inside[-1], dir_fd=descriptor, follow_symlinks=False))

    def _follow_folder(self, path: str, target: str, inside: list[str], above: tuple[tuple[int, int], ...]) -> None:
        if self._following:  # chains of them can multiply a few folders into millions of files
            self._refuse(path, "is a symlink to a folder inside a folder that is itself reached by one. Use a copy.")
            return
        self._following = True
        with _beneath(self._top, inside, path) as descriptor:
            self._enter(descriptor, f"{path}/", target, above)
        self._following = False

    def _add(self, path: str, location: str, state: os.stat_result) -> None:
        if not stat.S_ISREG(state.st_mode):
            self._refuse(path, "leads to a device, a socket or a FIFO, not a file. Delete it from the content.")
        elif path == RELEASE_FILE:
            self._refuse(path, "is written by the publisher and tells which release is live. Delete it, or rename it.")
        else:
            self.files.append(Found(path, location, state))

    def _refuse(self, path: str, reason: str) -> None:
        self.problems.append(Problem(path, 0, reason))


@contextmanager
def _folder(name: str, parent: int | None, path: str | None = None) -> Iterator[int]:
    try:
        descriptor = os.open(name, _FOLDER, dir_fd=parent)
    except OSError as error:
        raise unreadable(path or name, error) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _beneath(top: int, parts: list[str], path: str) -> Iterator[int]:
    """A descriptor of the folder ``parts`` under ``top``; raises SourceError if any of them became a symlink."""
    descriptor = os.dup(top)
    try:
        for part in parts:
            following = os.open(part, _FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = following
        yield descriptor
    except OSError as error:
        raise unreadable(path, error) from error
    finally:
        os.close(descriptor)


def check_folder(folder: Path, source: str) -> None:
    """Raise SourceError unless ``folder`` is a folder."""
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise SourceError(
            f"the content {source!r} {what}. Give the folder that holds index.html, or a Git URL "
            "(https://…, ssh://…, git@…, file://…)."
        )
