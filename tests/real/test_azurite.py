"""The Blob twin beside Microsoft's own emulator: the same calls of the official client get the same answers.

Azurite shows other codes for refused links and gives nothing where the service has 416 for a range behind the end;
those are not compared.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.transport import AioHttpTransport
from azure.identity.aio import ClientSecretCredential
from azure.storage.blob import BlobBlock, ContentSettings
from azure.storage.blob.aio import BlobServiceClient

from sandbox.listeners import bound_socket, port_of
from sandbox.platforms import azure
from tests.real.installing import from_npm
from tests.sandbox.platforms.azure.conftest import ACCOUNT, CONTAINER, GROUP
from tests.worlds import running

VERSION, API = "3.35.0", "2025-11-05"
PROGRAM = "node_modules/azurite/dist/src/blob/main.js"
#: Published with Azurite: https://learn.microsoft.com/azure/storage/common/storage-connect-azurite
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@pytest.fixture(scope="module")
def program() -> Path:
    return from_npm("azurite", VERSION, PROGRAM) / PROGRAM


@asynccontextmanager
async def azurite(program, folder):
    with bound_socket(0) as free:
        port = port_of(free)
    line = [
        "node",
        str(program),
        "--blobHost",
        "127.0.0.1",
        "--blobPort",
        str(port),
        "--inMemoryPersistence",
        "--silent",
    ]
    process = await asyncio.create_subprocess_exec(*line, cwd=folder, env={"PATH": os.environ["PATH"]})
    url = f"http://127.0.0.1:{port}/devstoreaccount1"
    key = {"account_name": "devstoreaccount1", "account_key": KEY}
    try:
        async with BlobServiceClient(url, key, api_version=API) as service:
            for _ in range(100):
                try:
                    await service.create_container("packages", retry_total=0)
                    break
                except (HttpResponseError, OSError, Exception):  # noqa: BLE001 - it is not up yet
                    await asyncio.sleep(0.2)
            yield service
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def twin(folder, monkeypatch):
    async with running(folder, [azure.twin], speed=600.0) as sandbox:
        for name, value in sandbox.environment.items():
            monkeypatch.setenv(name, value)
        within = {"resourceGroupName": "rg", "accountName": "acc"}
        await sandbox.declare(GROUP, resourceGroupName="rg", location="westeurope")
        await sandbox.declare(ACCOUNT, **within, location="westeurope", kind="StorageV2", sku={"name": "Standard_LRS"})
        await sandbox.declare(CONTAINER, **within, containerName="packages")
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context())
        async with aiohttp.ClientSession(connector=connector, trust_env=True, auto_decompress=False) as http:
            transport = {"transport": AioHttpTransport(session=http, session_owner=False)}
            variables = [os.environ[f"ARM_{name}"] for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET")]
            credential = ClientSecretCredential(*variables, **transport)
            url = "https://acc.blob.core.windows.net"
            async with BlobServiceClient(url, credential, api_version=API, **transport) as service:
                yield service


async def answer(call):
    """What a caller sees, without times, tags and ids."""
    try:
        found = await call
    except HttpResponseError as error:
        return error.status_code, getattr(error, "error_code", None)
    return found


async def told(service):
    """One run of everything that the publisher's packages need, and what can go wrong with it."""
    container = service.get_container_client("packages")
    blob = container.get_blob_client("releases/ü a.zip")
    settings = ContentSettings(content_type="application/zip")

    async def described(client):
        found = await client.get_blob_properties()
        return found.size, found.content_settings.content_type, found.content_settings.content_md5, found.metadata

    async def read(client, **window):
        return await (await client.download_blob(**window)).readall()

    async def listed(**options):
        return [(found.name, found.size, found.metadata) async for found in container.list_blobs(**options)]

    async def written(call):
        return sorted(key for key in await call if key in {"etag", "last_modified", "content_md5"})

    once = {"match_condition": MatchConditions.IfMissing}
    stale = {"etag": '"0x0"', "match_condition": MatchConditions.IfNotModified}
    parts, lost = container.get_blob_client("parts"), container.get_blob_client("lost")
    calls = [
        lambda: described(blob),
        lambda: written(blob.upload_blob(b"0123456789", content_settings=settings, metadata={"content": "abc"})),
        lambda: described(blob),
        lambda: blob.upload_blob(b"other", overwrite=False),
        lambda: blob.upload_blob(b"other", overwrite=True, **stale),
        lambda: blob.upload_blob(b"other", overwrite=True, **once),
        lambda: read(blob),
        lambda: read(blob, offset=2, length=3),
        lambda: read(blob, offset=8, length=100),
        lambda: read(lost),
        lambda: parts.commit_block_list([BlobBlock("a")]),
        lambda: staged(parts.stage_block("b", b"world")),
        lambda: staged(parts.stage_block("a", b"hello ")),
        lambda: described(parts),
        lambda: parts.commit_block_list([BlobBlock("a"), BlobBlock("c")]),
        lambda: written(parts.commit_block_list([BlobBlock("a"), BlobBlock("b")])),
        lambda: read(parts),
        lambda: status(blob.upload_blob(b"bad", overwrite=True, headers={"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="})),
        lambda: listed(include=["metadata"]),
        lambda: listed(name_starts_with="releases/"),
        lambda: listed(name_starts_with="none"),
        lambda: listed(results_per_page=1),
        lambda: staged(blob.delete_blob()),
        lambda: blob.delete_blob(),
        lambda: service.get_blob_client("none-such", "a").get_blob_properties(),
    ]
    return [await answer(call()) for call in calls]


async def staged(call):
    await call


async def status(call):
    """The status alone: Azurite has another code than the service documents (Md5Mismatch)."""
    try:
        await call
    except HttpResponseError as error:
        return error.status_code


async def test_the_same_calls_get_the_same_answers(program, tmp_path, monkeypatch):
    (tmp_path / "azurite").mkdir()
    async with azurite(program, tmp_path / "azurite") as oracle:
        wanted = await told(oracle)
    async with twin(tmp_path / "world", monkeypatch) as service:
        found = await told(service)
    assert found == wanted
    refused = [status for status, *_ in filter(lambda item: isinstance(item, tuple) and len(item) == 2, wanted)]
    assert len(refused) >= 10
