"""A TCP proxy that hands on what clients send with a delay: what a line adds to each request.

``python -m tools.bench.delay_proxy HOST PORT MILLISECONDS`` prints its own port. Order is kept and nothing is slowed
down; a request that is answered before the next is sent takes as much longer as the delay is.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time

_READ = 1 << 18


async def handed_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter, delay: float, waiting: int = 256) -> None:
    """Copy until the source ends; each piece arrives ``delay`` seconds after it came."""
    line: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(waiting)

    async def read() -> None:
        while piece := await source.read(_READ):
            await line.put((time.monotonic() + delay, piece))
        await line.put((time.monotonic() + delay, b""))

    reading = asyncio.create_task(read())
    try:
        while True:
            due, piece = await line.get()
            if (left := due - time.monotonic()) > 0:
                await asyncio.sleep(left)
            if not piece:
                break
            sink.write(piece)
            await sink.drain()
    finally:
        reading.cancel()
        with contextlib.suppress(OSError):
            sink.write_eof()


async def serve(host: str, port: int, delay: float) -> asyncio.Server:
    """Start a proxy in front of an address; ``delay`` in seconds."""

    async def connected(client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        upstream, requests = await asyncio.open_connection(host, port)
        try:
            await asyncio.gather(handed_on(client, requests, delay), handed_on(upstream, answers, 0.0))
        except OSError:
            pass
        finally:
            requests.close()
            answers.close()

    return await asyncio.start_server(connected, "127.0.0.1", 0, backlog=1024)


async def main(host: str, port: int, milliseconds: float) -> None:
    """Serve until the process is ended."""
    server = await serve(host, port, milliseconds / 1000)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
