"""CloudFront's data plane: functions, cache, private S3 origin, error pages, response headers policy.

The plain port of the sandbox stands for TLS: a distribution that redirects to https serves there too, so that a
browser can open it without knowing the sandbox's authority.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from aiohttp import web

from sandbox.platforms.aws.account import DISTRIBUTION, HEADERS_POLICY, LIVE_FUNCTION
from sandbox.platforms.aws.compression import TYPES, Compressor, is_compressible, takes_gzip
from sandbox.platforms.aws.edge_cache import CachePolicy, EdgeCache, policy_of
from sandbox.platforms.aws.function_runtime import FunctionError, KeyValueView, run
from sandbox.platforms.aws.headers_policy import with_policy
from sandbox.platforms.aws.http_semantics import (
    UnsatisfiableRange,
    Window,
    not_modified,
    precondition_failed,
    send_file,
    window,
)
from sandbox.platforms.aws.key_value_store import KeyValues
from sandbox.platforms.aws.objects import ObjectStore
from sandbox.platforms.aws.reply import Reply, error_page
from sandbox.platforms.aws.s3_origin import S3Origin
from sandbox.platforms.aws.signatures import header_map
from sandbox.platforms.aws.viewer_events import changed, checked_request, generated, request_event, response_document
from sandbox.store import Document, Store
from sandbox.world import Clock

_log = logging.getLogger(__name__)
_NO_SUCH_HOST = "The request could not be satisfied. Bad request: no distribution answers for this Host."
_NOT_ALLOWED = "This distribution is not configured to allow the HTTP request method that was used for this request."
_FAILED = {
    502: "The CloudFront function returned a result that failed validation.",
    503: "The CloudFront function associated with the CloudFront distribution is invalid or could not run.",
}


class Distributions:
    """Serves all distributions of the account.

    ``response_sees_rewritten``: whether a viewer-response function is given the request as the viewer-request function
    left it, or as the visitor sent it. The documentation says "the actual request that CloudFront received from the
    viewer" and does not tell the two events apart, so a function must bear both.
    """

    def __init__(
        self,
        store: Store,
        objects: ObjectStore,
        pairs: KeyValues,
        clock: Clock,
        *,
        response_sees_rewritten: bool = True,
    ) -> None:
        self._store = store
        self._origin = S3Origin(store, objects)
        self._pairs = pairs
        self._cache = EdgeCache(clock)
        self._compressor = Compressor()
        self._response_sees_rewritten = response_sees_rewritten

    def app(self) -> web.Application:
        """The public application; sites are told apart by Host."""
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._serve)
        return app

    def by_host(self, host: str) -> tuple[str, Document] | None:
        """Id and document of the distribution that answers for a host name."""
        name = host.rsplit(":", 1)[0].lower()
        for identifier, found in self._store.all(DISTRIBUTION).items():
            if name == found["domainName"] or name in map(str.lower, found.get("aliases") or []):
                return identifier, found
        return None

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        found = self.by_host(request.host)
        if found is None or not found[1].get("enabled", False):
            return await _finished(request, error_page(403, _NO_SUCH_HOST))
        identifier, distribution = found
        if request.method not in distribution["defaultCacheBehavior"]["allowedMethods"]:
            return await _finished(request, error_page(403, _NOT_ALLOWED))
        try:
            reply = await self._through(identifier, distribution, request)
        except FunctionError as error:
            _log.warning("function of %s: %s", identifier, error)
            reply = error_page(error.status, _FAILED[error.status])
        return await _finished(request, reply)

    async def _through(self, identifier: str, distribution: Document, request: web.Request) -> Reply:
        behaviour = distribution["defaultCacheBehavior"]
        event = request_event(identifier, distribution, request)
        asked = self._function(behaviour, "viewer-request", event)
        if asked is not None and "statusCode" in asked:
            return generated(asked)
        rewritten = event["request"] if asked is None else checked_request(asked, event["request"])
        reply, failed = await self._content(identifier, distribution, str(rewritten["uri"]), request)
        reply = with_policy(self._store.get(HEADERS_POLICY, behaviour.get("responseHeadersPolicyId") or ""), reply)
        if failed:
            # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
            return reply
        seen = rewritten if self._response_sees_rewritten else event["request"]
        given = self._function(
            behaviour, "viewer-response", {**event, "request": seen, "response": response_document(reply)}
        )
        return reply if given is None else changed(given, reply)

    def _function(self, behaviour: Document, kind: str, event: Document) -> Document | None:
        """Run the function of an event type; None where there is none."""
        for association in behaviour.get("functionAssociations") or []:
            if association["eventType"] == kind:
                function = self._store.get(LIVE_FUNCTION, association["functionArn"])
                if function is None:
                    raise FunctionError("the associated function is not published")
                event = {**event, "context": {**event["context"], "eventType": kind}}
                return run(function["code"], event, self._view(function["stores"]))
        return None

    def _view(self, stores: list[str]) -> KeyValueView:
        if not stores:
            return KeyValueView()
        arn = stores[0]

        def meta() -> Document:
            version = self._pairs.version(arn)
            return {
                "creationDateTime": datetime.fromtimestamp(version.created, UTC).isoformat(),
                "lastUpdatedDateTime": datetime.fromtimestamp(version.modified, UTC).isoformat(),
                "keyCount": self._pairs.totals(arn)[0],
            }

        return KeyValueView(arn.rsplit("/", 1)[-1], lambda key: self._pairs.seen(arn, key), meta)

    async def _content(
        self, identifier: str, distribution: Document, uri: str, request: web.Request
    ) -> tuple[Reply, bool]:
        """The origin's answer, or the error page for it, and whether the origin answered 400 or above."""
        behaviour = distribution["defaultCacheBehavior"]
        policy = policy_of(behaviour)
        compress = bool(behaviour.get("compress")) and policy.compressed
        coding = "gzip" if compress and _wants_gzip(request) else ""
        reply = self._cached(identifier, distribution, uri, coding, policy)
        failed = reply.status >= 400
        if failed:
            reply = self._error_page(identifier, distribution, reply, policy)
        if compress and reply.headers.get("content-type", "").partition(";")[0] in TYPES:
            reply = replace(reply, headers={**reply.headers, "vary": "Accept-Encoding"})
        if coding and is_compressible(reply):
            reply = await self._compressor.compressed(reply)
        return reply, failed

    def _cached(self, identifier: str, distribution: Document, uri: str, coding: str, policy: CachePolicy) -> Reply:
        rules = distribution.get("customErrorResponses") or []
        seconds = {rule["errorCode"]: rule.get("errorCachingMinTtl") for rule in rules}
        return self._cache.answer(
            (identifier, uri, coding), lambda: self._origin.get(distribution, uri), policy, seconds.get
        )

    def _error_page(self, identifier: str, distribution: Document, reply: Reply, policy: CachePolicy) -> Reply:
        """https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/GeneratingCustomErrorResponses.html."""
        for rule in distribution.get("customErrorResponses") or []:
            if rule["errorCode"] == reply.status and rule.get("responsePagePath"):
                page = self._cached(identifier, distribution, rule["responsePagePath"], "", policy)
                if page.status >= 400:
                    return reply
                return replace(page, status=int(rule.get("responseCode") or reply.status), cache=reply.cache)
        return reply


