"""The bucket's own list of its objects: one GET in place of a listing, which takes a request for each 1,000 keys.

The list may lack objects and must not name one that is gone: it is written after objects were sent and before any is
deleted. Each write has to find the version that was read (If-Match). Where another run was there first, what was sent
is left out, and what is deleted takes the list with it. Whoever deletes objects by hand is found out when the staged
copy is checked, by a real listing; then the list is thrown away.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publisher.platforms.aws.objects import Objects

KEY = "inventory/objects.txt"


class Inventory:
    """Keys of one bucket, as far as earlier runs have written them down."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._written: frozenset[str] = frozenset()
        self._version: str | None = None

    async def keys(self) -> frozenset[str]:
        """What the list names; nothing where there is none."""
        found = await self._objects.versioned(KEY)
        body, self._version = found or (b"", None)
        self._written = frozenset(body.decode().splitlines())
        return self._written

    async def add(self, keys: Collection[str]) -> None:
        """Name objects that are there now, unless another run has written the list meanwhile."""
        if not self._written.issuperset(keys):
            await self._write(self._written.union(keys))

    async def remove(self, keys: Collection[str]) -> None:
        """No longer name objects that are about to be deleted."""
        await self.keys()
        if not self._written.isdisjoint(keys) and not await self._write(self._written.difference(keys)):
            await self.forget()

    async def forget(self) -> None:
        """Throw the list away; the next run lists the bucket."""
        await self._objects.delete([KEY])
        self._written, self._version = frozenset(), None

    async def _write(self, keys: frozenset[str]) -> bool:
        """Whether the list was as it was read."""
        version = await self._objects.replace(KEY, "\n".join(sorted(keys)).encode(), "text/plain", self._version)
        if version is not None:
            self._written, self._version = keys, version
        return version is not None
