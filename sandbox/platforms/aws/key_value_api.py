"""The data plane of CloudFront KeyValueStore.

API: https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Operations_Amazon_CloudFront_KeyValueStore.html
"""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import unquote, urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.calls import wall_time
from sandbox.platforms.aws.account import ACCOUNT, KEY_VALUE_STORE
from sandbox.platforms.aws.key_value_store import MAX_KEYS_A_CALL, KeyValueError, KeyValues
from sandbox.platforms.aws.signatures import SignatureError, SignedRequest, check, header_map
from sandbox.store import Store

_STATUS = {"ConflictException": 409, "ResourceNotFoundException": 404, "ServiceQuotaExceededException": 402,
           "AccessDeniedException": 403}  # fmt: skip
_DEFAULT_RESULTS = "10"


def key_value_app(store: Store, pairs: KeyValues) -> web.Application:
    """The data plane; takes request targets in absolute form too, as clients send them to a proxy."""
    return _DataPlane(store, pairs).app()


class _DataPlane:
    def __init__(self, store: Store, pairs: KeyValues) -> None:
        self._store = store
        self._pairs = pairs

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._errors], client_max_size=8 * 1024 * 1024)
        app.router.add_route("*", "/{tail:.*}", self._dispatch)
        return app

    @web.middleware
    async def _errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except KeyValueError as refused:
            return _error(refused.code, str(refused))
        except SignatureError as refused:
            return _error("AccessDeniedException", f"{refused.code}: {refused}")

    async def _dispatch(self, request: web.Request) -> web.Response:
        body = await request.read()
        parts = urlsplit(request.raw_path)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        check(
            SignedRequest(request.method, target, header_map(request.headers)),
            service="cloudfront-keyvaluestore",
            payload_hash=hashlib.sha256(body).hexdigest(),
            encode_path_again=True,
            now=wall_time(),
        )
        segments = [unquote(segment) for segment in parts.path.strip("/").split("/")]
        if len(segments) < 2 or segments[0] != "key-value-stores":
            raise KeyValueError("ValidationException", "no such operation")
        arn = segments[1]
        if not arn.startswith(f"arn:aws:cloudfront::{ACCOUNT}:key-value-store/") or all(
            found.get("arn") != arn for found in self._store.all(KEY_VALUE_STORE).values()
        ):
            raise KeyValueError("ResourceNotFoundException", "The key value store does not exist.")
        return self._answer(request, arn, segments[2:], _parsed(body))

    def _answer(self, request: web.Request, arn: str, rest: list[str], body: dict[str, Any]) -> web.Response:
        if request.method == "GET" and not rest:
            return self._described(arn)
        if request.method == "GET" and rest == ["keys"]:
            return self._listed(
                arn, request.query.get("MaxResults", _DEFAULT_RESULTS), request.query.get("NextToken", "")
            )
        if rest[:1] != ["keys"] or len(rest) > 2:
            raise KeyValueError("ValidationException", "no such operation")
        if request.method == "GET" and len(rest) == 2:
            return self._value(arn, rest[1])
        etag = request.headers.get("If-Match")
        if etag is None:
            raise KeyValueError("ValidationException", "If-Match is required.")
        if request.method == "POST" and len(rest) == 1:
            return self._written(arn, etag, _puts(body), _keys(body))
        if request.method == "PUT" and len(rest) == 2:
            return self._written(arn, etag, {rest[1]: _text(body, "Value")}, [])
        if request.method == "DELETE" and len(rest) == 2:
            if self._pairs.get(arn, rest[1]) is None:
                raise KeyValueError("ResourceNotFoundException", "The key does not exist.")
            return self._written(arn, etag, {}, [rest[1]])
        raise KeyValueError("ValidationException", f"{request.method} is no operation here")

    def _described(self, arn: str) -> web.Response:
        version, (count, size) = self._pairs.version(arn), self._pairs.totals(arn)
        body = {
            "ItemCount": count,
            "TotalSizeInBytes": size,
            "KvsARN": arn,
            "Created": version.created,
            "LastModified": version.modified,
            "Status": "READY",
        }
        return web.json_response(body, headers={"ETag": version.etag})

    def _listed(self, arn: str, results: str, after: str) -> web.Response:
        if not results.isdigit() or not 1 <= int(results) <= MAX_KEYS_A_CALL:
            raise KeyValueError("ValidationException", f"MaxResults is 1 to {MAX_KEYS_A_CALL}.")
        limit = int(results)
        rows = self._pairs.page(arn, after, limit + 1)
        items = [{"Key": key, "Value": value} for key, value in rows[:limit]]
        more = {"NextToken": rows[limit - 1][0]} if len(rows) > limit else {}
        return web.json_response({"Items": items, **more})

    def _value(self, arn: str, key: str) -> web.Response:
        value = self._pairs.get(arn, key)
        if value is None:
            raise KeyValueError("ResourceNotFoundException", "The key does not exist.")
        count, size = self._pairs.totals(arn)
        return web.json_response({"Key": key, "Value": value, "ItemCount": count, "TotalSizeInBytes": size})

    def _written(self, arn: str, etag: str, puts: dict[str, str], deletes: list[str]) -> web.Response:
        fresh = self._pairs.write(arn, etag, puts, deletes)
        count, size = self._pairs.totals(arn)
        return web.json_response({"ItemCount": count, "TotalSizeInBytes": size}, headers={"ETag": fresh})


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body) if body else {}
    except ValueError:
        raise KeyValueError("ValidationException", "The body is not JSON.") from None
    if not isinstance(found, dict):
        raise KeyValueError("ValidationException", "The body is not a JSON object.")
    return found


def _puts(body: dict[str, Any]) -> dict[str, str]:
    pairs = _objects(body, "Puts")
    puts = {_text(pair, "Key"): _text(pair, "Value") for pair in pairs}
    if len(puts) != len(pairs):
        raise KeyValueError("ValidationException", "A key stands in Puts twice.")
    return puts


def _keys(body: dict[str, Any]) -> list[str]:
    keys = [_text(item, "Key") for item in _objects(body, "Deletes")]
    if len(set(keys)) != len(keys):
        raise KeyValueError("ValidationException", "A key stands in Deletes twice.")
    return keys


def _objects(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = body.get(name) or []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise KeyValueError("ValidationException", f"{name} is a list of objects.")
    return found


def _text(body: dict[str, Any], name: str) -> str:
    found = body.get(name)
    if not isinstance(found, str):
        raise KeyValueError("ValidationException", f"{name} is required and a string.")
    return found


def _error(code: str, message: str) -> web.Response:
    headers = {"x-amzn-ErrorType": code}
    return web.json_response({"Message": message}, status=_STATUS.get(code, 400), headers=headers)
