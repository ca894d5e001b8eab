"""firebase-tools against the sandbox's Firebase, unchanged, pointed to it by the variables that it reads."""

from __future__ import annotations

import json
import ssl

import aiohttp
import pytest

from publisher.journal import Journal
from publisher.platforms.firebase import FirebasePlatform
from publisher.progress import Silence
from publisher.releasing import publish, upload
from sandbox.platforms import firebase
from sandbox.platforms.firebase.account import PROJECT
from sandbox.platforms.firebase.oauth import REFRESH_TOKEN
from tests.real.command import run
from tests.real.installing import from_npm
from tests.worlds import running
from website import DigestCache, load_site

VERSION = "15.34.2"
PROGRAM = "node_modules/firebase-tools/lib/bin/firebase.js"
SITE = "robot-site"
CONFIG = {
    "site": SITE,
    "public": "public",
    "ignore": ["firebase.json", "**/.*"],
    "redirects": [{"source": "/old/:name", "destination": "/:name.html", "type": 302}],
    "rewrites": [{"source": "/app/**", "destination": "/index.html"}],
    "headers": [{"source": "**/*.html", "headers": [{"key": "X-Own", "value": "yes"}]}],
}


@pytest.fixture(scope="module")
def client():
    return from_npm("firebase-tools", VERSION, PROGRAM)


class Cli:
    """The client in a folder of its own, and a sandbox that has one site."""

    def __init__(self, client, sandbox, http, folder, site):
        self.client, self.sandbox, self.http, self.folder = client, sandbox, http, folder
        self.host = site["defaultUrl"].removeprefix("https://")
        self.url = sandbox.description["platforms"]["firebase"]["url"]
        self.environment = {name: value for name, value in sandbox.environment.items() if name.startswith("FIREBASE_")}

    async def __call__(self, *arguments, expect=0, **variables):
        line = ["node", str(self.client / PROGRAM), *arguments, "--project", PROJECT, "--non-interactive", "--json"]
        environment = {**self.environment, "FIREBASE_TOKEN": REFRESH_TOKEN, **variables}
        return await run(line, environment, self.folder, expect=expect)

    async def ask(self, *arguments):
        text = await self(*arguments)
        return json.loads(text[text.index("{\n") :])["result"]

    async def page(self, path, host=None):
        headers = {"Host": host or self.host}
        async with self.http.get(self.url + path, headers=headers, allow_redirects=False) as answer:
            return answer.status, await answer.text(), answer.headers

    def write(self, **pages):
        folder = self.folder / "public"
        folder.mkdir(exist_ok=True)
        for name, text in {
            "index": "<p>home",
            "copy": "<p>home",
            "404": "<p>lost",
            "sp ace ünï": "<p>odd",
            **pages,
        }.items():
            (folder / f"{name}.html").write_text(text, "utf-8")
        (self.folder / "firebase.json").write_text(json.dumps({"hosting": CONFIG}))

    async def publish(self, **pages):
        """Our own publisher's release of such a folder."""
        folder = self.folder / f"ours-{len(list(self.folder.glob('ours-*')))}"
        folder.mkdir()
        for name, text in {"index": "<p>ours", **pages}.items():
            (folder / f"{name}.html").write_text(text, "utf-8")
        site = load_site(str(folder), cache=self.folder / "cache")
        target = {"project": PROJECT, "site_id": SITE, "plan": "spark"}
        platform = FirebasePlatform(target, self.http, DigestCache(self.folder / "cache"))
        staged = (await upload(platform, site, Silence(), Journal())).staged
        await publish(platform, site.release_id, staged, Silence(), Journal())
        return site, staged


@pytest.fixture
async def cli(client, tmp_path, monkeypatch):
    async with running(tmp_path / "world", [firebase.twin]) as sandbox:
        for name, value in sandbox.environment.items():
            monkeypatch.setenv(name, value)
        for service in ("firebase.googleapis.com", "firebasehosting.googleapis.com"):
            await sandbox.declare("gcp:projects/service:Service", project=PROJECT, service=service)
        for site_id in (PROJECT, SITE):  # the client wants a default site to be there, named as the project
            _, site = await sandbox.declare("gcp:firebase/hostingSite:HostingSite", project=PROJECT, siteId=site_id)
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context())
        async with aiohttp.ClientSession(connector=connector, trust_env=True) as http:
            yield Cli(client, sandbox, http, tmp_path, site)


