"""One look at one target. Whatever goes wrong is a finding and no error."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dns.asyncquery
import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver
import httpx
from cryptography import x509

from coordinator.watching.targets import HEALTH_PATH, Address, Finding, Page, Target, Zone
from website.floor import Lowered, raised

#: Bytes of a release record; whoever sends more sends something else.
_LONGEST = 64 * 1024
SECONDS = 10.0
_DAY = 86_400.0
_DNS_PORT = 53
_REASONS: Mapping[type[Exception], str] = {
    httpx.ConnectTimeout: "takes no connection in time",
    httpx.ReadTimeout: "does not answer in time",
    httpx.ProxyError: "cannot be reached",
    httpx.ConnectError: "refuses connections",
    httpx.RemoteProtocolError: "broke off its answer",
    httpx.ReadError: "broke off its answer",
}


class Prober:
    """Looks at targets over one pool of connections; a connection is never used twice, for visitors' are new too."""

    def __init__(self, http: httpx.AsyncClient, clock: Callable[[], float] = time.time) -> None:
        """``http`` should have ``Limits(max_keepalive_connections=0)`` and no redirects."""
        self._http = http
        self._clock = clock

    async def round(self, targets: Sequence[Target]) -> list[Finding]:
        """All targets at once."""
        return list(await asyncio.gather(*(self.look(target) for target in targets)))

    async def look(self, target: Target) -> Finding:
        """One look, 10 seconds at the longest."""
        at, began = self._clock(), time.monotonic()
        try:
            async with asyncio.timeout(SECONDS):
                found = await (_zone(target) if isinstance(target, Zone) else self._answer(target))
        except TimeoutError:
            found = {"why": "does not answer in time"}
        why = str(found.pop("why", ""))
        return Finding(target.name, at, not why, why, time.monotonic() - began, **found)

    async def _answer(self, target: Page | Address) -> dict[str, Any]:
        url, extra = httpx.URL(target.url), {}
        headers = {"Cache-Control": "no-cache", "User-Agent": "peacefulrobot-prober"}
        if isinstance(target, Page):
            url, extra, headers["Host"] = url.join(HEALTH_PATH), {"sni_hostname": target.host}, target.host
        try:
            async with self._http.stream("GET", url, headers=headers, extensions=extra) as answer:
                days = self._days_left(answer)
                judged = _judged(answer, target) if isinstance(target, Page) else _compared(answer, target)
                return {"certificate_days": days, **(await judged)}
        except httpx.HTTPError as error:
            return {"why": _reason(error)}

    def _days_left(self, answer: httpx.Response) -> float | None:
        tls = answer.extensions["network_stream"].get_extra_info("ssl_object")
        if tls is None:
            return None
        ends = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True)).not_valid_after_utc
        return float((ends.timestamp() - self._clock()) / _DAY)


async def _judged(answer: httpx.Response, page: Page) -> dict[str, Any]:
    if answer.status_code != httpx.codes.OK:
        return {"why": f"answers {answer.status_code}"}
    release = _release_of(await _beginning(answer), page.token)
    if release is None:
        return {"why": "serves something else than its release record"}
    missing = [name for name, floor in page.headers.items() if not _holds(floor, name, answer.headers)]
    why = f"does not send {', '.join(missing)} as declared" if missing else ""
    return {"why": why, "release": release}


async def _compared(answer: httpx.Response, wanted: Address) -> dict[str, Any]:
    if answer.status_code != wanted.status:
        return {"why": f"answers {answer.status_code}"}
    if wanted.contains and wanted.contains.encode() not in await _beginning(answer):
        return {"why": "answers without the text that is expected"}
    return {}


async def _beginning(answer: httpx.Response) -> bytes:
    """The body, cut off a little after 64 KB."""
    body = b""
    async for piece in answer.aiter_bytes():
        body += piece
        if len(body) > _LONGEST:
            break
    return body


def _holds(floor: str, name: str, headers: httpx.Headers) -> bool:
    """Whether one of the answer's headers of this name is at least as strict; browsers enforce all of them."""
    for value in headers.get_list(name):
        try:
            raised(name, floor, value)
        except Lowered:
            continue
        return True
    return False


def _release_of(body: bytes, token: str) -> str | None:
    """Release id; None for anything that is no release record with the token."""
    try:
        said = json.loads(body)
    except ValueError:
        return None
    if not isinstance(said, dict) or said.get("token") != token:
        return None
    release = said.get("release")
    return release if isinstance(release, str) else None


def _reason(error: httpx.HTTPError) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "shows a certificate that is not valid"
    found = next((words for kind, words in _REASONS.items() if isinstance(error, kind)), None)
    return found or f"cannot be asked ({type(error).__name__})"


async def _zone(zone: Zone) -> dict[str, Any]:
    """Every name server must answer with authority and an address; one that does not is named by its number."""
    try:
        servers = list(zone.servers) or await _servers_of(zone.hostname)
    except dns.exception.DNSException as error:
        return {"why": f"its name servers are not known ({type(error).__name__})"}
    answers = await asyncio.gather(*(_asked(zone.hostname, server) for server in servers))
    wrong = [f"name server {number} {why}" for number, why in enumerate(answers, start=1) if why]
    return {"why": "; ".join(wrong)}


async def _servers_of(hostname: str) -> list[str]:
    """Addresses of the authoritative name servers of the zone that the name is in."""
    zone = await dns.asyncresolver.zone_for_name(hostname)
    names = [str(record.target) for record in await dns.asyncresolver.resolve(zone, "NS")]
    found = await asyncio.gather(*(dns.asyncresolver.resolve(name, "A") for name in names))
    return sorted({record.address for answer in found for record in answer})


async def _asked(hostname: str, server: str) -> str:
    """What is wrong with one server's answer; empty where it is right."""
    host, _, port = server.partition(":")
    query = dns.message.make_query(dns.name.from_text(hostname), dns.rdatatype.A)
    try:
        answer, _ = await dns.asyncquery.udp_with_fallback(
            query, host, timeout=SECONDS / 2, port=int(port) if port else _DNS_PORT
        )
    except (dns.exception.DNSException, OSError):
        return "does not answer"
    if answer.rcode() != dns.rcode.NOERROR:
        return f"answers {dns.rcode.to_text(answer.rcode())}"
    if not answer.flags & dns.flags.AA:
        return "answers without authority"
    return (
        ""
        if any(found.rdtype in {dns.rdatatype.A, dns.rdatatype.CNAME} for found in answer.answer)
        else "has no address"
    )
