"""Vercel's CLI against the sandbox's Vercel, unchanged, pointed to it by ``--api``."""

from __future__ import annotations

import json
import re
import ssl
from contextlib import AsyncExitStack

import aiohttp
import pytest

from publisher.journal import Journal
from publisher.platforms.vercel import VercelPlatform
from publisher.platforms.vercel.api import VercelApi
from publisher.progress import Silence
from publisher.releasing import publish, upload
from sandbox.platforms import vercel
from sandbox.platforms.vercel.deployments import ACCOUNT
from tests.real.command import run
from tests.real.installing import from_npm
from tests.worlds import running
from website import DigestCache, load_site

VERSION = "64.0.2"
PROGRAM = "node_modules/vercel/dist/vc.js"
QUIET = {"VERCEL_TELEMETRY_DISABLED": "1", "NO_UPDATE_NOTIFIER": "1", "CI": "1"}


@pytest.fixture(scope="module")
def client():
    # It pins a version of a package of its own that was never published.
    return from_npm("vercel", VERSION, PROGRAM, overrides={"sandbox": "4.5.0"})


@pytest.fixture
async def cli(client, tmp_path, monkeypatch):
    """Runs the client in a sandbox that has one project, ``robot-site``, whose domains move by promotion only."""
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(running(tmp_path / "world", [vercel.twin]))
        for name, value in sandbox.environment.items():
            monkeypatch.setenv(name, value)
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context())
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, trust_env=True))
        project, _ = await sandbox.declare(
            "vercel:index/project:Project",
            name="robot-site",
            autoAssignCustomDomains=False,
            vercelAuthentication={"deploymentType": "none"},
        )
        own = {"VERCEL_ORG_ID": ACCOUNT, "VERCEL_PROJECT_ID": project, **QUIET}

        async def command(*arguments, expect=0, token=sandbox.environment["VERCEL_TOKEN"]):
            line = ["node", str(client / PROGRAM), *arguments, "--api", sandbox.environment["VERCEL_API_URL"]]
            return await run([*line, "--token", token], own, tmp_path, expect=expect)

        command.api, command.http = VercelApi(http, project), http
        command.url = sandbox.description["platforms"]["vercel"]["url"]
        command.domain = (await command.api.domains())[0]["name"]
        yield command


def write_output(folder, **pages):
    static = folder / ".vercel" / "output" / "static"
    static.mkdir(parents=True, exist_ok=True)
    for name, text in {"index": "<p>home", "copy": "<p>home", "with space ünï": "<p>odd", **pages}.items():
        (static / f"{name}.html").write_text(text, "utf-8")
    routes = [{"src": "^/old$", "status": 301, "headers": {"Location": "/"}}]
    (static.parent / "config.json").write_text(json.dumps({"version": 3, "routes": routes}))


def address(said):
    """Host name of the deployment that the client says it has made."""
    return re.findall(r"https://([a-z0-9-]+-sandbox\.vercel\.app)", said)[-1]


async def page(cli, path, host=None):
    headers = {"Host": host or cli.domain}
    async with cli.http.get(cli.url + path, headers=headers, allow_redirects=False) as answer:
        return answer.status, await answer.text()


async def test_a_folder_is_deployed_promoted_and_served_and_goes_back(cli, tmp_path):
    write_output(tmp_path)
    deploy = ("deploy", "--prebuilt", "--prod", "--yes")
    first = address(await cli(*deploy))
    assert await page(cli, "/copy.html", first) == (200, "<p>home")
    assert (await page(cli, "/"))[0] == 404
    await cli("promote", first, "--yes")
    assert await page(cli, "/with%20space%20%C3%BCn%C3%AF.html") == (200, "<p>odd")
    assert (await page(cli, "/old"))[0] == 301
    write_output(tmp_path, index="<p>second")
    second = address(await cli(*deploy))
    await cli("promote", second, "--yes")
    assert await page(cli, "/") == (200, "<p>second")
    await cli("rollback", first, "--yes")
    assert await page(cli, "/") == (200, "<p>home")


async def test_what_we_deploy_it_lists_and_restores(cli, tmp_path):
    releases = []
    for text in ("<p>one", "<p>two"):
        content = tmp_path / f"content-{len(releases)}"
        content.mkdir()
        (content / "index.html").write_text(text)
        site = load_site(str(content), cache=tmp_path / "cache")
        target = {"project_id": cli.api._project, "domain": cli.domain}
        platform = VercelPlatform(target, cli.http, DigestCache(tmp_path / "cache"))
        staged = (await upload(platform, site, Silence(), Journal())).staged
        await publish(platform, site.release_id, staged, Silence(), Journal())
        releases.append((await cli.api.deployment(staged))["url"])
    listed = await cli("ls", "--yes")
    assert all(url in listed for url in releases)
    assert await page(cli, "/") == (200, "<p>two")
    await cli("rollback", releases[0], "--yes")
    assert await page(cli, "/") == (200, "<p>one")


async def test_a_wrong_token_is_refused(cli, tmp_path, monkeypatch):
    write_output(tmp_path)
    assert "not valid" in (await cli("ls", "--yes", token="wrongwrong", expect=1))
