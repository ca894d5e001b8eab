"""Runs a CloudFront function's real JavaScript, within the documented limits.

Runtime: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-javascript-runtime-20.html. The
engine here takes more of JavaScript than the real one; what it cannot show is compute utilisation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import quickjs

MAX_CODE = 10 * 1024
_MEMORY = 16 * 1024 * 1024
_SECONDS = 0.25
_ROUNDS = 2000
_IMPORT = re.compile(r"^\s*import\s+(\w+)\s+from\s+['\"]cloudfront['\"];?\s*$", re.MULTILINE)

#: `kvs.get` of the real runtime rejects for a missing key. Requests are collected and answered between two turns,
#: because JavaScript with a time limit cannot call out.
_PRELUDE = """
var __asked = [], __waiting = {}, __next = 0, __done = null;
var __cf = (function () {
  function ask(kind, key) {
    return new Promise(function (resolve, reject) {
      __waiting[__next] = [resolve, reject];
      __asked.push([__next++, kind, key]);
    });
  }
  return { kvs: function () {
    return {
      get: async function (key, options) {
        var text = await ask('get', key);
        return options && options.format === 'json' ? JSON.parse(text) : text;
      },
      exists: function (key) { return ask('exists', key); },
      count: function () { return ask('count', ''); }
    };
  } };
})();
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
    function (value) { __done = JSON.stringify({ value: value }); },
    function (error) { __done = JSON.stringify({ error: String(error) }); });
}
"""
KeyReader = Callable[[str], str | None]


class FunctionError(Exception):
    """The function threw, or broke a limit: visitors get CloudFront's 503."""


def run(code: str, event: dict[str, Any], read_key: KeyReader, count: Callable[[], int] = lambda: 0) -> dict[str, Any]:
    """Run ``handler(event)``; returns the request or response it gives back. Raises FunctionError."""
    context = quickjs.Context()
    context.set_memory_limit(_MEMORY)
    context.set_time_limit(_SECONDS)
    try:
        context.eval(_PRELUDE + _IMPORT.sub(r"const \1 = __cf;", code))
        context.get("__run")(json.dumps(event))
        done = _drain(context, read_key, count)
    except quickjs.JSException as error:
        raise FunctionError(str(error)) from error
    if "error" in done:
        raise FunctionError(done["error"])
    if not isinstance(done.get("value"), dict):
        raise FunctionError("the function returned neither a request nor a response")
    result: dict[str, Any] = done["value"]
    return result


def _drain(context: Any, read_key: KeyReader, count: Callable[[], int]) -> dict[str, Any]:
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
        context.get("__answer")(json.dumps([_answered(item, read_key, count) for item in asked]))
    raise FunctionError("the function asked the key value store too often")


def _answered(item: list[Any], read_key: KeyReader, count: Callable[[], int]) -> list[Any]:
    number, kind, key = item
    if kind == "exists":
        return [number, read_key(str(key)) is not None]
    return [number, count() if kind == "count" else read_key(str(key))]
