"""What the storage accounts hold: blobs in containers, and blocks that are not part of one yet."""

from __future__ import annotations

import hashlib
import secrets
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from sandbox.platforms.azure.account import BLOB, BLOB_CONTAINER, BLOCK, STORAGE_ACCOUNT
from sandbox.store import Document, Store


class Body:
    """Bytes that were received: a file on disk, their number and digests."""

    def __init__(self, path: Path, size: int, md5: bytes) -> None:
        self.path = path
        self.size = size
        self.md5 = b64encode(md5).decode()


class BlobStore:
    """Documents in the store, bytes in files below ``folder``."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self._folder = folder / "blobs"
        self._folder.mkdir(parents=True, exist_ok=True)
        used = {found["file"] for kind in (BLOB, BLOCK) for found in store.all(kind).values()}
        for path in self._folder.iterdir():
            if path.name not in used:
                path.unlink()

    def account(self, name: str) -> Document | None:
        """A storage account by its name."""
        return next((found for found in self.store.all(STORAGE_ACCOUNT).values() if found["accountName"] == name), None)

    def has_container(self, account: str, container: str) -> bool:
        """Whether the account has the container."""
        named = (account, container)
        return any(
            (found["accountName"], found["containerName"]) == named for found in self.store.all(BLOB_CONTAINER).values()
        )

    async def receive(self, pieces: AsyncIterator[bytes]) -> Body:
        """Write a request's bytes to disk."""
        path = self._folder / secrets.token_hex(16)
        md5, size = hashlib.md5(usedforsecurity=False), 0
        with path.open("wb") as target:
            async for piece in pieces:
                target.write(piece)
                md5.update(piece)
                size += len(piece)
        return Body(path, size, md5.digest())

    def blob(self, account: str, container: str, name: str) -> Document | None:
        """A committed blob."""
        return self.store.get(BLOB, f"{account}/{container}/{name}")

    def blobs(self, account: str, container: str, prefix: str) -> list[tuple[str, Document]]:
        """(name, blob) of a container, by name."""
        start = f"{account}/{container}/"
        found = [(key.removeprefix(start), blob) for key, blob in self.store.all(BLOB).items() if key.startswith(start)]
        return sorted((name, blob) for name, blob in found if name.startswith(prefix))

    def commit(self, account: str, container: str, name: str, body: Body, properties: Document) -> Document:
        """Make the blob, in the place of one of the same name."""
        key = f"{account}/{container}/{name}"
        old = self.store.get(BLOB, key)
        now = time.time()
        blob = {
            **properties,
            "file": body.path.name,
            "size": body.size,
            "etag": f'"0x{secrets.token_hex(8).upper()[1:]}"',
            "modified": now,
            "created": old["created"] if old else now,
        }
        with self.store.transaction():
            self.store.put(BLOB, key, blob)
            blocks = [found for found in self.store.all(BLOCK) if found.startswith(f"{key}#")]
            files = [str(self.store.all(BLOCK)[found]["file"]) for found in blocks]
            for found in blocks:
                self.store.delete(BLOCK, found)
        for file in [*files, *([old["file"]] if old else [])]:
            (self._folder / file).unlink(missing_ok=True)
        return blob

    def add_block(self, account: str, container: str, name: str, block: str, body: Body) -> None:
        """Keep a block until its blob is committed."""
        key = f"{account}/{container}/{name}#{block}"
        old = self.store.get(BLOCK, key)
        self.store.put(BLOCK, key, {"file": body.path.name, "size": body.size})
        if old:
            (self._folder / old["file"]).unlink(missing_ok=True)

    def joined(self, account: str, container: str, name: str, blocks: list[str]) -> Body | None:
        """The blocks in this order as one, or None where one is missing."""
        found = [self.store.get(BLOCK, f"{account}/{container}/{name}#{block}") for block in blocks]
        if any(block is None for block in found):
            return None
        path = self._folder / secrets.token_hex(16)
        md5, size = hashlib.md5(usedforsecurity=False), 0
        with path.open("wb") as target:
            for block in found:
                for piece in self.pieces(str(block["file"] if block else "")):
                    target.write(piece)
                    md5.update(piece)
                    size += len(piece)
        return Body(path, size, md5.digest())

    def pieces(self, file: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Bytes of a file that the store keeps."""
        with (self._folder / file).open("rb") as source:
            source.seek(start)
            left = (stop if stop is not None else source.seek(0, 2)) - start
            source.seek(start)
            while left > 0 and (piece := source.read(min(1 << 20, left))):
                left -= len(piece)
                yield piece

    def delete(self, account: str, container: str, name: str) -> bool:
        """Delete a blob; False where there is none."""
        blob = self.blob(account, container, name)
        if blob is None:
            return False
        self.store.delete(BLOB, f"{account}/{container}/{name}")
        (self._folder / blob["file"]).unlink(missing_ok=True)
        return True

    def clear(self, prefix: str) -> None:
        """Delete everything below ``account/`` or ``account/container/``."""
        for kind in (BLOB, BLOCK):
            for key, found in self.store.all(kind).items():
                if key.startswith(prefix):
                    self.store.delete(kind, key)
                    (self._folder / found["file"]).unlink(missing_ok=True)
