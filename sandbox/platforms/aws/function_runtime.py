"""Runs a CloudFront function's real JavaScript, within the documented limits.

Runtime: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-javascript-runtime-20.html
Quotas: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
The engine here takes more of JavaScript than the real one and has no Buffer, crypto or querystring; what it cannot show
is compute utilisation.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import quickjs

_log = logging.getLogger(__name__)
MAX_CODE = 10 * 1024
#: Memory of a function; the real engine counts it its own way. Bytes.
_MEMORY = 2 * 1024 * 1024
#: Processor seconds for each turn; the real limit, under a millisecond, depends on the machine.
_SECONDS = 0.25
_ROUNDS = 2000
_IMPORT = re.compile(r"^\s*import\s+(\w+)\s+from\s+['\"]cloudfront['\"];?\s*$", re.MULTILINE)

#: Helper methods: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-custom-methods.html.
#: Requests are collected and answered between two turns, because JavaScript with a time limit cannot call out.
_PRELUDE = """
var __asked = [], __waiting = {}, __next = 0, __done = null, __printed = [];
var console = { log: function () { __printed.push(Array.prototype.map.call(arguments, String).join(' ')); } };
var __cf = (function (store) {
  function ask(kind, key) {
    return new Promise(function (resolve, reject) {
      __waiting[__next] = [resolve, reject];
      __asked.push([__next++, kind, key]);
    });
  }
  return { kvs: function (id) {
    if (store === '') throw new Error('no key value store is associated with the function');
    if (id !== undefined && id !== store) throw new Error('the key value store ' + id + ' is not associated');
    return {
      get: async function (key, options) {
        var format = options && options.format || 'string';
        if (format !== 'string' && format !== 'json') throw new Error('unsupported format: ' + format);
        var text = await ask('get', key);
        return format === 'json' ? JSON.parse(text) : text;
      },
      exists: function (key) { return ask('exists', key); },
      count: function () { return ask('count', ''); },
      meta: function () { return ask('meta', ''); }
    };
  } };
})(__STORE__);
function __answer(text) {
  JSON.parse(text).forEach(function (item) {
    var waiting = __waiting[item[0]];
    delete __waiting[item[0]];
    if (item[1] === null) { waiting[1](new Error('KeyNotFound')); } else { waiting[0](item[1]); }
  });
}
function __take() { var asked = __asked; __asked = []; return JSON.stringify(asked); }
function __run(event) {
  Promise.resolve().then(function () { return handler(JSON.parse(event)); }).then(
    function (value) { __done = JSON.stringify({ value: value, printed: __printed }); },
    function (error) { __done = JSON.stringify({ error: String(error), printed: __printed }); });
}
(function () {
  var refuse = function () { throw new EvalError('code cannot be made from strings here'); };
  [function () {}, async function () {}, function* () {}, async function* () {}].forEach(function (kind) {
    Object.defineProperty(Object.getPrototypeOf(kind), 'constructor', { value: refuse });
  });
  globalThis.Function = refuse;
})();
"""
_NO_EVAL = "delete globalThis.eval;"


class FunctionError(Exception):
    """The function threw, broke a limit, or gave back what CloudFront does not take; ``status`` is what visitors get.

    503: it could not run; 502: its result failed validation.
    """

    def __init__(self, message: str, status: int = 503) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class KeyValueView:
    """What a function can read of its key value store."""

    identifier: str = ""
    """UUID at the end of the store's ARN; empty when none is associated."""
    read: Callable[[str], str | None] = lambda _: None
    meta: Callable[[], dict[str, Any]] = dict
    """creationDateTime, lastUpdatedDateTime (ISO 8601), keyCount."""


def run(code: str, event: dict[str, Any], view: KeyValueView) -> dict[str, Any]:
    """Run ``handler(event)``; returns the request or response it gives back. Raises FunctionError."""
    context = quickjs.Context()
    context.set_memory_limit(_MEMORY)
    context.set_time_limit(_SECONDS)
    prelude = _PRELUDE.replace("__STORE__", json.dumps(view.identifier))
    try:
        context.eval(prelude)
        context.eval(_NO_EVAL + _IMPORT.sub(r"const \1 = __cf;", code))
        context.get("__run")(json.dumps(event))
        done = _drain(context, view)
    except quickjs.JSException as error:
        raise FunctionError(str(error)) from error
    for line in done.get("printed", []):
        _log.info("function: %s", line)
    if "error" in done:
        raise FunctionError(done["error"])
    if not isinstance(done.get("value"), dict):
        raise FunctionError("the function returned neither a request nor a response", 502)
    result: dict[str, Any] = done["value"]
    return result


def _drain(context: Any, view: KeyValueView) -> dict[str, Any]:
    for _ in range(_ROUNDS):
        while context.execute_pending_job():
            pass
        done = context.get("__done")
        if done is not None:
            found: dict[str, Any] = json.loads(done)
            return found
        asked = json.loads(context.get("__take")())
        if not asked:
            raise FunctionError("the function waits for something that never comes")
        context.get("__answer")(json.dumps([_answered(item, view) for item in asked]))
    raise FunctionError("the function asked the key value store too often")


def _answered(item: list[Any], view: KeyValueView) -> list[Any]:
    number, kind, key = item
    if kind == "exists":
        return [number, view.read(str(key)) is not None]
    if kind == "get":
        return [number, view.read(str(key))]
    meta = view.meta()
    return [number, meta if kind == "meta" else meta.get("keyCount", 0)]
