"""The part of Cloudflare's Rules language that redirect and cache rules of a static site need.

https://developers.cloudflare.com/ruleset-engine/rules-language/ . Values: strings, numbers, booleans, fields of the
request and the functions below; operators ``eq ne contains in not and or``, also written ``== != ! && ||``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

Fields = Mapping[str, Any]
Expression = Callable[[Fields], Any]

FIELDS = frozenset(
    {
        *("http.host", "http.request.method", "http.request.uri", "http.request.uri.path", "http.request.uri.query"),
        *("http.request.full_uri", "ssl"),
    }
)
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "concat": lambda *parts: "".join(str(part) for part in parts),
    "ends_with": lambda text, end: str(text).endswith(end),
    "lower": lambda text: str(text).lower(),
    "starts_with": lambda text, start: str(text).startswith(start),
    "upper": lambda text: str(text).upper(),
}
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, right: bool(left == right),
    "ne": lambda left, right: bool(left != right),
    "contains": lambda left, right: right in left,
}
_SPELLINGS = {"==": "eq", "!=": "ne", "&&": "and", "||": "or", "!": "not"}
_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|==|!=|&&|\|\||[(){},!]|\d+|[a-z_][a-z0-9_.]*)', re.IGNORECASE)


class ExpressionError(ValueError):
    """The text is no expression of the supported part of the language."""


@lru_cache(maxsize=1024)
def parse(text: str) -> Expression:
    """Compile an expression, which the edge does for every request; raises ExpressionError."""
    parser = _Parser(_tokens(text))
    found = parser.either()
    if parser.peek() is not None:
        raise ExpressionError(f"unexpected {parser.peek()!r}")
    return found


def _tokens(text: str) -> list[str]:
    tokens, position = [], 0
    stripped = text.rstrip()
    while position < len(stripped):
        found = _TOKEN.match(stripped, position)
        if not found:
            raise ExpressionError(f"unexpected character at {position}: {stripped[position : position + 10]!r}")
        tokens.append(_SPELLINGS.get(found[1], found[1]))
        position = found.end()
    return tokens


class _Parser:
    """Recursive descent; ``or`` binds loosest, then ``and``, then ``not``."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._next = 0

    def peek(self) -> str | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def take(self, expected: str | None = None) -> str:
        token = self.peek()
        if token is None or (expected is not None and token != expected):
            raise ExpressionError(f"expected {expected or 'a value'}, found {token!r}")
        self._next += 1
        return token

    def either(self) -> Expression:
        left = self._both()
        while self.peek() == "or":
            self.take()
            left = _or(left, self._both())
        return left

    def _both(self) -> Expression:
        left = self._negation()
        while self.peek() == "and":
            self.take()
            left = _and(left, self._negation())
        return left

    def _negation(self) -> Expression:
        if self.peek() != "not":
            return self._comparison()
        self.take()
        inner = self._negation()
        return lambda fields: not inner(fields)

    def _comparison(self) -> Expression:
        left = self._value()
        operator = self.peek()
        if operator == "in":
            self.take()
            return _in(left, self._set())
        if operator is None or operator not in _COMPARE:
            return left
        self.take()
        return _compared(_COMPARE[operator], left, self._value())

    def _set(self) -> list[Expression]:
        self.take("{")
        values = []
        while self.peek() != "}":
            values.append(self._value())
        self.take("}")
        return values

    def _value(self) -> Expression:
        token = self.take()
        if token == "(":  # noqa: S105 - a parenthesis
            inner = self.either()
            self.take(")")
            return inner
        if token.startswith('"'):
            return _constant(re.sub(r"\\(.)", r"\1", token[1:-1]))
        if token.isdigit():
            return _constant(int(token))
        if token in {"true", "false"}:
            return _constant(token == "true")  # noqa: S105 - a literal
        if token in _FUNCTIONS:
            return _call(_FUNCTIONS[token], self._arguments())
        if token in FIELDS:
            return lambda fields: fields[token]
        raise ExpressionError(f"unknown identifier {token!r}")

    def _arguments(self) -> list[Expression]:
        self.take("(")
        arguments = [self.either()]
        while self.peek() == ",":
            self.take()
            arguments.append(self.either())
        self.take(")")
        return arguments


def _constant(value: Any) -> Expression:
    return lambda _: value


def _or(left: Expression, right: Expression) -> Expression:
    return lambda fields: bool(left(fields)) or bool(right(fields))


def _and(left: Expression, right: Expression) -> Expression:
    return lambda fields: bool(left(fields)) and bool(right(fields))


def _in(left: Expression, values: list[Expression]) -> Expression:
    return lambda fields: left(fields) in [value(fields) for value in values]


def _compared(operator: Callable[[Any, Any], bool], left: Expression, right: Expression) -> Expression:
    return lambda fields: operator(left(fields), right(fields))


def _call(function: Callable[..., Any], arguments: list[Expression]) -> Expression:
    return lambda fields: function(*(argument(fields) for argument in arguments))