def _wants_gzip(request: web.Request) -> bool:
    """Ranges are taken of the uncompressed bytes."""
    return "Range" not in request.headers and takes_gzip(request.headers.get("Accept-Encoding", ""))


async def _finished(request: web.Request, reply: Reply) -> web.StreamResponse:
    """Conditional and range requests, then the headers every answer of CloudFront has."""
    asked, etag = header_map(request.headers), reply.etag
    if reply.status == 200 and etag and precondition_failed(asked, etag, reply.modified):
        reply = error_page(412, "Precondition Failed")
    headers = _headers(reply)
    if reply.status == 200 and etag and not_modified(asked, etag, reply.modified):
        for name in ("Content-Length", "Content-Type", "Content-Encoding"):
            headers.pop(name, None)
        return web.Response(status=304, headers=headers)
    try:
        part = window(asked, reply.size, etag, reply.modified) if reply.status == 200 else Window(0, reply.size)
    except UnsatisfiableRange:
        headers |= {"Content-Range": f"bytes */{reply.size}", "Content-Type": "text/html"}
        return web.Response(status=416, headers=headers)
    status = 206 if part.partial else reply.status
    if part.partial:
        headers["Content-Range"] = part.content_range(reply.size)
    if not isinstance(reply.body, bytes):
        return await send_file(request, status, headers, reply.body, part)
    body = reply.body[part.start : part.stop]
    if request.method == "HEAD":
        return web.Response(status=status, reason=reply.reason, headers={**headers, "Content-Length": str(len(body))})
    return web.Response(status=status, reason=reply.reason, headers=headers, body=body)


def _headers(reply: Reply) -> dict[str, str]:
    """Names as CloudFront writes them: the first letter of each word is a capital."""
    fixed: Mapping[str, str] = {
        "X-Cache": reply.cache,
        "Via": "1.1 sandbox.cloudfront.net (CloudFront)",
        "X-Amz-Cf-Id": secrets.token_urlsafe(40),
        "X-Amz-Cf-Pop": "SBX50-P1",
    }
    own = {name: value for name, value in reply.headers.items() if name not in {"content-length", "via"}}
    written = {"ETag" if name == "etag" else name.title(): value for name, value in own.items()}
    age = {} if reply.age is None else {"Age": str(reply.age)}
    return {**written, **age, **fixed}
