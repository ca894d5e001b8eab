"""The name server of the sandbox: authoritative for every public name of the sandbox, over UDP on loopback.

It answers A and CNAME questions as Cloudflare does for a name that it proxies, with an address of its own:
https://developers.cloudflare.com/dns/proxy-status/
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

_TTL = 300
"""Seconds, of every proxied record."""
_ADDRESS = "127.0.0.1"


class NameServer(asyncio.DatagramProtocol):
    """Knows the names for which ``serves`` is true, and says NXDOMAIN to others."""

    def __init__(self, serves: Callable[[str], bool]) -> None:
        self._serves = serves
        self._transport: asyncio.DatagramTransport | None = None

    async def start(self) -> int:
        """Listen on a free loopback port; returns it."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(_ADDRESS, 0))
        self._transport = transport
        return int(transport.get_extra_info("sockname")[1])

    def stop(self) -> None:
        """Close the port."""
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer one question; what is no question of the DNS gets no answer."""
        try:
            query = dns.message.from_wire(data)
        except dns.exception.DNSException:
            return
        if self._transport is not None and query.question and not query.flags & dns.flags.QR:
            self._transport.sendto(self._answered(query).to_wire(), addr)

    def _answered(self, query: dns.message.Message) -> dns.message.Message:
        question = query.question[0]
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA
        if not self._serves(question.name.to_text(omit_final_dot=True).lower()):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif question.rdtype == dns.rdatatype.A:
            answer.answer.append(dns.rrset.from_text(question.name, _TTL, dns.rdataclass.IN, dns.rdatatype.A, _ADDRESS))
        return answer
