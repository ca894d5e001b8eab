"""CloudFront KeyValueStore: the data plane that clients write, and the delayed view that functions read.

API: https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Operations_Amazon_CloudFront_KeyValueStore.html;
quotas: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html.
"""

from __future__ import annotations

import hashlib
import json
import random
import secrets
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.platforms.aws.signatures import SignatureError, SignedRequest, check
from sandbox.store import Store
from sandbox.world import Clock

KEY_VALUE_STORE = "aws:cloudfront/keyValueStore:KeyValueStore"
MAX_KEY = 512
MAX_VALUE = 1024
MAX_STORE = 5 * 1024 * 1024
MAX_KEYS_A_CALL = 50
MAX_BYTES_A_CALL = 3 * 1024 * 1024
#: Seconds (of sandbox time) until an edge reads a write; keys arrive in no promised order.
SPREAD = 2.0
_STATUS = {"ConflictException": 409, "ResourceNotFoundException": 404, "ServiceQuotaExceededException": 402,
           "AccessDeniedException": 403}  # fmt: skip


class KeyValueError(Exception):
    """An answer in the service's error format."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class KeyValues:
    """Keys of all stores: the newest values at once, and what edges see after a delay."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(folder / "key-values.sqlite", check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS pairs "
            "(store TEXT, key TEXT, value TEXT, PRIMARY KEY (store, key)) WITHOUT ROWID"
        )
        self._connection.execute("CREATE TABLE IF NOT EXISTS tags (store TEXT PRIMARY KEY, etag TEXT)")
        self._late: dict[tuple[str, str], tuple[float, str | None]] = {}

    def etag(self, store: str) -> str:
        """Version of a store; changes with each write."""
        with self._lock:
            row = self._connection.execute("SELECT etag FROM tags WHERE store = ?", (store,)).fetchone()
        return str(row[0]) if row else f"KV{hashlib.sha256(store.encode()).hexdigest()[:12].upper()}"

    def get(self, store: str, key: str) -> str | None:
        """Newest value."""
        with self._lock:
            row = self._connection.execute(
                "SELECT value FROM pairs WHERE store = ? AND key = ?", (store, key)
            ).fetchone()
        return str(row[0]) if row else None

    def seen(self, store: str, key: str) -> str | None:
        """Value as an edge sees it now."""
        late = self._late.get((store, key))
        if late is not None:
            if self._clock.monotonic() < late[0]:
                return late[1]
            self._late.pop((store, key), None)
        return self.get(store, key)

    def totals(self, store: str) -> tuple[int, int]:
        """Number of pairs and their bytes."""
        with self._lock:
            row = self._connection.execute(
                "SELECT count(*), coalesce(sum(length(CAST(key AS BLOB)) + length(CAST(value AS BLOB))), 0) "
                "FROM pairs WHERE store = ?",
                (store,),
            ).fetchone()
        return int(row[0]), int(row[1])

    def page(self, store: str, after: str, limit: int) -> list[tuple[str, str]]:
        """Pairs after a key, in key order."""
        with self._lock:
            return self._connection.execute(
                "SELECT key, value FROM pairs WHERE store = ? AND key > ? ORDER BY key LIMIT ?", (store, after, limit)
            ).fetchall()

    def write(self, store: str, etag: str | None, puts: dict[str, str], deletes: list[str]) -> str:
        """Write all or nothing; returns the new version. Raises KeyValueError."""
        _check_sizes(puts, deletes)
        with self._lock:
            if etag != self.etag(store):
                raise KeyValueError("ConflictException", "The If-Match version is not the current one of the store.")
            before = {key: self.get(store, key) for key in (*puts, *deletes)}
            self._connection.execute("BEGIN")
            try:
                self._apply(store, puts, deletes)
                fresh = f"KV{secrets.token_hex(6).upper()}"
                self._connection.execute("INSERT OR REPLACE INTO tags VALUES (?, ?)", (store, fresh))
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
        self._delay(store, before)
        return fresh

    def _apply(self, store: str, puts: dict[str, str], deletes: list[str]) -> None:
        rows = [(store, key, value) for key, value in puts.items()]
        self._connection.executemany("INSERT OR REPLACE INTO pairs VALUES (?, ?, ?)", rows)
        self._connection.executemany("DELETE FROM pairs WHERE store = ? AND key = ?", [(store, key) for key in deletes])
        if self.totals(store)[1] > MAX_STORE:
            raise KeyValueError("ServiceQuotaExceededException", "The key value store would exceed 5 MB.")

    def _delay(self, store: str, before: dict[str, str | None]) -> None:
        now = self._clock.monotonic()
        for key, value in before.items():
            seen = self._late.get((store, key))
            shown = seen[1] if seen and now < seen[0] else value
            self._late[(store, key)] = (now + random.uniform(0.0, SPREAD), shown)  # noqa: S311

    def drop(self, store: str) -> None:
        """Forget a store."""
        with self._lock:
            self._connection.execute("DELETE FROM pairs WHERE store = ?", (store,))
            self._connection.execute("DELETE FROM tags WHERE store = ?", (store,))


