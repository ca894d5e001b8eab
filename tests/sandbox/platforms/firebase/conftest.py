from __future__ import annotations

import asyncio
import gzip
import hashlib

import aiohttp
import google.auth.transport.requests
import pytest
from google.oauth2 import service_account

from sandbox.platforms import firebase
from sandbox.platforms.firebase.account import PROJECT
from tests.worlds import running

SCOPE = "https://www.googleapis.com/auth/firebase.hosting"


class Client:
    """Plain HTTP to the twin, with a token of its own, and its public side by Host."""

    def __init__(self, sandbox, http):
        self.http = http
        self.follow(sandbox)

    def follow(self, sandbox):
        """Use this run of the sandbox from now on."""
        self.sandbox = sandbox
        self.base = sandbox.environment["FIREBASE_HOSTING_API_URL"]
        self.key_file = sandbox.environment["GOOGLE_APPLICATION_CREDENTIALS"]
        self.public = sandbox.description["platforms"]["firebase"]["url"]

    async def log_in(self, *scopes):
        credentials = service_account.Credentials.from_service_account_file(self.key_file, scopes=scopes or (SCOPE,))
        await asyncio.to_thread(credentials.refresh, google.auth.transport.requests.Request())
        self.token = credentials.token
        return credentials.token

    async def call(self, method, path, token=None, **options):
        """Status and document of an answer; ``path`` below /v1beta1, or a whole URL."""
        url = path if path.startswith("http") else f"{self.base}/v1beta1/{path}"
        headers = {"Authorization": f"Bearer {token or self.token}"}
        async with self.http.request(method, url, headers=headers, **options) as answer:
            return answer.status, await answer.json(content_type=None)

    async def ok(self, method, path, **options):
        status, document = await self.call(method, path, **options)
        assert status == 200, document
        return document

    async def refused(self, method, path, **options):
        """Code and words of an error."""
        status, document = await self.call(method, path, **options)
        assert status == document["error"]["code"] >= 400
        return document["error"]["status"], document["error"]["message"]

    async def page(self, path, host=None, method="GET", **headers):
        options = {"headers": {"Host": host or self.host, "Accept-Encoding": "identity", **headers}}
        async with self.http.request(method, self.public + path, allow_redirects=False, **options) as answer:
            return answer.status, await answer.text(), answer.headers

    async def site(self, site_id="robot"):
        for service in ("firebase.googleapis.com", "firebasehosting.googleapis.com"):
            await self.sandbox.declare("gcp:projects/service:Service", project=PROJECT, service=service)
        _, outputs = await self.sandbox.declare("gcp:firebase/hostingSite:HostingSite", project=PROJECT, siteId=site_id)
        self.host = outputs["defaultUrl"].removeprefix("https://")
        return outputs

    async def version(self, files, config=None, site="robot", labels=None):
        """A complete version of path → text; returns its name."""
        created = await self.ok("POST", f"sites/{site}/versions", json={"status": "CREATED", "labels": labels or {}})
        name = created["name"]
        bodies = {path: packed(text) for path, text in files.items()}
        hashes = {path: digest(body) for path, body in bodies.items()}
        answer = await self.ok("POST", f"{name}:populateFiles", json={"files": hashes})
        by_hash = {digest(body): body for body in bodies.values()}
        for wanted in answer.get("uploadRequiredHashes", []):
            await self.ok("POST", f"{answer['uploadUrl']}/{wanted}", data=by_hash[wanted])
        body = {"status": "FINALIZED", "config": config or {}}
        await self.ok("PATCH", name, params={"updateMask": "status,config"}, json=body)
        return name

    async def release(self, files, config=None, site="robot", channel="live"):
        name = await self.version(files, config, site)
        await self.ok("POST", f"sites/{site}/channels/{channel}/releases", params={"versionName": name}, json={})
        return name


def packed(text):
    return gzip.compress(text.encode(), 9, mtime=0)


def digest(body):
    return hashlib.sha256(body).hexdigest()


@pytest.fixture
async def client(tmp_path, monkeypatch):
    async with running(tmp_path / "world", [firebase.twin]) as sandbox, aiohttp.ClientSession() as http:
        monkeypatch.delenv("HTTP_PROXY", raising=False)
        found = Client(sandbox, http)
        await found.log_in()
        await found.site()
        yield found
