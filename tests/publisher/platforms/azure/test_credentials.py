"""Signing in, by each of the ways that Pulumi's provider has."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from publisher.errors import PlatformRefused, PublisherError
from publisher.platforms.azure.credentials import RESOURCE_MANAGER, STORAGE, Credentials
from sandbox.platforms.azure.entra import Entra


@pytest.fixture
def pipeline(account, monkeypatch):
    """No secret; returns what makes the tokens of the pipeline."""
    monkeypatch.delenv("ARM_CLIENT_SECRET")
    monkeypatch.setenv("ARM_USE_OIDC", "true")
    return Entra(account.sandbox.world.folder / "azure")


async def test_a_secret_gives_a_token_for_each_service(account):
    signed_in = Credentials(account.http)
    found = [await signed_in.header(scope) for scope in (RESOURCE_MANAGER, STORAGE, STORAGE)]
    assert found[0] != found[1] == found[2]
    assert account.meddler.calls == 2


async def test_signing_in_goes_through_the_proxy_of_the_environment(account, monkeypatch):
    asked = []

    async def proxy(reader, writer):
        asked.append(await reader.readline())
        writer.close()

    server = await asyncio.start_server(proxy, "127.0.0.1", 0)
    async with server, aiohttp.ClientSession() as session:
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.setattr("publisher.platforms.azure.credentials._PATIENCE", 3.0)
        with pytest.raises(PublisherError):
            await Credentials(session).header(STORAGE)
    assert asked[0].startswith(b"CONNECT login.microsoftonline.com:443 ")


async def test_a_wrong_secret_is_named_without_its_value(account, monkeypatch):
    monkeypatch.setenv("ARM_CLIENT_SECRET", "hunter2")
    with pytest.raises(PlatformRefused, match=r"AADSTS7000215.*Set ARM_TENANT_ID") as error:
        await Credentials(account.http).header(STORAGE)
    assert "hunter2" not in str(error.value)


async def test_a_token_of_the_pipeline_stands_in_for_the_secret(account, pipeline, monkeypatch):
    monkeypatch.setenv("ARM_OIDC_TOKEN", pipeline.assertion())
    assert (await Credentials(account.http).header(STORAGE))["Authorization"].startswith("Bearer ey")


async def test_the_token_may_lie_in_a_file(account, pipeline, monkeypatch, tmp_path):
    (tmp_path / "token").write_text(f"{pipeline.assertion()}\n")
    monkeypatch.setenv("ARM_OIDC_TOKEN_FILE_PATH", str(tmp_path / "token"))
    assert await Credentials(account.http).header(STORAGE)
    monkeypatch.setenv("ARM_OIDC_TOKEN_FILE_PATH", str(tmp_path / "none"))
    with pytest.raises(PlatformRefused, match=r"ARM_OIDC_TOKEN_FILE_PATH could not be read"):
        await Credentials(account.http).header(STORAGE)


async def test_github_is_asked_for_the_token(account, pipeline, monkeypatch):
    async def answer(request):
        assert request.query == {"api-version": "2.0", "audience": "api://AzureADTokenExchange"}
        if request.headers["Authorization"] != "Bearer of-the-job":
            return web.json_response({"message": "no"}, status=401)
        return web.json_response({"value": pipeline.assertion()})

    app = web.Application()
    app.router.add_get("/token", answer)
    async with TestServer(app, host="127.0.0.1") as server:
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", str(server.make_url("/token?api-version=2.0")))
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of-the-job")
        assert await Credentials(account.http).header(STORAGE)
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "hunter2")
        with pytest.raises(PlatformRefused, match=r"HTTP 401.*permission `id-token: write`") as error:
            await Credentials(account.http).header(STORAGE)
        assert "hunter2" not in str(error.value)


async def test_a_pipeline_without_a_token_is_told_what_to_set(account, pipeline):
    with pytest.raises(PlatformRefused, match="ARM_USE_OIDC is set and there is no token"):
        await Credentials(account.http).header(STORAGE)


async def test_a_token_that_the_tenant_does_not_trust_is_refused(account, pipeline, monkeypatch):
    monkeypatch.setenv("ARM_OIDC_TOKEN", pipeline.assertion(sub="repo:somebody/else:ref:refs/heads/main"))
    with pytest.raises(PlatformRefused, match="AADSTS700213"):
        await Credentials(account.http).header(STORAGE)


async def test_a_broken_entra_is_named(account, monkeypatch):
    async def broken(*_):
        raise RuntimeError("broken")

    monkeypatch.setattr(Entra, "handle", broken)
    with pytest.raises(PublisherError, match=r"^azure: Microsoft Entra ID"):
        await Credentials(account.http).header(STORAGE)