async def test_a_folder_is_deployed_and_served_and_a_second_deploy_sends_nothing(cli):
    cli.write()
    shown = await cli.ask("deploy", "--only", "hosting", "-m", "first ü")
    version = cli.sandbox.world.store.all("firebase:version")
    assert [shown["hosting"].rsplit("/", 1)[-1]] == list(version)
    assert (await cli.page("/copy.html"))[1] == "<p>home"
    assert (await cli.page("/sp%20ace%20%C3%BCn%C3%AF.html"))[1] == "<p>odd"
    assert (await cli.page("/app/x"))[:2] == (200, "<p>home")
    assert (await cli.page("/nothing"))[:2] == (404, "<p>lost")
    status, _, headers = await cli.page("/old/copy")
    assert (status, headers["Location"]) == (302, "/copy.html")
    assert (await cli.page("/copy.html"))[2]["X-Own"] == "yes"
    blobs = {path: path.stat().st_mtime_ns for path in cli.sandbox.world.folder.glob("firebase/blobs/*/*")}
    await cli.ask("deploy", "--only", "hosting")
    assert {path: path.stat().st_mtime_ns for path in cli.sandbox.world.folder.glob("firebase/blobs/*/*")} == blobs
    messages = [release["message"] for release in cli.sandbox.world.store.all("firebase:release").values()]
    assert sorted(messages) == ["", "first ü"]


async def test_a_preview_channel_is_not_the_live_site(cli):
    cli.write()
    await cli.ask("deploy", "--only", "hosting")
    cli.write(index="<p>preview of the page")
    shown = await cli.ask("hosting:channel:deploy", "pr-1", "--expires", "2d")
    host = shown[SITE]["url"].removeprefix("https://")
    assert (await cli.page("/", host))[1] == "<p>preview of the page"
    assert (await cli.page("/"))[1] == "<p>home"


async def test_what_we_publish_the_client_lists_and_brings_back(cli):
    """Roll-back by Google's own client: it clones the version of a channel or an id to the live channel."""
    cli.write()  # for its firebase.json
    first, staged = await cli.publish()
    await cli.publish(index="<p>second")
    assert (await cli.page("/"))[1] == "<p>second"
    sites = await cli.ask("hosting:sites:list")
    addresses = {site["name"].rsplit("/", 1)[-1]: site["defaultUrl"] for site in sites["sites"]}
    assert addresses[SITE] == f"https://{cli.host}"
    assert {site["type"] for site in sites["sites"]} == {"DEFAULT_SITE", "USER_SITE"}
    channels = await cli.ask("hosting:channel:list", "--site", SITE)
    shown = {found["name"].rsplit("/", 1)[-1]: found["release"]["message"] for found in channels["channels"]}
    assert shown.keys() == {"live", "staged"}
    assert len(set(shown.values())) == 1
    await cli("hosting:clone", f"{SITE}@{staged.rsplit('/', 1)[-1]}", f"{SITE}:live")
    assert (await cli.page("/"))[1] == "<p>ours"
    assert (await cli.page("/.well-known/release.json"))[1].count(first.release_id) == 1


async def test_what_the_client_deployed_is_not_taken_for_a_release_of_ours(cli):
    cli.write()
    await cli.ask("deploy", "--only", "hosting")
    site, _ = await cli.publish()
    target = {"project": PROJECT, "site_id": SITE, "plan": "spark"}
    platform = FirebasePlatform(target, cli.http, DigestCache(cli.folder / "cache"))
    assert [kept.release for kept in await platform.kept()] == [site.release_id]
    assert await platform.live() == site.release_id
    await cli.ask("deploy", "--only", "hosting")
    assert await platform.live() is None


async def test_a_site_that_is_not_there_is_refused(cli):
    cli.write()
    (cli.folder / "firebase.json").write_text(json.dumps({"hosting": {**CONFIG, "site": "nobody"}}))
    output = await cli("deploy", "--only", "hosting", expect=None)
    assert "error" in output
    assert cli.sandbox.world.store.all("firebase:version") == {}
