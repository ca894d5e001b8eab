from __future__ import annotations

import asyncio
import time

import pytest

from tools.bench.delay_proxy import serve

DELAY = 0.05


@pytest.fixture
async def echo():
    """Address of a server that sends back what it gets."""

    async def answer(reader, writer):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture
async def line(echo):
    proxy = await serve("127.0.0.1", echo, DELAY)
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.sockets[0].getsockname()[1])
    yield reader, writer
    writer.close()
    proxy.close()


async def test_every_request_takes_as_much_longer_as_the_delay_is(line):
    reader, writer = line
    started = time.monotonic()
    for _ in range(3):
        writer.write(b"ask")
        assert await reader.readexactly(3) == b"ask"
    assert time.monotonic() - started >= 3 * DELAY


async def test_what_is_sent_at_once_is_delayed_once_and_stays_in_order(line):
    reader, writer = line
    sent = b"".join(number.to_bytes(4, "big") for number in range(200_000))
    started = time.monotonic()
    writer.write(sent)
    assert await reader.readexactly(len(sent)) == sent
    assert time.monotonic() - started >= DELAY


async def test_the_end_of_a_connection_is_handed_on(line):
    reader, writer = line
    writer.write(b"last")
    writer.write_eof()
    assert await reader.read() == b"last"
