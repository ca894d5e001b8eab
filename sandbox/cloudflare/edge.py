"""The edge: what a visitor of the site talks to.

A request goes through, in this order: Always Use HTTPS, redirect rules, route of a Worker, load balancer or DNS
record. Listening on plain
HTTP under a loopback name, or under any name that is none of the zone's, stands for https under the newest site's
name, so that the site can be opened without certificates; a name of the zone on plain HTTP is plain HTTP.

There is no cache: every request goes to a platform. Cloudflare would keep files as long as their Cache-Control allows;
without a model of its purge and of its many places, a local one could only hide a wrong byte. What Cloudflare does to
Cache-Control on its way is modelled (Browser Cache TTL), and so are HSTS and nosniff of the zone.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler
from multidict import CIMultiDict
from yarl import URL

from sandbox.cloudflare import affinity
from sandbox.cloudflare.account import Account
from sandbox.cloudflare.expressions import parse
from sandbox.cloudflare.objects import PoolKind, WorkerScriptKind
from sandbox.cloudflare.origins import OriginRequest, Origins
from sandbox.cloudflare.prober import Prober
from sandbox.cloudflare.proxy import Proxy, error_page, origin_headers, own_headers, passed_on, ray_id
from sandbox.cloudflare.steering import Choice, Steering
from sandbox.cloudflare.workers import Fleet
from sandbox.cloudflare.workers.runtime import PROTOCOL
from sandbox.store import Document
from sandbox.world import World

#: Extensions that are cached without a rule, of those a static site has.
#: https://developers.cloudflare.com/cache/concepts/default-cache-behavior/
_CACHED = frozenset(
    {
        *("avif", "bmp", "css", "csv", "eot", "gif", "gz", "ico", "jpeg", "jpg", "js", "mp3", "mp4", "otf", "pdf"),
        *("png", "svg", "svgz", "swf", "tar", "tif", "tiff", "ttf", "webm", "webp", "woff", "woff2", "zip"),
    }
)
#: Sandbox seconds between two visits of ``_visit_workers``.
_VISIT = 60.0
_MAX_AGE = re.compile(r"\bmax-age=(\d+)")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Visit:
    """A request as the zone sees it."""

    request: web.Request
    host: str
    scheme: str
    target: str
    """Path and query, as they were sent."""
    ray: str = field(default_factory=ray_id)
    """Id of the request, on both sides of the edge."""

    def fields(self) -> dict[str, Any]:
        """Fields of the Rules language."""
        path, _, query = self.target.partition("?")
        return {
            "http.host": self.host,
            "http.request.method": self.request.method,
            "http.request.uri": self.target,
            "http.request.uri.path": path,
            "http.request.uri.query": query,
            "http.request.full_uri": f"{self.scheme}://{self.host}{self.target}",
            "ssl": self.scheme == "https",
        }


class Edge:
    """Serves every public name of the account."""

    def __init__(self, world: World, account: Account, fleet: Fleet, *, random: Random | None = None) -> None:
        self._world = world
        self._fleet = fleet
        self._workers: aiohttp.ClientSession | None = None
        self._account = account
        self._random = random or Random()  # noqa: S311 - chooses pools, not keys
        self._prober: Prober | None = None
        self._origins: Origins | None = None

    @property
    def prober(self) -> Prober:
        """The prober; there while the application runs."""
        if self._prober is None:
            raise RuntimeError("the edge is not running")
        return self._prober

    @property
    def running(self) -> bool:
        """Tell whether the application has been started."""
        return self._prober is not None

    def application(self) -> web.Application:
        """Application for plain and TLS listeners; prober and connections live as long as it runs."""

        @web.middleware
        async def serve(request: web.Request, handler: Handler) -> web.StreamResponse:
            del handler
            return await self._serve(request)  # whatever the target's form: there are no routes

        app = web.Application(middlewares=[serve])
        app.cleanup_ctx.append(self._running)
        return app

    async def _running(self, app: web.Application) -> AsyncIterator[None]:
        del app
        self._origins = Origins(self._world)
        probing = Origins(self._world, keep_alive=False)
        self._prober = Prober(self._account, probing, self._world.clock)
        task = asyncio.create_task(self._prober.run())
        self._workers = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        )
        await self._fleet.start(self._account.all(WorkerScriptKind))
        visiting = asyncio.create_task(self._visit_workers(self._workers))
        yield
        for one in (visiting, task):
            one.cancel()
            with suppress(asyncio.CancelledError):
                await one
        await self._fleet.stop()
        await self._workers.close()
        await probing.close()
        await self._origins.close()

    async def _visit_workers(self, http: aiohttp.ClientSession) -> None:
        """A visitor a minute: a Worker learns of platforms from visitors only, and nobody else may be looking."""
        while True:
            for name in self._account.site_names():
                route = self._account.worker_route("https", name, "/")
                port = self._fleet.port(str(route["script"])) if route and route.get("script") else None
                if port is None:
                    continue
                with suppress(aiohttp.ClientError):
                    async with http.head(f"http://127.0.0.1:{port}/", headers={"Host": name, PROTOCOL: "https"}):
                        pass
            await self._world.clock.sleep(_VISIT)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        visit = self._visit(request)
        redirect = self._forced_https(visit) or self._redirected(visit)
        if redirect is not None:
            return redirect
        route = self._account.worker_route(visit.scheme, visit.host, visit.target.partition("?")[0])
        if route is not None and route.get("script"):
            return await self._by_worker(visit, str(route["script"]))
        balancer = self._account.load_balancer(visit.host)
        if balancer is not None:
            return await self._balanced(visit, balancer)
        if self._account.proxied_record(visit.host):
            return self._finished(visit, error_page(522, visit.ray))  # the record has no server behind it
        return self._unknown(visit)

    def _visit(self, request: web.Request) -> Visit:
        host = (request.host or "").rsplit(":", 1)[0].lower()
        target = request.raw_path
        if not target.startswith("/"):  # absolute form, as a proxy is asked
            parts = urlsplit(target)
            path = parts.path if parts.path.startswith("/") else "/"
            target = f"{path}?{parts.query}" if parts.query else path
        known = self._account.load_balancer(host) is not None or self._account.proxied_record(host) is not None
        if known or request.secure:
            return Visit(request, host, "https" if request.secure else "http", target)
        return Visit(request, self._newest_name() or host, "https", target)

    def _newest_name(self) -> str | None:
        names = self._account.site_names()
        return names[-1] if names else None

    def _forced_https(self, visit: Visit) -> web.Response | None:
        """https://developers.cloudflare.com/ssl/edge-certificates/additional-options/always-use-https/ ."""
        if visit.scheme == "https" or self._account.setting("always_use_https") != "on":
            return None
        return self._redirect(visit, 301, f"https://{visit.host}{visit.target}")

    def _redirected(self, visit: Visit) -> web.Response | None:
        """The first redirect rule that matches.

        https://developers.cloudflare.com/rules/url-forwarding/single-redirects/
        """
        fields = visit.fields()
        for rule in self._account.rules("http_request_dynamic_redirect"):
            if not parse(rule["expression"])(fields):
                continue
            source = rule["action_parameters"]["from_value"]
            target = source["target_url"]
            location = target.get("value") or parse(target["expression"])(fields)
            query = fields["http.request.uri.query"]
            if source.get("preserve_query_string") and query:
                location = f"{location}?{query}"
            return self._redirect(visit, source.get("status_code", 302), str(location))
        return None

    def _redirect(self, visit: Visit, status: int, location: str) -> web.Response:
        headers = {**own_headers(visit.ray), "Location": location}
        return self._finished(visit, web.Response(status=status, headers=headers))

    async def _balanced(self, visit: Visit, balancer: Document) -> web.StreamResponse:
        origins = self._origins
        if origins is None:
            raise RuntimeError("the edge is not running")
        steering = Steering(self.prober.view(), origins.resolves, self._random)
        fallback = self._account.get(PoolKind, balancer["fallback_pool"])
        client = visit.request.headers.get("CF-Connecting-IP") or visit.request.remote or ""
        session = affinity.session_of(balancer, dict(visit.request.cookies))
        choices = steering.choose(balancer, self._account.pools_of(balancer), fallback, client, session)

        def rewrite(choice: Choice, status: int, headers: CIMultiDict[str]) -> None:
            self._zone_headers(visit, status, headers)
            served = affinity.Session(choice.pool["id"], str(choice.endpoint["name"]))
            cookie = affinity.cookie(balancer, served)
            if cookie is not None and served != session:
                headers.add("Set-Cookie", cookie)

        requests = [(choice, self._asked(visit, choice)) for choice in choices]
        return await Proxy(origins, visit.ray).serve(visit.request, requests, rewrite)

    async def _by_worker(self, visit: Visit, script: str) -> web.StreamResponse:
        """Routes come before everything that a name has behind it.

        https://developers.cloudflare.com/workers/configuration/routing/routes/
        """
        port = self._fleet.port(script)
        if port is None or self._workers is None:
            return self._finished(visit, error_page(1101, visit.ray))
        headers = origin_headers(visit.request, visit.ray, visit.scheme)
        headers["Host"] = visit.host

        def rewrite(status: int, found: CIMultiDict[str]) -> None:
            self._zone_headers(visit, status, found)

        url = URL(f"http://127.0.0.1:{port}{visit.target}", encoded=True)
        body = visit.request.content if visit.request.can_read_body else None
        asked = self._workers.request(visit.request.method, url, headers=headers, data=body, allow_redirects=False)
        try:
            async with asked as answer:
                return await passed_on(visit.request, answer, visit.ray, rewrite)
        except aiohttp.ClientError as error:
            _log.warning("worker %s: %s %r", script, type(error).__name__, error)
            return self._finished(visit, error_page(1101, visit.ray))

    def _asked(self, visit: Visit, choice: Choice) -> OriginRequest:
        mode = self._account.setting("ssl")
        hosts = (choice.endpoint.get("header") or {}).get("Host") or [visit.host]
        request = visit.request
        return OriginRequest(
            method=request.method,
            address=str(choice.endpoint["address"]),
            host=str(hosts[0]),
            target=visit.target,
            headers=origin_headers(request, visit.ray, visit.scheme),
            body=request.content if request.can_read_body else None,
            secure=mode not in {"off", "flexible"},
            verify=mode == "strict",
        )

    def _zone_headers(self, visit: Visit, status: int, headers: CIMultiDict[str]) -> None:
        """Headers that settings of the zone put in the place of the origin's."""
        security = (self._account.setting("security_header") or {}).get("strict_transport_security") or {}
        if security.get("enabled") and visit.scheme == "https":
            headers["Strict-Transport-Security"] = _transport_security(security)
        if security.get("nosniff"):
            headers["X-Content-Type-Options"] = "nosniff"
        if status == web.HTTPOk.status_code and not self._browser_ttl_respected(visit):
            _lengthen(headers, visit.target, int(self._account.setting("browser_cache_ttl") or 0))
        self._transform_headers(visit, headers)

    def _transform_headers(self, visit: Visit, headers: CIMultiDict[str]) -> None:
        """Every rule that matches, in order.

        https://developers.cloudflare.com/rules/transform/response-header-modification/
        """
        fields = visit.fields()
        for rule in self._account.rules("http_response_headers_transform"):
            if not parse(rule["expression"])(fields):
                continue
            for name, change in rule["action_parameters"]["headers"].items():
                _change_header(headers, name, change, fields)

    def _browser_ttl_respected(self, visit: Visit) -> bool:
        fields = visit.fields()
        matching = [
            rule for rule in self._account.rules("http_request_cache_settings") if parse(rule["expression"])(fields)
        ]
        modes = [(rule.get("action_parameters") or {}).get("browser_ttl", {}).get("mode") for rule in matching]
        return "respect_origin" in modes

    def _finished(self, visit: Visit, response: web.Response) -> web.Response:
        self._zone_headers(visit, response.status, response.headers)
        return response

    def _unknown(self, visit: Visit) -> web.Response:
        text = f"Error 1016: nothing is declared for {visit.host} in this zone yet; publish a site first (make up).\n"
        return self._finished(visit, web.Response(status=530, text=text, headers=own_headers(visit.ray)))


