"""Git's backend is a process of its own: it must not outlive a client that was killed."""

from __future__ import annotations

import asyncio
import base64
import time

import aiohttp
import psutil
import pytest
from yarl import URL

from sandbox.platforms import gitlab
from tests.sandbox.platforms.gitlab.conftest import Client
from tests.worlds import running


@pytest.fixture
async def client(tmp_path):
    async with running(tmp_path / "world", [gitlab.twin]) as sandbox, aiohttp.ClientSession() as http:
        yield Client(sandbox, http, tmp_path)


async def gits(enough=lambda found: True, patience=10.0):
    """Git's processes below this one, as soon as they are as they should be."""
    deadline = time.monotonic() + patience
    while True:
        below = psutil.Process().children(recursive=True)
        found = [one for one in below if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
        if enough(found) or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("service", ["git-receive-pack", "git-upload-pack"])
async def test_a_client_that_goes_in_the_middle_of_its_body_leaves_no_process(client, service):
    project = await client.project()
    url = URL(project["http_url_to_repo"])
    password = base64.b64encode(f"any:{client.token}".encode()).decode()
    head = (
        f"POST {url.path}/{service} HTTP/1.1\r\nHost: {url.authority}\r\nAuthorization: Basic {password}\r\n"
        f"Content-Type: application/x-{service}-request\r\nContent-Length: 100000\r\n\r\n"
    )
    _, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(head.encode() + b"0" * 1000)
    await writer.drain()
    begun = await gits(lambda found: len(found) > 1)
    assert begun
    writer.transport.abort()
    assert await gits(lambda found: not found) == []
    assert [one for one in begun if psutil.pid_exists(one.pid) and one.is_running()] == []
    assert (await client.call("GET", f"projects/{project['id']}"))[0] == 200
