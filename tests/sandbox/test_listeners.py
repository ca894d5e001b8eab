from __future__ import annotations

import asyncio

import aiohttp
import pytest

from sandbox import listeners
from tests.sandbox.tiny import HOSTNAME, PAGE


def control(world, path):
    return world.description["control_url"] + path


async def broken(world, http, **fault):
    async with http.post(control(world, "/faults/tiny"), json=fault) as answer:
        assert answer.status == 200


async def test_a_loopback_host_stands_for_the_newest_site(world, http):
    async with http.get(world.description["platforms"]["tiny"]["url"]) as answer:
        assert answer.headers["X-Host"] == HOSTNAME


async def test_a_platform_that_is_down_refuses_connections_and_comes_back_on_the_same_ports(world, http):
    url = world.description["platforms"]["tiny"]["url"]
    await broken(world, http)
    with pytest.raises(aiohttp.ClientConnectionError):
        await http.get(url)
    with pytest.raises((aiohttp.ClientHttpProxyError, aiohttp.ClientConnectionError)):
        await http.get(f"https://{HOSTNAME}/")
    async with http.delete(control(world, "/faults/tiny")) as answer:
        assert answer.status == 200
    async with http.get(url) as answer:
        assert await answer.read() == PAGE


async def test_open_connections_are_cut_when_a_platform_crashes(world, http):
    port = int(world.description["platforms"]["tiny"]["url"].rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: site.tiny.example\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    await broken(world, http, kind="crash")
    assert await ends(reader)
    writer.close()


async def ends(reader):
    """Whether the connection is over, cleanly or not, within a second."""
    async with asyncio.timeout(1.0):
        try:
            while await reader.read(65536):
                pass
        except ConnectionResetError:
            return True
    return True


async def test_wrong_bytes_keep_the_status(world, http):
    await broken(world, http, kind="wrong-bytes")
    async with http.get(f"https://{HOSTNAME}/") as answer:
        assert answer.status == 200
        assert await answer.read() != PAGE


async def test_errors_and_slowness_are_as_asked(world, http):
    await broken(world, http, kind="error")
    async with http.get(f"https://{HOSTNAME}/") as answer:
        assert answer.status == 503
    await broken(world, http, kind="slow", seconds=30)
    with pytest.raises(TimeoutError):
        await http.get(f"https://{HOSTNAME}/", timeout=aiohttp.ClientTimeout(total=0.3))


async def test_a_failing_api_leaves_visitors_alone(world, http):
    api = world.description["environment"]["TINY_API_URL"]
    await broken(world, http, kind="api")
    async with http.get(f"{api}/who") as answer:
        assert answer.status == 503
    async with http.get(f"https://{HOSTNAME}/") as answer:
        assert await answer.read() == PAGE
    async with http.get(control(world, "/status")) as answer:
        assert [found["state"] for found in (await answer.json())["platforms"]] == ["healthy"]
    async with http.delete(control(world, "/faults/tiny")) as answer:
        assert answer.status == 200
    async with http.get(f"{api}/who") as answer:
        assert answer.status != 503


async def test_an_unknown_platform_or_fault_is_named(world, http):
    async with http.post(control(world, "/faults/geocities")) as answer:
        assert answer.status == 404
        assert "use one of: tiny" in await answer.text()
    async with http.post(control(world, "/faults/tiny"), json={"kind": "flood"}) as answer:
        assert answer.status == 400
        assert "kind" in await answer.text()


async def test_web_pages_cannot_reach_the_control_api(world, http):
    async with http.get(control(world, "/status"), headers={"Origin": "https://evil.example"}) as answer:
        assert answer.status == 403
    async with http.get(control(world, "/status"), headers={"Host": "evil.example"}) as answer:
        assert answer.status == 403


async def test_the_status_says_what_is_served_where(world, http):
    async with http.get(control(world, "/status")) as answer:
        found = await answer.json()
    assert found == {
        "site_url": world.description["site_url"],
        "platforms": [
            {
                "name": "tiny",
                "state": "healthy",
                "edge_state": "healthy",
                "url": world.description["platforms"]["tiny"]["url"],
                "host_header": HOSTNAME,
                "live_release": "r0000000000000001",
                "files": 1,
            }
        ],
    }


def test_a_port_that_counts_as_taken_for_a_moment_is_tried_again(monkeypatch):
    tried, real = [], listeners.bound_socket

    def bound_socket(port, *, reuse=True):
        tried.append(reuse)
        if len(tried) < 4:
            raise OSError(98, "Address already in use")
        return real(port, reuse=reuse)

    monkeypatch.setattr(listeners, "bound_socket", bound_socket)
    listeners.reserved_socket(0).close()
    assert tried == [False, True] * 2


def test_a_port_that_somebody_else_has_is_given_up_after_a_second():
    with listeners.listening_socket(0) as taken, pytest.raises(OSError, match="in use"):
        listeners.reserved_socket(listeners.port_of(taken))
