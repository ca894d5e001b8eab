from __future__ import annotations

import ssl

import aiohttp
import pytest

from sandbox.listeners import PublicPlane
from sandbox.world import World
from tests.sandbox import tiny
from tests.worlds import running


@pytest.fixture
async def world(tmp_path):
    """A running sandbox of one tiny platform and an edge before it."""
    async with running(tmp_path / "world", [tiny.platform, lambda _: tiny.edge()]) as sandbox:
        yield sandbox


@pytest.fixture
async def http(world, monkeypatch):
    """A client set up by the sandbox's own variables, as every program in it is."""
    for name, value in world.environment.items():
        monkeypatch.setenv(name, value)
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context())
    async with aiohttp.ClientSession(connector=connector, trust_env=True) as session:
        yield session


@pytest.fixture
def tiny_world(tmp_path):
    """The world alone, nothing listening."""
    made = World(tmp_path / "lone")
    yield made
    made.store.close()


@pytest.fixture
async def plane(tiny_world):
    """The tiny platform's public plane alone, on free ports."""
    made = PublicPlane("tiny", tiny.platform(tiny_world).public, tiny_world, lambda: tiny.HOSTNAME)
    await made.start(0)
    yield made
    await made.stop()
