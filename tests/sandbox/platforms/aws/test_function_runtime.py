from __future__ import annotations

from typing import Any

import pytest

from sandbox.platforms.aws.function_runtime import FunctionError, KeyValueView, run

PAIRS = {"a": "1", "json": '{"x": [1]}'}
META = {
    "creationDateTime": "2026-01-01T00:00:00+00:00",
    "lastUpdatedDateTime": "2026-01-02T00:00:00+00:00",
    "keyCount": 2,
}
VIEW = KeyValueView("store-id", PAIRS.get, lambda: META)


def result(body: str, view: KeyValueView = VIEW, head: str = "import cf from 'cloudfront';\n") -> Any:
    return run(f"{head}async function handler(event) {{ {body} }}", {"request": {"uri": "/x"}}, view)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("await cf.kvs().get('a')", "1"),
        ("await cf.kvs('store-id').get('a', {format: 'string'})", "1"),
        ("await cf.kvs().get('json', {format: 'json'})", {"x": [1]}),
        ("await cf.kvs().exists('a')", True),
        ("await cf.kvs().exists('b')", False),
        ("await cf.kvs().count()", 2),
        ("await cf.kvs().meta()", META),
        ("(await Promise.all([cf.kvs().get('a'), cf.kvs().exists('a')])).join()", "1,true"),
        ("await cf.kvs().get('b').catch(() => 'rejected')", "rejected"),
    ],
)
def test_helper_methods_answer_as_documented(expression, value):
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-custom-methods.html."""
    assert result(f"return {{value: {expression}}};") == {"value": value}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return {value: await cf.kvs().get('b')};", "KeyNotFound"),
        ("return {value: await cf.kvs('other').get('a')};", "not associated"),
        ("throw new TypeError('mine');", "mine"),
        ("while (true) {}", "interrupted"),
        ("await cf.kvs().get('a'); while (true) {}", "interrupted"),
        ("let s = 'x'; while (true) s += s;", "out of memory|invalid string length"),
        ("await new Promise(() => {});", "never comes"),
        ("return {value: eval('1')};", "eval"),
        ("return {value: new Function('return 1')()};", "strings"),
        ("return {value: (async () => 1).constructor('return 1')};", "strings"),
        ("return {value: setTimeout(() => 1, 1)};", "setTimeout"),
        ("return 1;", "neither"),
        ("return undefined;", "neither"),
    ],
)
def test_what_the_real_runtime_does_not_do_fails_here_too(body, message):
    with pytest.raises(FunctionError, match=message):
        result(body)


def test_a_function_without_a_store_cannot_ask_one():
    with pytest.raises(FunctionError, match="no key value store"):
        result("return {value: await cf.kvs().get('a')};", KeyValueView())


def test_functions_need_not_be_asynchronous_and_may_print():
    code = "function handler(event) { console.log('seen', event.request.uri); return {uri: event.request.uri + 'y'}; }"
    assert run(code, {"request": {"uri": "/x"}}, VIEW) == {"uri": "/xy"}


def test_code_that_cannot_be_parsed_fails():
    with pytest.raises(FunctionError):
        run("function handler(event) {", {}, VIEW)


def test_one_call_leaves_nothing_for_the_next():
    code = "var calls = 0; function handler() { calls += 1; return {calls: calls}; }"
    assert [run(code, {}, VIEW) for _ in range(2)] == [{"calls": 1}, {"calls": 1}]
