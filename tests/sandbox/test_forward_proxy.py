from __future__ import annotations

import asyncio
import ssl

import aiohttp
import certifi
import pytest

from tests.sandbox.tiny import HOSTNAME, PAGE


async def test_a_public_name_leads_to_its_platform_by_tls_that_is_believed(http):
    async with http.get(f"https://{HOSTNAME}/") as answer:
        assert (answer.status, await answer.read()) == (200, PAGE)
        assert answer.headers["X-Host"] == HOSTNAME


async def test_plain_http_goes_to_the_plain_port_with_its_host(http):
    async with http.get(f"http://{HOSTNAME}/") as answer:
        assert answer.headers["X-Host"] == HOSTNAME


async def test_names_below_a_wildcard_are_served(http):
    async with http.get("https://one.previews.tiny.example/") as answer:
        assert answer.status == 200


async def test_large_bodies_pass_whole_in_both_directions(http):
    async with http.get(f"https://{HOSTNAME}/big") as answer:
        assert len(await answer.read()) == 64 * 65536
    async with http.post(f"https://{HOSTNAME}/", data=b"y" * 5_000_000) as answer:
        assert (await answer.json())["size"] == 5_000_000


@pytest.mark.parametrize("url", ["https://www.example.com/", "http://www.example.com/"])
async def test_a_name_that_the_sandbox_does_not_serve_reaches_nothing(http, url):
    try:
        async with http.get(url) as answer:
            status, text = answer.status, await answer.text()
    except aiohttp.ClientHttpProxyError as error:
        status, text = error.status, ""
    assert status == 502
    assert not text or "nothing in the sandbox is called 'www.example.com'" in text


async def test_names_of_a_control_plane_keep_their_absolute_form(http):
    async with http.get("http://123.kvs.sandbox/target/a%2Fb") as answer:
        found = await answer.json()
    assert found["host"] == "123.kvs.sandbox"
    assert found["raw"] == "http://123.kvs.sandbox/target/a%2Fb"


async def test_without_the_sandboxs_authority_nothing_is_believed(world):
    proxy = world.environment["HTTPS_PROXY"]
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(
                f"https://{HOSTNAME}/", proxy=proxy, ssl=ssl.create_default_context(cafile=certifi_file())
            )


def certifi_file():

    return certifi.where()


async def test_nonsense_is_answered_with_400_and_the_proxy_lives_on(world, http):
    port = int(world.environment["HTTPS_PROXY"].rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 400")
    writer.close()
    async with http.get(f"https://{HOSTNAME}/") as answer:
        assert answer.status == 200