def _check_sizes(puts: dict[str, str], deletes: list[str]) -> None:
    if len(puts) + len(deletes) > MAX_KEYS_A_CALL or not (puts or deletes):
        raise KeyValueError("ValidationException", f"A call takes 1 to {MAX_KEYS_A_CALL} keys.")
    if sum(len(key.encode()) + len(value.encode()) for key, value in puts.items()) > MAX_BYTES_A_CALL:
        raise KeyValueError("ValidationException", "A call takes 3 MB at the most.")
    for key, value in puts.items():
        if not 0 < len(key.encode()) <= MAX_KEY:
            raise KeyValueError("ValidationException", f"A key has 1 to {MAX_KEY} bytes.")
        if len(value.encode()) > MAX_VALUE:
            raise KeyValueError("ValidationException", f"A value has {MAX_VALUE} bytes at the most.")


def key_value_app(store: Store, pairs: KeyValues) -> web.Application:
    """The data plane; takes request targets in absolute form too, as clients send them to a proxy."""
    return _DataPlane(store, pairs).app()


class _DataPlane:
    def __init__(self, store: Store, pairs: KeyValues) -> None:
        self._store = store
        self._pairs = pairs

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._errors])
        app.router.add_route("*", "/{tail:.*}", self._dispatch)
        return app

    @web.middleware
    async def _errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except KeyValueError as error:
            return _error(error.code, str(error))
        except SignatureError as error:
            return _error("AccessDeniedException", str(error))

    async def _dispatch(self, request: web.Request) -> web.Response:
        body = await request.read()
        parts = urlsplit(request.raw_path)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        headers = {name.lower(): value for name, value in request.headers.items()}
        check(
            SignedRequest(request.method, target, headers),
            service="cloudfront-keyvaluestore",
            payload_hash=hashlib.sha256(body).hexdigest(),
            encode_path_again=True,
            now=time.time(),
        )
        segments = [unquote(segment) for segment in parts.path.strip("/").split("/")]
        if len(segments) < 2 or segments[0] != "key-value-stores":
            raise KeyValueError("ResourceNotFoundException", "no such operation")
        arn = segments[1]
        if all(found.get("arn") != arn for found in self._store.all(KEY_VALUE_STORE).values()):
            raise KeyValueError("ResourceNotFoundException", "The key value store does not exist.")
        return self._answer(request, arn, segments[2:], json.loads(body) if body else {})

    def _answer(self, request: web.Request, arn: str, rest: list[str], body: dict[str, Any]) -> web.Response:
        if request.method == "GET" and not rest:
            return self._described(arn)
        if request.method == "GET" and rest == ["keys"]:
            return self._listed(arn, int(request.query.get("MaxResults", "10")), request.query.get("NextToken", ""))
        if request.method == "GET" and len(rest) == 2:
            return self._value(arn, rest[1])
        etag = request.headers.get("If-Match")
        if request.method == "POST" and rest == ["keys"]:
            puts = {pair["Key"]: pair["Value"] for pair in body.get("Puts", [])}
            return self._written(arn, etag, puts, [pair["Key"] for pair in body.get("Deletes", [])])
        if request.method == "PUT" and len(rest) == 2:
            return self._written(arn, etag, {rest[1]: body["Value"]}, [])
        if request.method == "DELETE" and len(rest) == 2:
            if self._pairs.get(arn, rest[1]) is None:
                raise KeyValueError("ResourceNotFoundException", "The key does not exist.")
            return self._written(arn, etag, {}, [rest[1]])
        raise KeyValueError("ValidationException", f"{request.method} is no operation here")

    def _described(self, arn: str) -> web.Response:
        count, size = self._pairs.totals(arn)
        moment = time.time()
        body = {"ItemCount": count, "TotalSizeInBytes": size, "KvsARN": arn, "Created": moment, "LastModified": moment}
        return web.json_response({**body, "Status": "READY"}, headers={"ETag": self._pairs.etag(arn)})

    def _listed(self, arn: str, limit: int, after: str) -> web.Response:
        if not 1 <= limit <= MAX_KEYS_A_CALL:
            raise KeyValueError("ValidationException", "MaxResults is 1 to 50.")
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

    def _written(self, arn: str, etag: str | None, puts: dict[str, str], deletes: list[str]) -> web.Response:
        if etag is None:
            raise KeyValueError("ValidationException", "If-Match is required.")
        fresh = self._pairs.write(arn, etag, puts, deletes)
        count, size = self._pairs.totals(arn)
        return web.json_response({"ItemCount": count, "TotalSizeInBytes": size}, headers={"ETag": fresh})


def _error(code: str, message: str) -> web.Response:
    headers = {"x-amzn-ErrorType": code}
    return web.json_response({"Message": message}, status=_STATUS.get(code, 400), headers=headers)
