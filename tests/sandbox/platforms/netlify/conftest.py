from __future__ import annotations

import hashlib

import aiohttp
import pytest

from sandbox.platforms import netlify
from tests.worlds import running


class Client:
    """Plain HTTP to the twin: its API with the token, and its public side by Host."""

    def __init__(self, sandbox, http):
        self.sandbox = sandbox
        self.http = http
        self.api = f"{sandbox.environment['NETLIFY_API_URL']}/api/v1"
        self.token = sandbox.environment["NETLIFY_AUTH_TOKEN"]
        self.public = sandbox.description["platforms"]["netlify"]["url"]

    async def call(self, method, path, token=None, **options):
        headers = {"Authorization": f"Bearer {token or self.token}"}
        async with self.http.request(method, self.api + path, headers=headers, **options) as answer:
            body = await answer.json(content_type=None) if answer.content_type == "application/json" else None
            return answer.status, body, answer.headers

    async def page(self, path, host="robot.netlify.app", method="GET", **headers):
        options = {"headers": {"Host": host, **headers}, "allow_redirects": False}
        async with self.http.request(method, self.public + path, **options) as answer:
            return answer.status, await answer.text(), answer.headers

    async def site(self, name="robot"):
        status, body, _ = await self.call("POST", "/sites", json={"name": name})
        assert status == 201
        return body["id"]

    async def deploy(self, site_id, files, **options):
        """A whole deploy of path → text; returns its id."""
        digests = {path: sha1(text) for path, text in files.items()}
        body = {"files": digests, **options}
        _, deploy, _ = await self.call("POST", f"/sites/{site_id}/deploys", json=body)
        by_digest = {sha1(text): (path, text) for path, text in files.items()}
        for digest in deploy["required"]:
            path, text = by_digest[digest]
            status, _, _ = await self.call("PUT", f"/deploys/{deploy['id']}/files{path}", data=text.encode())
            assert status == 200
        return deploy["id"]


def sha1(text):
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


@pytest.fixture
async def client(tmp_path):
    async with running(tmp_path / "world", [netlify.twin]) as sandbox, aiohttp.ClientSession() as http:
        yield Client(sandbox, http)
