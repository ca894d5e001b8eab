"""Repositories of the GitHub twin: what API, resources and webhooks share, and what a push is held to."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Any

from sandbox.git.http import Voice
from sandbox.git.repositories import Repositories
from sandbox.github.account import NUMBERS, OWNER, REPOSITORIES, TOKEN
from sandbox.store import Document, Store

Change = tuple[str, str, str]
"""Old commit, new commit, full name of the ref."""
#: https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-protected-branches
PRE_RECEIVE = r"""#!/bin/sh
say() { echo "error: GH006: Protected branch update failed for $ref." >&2; echo "error: $1" >&2; exit 1; }
while read -r old new ref; do
  case "$ref" in
    refs/heads/*|refs/tags/*) ;;
    *) echo "error: deny updating a hidden ref $ref" >&2; exit 1 ;;
  esac
  branch=${ref#refs/heads/}
  case "$new" in *[!0]*) ;; *)
    [ "$branch" = "$(git config sandbox.defaultbranch)" ] && say "refusing to delete the current branch: $ref"
    [ "$(git config "protected.$branch.deletions")" = "false" ] && say "Cannot delete this branch"
    continue ;;
  esac
  [ "$(git config "protected.$branch.reviews")" = "true" ] && say "Changes must be made through a pull request."
  case "$old" in *[!0]*) ;; *) continue ;; esac
  if [ "$(git config "protected.$branch.force")" = "false" ] && ! git merge-base --is-ancestor "$old" "$new"; then
    say "Cannot force-push to this branch"
  fi
done
"""
VOICE = Voice(
    realm="GitHub",
    token=TOKEN,
    denied="Invalid username or token. Password authentication is not supported for Git operations.\n",
    unknown="Repository not found.\n",
    read_only="ERROR: This repository was archived so it is read-only.\n",
)


class ApiError(Exception):
    """An answer of the API that is none of success. ``errors`` say which field, as a 422 does."""

    def __init__(self, status: int, message: str, *errors: Any) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors


class GitHub:
    """Documents in the store, repositories beside it."""

    def __init__(self, store: Store, git: Repositories) -> None:
        self.store = store
        self.git = git
        self.told: list[Callable[[Document, Sequence[Change]], None]] = []
        """Called with the repository and the changes of each push."""

    async def make(self, name: str, *, initialized: bool, private: bool) -> Document:
        """A new repository of the account; raises ApiError."""
        if not re.fullmatch(r"[\w.-]{1,100}", name):
            raise ApiError(422, "Repository creation failed.", {"resource": "Repository", "field": "name"})
        if self.at(f"{OWNER['login']}/{name}") is not None:
            said = {"resource": "Repository", "field": "name", "message": "name already exists on this account"}
            raise ApiError(422, "Repository creation failed.", said)
        number = self.next_number()
        document = {
            "id": number,
            "node_id": f"R_{number}",
            "name": name,
            "full_name": f"{OWNER['login']}/{name}",
            "owner": OWNER,
            "private": private,
            "default_branch": "main",
            "archived": False,
            "created_at": now(),
        }
        await self.git.make(number, "main")
        if initialized:
            await self._readme(number, name)
        self.store.put(REPOSITORIES, str(number), document)
        return document

    async def _readme(self, number: int, name: str) -> None:
        blob = (await self.git.git(number, "hash-object", "-w", "--stdin", given=f"# {name}\n".encode())).decode()
        tree = (
            await self.git.git(number, "mktree", given=f"100644 blob {blob.strip()}\tREADME.md\n".encode())
        ).decode()
        commit = (await self.git.git(number, "commit-tree", "-m", "Initial commit", tree.strip())).decode()
        await self.git.git(number, "update-ref", "refs/heads/main", commit.strip())

    async def remove(self, repository: Document) -> None:
        """Delete a repository; what belonged to it is found by nobody any more."""
        self.store.delete(REPOSITORIES, str(repository["id"]))
        await self.git.remove(repository["id"])

    def at(self, path: str) -> Document | None:
        """The repository of a full name, whatever its case."""
        found = self.store.all(REPOSITORIES).values()
        return next((one for one in found if str(one["full_name"]).lower() == path.lower()), None)

    def get(self, path: str) -> Document:
        """Likewise; raises ApiError 404."""
        found = self.at(path)
        if found is None:
            raise ApiError(404, "Not Found")
        return found

    def all(self) -> list[Document]:
        """Repositories, oldest first."""
        return sorted(self.store.all(REPOSITORIES).values(), key=lambda one: int(one["id"]))

    async def pushed(self, repository: Document) -> None:
        """Tell who wants to know of the pushes that came in."""
        for push in self.git.pushes(repository["id"]):
            for tell in self.told:
                tell(repository, push.changes)

    def next_number(self) -> int:
        """Numbers that are given once."""
        with self.store.transaction():
            number = int((self.store.get(NUMBERS, "next") or {"number": 1})["number"])
            self.store.put(NUMBERS, "next", {"number": number + 1})
        return number


def now() -> str:
    """As GitHub writes moments."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
