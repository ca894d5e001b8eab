from __future__ import annotations

import asyncio

import dns.asyncquery
import dns.flags
import dns.message
import dns.rcode
import pytest

from sandbox.name_server import NameServer


@pytest.fixture
async def ask():
    server = NameServer(lambda name: name == "www.example.org")
    port = await server.start()

    async def asked(name, kind="A"):
        return await dns.asyncquery.udp(dns.message.make_query(name, kind), "127.0.0.1", port=port, timeout=5)

    asked.port = port
    yield asked
    server.stop()


async def test_a_name_of_the_sandbox_has_an_address_with_authority_in_any_case(ask):
    for name in ("www.example.org", "WWW.Example.Org."):
        answer = await ask(name)
        assert (answer.rcode(), bool(answer.flags & dns.flags.AA)) == (dns.rcode.NOERROR, True)
        assert [record.address for record in answer.answer[0]] == ["127.0.0.1"]


async def test_another_name_does_not_exist_and_another_type_has_no_answer(ask):
    assert (await ask("example.com")).rcode() == dns.rcode.NXDOMAIN
    answer = await ask("www.example.org", "AAAA")
    assert (answer.rcode(), answer.answer) == (dns.rcode.NOERROR, [])


async def test_what_is_no_question_is_passed_over(ask):
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=("127.0.0.1", ask.port))
    transport.sendto(b"not a message of the DNS")
    transport.sendto(dns.message.make_response(dns.message.make_query("www.example.org", "A")).to_wire())
    transport.close()
    assert (await ask("www.example.org")).answer
