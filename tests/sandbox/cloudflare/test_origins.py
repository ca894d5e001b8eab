"""What each way of failing looks like to the edge."""

from __future__ import annotations

import asyncio
import socket
import ssl

import pytest
import trustme
from multidict import CIMultiDict

from sandbox.cloudflare import origins as module
from sandbox.cloudflare.origins import OriginFailure, OriginRequest, Origins
from sandbox.world import Endpoint, World

NAME = "site.example"


@pytest.fixture
async def world(tmp_path):
    world = World(tmp_path)
    world.serve_names("one", lambda: [NAME])
    yield world
    world.store.close()


@pytest.fixture
async def origins(world):
    found = Origins(world)
    yield found
    await found.close()


async def listening(world, handler, context=None):
    server = await asyncio.start_server(handler, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    world.endpoints["one"] = Endpoint("one", port, port)
    return server


def wanted(**changed):
    given = {"method": "GET", "address": NAME, "host": NAME, "target": "/", "headers": CIMultiDict()}
    return OriginRequest(**{**given, **changed})


async def status(origins, **changed):
    with pytest.raises(OriginFailure) as raised:
        async with origins.ask(wanted(**changed)):
            pass
    return raised.value.status


async def close(_, writer):
    writer.close()


async def hello(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


async def test_a_refused_connection_is_521(world, origins):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    world.endpoints["one"] = Endpoint("one", port, port)
    assert await status(origins) == 521


async def test_an_unknown_name_is_530(origins):
    assert await status(origins, address="nowhere.example") == 530


async def test_a_server_that_speaks_no_tls_is_525(world, origins):
    async with await listening(world, close):
        assert await status(origins) == 525


async def test_a_certificate_of_another_authority_is_526(world, origins):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert(NAME).configure_cert(context)
    async with await listening(world, hello, context):
        assert await status(origins) == 526


async def test_a_certificate_for_another_name_is_526(world, origins):
    async with await listening(world, hello, world.authority.server_context("other.example")):
        assert await status(origins) == 526


async def test_under_ssl_mode_full_the_certificate_is_not_looked_at(world, origins):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("other.example").configure_cert(context)
    async with await listening(world, hello, context), origins.ask(wanted(verify=False)) as answer:
        assert await answer.read() == b"ok"


async def test_the_server_name_is_the_host_header(world, origins):
    context = world.authority.server_context("other.example")
    async with await listening(world, hello, context), origins.ask(wanted(host="other.example")) as answer:
        assert await answer.read() == b"ok"


async def test_a_connection_that_ends_without_an_answer_is_520(world, origins):
    async with await listening(world, close):
        assert await status(origins, secure=False) == 520


async def test_an_answer_that_does_not_come_is_524(world, origins, monkeypatch):
    monkeypatch.setattr(module, "_ANSWER", 0.0)
    monkeypatch.setattr(module, "_ANSWER_FLOOR", 0.05)
    over = asyncio.Event()

    async def silent(_, writer):
        await over.wait()
        writer.close()

    async with await listening(world, silent):
        assert await status(origins, secure=False) == 524
        over.set()


async def test_a_handshake_that_does_not_come_is_522(world, origins, monkeypatch):
    monkeypatch.setattr(module, "_CONNECT", 0.0)
    monkeypatch.setattr(module, "_CONNECT_FLOOR", 0.05)
    over = asyncio.Event()

    async def silent(_, writer):
        await over.wait()
        writer.close()

    async with await listening(world, silent):
        assert await status(origins) == 522
        over.set()


def test_a_name_is_remembered_once_it_has_an_address_and_not_before(world, origins):
    assert not origins.resolves(NAME)
    world.endpoints["one"] = Endpoint("one", 1, 1)
    assert origins.resolves(NAME)
    del world.endpoints["one"]
    assert origins.resolves(NAME)


def test_the_edges_own_names_are_no_origins(world, origins):
    world.serve_names("cloudflare", lambda: ["www.example"])
    world.endpoints["cloudflare"] = Endpoint("cloudflare", 1, 1)
    world.endpoints["one"] = Endpoint("one", 1, 1)
    assert origins.resolves(NAME)
    assert not origins.resolves("www.example")
    assert not origins.resolves("nowhere.example")
