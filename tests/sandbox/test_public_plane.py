from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import web

from sandbox import listeners
from sandbox.listeners import PublicPlane, bound_socket, listening_socket, port_of, serve_api
from sandbox.world import Fault
from tests.sandbox import tiny

TLS = {"server_hostname": tiny.HOSTNAME, "headers": {"Host": tiny.HOSTNAME}}


@pytest.fixture
async def client(tiny_world):
    connector = aiohttp.TCPConnector(ssl=tiny_world.authority.client_context())
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


def plain_url(plane: PublicPlane, path: str = "/") -> str:
    return f"http://127.0.0.1:{plane.world.endpoints['tiny'].http_port}{path}"


def secure_url(plane: PublicPlane, path: str = "/") -> str:
    return f"https://127.0.0.1:{plane.world.endpoints['tiny'].https_port}{path}"


async def host_seen(client, url, **options) -> str:
    async with client.get(url, **options) as answer:
        assert await answer.read() == tiny.PAGE
        return answer.headers["X-Host"]


async def test_any_host_but_loopback_reaches_the_platform_as_it_is(plane, client):
    assert await host_seen(client, plain_url(plane), headers={"Host": "LOCALHOST:1"}) == tiny.HOSTNAME
    assert await host_seen(client, plain_url(plane), headers={"Host": "other.example"}) == "other.example"


async def test_a_platform_without_sites_sees_the_loopback_host(plane, client):
    plane.newest = lambda: None
    assert (await host_seen(client, plain_url(plane))).startswith("127.0.0.1:")


async def test_a_request_with_a_body_keeps_it_when_its_host_is_replaced(plane, client):
    async with client.post(plain_url(plane), data=b"x" * 100_000) as answer:
        assert await answer.json() == {"host": tiny.HOSTNAME, "size": 100_000}


async def test_down_refuses_connections_on_both_ports_and_heal_opens_the_same(plane, client):
    urls = {plain_url(plane): {}, secure_url(plane): TLS}
    await plane.break_with(Fault("down"))
    for url, options in urls.items():
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await client.get(url, **options)
        assert isinstance(caught.value.os_error, ConnectionRefusedError)
    await plane.heal()
    for url, options in urls.items():
        assert await host_seen(client, url, **options) == tiny.HOSTNAME


async def test_breaking_and_healing_twice_is_the_same_as_once(plane, client):
    await plane.heal()
    await plane.break_with(Fault("down"))
    await plane.break_with(Fault("down"))
    await plane.heal()
    await plane.heal()
    assert await host_seen(client, plain_url(plane)) == tiny.HOSTNAME


async def test_nobody_else_gets_the_ports_of_a_platform_that_is_down(plane):
    await plane.break_with(Fault("down"))
    endpoint = plane.world.endpoints["tiny"]
    for port in (endpoint.http_port, endpoint.https_port):
        with pytest.raises(OSError, match="in use"):
            bound_socket(port)


async def test_a_crash_ends_tls_answers_that_are_under_way(plane, client):
    answer = await client.get(secure_url(plane, "/big"), **TLS)
    await plane.break_with(Fault("crash"))
    with pytest.raises(aiohttp.ClientError):
        await answer.read()


async def test_answers_that_are_under_way_are_finished_when_the_platform_goes_down(plane, client):
    answer = await client.get(secure_url(plane, "/big"), **TLS)
    await plane.break_with(Fault("down"))
    assert len(await answer.read()) == 64 * 65536
    with pytest.raises(aiohttp.ClientConnectorError):
        await client.get(secure_url(plane), **TLS)


async def test_a_fault_takes_the_place_of_the_one_before(plane, client):
    await plane.break_with(Fault("down"))
    await plane.break_with(Fault("error"))
    async with client.get(plain_url(plane)) as answer:
        assert answer.status == 503
        assert await answer.text() == "503 Service Unavailable\n"
    await plane.heal()
    assert await host_seen(client, plain_url(plane)) == tiny.HOSTNAME


