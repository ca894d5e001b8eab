from __future__ import annotations

import hashlib
import json

import aiohttp
import pytest

from sandbox.platforms import vercel
from tests.worlds import running

PROJECT = "vercel:index/project:Project"


class Client:
    """Plain HTTP to the twin: its API with the token, and its public side by Host."""

    def __init__(self, sandbox, http, project):
        self.sandbox, self.http, self.project = sandbox, http, project
        self.api = sandbox.environment["VERCEL_API_URL"]
        self.public = sandbox.description["platforms"]["vercel"]["url"]

    async def call(self, method, path, token=None, **options):
        own = {"Authorization": f"Bearer {token or self.sandbox.environment['VERCEL_API_TOKEN']}"}
        headers = {**own, **options.pop("headers", {})}
        async with self.http.request(method, self.api + path, headers=headers, **options) as answer:
            body = await answer.json() if answer.content_type == "application/json" else None
            return answer.status, body, answer.headers

    async def page(self, path, host, method="GET", **headers):
        options = {"headers": {"Host": host, **headers}, "allow_redirects": False}
        async with self.http.request(method, self.public + path, **options) as answer:
            return answer.status, await answer.text(), answer.headers

    async def upload(self, text, **headers):
        own = {"x-vercel-digest": sha1(text), "x-now-size": str(len(text.encode())), **headers}
        return await self.call("POST", "/v2/files", data=text.encode(), headers=own)

    def body(self, files, **more):
        listed = [{"file": place, "sha": sha1(text), "size": len(text.encode())} for place, text in files.items()]
        return {"name": "robot", "project": self.project, "files": listed, "projectSettings": {}, **more}

    async def deploy(self, pages, config=None, **more):
        """A whole prebuilt deployment of path → text, ready; returns what the API says of it."""
        files = {f".vercel/output/static/{path}": text for path, text in pages.items()}
        files[".vercel/output/config.json"] = json.dumps(config or {"version": 3})
        for text in files.values():
            await self.upload(text)
        status, made, _ = await self.call("POST", "/v13/deployments", json=self.body(files, **more))
        assert status == 200, made
        while made["readyState"] not in {"READY", "ERROR"}:
            _, made, _ = await self.call("GET", f"/v13/deployments/{made['id']}")
        return made

    async def domain(self):
        _, found, _ = await self.call("GET", f"/v9/projects/{self.project}/domains")
        return found["domains"][0]["name"]


def sha1(text):
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


@pytest.fixture
async def client(tmp_path):
    async with running(tmp_path / "world", [vercel.twin], speed=600.0) as sandbox, aiohttp.ClientSession() as http:
        settings = {"autoAssignCustomDomains": False, "vercelAuthentication": {"deploymentType": "none"}}
        project, _ = await sandbox.declare(PROJECT, name="robot", **settings)
        yield Client(sandbox, http, project)
