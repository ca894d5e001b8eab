"""CloudFront's data plane: functions, cache, private S3 origin, error pages, response headers policy.

The plain port of the sandbox stands for TLS: a distribution that redirects to https serves there too, so that a
browser can open it without knowing the sandbox's authority.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from sandbox.platforms.aws.function_runtime import FunctionError, run
from sandbox.platforms.aws.key_value_store import KeyValues
from sandbox.platforms.aws.objects import ObjectStore
from sandbox.store import Document, Store
from sandbox.world import Clock

_log = logging.getLogger(__name__)
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
FUNCTION = "aws:cloudfront/function:Function"
HEADERS_POLICY = "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
_CACHED_BYTES = 128 * 1024 * 1024
_REASONS = {301: "Moved Permanently", 302: "Found", 307: "Temporary Redirect", 308: "Permanent Redirect"}


@dataclass(frozen=True)
class Reply:
    """A response on its way to the visitor; lower-case header names."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Distributions:
    """Serves all distributions of the account."""

    def __init__(self, store: Store, objects: ObjectStore, pairs: KeyValues, clock: Clock) -> None:
        self._store = store
        self._objects = objects
        self._pairs = pairs
        self._clock = clock
        self._cache: OrderedDict[tuple[str, str], tuple[float, Reply]] = OrderedDict()
        self._cached_bytes = 0

    def app(self) -> web.Application:
        """The public application; sites are told apart by Host."""
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._serve)
        return app

    def by_host(self, host: str) -> tuple[str, Document] | None:
        """Id and document of the distribution that answers for a host name."""
        name = host.rsplit(":", 1)[0]
        for identifier, found in self._store.all(DISTRIBUTION).items():
            if name == found["domainName"] or name in found.get("aliases", []):
                return identifier, found
        return None

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        found = self.by_host(request.host)
        if found is None or not found[1].get("enabled", False):
            return _finished(request, _error(403, "The request could not be satisfied: no distribution for this Host."))
        identifier, distribution = found
        behaviour = distribution["defaultCacheBehavior"]
        if request.method not in behaviour["allowedMethods"]:
            return _finished(
                request, _error(403, "This distribution is not configured to allow the HTTP request method.")
            )
        try:
            reply = await self._through(identifier, distribution, behaviour, request)
        except FunctionError as error:
            _log.warning("function of %s: %s", identifier, error)
            reply = _error(503, "The CloudFront function associated with the distribution returned an error.")
        return _finished(request, reply)

    async def _through(
        self, identifier: str, distribution: Document, behaviour: Document, request: web.Request
    ) -> Reply:
        event = _event(identifier, distribution, request)
        asked = await self._function(behaviour, "viewer-request", event)
        if asked is not None and "statusCode" in asked:
            return _generated(asked)
        changed = asked or event["request"]
        reply = self._from_cache(identifier, distribution, str(changed["uri"]))
        reply = self._with_policy(behaviour, reply)
        if reply.status >= 400:
            # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
            return reply
        response = {
            "statusCode": reply.status,
            "headers": {name: {"value": value} for name, value in reply.headers.items()},
            "cookies": {},
        }
        given = await self._function(behaviour, "viewer-response", {**event, "request": changed, "response": response})
        if given is None:
            return reply
        headers = {name.lower(): str(item["value"]) for name, item in given.get("headers", {}).items()}
        return replace(reply, status=int(given["statusCode"]), headers=headers)

    async def _function(self, behaviour: Document, kind: str, event: Document) -> Document | None:
        for association in behaviour.get("functionAssociations", []):
            if association["eventType"] == kind:
                found = next(
                    (
                        document
                        for document in self._store.all(FUNCTION).values()
                        if document["arn"] == association["functionArn"]
                    ),
                    None,
                )
                if found is None:
                    raise FunctionError("the associated function does not exist")
                event = {**event, "context": {**event["context"], "eventType": kind}}
                stores = found.get("keyValueStoreAssociations", [])
                return self._run(found["code"], event, stores[0] if stores else "")
        return None

    def _run(self, code: str, event: Document, arn: str) -> Document:
        def read(key: str) -> str | None:
            return self._pairs.seen(arn, key)

        return run(code, event, read, lambda: self._pairs.totals(arn)[0])

    def _from_cache(self, identifier: str, distribution: Document, uri: str) -> Reply:
        """Cache key: the rewritten URI (the managed policy CachingOptimized adds neither query nor cookies)."""
        now = self._clock.now()
        kept = self._cache.get((identifier, uri))
        if kept is not None and now < kept[0]:
            self._cache.move_to_end((identifier, uri))
            return replace(kept[1], headers={**kept[1].headers, "x-cache": "Hit from cloudfront"})
        reply = self._from_origin(distribution, uri)
        if reply.status == 200:
            self._keep((identifier, uri), now + _fresh_seconds(reply.headers.get("cache-control", "")), reply)
        else:
            reply = self._error_page(distribution, reply)
        return replace(reply, headers={**reply.headers, "x-cache": "Miss from cloudfront"})

    def _keep(self, key: tuple[str, str], until: float, reply: Reply) -> None:
        previous = self._cache.pop(key, None)
        self._cached_bytes += len(reply.body) - (len(previous[1].body) if previous else 0)
        self._cache[key] = (until, reply)
        while self._cached_bytes > _CACHED_BYTES:
            _, (_, dropped) = self._cache.popitem(last=False)
            self._cached_bytes -= len(dropped.body)

    def _from_origin(self, distribution: Document, uri: str) -> Reply:
        key = unquote(uri).lstrip("/") or distribution.get("defaultRootObject", "")
        origin = distribution["origins"][0]
        bucket = origin["domainName"].split(".s3.", 1)[0]
        found = self._objects.get(bucket, key) if self._may_read(bucket, distribution["arn"], key) else None
        if found is None:
            # Without s3:ListBucket a missing key is 403, as a forbidden one is.
            return _error(403, "AccessDenied")
        headers = {name: value for name, value in found.headers.items() if not name.startswith("x-amz-checksum-")}
        headers |= {"etag": found.etag, "last-modified": formatdate(found.modified, usegmt=True), "server": "AmazonS3"}
        return Reply(200, headers, self._objects.blob_path(found.blob).read_bytes())

    def _may_read(self, bucket: str, distribution_arn: str, key: str) -> bool:
        policy = self._store.get(BUCKET_POLICY, bucket)
        if policy is None:
            return False
        document = json.loads(policy["policy"]) if isinstance(policy["policy"], str) else policy["policy"]
        return any(_allows(statement, bucket, distribution_arn, key) for statement in document["Statement"])

    def _error_page(self, distribution: Document, reply: Reply) -> Reply:
        for rule in distribution.get("customErrorResponses", []):
            if rule["errorCode"] == reply.status and rule.get("responsePagePath"):
                page = self._from_origin(distribution, rule["responsePagePath"])
                status = int(rule.get("responseCode") or reply.status)
                return replace(page if page.status == 200 else reply, status=status)
        return reply

    def _with_policy(self, behaviour: Document, reply: Reply) -> Reply:
        policy = self._store.get(HEADERS_POLICY, behaviour.get("responseHeadersPolicyId", ""))
        if policy is None:
            return reply
        headers = dict(reply.headers)
        for name, value, override in _policy_headers(policy):
            if override or name not in headers:
                headers[name] = value
        return replace(reply, headers=headers)