async def test_slow_waits_as_long_as_it_says(plane, client, monkeypatch):
    waited = []

    async def sleep(seconds):
        waited.append(seconds)

    await plane.break_with(Fault("slow", seconds=3.5))
    monkeypatch.setattr(listeners.asyncio, "sleep", sleep)
    assert await host_seen(client, plain_url(plane)) == tiny.HOSTNAME
    assert 3.5 in waited


async def test_wrong_bytes_keep_headers_and_length_and_none_of_the_bytes(plane, client):
    async with client.get(plain_url(plane)) as answer:
        known = answer.headers
    await plane.break_with(Fault("wrong-bytes"))
    async with client.get(plain_url(plane)) as answer:
        body = await answer.read()
        assert len(body) == len(tiny.PAGE)
        assert not any(seen == right for seen, right in zip(body, tiny.PAGE, strict=True))
        for name in ("Content-Type", "Content-Length", "ETag"):
            assert answer.headers[name] == known[name]


async def test_an_answer_that_is_streamed_does_not_arrive_whole_under_wrong_bytes(plane, client):
    await plane.break_with(Fault("wrong-bytes"))
    with pytest.raises(aiohttp.ClientError):
        async with client.get(plain_url(plane, "/big")) as answer:
            await answer.read()


@pytest.mark.parametrize(
    ("response", "status", "body"),
    [
        (web.Response(status=304, headers={"ETag": '"1"'}), 304, b""),
        (web.Response(status=404), 404, listeners._OTHER_BYTES),
        (web.Response(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"}), 200, listeners._OTHER_BYTES),
    ],
)
def test_wrong_bytes_of_answers_without_plain_bytes(response, status, body):
    altered = listeners._altered(response, None)
    assert altered.status == status
    assert (altered.body or b"") == body
    assert "Content-Encoding" not in altered.headers


def test_a_taken_port_is_replaced_by_a_free_one():
    taken = listening_socket(0)
    other = listening_socket(port_of(taken))
    assert port_of(other) not in (0, port_of(taken))
    taken.close()
    other.close()


async def test_an_api_gets_the_bytes_that_were_sent(client):
    async def size(request: web.Request) -> web.Response:
        return web.json_response(len(await request.read()))

    app = web.Application()
    app.router.add_put("/", size)
    runner, port = await serve_api(app)
    async with client.put(f"http://127.0.0.1:{port}/", data=b"abc", headers={"Content-Encoding": "gzip"}) as answer:
        assert await answer.json() == 3
    await runner.cleanup()


async def test_a_platform_that_is_down_gives_its_ports_back_when_it_stops(tiny_world):
    plane = PublicPlane("other", web.Application(), tiny_world)
    await plane.start(0)
    port = tiny_world.endpoints["other"].http_port
    await plane.break_with(Fault("down"))
    await plane.stop()
    bound_socket(port).close()


async def test_an_idle_connection_gets_no_more_answer_when_the_platform_has_gone_down(plane):
    reader, writer = await asyncio.open_connection("127.0.0.1", plane.world.endpoints["tiny"].http_port)
    writer.write(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
    await reader.readuntil(tiny.PAGE)
    await plane.break_with(Fault("down"))
    writer.write(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()


async def test_an_expired_certificate_is_shown_from_now_on_and_to_those_who_were_connected(plane, client):
    assert await host_seen(client, secure_url(plane), **TLS) == tiny.HOSTNAME
    await plane.break_with(Fault("tls-expired"))
    with pytest.raises(aiohttp.ClientConnectorCertificateError, match="certificate has expired"):
        await client.get(secure_url(plane), **TLS)
    assert await host_seen(client, plain_url(plane)) == tiny.HOSTNAME
    await plane.heal()
    assert await host_seen(client, secure_url(plane), **TLS) == tiny.HOSTNAME
