"""netlify-cli against the sandbox's Netlify, unchanged, pointed to it by NETLIFY_API_URL."""

from __future__ import annotations

import json
import ssl

import aiohttp
import pytest

from publisher.journal import Journal
from publisher.platforms.netlify import NetlifyPlatform
from publisher.platforms.netlify.api import NetlifyApi
from publisher.progress import Silence
from publisher.releasing import publish, upload
from sandbox.platforms import netlify
from tests.real.command import run
from tests.real.installing import from_npm
from tests.worlds import running
from website import DigestCache, load_site

VERSION = "26.2.0"
PROGRAM = "node_modules/netlify-cli/bin/run.js"


@pytest.fixture(scope="module")
def client():
    return from_npm("netlify-cli", VERSION, PROGRAM)


@pytest.fixture
async def cli(client, tmp_path, monkeypatch):
    """Runs the client in a sandbox that has one site, ``robot-site``."""
    async with running(tmp_path / "world", [netlify.twin]) as sandbox, aiohttp.ClientSession() as http:
        for name, value in sandbox.environment.items():
            monkeypatch.setenv(name, value)
        api = NetlifyApi(http)
        site = await api.create_site("", {"name": "robot-site"})
        # The client asks one vendor address that no variable redirects; without proxy variables it goes on without it.
        names = ("NETLIFY_API_URL", "NETLIFY_AUTH_TOKEN")
        environment = {name: sandbox.environment[name] for name in names}

        async def command(*arguments, expect=0, **variables):
            line = ["node", str(client / PROGRAM), *arguments]
            return await run(line, {**environment, **variables}, tmp_path, expect=expect)

        command.api, command.site_id, command.url = api, site["id"], sandbox.description["platforms"]["netlify"]["url"]
        yield command


def write_site(folder, **pages):
    folder.mkdir(exist_ok=True)
    for name, text in {"index": "<p>home", "copy": "<p>home", "with space ünï": "<p>odd", **pages}.items():
        (folder / f"{name}.html").write_text(text, "utf-8")
    (folder / "_redirects").write_text("/old /index.html 301\n")


async def page(url: str, path: str) -> str:
    async with (
        aiohttp.ClientSession() as http,
        http.get(url + path, headers={"Host": "robot-site.netlify.app"}) as answer,
    ):
        return await answer.text()


async def test_a_folder_is_deployed_and_served_and_a_second_deploy_sends_nothing(cli, tmp_path):
    write_site(tmp_path / "site")
    deploy = ("deploy", "--prod", "--no-build", "--dir", "site", "--site", "robot-site", "--json", "-m", "first")
    shown = json.loads(await cli(*deploy))
    published = (await cli.api.site(cli.site_id))["published_deploy"]
    assert published["id"] == shown["deploy_id"]
    assert published["title"] == "first"
    assert await page(cli.url, "/copy") == "<p>home"
    assert await page(cli.url, "/with%20space%20%C3%BCn%C3%AF.html") == "<p>odd"
    again = json.loads(await cli(*deploy))
    assert again["deploy_id"] != shown["deploy_id"]
    assert (await cli.api.deploy(cli.site_id, again["deploy_id"]))["required"] == []


async def test_an_earlier_deploy_is_restored(cli, tmp_path):
    write_site(tmp_path / "site")
    deploy = ("deploy", "--prod", "--no-build", "--dir", "site", "--site", "robot-site", "--json")
    first = json.loads(await cli(*deploy))["deploy_id"]
    write_site(tmp_path / "site", index="<p>second")
    await cli(*deploy)
    assert await page(cli.url, "/") == "<p>second"
    restore = json.dumps({"site_id": cli.site_id, "deploy_id": first})
    await cli("api", "restoreSiteDeploy", "--data", restore)
    assert await page(cli.url, "/") == "<p>home"


async def test_a_draft_is_not_published(cli, tmp_path):
    write_site(tmp_path / "site")
    await cli("deploy", "--no-build", "--dir", "site", "--site", "robot-site", "--json")
    assert (await cli.api.site(cli.site_id))["published_deploy"] is None


async def test_a_wrong_token_is_refused(cli, tmp_path):
    write_site(tmp_path / "site")
    deploy = ("deploy", "--prod", "--no-build", "--dir", "site", "--site", "robot-site")
    output = await cli(*deploy, expect=None, NETLIFY_AUTH_TOKEN="wrong")
    assert "Unauthorized" in output or "not authorized" in output.lower() or "401" in output
    assert await cli.api.deploys(cli.site_id) == []


async def test_what_we_publish_the_client_lists_and_restores(cli, tmp_path):
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context())
    made = {}
    async with aiohttp.ClientSession(connector=connector, trust_env=True) as http:
        for text in ("<p>one", "<p>two"):
            content = tmp_path / f"content-{len(made)}"
            content.mkdir()
            (content / "index.html").write_text(text)
            site = load_site(str(content), cache=tmp_path / "cache")
            platform = NetlifyPlatform({"site_id": cli.site_id}, http, DigestCache(tmp_path / "cache"))
            made[site.release_id] = (await upload(platform, site, Silence(), Journal())).staged
            await publish(platform, site.release_id, made[site.release_id], Silence(), Journal())
    listed = json.loads(await cli("api", "listSiteDeploys", "--data", json.dumps({"site_id": cli.site_id})))
    assert {deploy["title"]: deploy["id"] for deploy in listed} == made
    assert await page(cli.url, "/") == "<p>two"
    wanted = {"site_id": cli.site_id, "deploy_id": next(iter(made.values()))}
    await cli("api", "restoreSiteDeploy", "--data", json.dumps(wanted))
    assert await page(cli.url, "/") == "<p>one"
