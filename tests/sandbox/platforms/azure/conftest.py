from __future__ import annotations

import io
import ssl
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as Xml

import aiohttp
import pytest
from azure.storage.blob import BlobSasPermissions, UserDelegationKey, generate_blob_sas
from yarl import URL

from sandbox.platforms import azure
from sandbox.platforms.azure.account import CLIENT, CLIENT_SECRET, TENANT
from tests.worlds import Running, running

GROUP, SITE = "azure-native:resources:ResourceGroup", "azure-native:web:StaticSite"
ACCOUNT, CONTAINER = "azure-native:storage:StorageAccount", "azure-native:storage:BlobContainer"
ARM, STORAGE = "https://management.azure.com", "https://storage.azure.com"
VERSION = "2024-08-04"
KEY_FIELDS = {
    "SignedOid": "signed_oid",
    "SignedTid": "signed_tid",
    "SignedStart": "signed_start",
    "SignedExpiry": "signed_expiry",
    "SignedService": "signed_service",
    "SignedVersion": "signed_version",
    "Value": "value",
}


class Client:
    """Plain HTTP to the services and the site, through the sandbox's proxy and TLS."""

    def __init__(self, sandbox: Running, http: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.http = http
        self.tokens: dict[str, str] = {}

    async def set_up(self) -> None:
        await self.sandbox.declare(GROUP, resourceGroupName="rg", location="westeurope")
        within = {"resourceGroupName": "rg", "location": "westeurope"}
        sku = {"name": "Free", "tier": "Free"}
        self.site_id, site = await self.sandbox.declare(SITE, **within, name="Site", sku=sku)
        account = {"accountName": "acc", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
        await self.sandbox.declare(ACCOUNT, **within, **account, allowSharedKeyAccess=False)
        await self.sandbox.declare(CONTAINER, resourceGroupName="rg", accountName="acc", containerName="packages")
        self.url = f"https://{site['defaultHostname']}"
        self.blobs = "https://acc.blob.core.windows.net"
        for audience in (ARM, STORAGE):
            _, found, _ = await self.sign_in(scope=f"{audience}/.default")
            self.tokens[audience] = found["access_token"]

    async def sign_in(self, tenant: str = TENANT, **changed: Any):
        form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": CLIENT_SECRET}
        data = {name: value for name, value in {**form, **changed}.items() if value is not None}
        return await self.ask("POST", f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token", data=data)

    async def ask(self, method: str, url: str, **options: Any):
        """Status, body (JSON decoded, else bytes) and headers of an answer."""
        address = URL(url, encoded=True)
        async with self.http.request(method, address, allow_redirects=False, **options) as answer:
            body = await answer.json() if answer.content_type == "application/json" else await answer.read()
            return answer.status, body, answer.headers

    async def arm(self, method: str, path: str = "", version: str | None = "2025-05-01", token=None, **options: Any):
        """A call to Resource Manager; ``path`` below the site unless it is a whole one."""
        address = path if path.startswith(("/subscriptions", "https:")) else f"{self.site_id}{path}"
        query = f"?api-version={version}" if version else ""
        headers = {"Authorization": f"Bearer {token or self.tokens[ARM]}"}
        whole = address if address.startswith("https:") else f"{ARM}{address}{query}"
        return await self.ask(method, whole, headers=headers, **options)

    async def blob(self, method: str, name: str = "", query: str = "", headers=None, data=None, container="packages"):
        """A call to Blob Storage with the token."""
        given = {"x-ms-version": VERSION, "Authorization": f"Bearer {self.tokens[STORAGE]}", **(headers or {})}
        path = f"/{container}/{name}" if name else f"/{container}" if container else "/"
        return await self.ask(method, f"{self.blobs}{path}{query}", headers=given, data=data)

    async def put(self, name: str, data: bytes, **headers: str):
        return await self.blob("PUT", name, headers={"x-ms-blob-type": "BlockBlob", **headers}, data=data)

    async def key(self, start: timedelta = timedelta(0), end: timedelta = timedelta(hours=1)) -> UserDelegationKey:
        now = datetime.now(UTC)
        times = [(now + shift).strftime("%Y-%m-%dT%H:%M:%SZ") for shift in (start, end)]
        data = f"<KeyInfo><Start>{times[0]}</Start><Expiry>{times[1]}</Expiry></KeyInfo>".encode()
        query = "?restype=service&comp=userdelegationkey"
        status, body, _ = await self.blob("POST", query=query, data=data, container="")
        assert status == 200, body
        found = UserDelegationKey()
        for element in Xml.fromstring(body):
            setattr(found, KEY_FIELDS[element.tag], element.text)
        return found

    async def link(self, name: str, permission: str = "r", expires: timedelta = timedelta(hours=1), **changed: Any):
        """A signed link to a blob."""
        start = datetime.now(UTC) - timedelta(minutes=5)
        signature = generate_blob_sas(
            "acc",
            "packages",
            name,
            user_delegation_key=await self.key(timedelta(minutes=-5)),
            permission=BlobSasPermissions.from_string(permission),
            start=start,
            expiry=datetime.now(UTC) + expires,
            **changed,
        )
        return f"{self.blobs}/packages/{name}?{signature}"

    async def begin(self, package: bytes, name: str = "p.zip", **properties: Any):
        """Begin a deployment of a package; the answer of zipdeploy."""
        await self.put(name, package)
        body = {"appZipUrl": await self.link(name), "deploymentTitle": "title", "provider": "tests", **properties}
        return await self.arm("POST", "/zipdeploy", json={"properties": body})

    async def deploy(self, files: dict[str, str | bytes]) -> dict[str, Any]:
        """Deploy path → content and wait; returns the operation's last document."""
        return await self.finish(await self.begin(zipped(files)))

    async def finish(self, begun) -> dict[str, Any]:
        status, body, headers = begun
        assert status == 202, body
        while True:
            _, found, _ = await self.arm("GET", headers["Azure-AsyncOperation"])
            if found["status"] != "InProgress":
                return found

    async def page(self, path: str, method: str = "GET", host: str | None = None, **headers: str):
        """Status, text and headers of the site's answer."""
        given = {**headers, **({"Host": host} if host else {})}
        status, body, found = await self.ask(method, self.url + path, headers=given)
        return status, body.decode() if isinstance(body, bytes) else body, found


def zipped(files: dict[str, str | bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as package:
        for path, content in files.items():
            package.writestr(path, content)
    return target.getvalue()


@pytest.fixture
async def client(tmp_path, monkeypatch) -> AsyncIterator[Client]:
    async with running(tmp_path / "world", [azure.twin], speed=2000.0) as sandbox:
        for name, value in sandbox.environment.items():
            monkeypatch.setenv(name, value)
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context())
        async with aiohttp.ClientSession(connector=connector, trust_env=True) as http:
            found = Client(sandbox, http)
            await found.set_up()
            yield found