def _event(identifier: str, distribution: Document, request: web.Request) -> Document:
    """Event structure: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html."""
    headers: dict[str, Any] = {}
    for name, value in request.headers.items():
        headers.setdefault(name.lower(), {"value": value})
    query = {name: {"value": value} for name, value in request.query.items()}
    return {
        "version": "1.0",
        "context": {
            "distributionDomainName": distribution["domainName"],
            "distributionId": identifier,
            "requestId": secrets.token_urlsafe(24),
        },
        "viewer": {"ip": request.remote or "127.0.0.1"},
        "request": {
            "method": request.method,
            "uri": request.raw_path.partition("?")[0],
            "querystring": query,
            "headers": headers,
            "cookies": {},
        },
    }


def _generated(result: Document) -> Reply:
    headers = {name.lower(): str(item["value"]) for name, item in result.get("headers", {}).items()}
    body = result.get("body", b"")
    text = body.get("data", "") if isinstance(body, dict) else body
    status = int(result["statusCode"])
    content = text.encode() if isinstance(text, str) else text
    return Reply(status, {**headers, "x-cache": "FunctionGeneratedResponse from cloudfront"}, content)


def _allows(statement: Document, bucket: str, distribution_arn: str, key: str) -> bool:
    principal = statement.get("Principal", {})
    services = principal.get("Service", []) if isinstance(principal, dict) else []
    services = [services] if isinstance(services, str) else services
    resources = statement.get("Resource", [])
    resources = [resources] if isinstance(resources, str) else resources
    actions = statement.get("Action", [])
    actions = [actions] if isinstance(actions, str) else actions
    source = statement.get("Condition", {}).get("StringEquals", {}).get("AWS:SourceArn")
    return (
        statement.get("Effect") == "Allow"
        and "cloudfront.amazonaws.com" in services
        and "s3:GetObject" in actions
        and f"arn:aws:s3:::{bucket}/*" in resources
        and source == distribution_arn
        and bool(key)
    )


