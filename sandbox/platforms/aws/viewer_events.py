"""What a CloudFront function is given, and what it may give back.

Events: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html; restrictions:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html. A result that
breaks them is answered 502.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web

from sandbox.platforms.aws.function_runtime import FunctionError
from sandbox.platforms.aws.reply import Reply
from sandbox.store import Document

_HIDDEN = frozenset({
    "connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "trailer",
    "upgrade", "x-accel-buffering", "x-accel-charset", "x-accel-limit-rate", "x-accel-redirect", "x-amzn-auth",
    "x-amzn-cf-billing", "x-amzn-cf-id", "x-amzn-cf-xff", "x-amzn-errortype", "x-amzn-fle-profile",
    "x-amzn-header-count", "x-amzn-header-order", "x-amzn-lambda-integration-tag", "x-amzn-requestid", "x-cache",
    "x-forwarded-proto", "x-real-ip",
})  # fmt: skip
_HIDDEN_PREFIXES = ("x-amz-cf-", "x-edge-")
_READ_ONLY_REQUEST = ("content-length", "host", "transfer-encoding", "via")
_READ_ONLY_RESPONSE = ("warning", "via")
_MAX_URI = 8192


def request_event(identifier: str, distribution: Document, request: web.Request) -> Document:
    """Event for a viewer request."""
    headers = [(name.lower(), value) for name, value in request.headers.items()]
    cookies = [part.strip().partition("=") for name, value in headers if name == "cookie" for part in value.split(";")]
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
            "querystring": _collapsed(request.query.items()),
            "headers": _collapsed((name, value) for name, value in headers if name != "cookie" and not _hidden(name)),
            "cookies": _collapsed((name, value) for name, _, value in cookies),
        },
    }


def response_document(reply: Reply) -> Document:
    """The response of a viewer-response event; the body is not part of it."""
    headers = {name: {"value": value} for name, value in reply.headers.items() if not _hidden(name)}
    return {"statusCode": reply.status, "statusDescription": reply.reason, "headers": headers, "cookies": {}}


def checked_request(result: Document, before: Document) -> Document:
    """A request that a function gave back. Raises FunctionError."""
    uri = result.get("uri")
    if result.get("method") != before["method"]:
        raise FunctionError("the function changed the method, which is read-only", 502)
    if not isinstance(uri, str) or not uri.startswith("/") or len(uri) >= _MAX_URI:
        raise FunctionError("the uri must begin with a slash and have fewer than 8,192 characters", 502)
    _checked_headers(result, before["headers"], _READ_ONLY_REQUEST)
    return result


def generated(result: Document) -> Reply:
    """A response that a viewer-request function made. Raises FunctionError."""
    headers = _checked_headers(result, {}, _READ_ONLY_RESPONSE)
    body = _body(result)
    return Reply(_status(result), headers, body or b"", cache="FunctionGeneratedResponse from cloudfront",
                 reason=_description(result))  # fmt: skip


def changed(result: Document, reply: Reply) -> Reply:
    """The reply as a viewer-response function left it. Raises FunctionError."""
    seen = response_document(reply)["headers"]
    headers = _checked_headers(result, seen, _READ_ONLY_RESPONSE)
    headers |= {name: value for name, value in reply.headers.items() if _hidden(name)}
    body = _body(result)
    status = _status(result)
    reason = _description(result) if status != reply.status else reply.reason
    return replace(reply, status=status, headers=headers, body=reply.body if body is None else body, reason=reason)


def _collapsed(pairs: Iterable[tuple[str, str]]) -> Document:
    """Fields by name; one that comes several times also has them all in ``multiValue``."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {
        name: {"value": found[0], **({"multiValue": [{"value": value} for value in found]} if len(found) > 1 else {})}
        for name, found in values.items()
    }


def _hidden(name: str) -> bool:
    return name in _HIDDEN or name.startswith(_HIDDEN_PREFIXES)


def _checked_headers(result: Document, before: Mapping[str, Any], read_only: Iterable[str]) -> dict[str, str]:
    headers = result.get("headers") or {}
    if not isinstance(headers, dict) or ("statusCode" in result and result.get("cookies")):
        raise FunctionError("headers is not an object, or cookies are set, which the sandbox does not serve", 502)
    found: dict[str, str] = {}
    for name, item in headers.items():
        value = item.get("value") if isinstance(item, dict) else None
        if name != name.lower() or _hidden(name) or not isinstance(value, str) or "\n" in value or "\r" in value:
            raise FunctionError(f"the function gave back the header {name!r}, which it may not, or not so", 502)
        found[name] = value
    for name in read_only:
        if found.get(name) != before.get(name, {}).get("value"):
            raise FunctionError("the function tried to add, delete, or change a read-only header", 502)
    return found


def _status(result: Document) -> int:
    status = result.get("statusCode")
    if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
        raise FunctionError("statusCode is not an integer of three digits", 502)
    return status


def _description(result: Document) -> str | None:
    text = result.get("statusDescription")
    return text if isinstance(text, str) and text.isprintable() else None


def _body(result: Document) -> bytes | None:
    body = result.get("body")
    if body is None:
        return None
    data, encoding = (body.get("data", ""), body.get("encoding")) if isinstance(body, dict) else (body, "text")
    if not isinstance(data, str) or encoding not in {"text", "base64"}:
        raise FunctionError("the body is neither text nor {encoding, data}", 502)
    try:
        return data.encode() if encoding == "text" else base64.b64decode(data, validate=True)
    except binascii.Error:
        raise FunctionError("the body is not valid base64", 502) from None
