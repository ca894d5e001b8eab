"""Ten thousand signed pushes as fast as they go: every one is answered quickly and stored before."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import subprocess
import sys
import time
from pathlib import Path

import aiohttp

from coordinator.queue import DeployQueue

ROOT = Path(__file__).resolve().parents[2]
SECRET = "a-secret-of-more-than-24-characters"
PUSHES, AT_ONCE = 10_000, 16
SERVER = """
import asyncio, socket, sys
from pathlib import Path
from coordinator.pushes import Push
from coordinator.queue import DeployQueue
from coordinator.receiver import Receiver, github
from coordinator.server import serve
from coordinator.signatures import GitHubSecret

async def main():
    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    async with DeployQueue(Path(sys.argv[1])) as queue:
        targets = {("github", Push("robot/site", "main")): "site"}
        receiver = Receiver({"github": github(GitHubSecret(sys.argv[2]))}, targets, queue)
        await serve(receiver.app(), f"fd://{listening.detach()}", asyncio.Event())

asyncio.run(main())
"""


async def seconds_of_answers(port: int) -> list[float]:
    body = json.dumps({"ref": "refs/heads/main", "repository": {"full_name": "robot/site"}, "pad": "x" * 8000}).encode()
    signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    numbers, found = iter(range(PUSHES)), []

    async def sender(http):
        for number in numbers:
            own = {"X-Hub-Signature-256": signature, "X-GitHub-Event": "push", "X-GitHub-Delivery": str(number)}
            started = time.perf_counter()
            async with http.post("/hooks/github", data=body, headers=own) as answer:
                assert answer.status == 202
            found.append(time.perf_counter() - started)

    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
        await asyncio.gather(*(sender(http) for _ in range(AT_ONCE)))
    return sorted(found)


async def test_ten_thousand_pushes_are_answered_within_50_ms_and_make_one_deployment(tmp_path):
    command = [sys.executable, "-c", SERVER, str(tmp_path / "queue"), SECRET]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:  # noqa: ASYNC220
        try:
            seconds = await seconds_of_answers(int(server.stdout.readline()))
        finally:
            server.kill()
    assert len(seconds) == PUSHES
    assert seconds[PUSHES * 99 // 100] < 0.05
    async with DeployQueue(tmp_path / "queue") as queue:
        assert [one.number for one in await queue.wanted()] == [PUSHES]
