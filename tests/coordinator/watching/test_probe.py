from __future__ import annotations

import asyncio
import json
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import httpx
import pytest
import trustme
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from coordinator.watching import probe
from coordinator.watching.probe import Prober
from coordinator.watching.targets import HEALTH_PATH, Page, Zone

TOKEN = "constant-word"
RECORD = json.dumps({"release": "r0123456789abcdef", "token": TOKEN}).encode()
HOST = "site.example"


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@asynccontextmanager
async def site(authority, answer, *, until=None):
    """A platform on loopback over TLS; gives its ``Page``."""

    async def serve(request):
        assert (request.path, request.host) == (HEALTH_PATH, HOST)
        return await answer(request)

    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST, not_after=until).configure_cert(context)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    listening = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await listening.start()
    port = listening._server.sockets[0].getsockname()[1]
    try:
        yield Page("aws", f"https://127.0.0.1:{port}", HOST, TOKEN, {"x-frame-options": "DENY"})
    finally:
        await runner.cleanup()


@pytest.fixture
async def prober(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(verify=context, limits=limits, trust_env=False) as http:
        yield Prober(http)


def answering(body=RECORD, status=200, **headers):
    async def answer(_):
        return web.Response(body=body, status=status, headers={"X-Frame-Options": "DENY", **headers})

    return answer


async def test_a_platform_that_is_well_shows_its_release_its_speed_and_its_certificate(authority, prober):
    async with site(authority, answering(), until=datetime.now(UTC) + timedelta(days=40, minutes=5)) as page:
        found = await prober.look(page)
    assert (found.target, found.good, found.why, found.release) == ("aws", True, "", "r0123456789abcdef")
    assert found.certificate_days == pytest.approx(40, abs=0.1)
    assert 0 < found.seconds < 5
    assert found.at == pytest.approx(datetime.now(UTC).timestamp(), abs=10)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (answering(status=503), "answers 503"),
        (answering(status=404), "answers 404"),
        (answering(status=301, Location="https://elsewhere.example/"), "answers 301"),
        (answering(b"<h1>parked</h1>"), "serves something else than its release record"),
        (answering(RECORD.replace(b"constant", b"another")), "serves something else than its release record"),
        (answering(b"[]"), "serves something else than its release record"),
        (answering(b"x" * 10_000_000), "serves something else than its release record"),
        (answering(**{"X-Frame-Options": "ALLOW"}), "does not send x-frame-options as declared"),
    ],
)
async def test_what_is_wrong_is_said_in_one_clause(authority, prober, answer, why):
    async with site(authority, answer) as page:
        found = await prober.look(page)
    assert (found.good, found.why) == (False, why)


async def test_a_certificate_that_has_ended_is_named(authority, prober):
    async with site(authority, answering(), until=datetime.now(UTC) - timedelta(days=1)) as page:
        assert (await prober.look(page)).why == "shows a certificate that is not valid"


async def test_a_platform_that_is_gone_refuses_connections(authority, prober):
    async with site(authority, answering()) as page:
        pass
    assert (await prober.look(page)).why == "refuses connections"


async def test_a_platform_that_hangs_is_given_up(authority, prober, monkeypatch):
    monkeypatch.setattr(probe, "SECONDS", 0.2)

    async def hang(_):
        await asyncio.sleep(60)

    async with site(authority, hang) as page:
        found = await prober.look(page)
    assert (found.why, found.seconds < 2) == ("does not answer in time", True)


async def test_an_answer_that_breaks_off_is_named(authority, prober):
    async def cut(request):
        response = web.StreamResponse(headers={"Content-Length": "500"})
        await response.prepare(request)
        await response.write(b"{")
        request.transport.abort()
        return response

    async with site(authority, cut) as page:
        assert (await prober.look(page)).why == "broke off its answer"


async def test_one_platform_that_fails_leaves_the_others_in_the_round(authority, prober):
    async with site(authority, answering()) as good, site(authority, answering(status=500)) as bad:
        found = await prober.round([good, bad, good])
    assert [one.good for one in found] == [True, False, True]


@given(st.binary())
def test_no_body_makes_the_reader_fail(body):
    assert probe._release_of(body, TOKEN) is None


class NameServer(asyncio.DatagramProtocol):
    """Answers every query as it was told."""

    def __init__(self, rcode=dns.rcode.NOERROR, *, authoritative=True, addresses=("192.0.2.1",), silent=False):
        self.how = rcode, authoritative, addresses, silent

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        rcode, authoritative, addresses, silent = self.how
        if silent:
            return
        answer = dns.message.make_response(dns.message.from_wire(data))
        answer.set_rcode(rcode)
        if authoritative:
            answer.flags |= dns.flags.AA
        if addresses:
            answer.answer.append(dns.rrset.from_text(answer.question[0].name, 60, "IN", "A", *addresses))
        self.transport.sendto(answer.to_wire(), address)


@asynccontextmanager
async def name_servers(*servers):
    made = [
        await asyncio.get_running_loop().create_datagram_endpoint(lambda one=one: one, ("127.0.0.1", 0))
        for one in servers
    ]
    ports = [transport.get_extra_info("sockname")[1] for transport, _ in made]
    try:
        yield Zone("dns", "www.example.org", [f"127.0.0.1:{port}" for port in ports])
    finally:
        for transport, _ in made:
            transport.close()


async def test_every_name_server_must_know_the_name(prober):
    async with name_servers(NameServer(), NameServer()) as zone:
        assert (await prober.look(zone)).good
    async with name_servers(NameServer(), NameServer(dns.rcode.SERVFAIL), NameServer(authoritative=False)) as zone:
        found = await prober.look(zone)
    assert found.why == "name server 2 answers SERVFAIL; name server 3 answers without authority"


@pytest.mark.parametrize(
    ("server", "why"),
    [
        (NameServer(dns.rcode.NXDOMAIN, addresses=()), "name server 1 answers NXDOMAIN"),
        (NameServer(addresses=()), "name server 1 has no address"),
        (NameServer(silent=True), "name server 1 does not answer"),
    ],
)
async def test_a_name_server_that_does_not_help_is_named(prober, monkeypatch, server, why):
    monkeypatch.setattr(probe, "SECONDS", 1.0)
    async with name_servers(server) as zone:
        assert (await prober.look(zone)).why == why
