"""The Pulumi resource types of Workers (package ``cloudflare`` 6.23.1)."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

from sandbox.cloudflare.account import ACCOUNT_ID, Account
from sandbox.cloudflare.errors import ApiError
from sandbox.cloudflare.objects import WorkerRouteKind, WorkerScriptKind
from sandbox.cloudflare.resources import CloudflareType
from sandbox.cloudflare.wire import to_api
from sandbox.cloudflare.workers.deploying import deployed, removed
from sandbox.cloudflare.workers.fleet import Fleet
from sandbox.provider.resource_type import Inputs, Outputs, Refused
from sandbox.store import Document


class WorkersScriptType(CloudflareType):
    """A Worker. Its content is uploaded by the provider, its assets from a folder beside the program."""

    token = "cloudflare:index/workersScript:WorkersScript"  # noqa: S105 - a type's name
    kind, scope = WorkerScriptKind, "accountId"
    replaced_by = frozenset({"accountId", "scriptName"})
    named = "scriptName"
    computed = frozenset({"createdOn", "modifiedOn", "etag", "handlers", "hasAssets", "hasModules", "startupTimeMs"})

    def __init__(self, account: Account, fleet: Fleet) -> None:
        super().__init__(account)
        self._fleet = fleet

    async def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        """Upload it: the service's PUT makes and overwrites alike."""
        self._check_scope(inputs)
        return str(inputs["scriptName"]), await self._deploy(inputs)

    async def update(self, identifier: str, old: Outputs, new: Inputs) -> Outputs:
        """Upload it again."""
        del identifier, old
        return await self._deploy(new)

    async def read(self, identifier: str) -> Outputs | None:
        """What is deployed; the folder of the assets is known to the state only."""
        document = self.account.find(self.kind, identifier)
        return None if document is None else self._outputs(document)

    async def delete(self, identifier: str) -> None:
        """Take it away."""
        try:
            await removed(self.account, self._fleet, identifier)
        except ApiError as error:
            raise Refused(str(error)) from error

    async def _deploy(self, inputs: Inputs) -> Outputs:
        try:
            document = await asyncio.to_thread(self._document, inputs)
            return self._outputs(await deployed(self.account, self._fleet, document))
        except ApiError as error:
            raise Refused(str(error)) from error

    def _document(self, inputs: Inputs) -> Document:
        declared = {key: value for key, value in inputs.items() if key != self.scope and value is not None}
        document = {**to_api(declared), "declared": declared}
        if "content_file" in document:
            document["content"] = _read(document.pop("content_file"), document.pop("content_sha256"))
        given = document.get("assets") or {}
        if "directory" in given:
            manifest = self._fleet.assets.from_folder(Path(given["directory"]))
            document["assets"] = {"config": given.get("config") or {}, "manifest": manifest}
        elif "jwt" in given:
            manifest = self._fleet.assets.manifest(given["jwt"])
            document["assets"] = {"config": given.get("config") or {}, "manifest": manifest}
        return document

    def _outputs(self, document: Document) -> Outputs:
        """What the provider declared, or nearly all there is for one that somebody else uploaded."""
        own = {"scriptName": document["script_name"], "mainModule": document["main_module"]}
        declared: Outputs = document.get("declared") or {**own, "content": document["content"]}
        return {
            **declared,
            self.scope: ACCOUNT_ID,
            "createdOn": document["created_on"],
            "modifiedOn": document["modified_on"],
            "etag": hashlib.sha256(str(document["content"]).encode()).hexdigest(),
            "handlers": ["fetch"],
            "hasAssets": bool(document.get("assets")),
            "hasModules": True,
            "startupTimeMs": 1,
        }


class WorkersRouteType(CloudflareType):
    """A route."""

    token = "cloudflare:index/workersRoute:WorkersRoute"  # noqa: S105 - a type's name
    kind, scope = WorkerRouteKind, "zoneId"
    replaced_by = frozenset({"zoneId"})


def _read(path: str, digest: str) -> str:
    text = Path(path).read_text("utf-8")
    if hashlib.sha256(text.encode()).hexdigest() != digest:
        raise ApiError(400, 10021, f"SHA-256 Hash Mismatch: content_sha256 is not that of {path}")
    return text
