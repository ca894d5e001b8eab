"""What Firebase is told means the same to superstatic, the server behind Google's own Hosting emulator, as to the twin.

It comes with firebase-tools and is run unchanged. Only names differ between firebase.json and the API.
"""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager

import aiohttp
import pytest

from publisher.platforms.firebase import _config
from publisher.platforms.firebase.routing import routing_of
from publisher.verification import PublicOrigin, difference, url_paths
from publisher.verification import Thoroughness as How
from tests.publisher.platforms.firebase.test_firebase import BESIDE_FILES, PAGES
from tests.real.installing import from_npm
from website import File, load_site, read_verified

VERSION = "15.34.2"
PROGRAM = "node_modules/superstatic/lib/bin/server.js"
#: The emulator answers the 404 page with 404 also where it is asked for by its own name. Google does not say whether
#: Hosting does; there is no way to tell it otherwise.
OWN_NAME_OF_404 = "/404.html"


@pytest.fixture(scope="module")
def client():
    return from_npm("firebase-tools", VERSION, PROGRAM)


def write(folder, site):
    """The version's files on disk, and its configuration as firebase.json has it."""
    routing = routing_of(site)
    assert routing.mistakes == []
    for key, file in routing.paths.items():
        target = folder / "public" / key.removeprefix("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.source if isinstance(file.source, bytes) else read_verified(file))
    config = _config(site, routing)
    document = {
        "redirects": [
            {"regex": javascript(rule["regex"]), "destination": rule["location"], "type": rule["statusCode"]}
            for rule in config["redirects"]
        ],
        "rewrites": [{"regex": javascript(rule["regex"]), "destination": rule["path"]} for rule in config["rewrites"]],
        "headers": [
            {
                "regex": javascript(rule["regex"]),
                "headers": [{"key": key, "value": value} for key, value in rule["headers"].items()],
            }
            for rule in config["headers"]
        ],
    }
    (folder / "superstatic.json").write_text(json.dumps(document))


def javascript(regex: str) -> str:
    """Without the native module of RE2, which needs an install script, the emulator takes JavaScript's own syntax."""
    return regex.replace("(?P<", "(?<")


@asynccontextmanager
async def served(client, folder):
    """Address of the emulator for a folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["node", str(client / PROGRAM), "public", "--host", "127.0.0.1", "--port", str(port)]
    process = await asyncio.create_subprocess_exec(
        *command, "--config", "superstatic.json", cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(30):
            while b"Visit" not in await process.stdout.readline():
                assert process.returncode is None
            while True:
                try:
                    (await asyncio.open_connection("127.0.0.1", port))[1].close()
                    break
                except OSError:
                    await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


def made(folder, pages):
    for path, text in pages.items():
        target = folder / "content" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
    return load_site(str(folder / "content"), cache=folder / "cache")


ONE_PAGE_APP = {
    "index.html": "<p>app",
    "assets/app.js": "'use strict'",
    "help/index.html": "<p>help",
    "_redirects": "/help/old/* /help/ 301\n/api/* https://api.example.org/v1/:splat 307!\n/* /index.html 200\n",
    "_headers": "/*\n  X-All: 1\n/assets/*\n  X-All: 2\n/help/\n  X-All: 3\n",
}
MOVED_AS_A_WHOLE = {
    "index.html": "<p>moved",
    "kept/page.html": "<p>kept",
    "kept/é ü.html": "<p>kept too",
    "_redirects": "/* https://new.example.org/:splat 301\n",
}


@pytest.mark.parametrize("pages", [PAGES, ONE_PAGE_APP, MOVED_AS_A_WHOLE], ids=["rules", "one-page app", "moved"])
async def test_the_emulator_answers_every_path_as_the_site_says(client, tmp_path, pages):
    site = made(tmp_path, pages)
    write(tmp_path, site)
    paths = {*url_paths(site, (), How()), *BESIDE_FILES} - {OWN_NAME_OF_404}
    async with served(client, tmp_path) as url, aiohttp.ClientSession() as http:
        origin = PublicOrigin("firebase", url, "robot.web.app")
        found = [await difference(http, origin, path, site.answer(path), site.rules.floor) for path in sorted(paths)]
    assert [text for text in found if text is not None] == []
    assert len(paths) > 15


async def test_the_comparison_finds_what_is_wrong(client, tmp_path):
    site = made(tmp_path, PAGES)
    write(tmp_path, site)
    other = File("about.html", "0" * 64, 1, "text/html", "no-store", b"x")
    (tmp_path / "public" / "about.html").write_bytes(other.source)
    async with served(client, tmp_path) as url, aiohttp.ClientSession() as http:
        origin = PublicOrigin("firebase", url, "robot.web.app")
        assert "1 bytes with digest" in await difference(http, origin, "/about.html", site.answer("/about.html"))
