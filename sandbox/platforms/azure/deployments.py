"""Deployments of static sites: the package is fetched by its link, checked, unpacked, and put in place as a whole.

What happens is an operation that takes a while. It is written down, so that it goes on after a restart.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import shutil
import ssl
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from sandbox.contents import Contents
from sandbox.platforms.azure.account import BUILD, DEPLOYMENT, OPERATION, STATIC_SITE
from sandbox.platforms.azure.configuration import NAME, ConfigurationRefused, read
from sandbox.store import Document
from sandbox.world import World

_log = logging.getLogger(__name__)
#: https://github.com/Azure/static-web-apps/issues/520, https://learn.microsoft.com/azure/static-web-apps/quotas
MAX_FILES = 15_000
MAX_BYTES = {"Free": 262_144_000, "Standard": 524_288_000}
#: Sandbox seconds that fetching and putting in place take beside the work itself.
_FETCHING, _PLACING = 3.0, 3.0
_HTTPS = 443


class DeploymentFailed(Exception):
    """A package that is not put in place; the text is the platform's."""


class Deployments:
    """All sites' environments; documents in the store, content by digest in files below ``folder``."""

    def __init__(self, world: World, folder: Path) -> None:
        self._world = world
        self.store = world.store
        self.contents = Contents(folder / "content")
        self._packages = folder / "packages"
        self._tasks: set[asyncio.Task[None]] = set()
        self._http: aiohttp.ClientSession | None = None
        self._placing = asyncio.Lock()
        self._packages.mkdir(parents=True, exist_ok=True)

    async def start(self, _: Any) -> None:
        """Go on with what a stop has interrupted."""
        shutil.rmtree(self._packages)
        self._packages.mkdir()
        connector = aiohttp.TCPConnector(ssl=self._trusted(), force_close=True)
        self._http = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        for identifier, operation in self.store.all(OPERATION).items():
            if operation["status"] == "InProgress":
                self._begin(identifier)

    async def stop(self, _: Any) -> None:
        """Interrupt what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    def _trusted(self) -> ssl.SSLContext:
        return self._world.authority.client_context()

    def build(self, site: str) -> Document:
        """The environment that visitors get, as it is now."""
        found = self.store.get(BUILD, site)
        if found is None:
            now = _now()
            found = {"status": "WaitingForDeployment", "created": now, "updated": now, "deployment": None}
            self.store.put(BUILD, site, found)
        return found

    def request(self, site: str, link: str, title: str, provider: str) -> str:
        """Begin a deployment; returns the operation's id."""
        identifier = secrets.token_hex(16)
        operation = {"site": site, "link": link, "title": title, "status": "InProgress", "started": _now()}
        with self.store.transaction():
            self.store.put(OPERATION, identifier, operation)
            self.store.put(BUILD, site, {**self.build(site), "status": "Uploading"})
            settings = self.store.get(STATIC_SITE, site)
            if settings is not None:
                self.store.put(STATIC_SITE, site, {**settings, "provider": provider})
        self._begin(identifier)
        return identifier

    def _begin(self, identifier: str) -> None:
        task = asyncio.get_running_loop().create_task(self._run(identifier))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, identifier: str) -> None:
        operation = self.store.get(OPERATION, identifier) or {}
        site = operation["site"]
        package = self._packages / identifier
        try:
            await self._world.clock.sleep(_FETCHING)
            await self._fetch(operation["link"], package)
            self.store.put(BUILD, site, {**self.build(site), "status": "Deploying"})
            await self._world.clock.sleep(_PLACING)
            async with self._placing:  # what one puts in place, another must not take away with its old content
                files = await asyncio.to_thread(self._unpacked, package, MAX_BYTES[self._plan(site)])
                self._place(identifier, operation, files)
        except DeploymentFailed as error:
            self._fail(identifier, operation, str(error))
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001 - a defect of the twin must end the operation, and not leave it under way for good
            _log.exception("the deployment %s failed", identifier)
            self._fail(identifier, operation, "InternalServerError")
        finally:
            package.unlink(missing_ok=True)

    def _plan(self, site: str) -> str:
        sku = (self.store.get(STATIC_SITE, site) or {}).get("sku") or {}
        return str(sku.get("name", "Free"))

    async def _fetch(self, link: str, package: Path) -> None:
        """Fetch the package over HTTPS, as anybody who has the link could."""
        parts = urlsplit(link)
        endpoint = self._world.lookup(parts.hostname or "")
        if endpoint is None or parts.scheme != "https" or self._http is None:
            raise DeploymentFailed("The app content could not be downloaded from the given URL.")
        url = URL(f"https://127.0.0.1:{endpoint.https_port}{parts.path}?{parts.query}", encoded=True)
        options: Any = {"headers": {"Host": parts.hostname}, "server_hostname": parts.hostname}
        try:
            async with self._http.get(url, allow_redirects=False, **options) as answer:
                if answer.status != 200:
                    raise DeploymentFailed(
                        f"The app content could not be downloaded from the given URL: {answer.status}."
                    )
                with package.open("wb") as target:
                    async for piece in answer.content.iter_chunked(1 << 20):
                        target.write(piece)
        except aiohttp.ClientError:
            raise DeploymentFailed("Upload Timed Out. Unsure if deployment was successful or not.") from None

    def _unpacked(self, package: Path, largest: int) -> dict[str, list[Any]]:
        """Path → digest and size of what the package holds; checked as the platform does."""
        try:
            with zipfile.ZipFile(package) as opened:
                entries = [entry for entry in opened.infolist() if not entry.is_dir()]
                _check_entries(entries, largest)
                files: dict[str, list[Any]] = {
                    entry.filename: [self._kept(opened, entry), entry.file_size] for entry in entries
                }
        except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError):
            raise DeploymentFailed("The app content is not a valid zip file.") from None
        if "index.html" not in files:
            raise DeploymentFailed(
                "Failed to find a default file in the app artifacts folder. Valid default files: index.html."
            )
        place = configuration_place(files)
        if place is not None:
            try:
                read(self.contents.read(files[place][0]))
            except ConfigurationRefused as error:
                raise DeploymentFailed(str(error)) from None
        return files

    def _kept(self, opened: zipfile.ZipFile, entry: zipfile.ZipInfo) -> str:
        digest = hashlib.sha256()
        unfinished = self.contents.unfinished()
        with opened.open(entry) as source, unfinished.open("wb") as target:
            while piece := source.read(1 << 20):
                digest.update(piece)
                target.write(piece)
        self.contents.adopt(digest.hexdigest(), unfinished)
        return digest.hexdigest()

    def _place(self, identifier: str, operation: Document, files: dict[str, list[Any]]) -> None:
        site = operation["site"]
        before = self.build(site)
        with self.store.transaction():
            self.store.put(DEPLOYMENT, identifier, {"site": site, "title": operation["title"], "files": files})
            ready = {**before, "status": "Ready", "updated": _now(), "deployment": identifier}
            self.store.put(BUILD, site, ready)
            self.store.put(OPERATION, identifier, {**operation, "status": "Succeeded", "ended": _now(), "link": ""})
            gone = self._removed(before["deployment"])
        self._drop(gone)

    def _removed(self, identifier: str | None) -> set[str]:
        """Digests of a deployment that is there no more."""
        deployment = self.store.get(DEPLOYMENT, identifier) if identifier else None
        if identifier is None or deployment is None:
            return set()
        self.store.delete(DEPLOYMENT, identifier)
        return _digests(deployment)

    def _drop(self, gone: set[str]) -> None:
        self.contents.drop(gone, map(_digests, self.store.all(DEPLOYMENT).values()))

    def _fail(self, identifier: str, operation: Document, reason: str) -> None:
        failed = {**operation, "status": "Failed", "ended": _now(), "reason": reason, "link": ""}
        with self.store.transaction():
            self.store.put(OPERATION, identifier, failed)
            self.store.put(
                BUILD, operation["site"], {**self.build(operation["site"]), "status": "Failed", "updated": _now()}
            )

    def forget(self, site: str) -> None:
        """Delete what belongs to a site that is deleted."""
        build = self.store.get(BUILD, site) or {"deployment": None}
        with self.store.transaction():
            self.store.delete(BUILD, site)
            gone = self._removed(build["deployment"])
            for identifier, operation in self.store.all(OPERATION).items():
                if operation["site"] == site:
                    self.store.delete(OPERATION, identifier)
        self._drop(gone)


def _digests(deployment: Document) -> set[str]:
    return {digest for digest, _ in deployment["files"].values()}


def configuration_place(files: Any) -> str | None:
    """Where the configuration lies: in the root, else in the first folder that has one."""
    found = [path for path in files if path == NAME or path.endswith(f"/{NAME}")]
    return min(found, key=lambda path: (path.count("/"), path)) if found else None


def _check_entries(entries: list[zipfile.ZipInfo], largest: int) -> None:
    if len(entries) > MAX_FILES:
        raise DeploymentFailed(f"The number of files in the app content folder exceeds the limit of {MAX_FILES}.")
    if sum(entry.file_size for entry in entries) > largest:
        raise DeploymentFailed(
            f"The size of the app content was too large. The limit for this Static Web App is {largest} bytes."
        )
    for entry in entries:
        path = PurePosixPath(entry.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in entry.filename:
            raise DeploymentFailed("The app content has a file outside of its folder.")


def _now() -> str:
    return datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
