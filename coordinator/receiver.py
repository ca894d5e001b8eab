"""The webhook server: proves who sent a delivery, makes it durable, answers. What it asks for is done elsewhere.

An authentic delivery that concerns nothing here is answered with 200: a forge switches a webhook off after a few
failures. https://docs.gitlab.com/user/project/integrations/webhooks/#auto-disabled-webhooks
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from coordinator import pushes
from coordinator.heartbeats import Heartbeats
from coordinator.metrics import Metrics
from coordinator.pushes import Push, Unreadable
from coordinator.queue import Delivery, DeployQueue, QueueUnavailable
from coordinator.signatures import Forged, Headers

_log = logging.getLogger(__name__)
#: Bytes of a body; a push of hundreds of commits has less.
MAX_BODY = 1024 * 1024
BODY_SECONDS = 10.0
"""A body that takes longer is given up, whatever it is still to bring."""
FORGERIES = 20
"""Forged requests a minute from one address; after these it is answered without a look at its requests."""
_MINUTE = 60.0
_MOST_ADDRESSES = 10_000


class Check(Protocol):
    """Proof of the sender."""

    def check(self, headers: Headers, body: bytes) -> None:
        """Raise Forged where it does not hold."""


@dataclass(frozen=True)
class Forge:
    """One sender of webhooks, at ``/hooks/NAME``."""

    name: str
    proof: Check
    event_header: str
    id_headers: tuple[str, ...]
    """Headers that name a delivery; the first that is there counts."""
    read: Callable[[str, bytes], Push | None]


def github(proof: Check) -> Forge:
    """Webhooks of GitHub."""
    return Forge("github", proof, "X-GitHub-Event", ("X-GitHub-Delivery",), pushes.of_github)


def gitlab(proof: Check) -> Forge:
    """Webhooks of GitLab, which names a delivery in one of two headers, by its age."""
    return Forge("gitlab", proof, "X-Gitlab-Event", ("webhook-id", "Idempotency-Key"), pushes.of_gitlab)


@dataclass
class Forgeries:
    """Counts forged requests by address, in windows of a minute."""

    clock: Callable[[], float] = time.monotonic
    _seen: OrderedDict[str, tuple[float, int]] = field(default_factory=OrderedDict)

    def too_many(self, address: str) -> bool:
        """Whether an address has used up its minute."""
        begun, count = self._seen.get(address, (0.0, 0))
        return count >= FORGERIES and self.clock() - begun < _MINUTE

    def add(self, address: str) -> None:
        """Count one."""
        begun, count = self._seen.pop(address, (self.clock(), 0))
        if self.clock() - begun >= _MINUTE:
            begun, count = self.clock(), 0
        self._seen[address] = (begun, count + 1)
        while len(self._seen) > _MOST_ADDRESSES:
            self._seen.popitem(last=False)


class Receiver:
    """Answers at ``/hooks/…``, ``/healthz`` and ``/metrics``. ``targets`` says which pushes are deployed."""

    def __init__(
        self,
        forges: Mapping[str, Forge],
        targets: Mapping[tuple[str, Push], str],
        queue: DeployQueue,
        metrics: Metrics | None = None,
        beats: Heartbeats | None = None,
    ) -> None:
        self._forges = forges
        self._targets = targets
        self._queue = queue
        self._forgeries = Forgeries()
        self.metrics = metrics or Metrics()
        self._beats = beats or Heartbeats()

    def app(self) -> Starlette:
        """The ASGI application; larger bodies are answered with 413 however they are announced."""
        hooks = [Route(f"/hooks/{name}", self._hook(forge), methods=["POST"]) for name, forge in self._forges.items()]
        own = [Route("/healthz", self._health), Route("/metrics", self._metrics)]
        return Starlette(routes=[*hooks, *own], max_body_size=MAX_BODY)

    def _hook(self, forge: Forge) -> Callable[[Request], object]:
        async def answer(request: Request) -> Response:
            outcome, status, said = await self._received(forge, request)
            self.metrics.answers.labels(forge.name, outcome).inc()
            return JSONResponse({"outcome": outcome, "detail": said}, status)

        return answer

    async def _received(self, forge: Forge, request: Request) -> tuple[str, int, str]:
        address = _sender(request)
        if self._forgeries.too_many(address):
            return "throttled", 429, "too many requests that proved nothing; wait a minute"
        body = await _whole_body(request)
        try:
            forge.proof.check(request.headers.raw, body)
        except Forged as error:
            self._forgeries.add(address)
            _log.warning("%s: refused a request: %s", forge.name, error)
            return "forged", 401, "the request does not prove that the forge sent it"
        return await self._authentic(forge, request, body)

    async def _authentic(self, forge: Forge, request: Request, body: bytes) -> tuple[str, int, str]:
        identity = next((found for name in forge.id_headers if (found := request.headers.get(name))), None)
        try:
            push = forge.read(request.headers.get(forge.event_header, ""), body)
        except Unreadable as error:
            return "unreadable", 200, str(error)
        target = self._targets.get((forge.name, push)) if push else None
        if target is None:
            return "ignored", 200, "this event, repository or branch is not deployed here"
        try:
            if identity is None:
                await self._queue.want(target)
            elif not await self._queue.accept(Delivery(forge.name, identity[:200], target)):
                return "known", 200, "this delivery was accepted before"
        except QueueUnavailable as error:
            _log.error("%s: a push of %s could not be queued: %s", forge.name, target, error)
            return "unavailable", 503, "the push could not be stored; send it again"
        return "accepted", 202, "the branch will be deployed"

    async def _health(self, _: Request) -> Response:
        """503 as long as a task is stuck, which it names; or the disk cannot be read."""
        stuck = self._beats.stuck()
        try:
            waiting = [one.target for one in await self._queue.wanted()]
        except QueueUnavailable as error:
            waiting, stuck = [], {**stuck, "queue": str(error)}
        said = {"status": "stuck" if stuck else "ok", "waiting": waiting, "tasks": self._beats.shown(), "stuck": stuck}
        return JSONResponse(said, 503 if stuck else 200)

    async def _metrics(self, _: Request) -> Response:
        self.metrics.waiting.set(len(await self._queue.wanted()))
        self.metrics.stuck.set(len(self._beats.stuck()))
        return PlainTextResponse(generate_latest(self.metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _sender(request: Request) -> str:
    """Address that forgeries are counted by: the one that a proxy on this machine has seen, else the peer's.

    A proxy appends what it has seen itself (https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/X-Forwarded-For);
    what stands before that anybody can have written.
    """
    peer = request.client.host if request.client else ""
    if peer and not _is_ours(peer):
        return peer
    seen = request.headers.getlist("X-Forwarded-For")
    last = seen[-1].rpartition(",")[2].strip() if seen else ""
    return last if _is_address(last) else peer or "unknown"


def _is_ours(peer: str) -> bool:
    """Whether a peer is on this machine; a socket's file has no address."""
    return not _is_address(peer) or ipaddress.ip_address(peer).is_loopback


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


async def _whole_body(request: Request) -> bytes:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.body()
    except TimeoutError:
        raise HTTPException(408, f"the body did not come within {BODY_SECONDS:.0f} seconds") from None
    except ClientDisconnect:
        raise HTTPException(400, "the connection ended within the body") from None
