"""A monitor's look at its address, made when somebody asks for the status."""

from __future__ import annotations

import asyncio
import fnmatch
import ssl

import aiohttp
from yarl import URL

from sandbox.store import Document
from sandbox.world import World

_BODY = 1024 * 1024
_SECONDS = 3.0


class Looking:
    """Looks through the sandbox's own names, with its own authority."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def status(self, settings: Document) -> str:
        """``UP``, or ``DOWN`` where the page is not as the monitor wants it."""
        try:
            async with asyncio.timeout(_SECONDS):
                return "UP" if await self._well(settings) else "DOWN"
        except (aiohttp.ClientError, OSError, TimeoutError):
            return "DOWN"

    async def _well(self, settings: Document) -> bool:
        url = URL(settings["url"])
        endpoint = self._world.lookup(url.host or "")
        if endpoint is None:
            return False
        port = endpoint.https_port if url.scheme == "https" else endpoint.http_port
        options = {"allow_redirects": settings["followRedirections"], "server_hostname": url.host}
        context = ssl.create_default_context(cafile=str(self._world.authority.file))
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as http,
            http.request(
                settings["httpMethodType"],
                url.with_host("127.0.0.1").with_port(port),
                headers={"Host": url.host or ""},
                **options,
            ) as answer,
        ):
            body = (await answer.content.read(_BODY)).decode("utf-8", "replace")
        wanted = any(
            fnmatch.fnmatch(str(answer.status), code.replace("x", "?")) for code in settings["successHttpResponseCodes"]
        )
        return wanted and (settings["type"] != "KEYWORD" or _word_is_right(settings, body))


def _word_is_right(settings: Document, body: str) -> bool:
    """``ALERT_EXISTS`` alerts when the word is there, as its name says."""
    word = settings["keywordValue"]
    if settings["keywordCaseType"]:
        word, body = word.lower(), body.lower()
    return (word in body) is (settings["keywordType"] == "ALERT_NOT_EXISTS")