def _change_header(headers: CIMultiDict[str], name: str, change: Document, fields: Mapping[str, Any]) -> None:
    if change["operation"] == "remove":
        headers.popall(name, None)
        return
    value = str(change.get("value") or parse(change["expression"])(fields))
    if change["operation"] == "set":
        headers[name] = value
    else:
        headers.add(name, value)


def _transport_security(security: Document) -> str:
    parts = [f"max-age={security.get('max_age', 0)}"]
    if security.get("include_subdomains"):
        parts.append("includeSubDomains")
    if security.get("preload"):
        parts.append("preload")
    return "; ".join(parts)


def _lengthen(headers: CIMultiDict[str], target: str, seconds: int) -> None:
    """Browser Cache TTL: a shorter life of a file that Cloudflare caches is lengthened; 0 leaves it.

    https://developers.cloudflare.com/cache/how-to/edge-browser-cache-ttl/
    """
    control = headers.get("Cache-Control", "")
    extension = target.partition("?")[0].rpartition(".")[2].lower()
    if not seconds or extension not in _CACHED or "no-store" in control or "private" in control:
        return
    found = _MAX_AGE.search(control)
    if found is None or int(found[1]) < seconds:
        headers["Cache-Control"] = _MAX_AGE.sub(f"max-age={seconds}", control) if found else f"max-age={seconds}"