def _policy_headers(policy: Document) -> list[tuple[str, str, bool]]:
    found = []
    security = policy.get("securityHeadersConfig") or {}
    simple = {
        "contentSecurityPolicy": ("content-security-policy", "contentSecurityPolicy"),
        "frameOptions": ("x-frame-options", "frameOption"),
        "referrerPolicy": ("referrer-policy", "referrerPolicy"),
    }
    for key, (name, value) in simple.items():
        if key in security:
            found.append((name, str(security[key][value]), bool(security[key]["override"])))
    if "contentTypeOptions" in security:
        found.append(("x-content-type-options", "nosniff", bool(security["contentTypeOptions"]["override"])))
    if "strictTransportSecurity" in security:
        found.append(_transport(security["strictTransportSecurity"]))
    for item in (policy.get("customHeadersConfig") or {}).get("items", []):
        found.append((item["header"].lower(), str(item["value"]), bool(item["override"])))
    return found


def _transport(config: Document) -> tuple[str, str, bool]:
    value = f"max-age={config['accessControlMaxAgeSec']}"
    value += "; includeSubDomains" if config.get("includeSubdomains") else ""
    value += "; preload" if config.get("preload") else ""
    return "strict-transport-security", value, bool(config["override"])


def _fresh_seconds(cache_control: str) -> float:
    """TTL under CachingOptimized: minimum 1 s, default a day, maximum a year."""
    for part in cache_control.lower().split(","):
        name, _, value = part.strip().partition("=")
        if name in {"no-store", "private", "no-cache"}:
            return 1.0
        if name in {"s-maxage", "max-age"} and value.isdigit():
            return min(max(float(value), 1.0), 31536000.0)
    return 86400.0


def _error(status: int, text: str) -> Reply:
    body = f"<html><head><title>ERROR</title></head><body>{text}</body></html>\n".encode()
    return Reply(
        status, {"content-type": "text/html", "server": "CloudFront", "x-cache": "Error from cloudfront"}, body
    )


def _finished(request: web.Request, reply: Reply) -> web.Response:
    """Conditional and range requests, then the headers every answer of CloudFront has."""
    headers = {
        **{_written(name): value for name, value in reply.headers.items()},
        "Via": "1.1 sandbox.cloudfront.net (CloudFront)",
        "X-Amz-Cf-Id": secrets.token_urlsafe(40),
        "X-Amz-Cf-Pop": "SANDBOX1-P1",
    }
    etag = reply.headers.get("etag")
    if reply.status == 200 and etag and request.headers.get("If-None-Match") in {etag, "*"}:
        return web.Response(status=304, headers=headers)
    body, status = reply.body, reply.status
    window = _window(request.headers.get("Range"), len(body)) if status == 200 else None
    if window is not None:
        headers["Content-Range"] = f"bytes {window[0]}-{window[1] - 1}/{len(body)}"
        body, status = body[window[0] : window[1]], 206
    reason = _REASONS.get(status)
    if request.method == "HEAD":
        return web.Response(status=status, reason=reason, headers={**headers, "Content-Length": str(len(body))})
    return web.Response(status=status, reason=reason, headers=headers, body=body)


def _written(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-")) if name != "etag" else "ETag"


def _window(header: str | None, size: int) -> tuple[int, int] | None:
    if not header or not header.startswith("bytes=") or "," in header:
        return None
    first, _, last = header.removeprefix("bytes=").partition("-")
    if not (first.isdigit() or last.isdigit()):
        return None
    start = int(first) if first else max(0, size - int(last))
    stop = min(size, int(last) + 1) if first and last else size
    return (start, stop) if start < stop else None
