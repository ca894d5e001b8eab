"""The forward proxy on the wire: what it makes of single bytes, ends and limits."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from sandbox.forward_proxy import ForwardProxy, Route
from sandbox.listeners import PublicPlane, serve_api
from sandbox.world import Fault
from tests.sandbox import tiny

HEAD = f"GET http://{tiny.HOSTNAME}/ HTTP/1.1\r\nHost: {tiny.HOSTNAME}\r\n\r\n".encode()


@pytest.fixture
async def proxy(plane, tiny_world):
    """A proxy before the tiny platform and its API, for eight connections at once; returns its address."""
    runner, api = await serve_api(tiny._api(tiny_world))
    endpoint = tiny_world.endpoints["tiny"]

    def tunnel(name: str, port: int) -> Route | None:
        return Route(endpoint.https_port) if (name, port) == (tiny.HOSTNAME, 443) else None

    def plain(name: str) -> Route | None:
        if name.endswith(".kvs.sandbox"):
            return Route(api, absolute_form=True)
        return Route(endpoint.http_port) if name == tiny.HOSTNAME else None

    made = ForwardProxy(tunnel, plain, max_connections=8)
    yield f"http://127.0.0.1:{await made.start()}"
    await made.stop()
    await runner.cleanup()


@pytest.fixture
async def client(tiny_world, proxy):
    connector = aiohttp.TCPConnector(ssl=tiny_world.authority.client_context())
    async with aiohttp.ClientSession(connector=connector, proxy=proxy) as session:
        yield session


async def opened(proxy: str):
    return await asyncio.open_connection("127.0.0.1", int(proxy.rsplit(":", 1)[1]))


async def raw(proxy: str, request: bytes) -> bytes:
    """Everything the proxy answers to raw bytes, until it closes."""
    reader, writer = await opened(proxy)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


async def eventually(condition) -> None:
    for _ in range(1000):
        if await condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(condition)


async def accepted(proxy: str) -> bool:
    return (await raw(proxy, HEAD)).startswith(b"HTTP/1.1 200 ")


async def nothing_open(proxy: ForwardProxy, plane: PublicPlane) -> bool:
    return not proxy._open and not plane._runner.server.connections


async def test_a_client_that_waits_for_100_continue_gets_it(client):
    async with client.post(f"http://{tiny.HOSTNAME}/", data=b"abc", expect100=True) as answer:
        assert (await answer.json())["size"] == 3


async def test_a_refusal_arrives_although_the_body_was_not_read(client):
    async with client.post("http://elsewhere.example/", data=b"x" * 500_000) as answer:
        assert answer.status == 502
        assert "elsewhere.example" in await answer.text()


async def test_a_tunnel_to_another_port_is_refused(client):
    with pytest.raises(aiohttp.ClientHttpProxyError) as caught:
        await client.get(f"https://{tiny.HOSTNAME}:8443/")
    assert caught.value.status == 502


async def test_a_platform_that_is_down_is_told_from_an_unknown_name(client, plane):
    await plane.break_with(Fault("down"))
    async with client.get(f"http://{tiny.HOSTNAME}/") as answer:
        assert answer.status == 502
        assert f"the platform that serves '{tiny.HOSTNAME}' is down" in await answer.text()
    await plane.heal()
    async with client.get(f"https://{tiny.HOSTNAME}/") as answer:
        assert answer.status == 200


async def test_an_answer_through_a_tunnel_breaks_when_the_platform_crashes(client, plane):
    answer = await client.get(f"https://{tiny.HOSTNAME}/big")
    await plane.break_with(Fault("crash"))
    with pytest.raises(aiohttp.ClientError):
        await answer.read()


@pytest.mark.parametrize(
    "head",
    [
        b"GET https://site.tiny.example/ HTTP/1.1\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"CONNECT site.tiny.example:https HTTP/1.1\r\n\r\n",
        b"GET http://\xff/ HTTP/1.1\r\n\r\n",
        b"GET http://[/ HTTP/1.1\r\n\r\n",
        b"GET http://site.tiny.example/ HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
    ],
)
async def test_what_is_no_request_for_a_proxy_gets_400(proxy, head):
    assert (await raw(proxy, head)).startswith(b"HTTP/1.1 400 Bad Request\r\n")


async def test_an_answer_ends_its_connection(proxy):
    head = b"GET http://a.kvs.sandbox/target/x HTTP/1.1\r\nHost: a.kvs.sandbox\r\nConnection: keep-alive\r\n\r\n"
    answer = await raw(proxy, head)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Connection: close" in answer


async def test_headers_between_client_and_proxy_go_no_further():
    async def echo(reader, writer):
        writer.write(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    proxy = ForwardProxy(lambda *_: None, lambda _: Route(server.sockets[0].getsockname()[1]))
    head = (
        b"GET http://a.example?q=1 HTTP/1.1\r\nHost: a.example\r\nProxy-Authorization: Basic eA==\r\nX-Kept: 1\r\n\r\n"
    )
    seen = await raw(f"http://127.0.0.1:{await proxy.start()}", head)
    assert seen == b"GET /?q=1 HTTP/1.1\r\nHost: a.example\r\nX-Kept: 1\r\nConnection: close\r\n\r\n"
    await proxy.stop()
    server.close()


async def test_a_client_that_has_said_all_still_gets_its_answer():
    async def count(reader, writer):
        writer.write(str(len(await reader.read())).encode())
        writer.close()

    server = await asyncio.start_server(count, "127.0.0.1", 0)
    proxy = ForwardProxy(lambda *_: Route(server.sockets[0].getsockname()[1]), lambda _: None)
    reader, writer = await opened(f"http://127.0.0.1:{await proxy.start()}")
    writer.write(b"CONNECT a.example:443 HTTP/1.1\r\n\r\n" + b"x" * 1_000_000)
    writer.write_eof()
    assert (await reader.read()).endswith(b"\r\n\r\n1000000")
    writer.close()
    await proxy.stop()
    server.close()


async def test_connections_beyond_the_limit_are_refused_until_others_end(proxy):
    waiting = [await opened(proxy) for _ in range(8)]
    assert (await raw(proxy, HEAD)).startswith(b"HTTP/1.1 503 ")
    for _, writer in waiting:
        writer.close()
        await writer.wait_closed()
    await eventually(lambda: accepted(proxy))


async def test_a_client_that_goes_away_in_the_middle_leaves_no_connection(plane, tiny_world):
    endpoint = tiny_world.endpoints["tiny"]
    proxy = ForwardProxy(lambda *_: None, lambda _: Route(endpoint.http_port))
    reader, writer = await opened(f"http://127.0.0.1:{await proxy.start()}")
    writer.write(HEAD.replace(b"/ HTTP", b"/big HTTP"))
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()
    await eventually(lambda: nothing_open(proxy, plane))
    await proxy.stop()


async def test_stopping_ends_open_tunnels(plane, tiny_world):
    endpoint = tiny_world.endpoints["tiny"]
    proxy = ForwardProxy(lambda *_: Route(endpoint.https_port), lambda _: None)
    reader, writer = await opened(f"http://127.0.0.1:{await proxy.start()}")
    writer.write(b"CONNECT a.example:443 HTTP/1.1\r\n\r\n")
    assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
    await proxy.stop()
    assert await reader.read() == b""
    writer.close()
