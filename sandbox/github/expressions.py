"""Expressions of workflows: https://docs.github.com/en/actions/reference/workflows-and-actions/expressions.

Names, texts, ``==``, ``!=``, ``!``, ``&&``, ``||``, parentheses and a few functions; another one is refused by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<operator>&&|\|\||==|!=|!)|(?P<punctuation>[(),])|'(?P<text>(?:[^']|'')*)'"
    r"|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][\w.-]*))"
)
_LITERALS = {"true": True, "false": False, "null": None}
Contexts = Mapping[str, Any]


class NotUnderstood(ValueError):
    """An expression is wrong, or uses what is not played here."""


def filled_in(text: Any, contexts: Contexts) -> str:
    """A text with the values of what stands between ``${{`` and ``}}``."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda match: as_text(value(match[1], contexts)), str(text))


def as_text(found: Any) -> str:
    """As GitHub writes a value into a text."""
    if found is None:
        return ""
    if isinstance(found, bool):
        return "true" if found else "false"
    return json.dumps(found) if isinstance(found, dict | list) else str(found)


def value(expression: str, contexts: Contexts) -> Any:
    """Value of an expression; raises NotUnderstood. What a context does not have is nothing."""
    reading = _Reading(expression, contexts)
    found = reading.either()
    if reading.token is not None:
        raise NotUnderstood(f"{expression.strip()!r}: {reading.token[1]!r} is not expected there")
    return found


class _Reading:
    """Reads from left to right; ``token`` is the next one, as (kind, text)."""

    def __init__(self, expression: str, contexts: Contexts) -> None:
        self._tokens = _tokens(expression)
        self._contexts = contexts
        self.token: tuple[str, str] | None = None
        self._step()

    def _step(self) -> tuple[str, str] | None:
        passed, self.token = self.token, next(self._tokens, None)
        return passed

    def _is(self, *texts: str) -> bool:
        return self.token is not None and self.token[0] != "text" and self.token[1] in texts

    def _want(self, text: str) -> None:
        if not self._is(text):
            raise NotUnderstood(f"{text!r} is missing")
        self._step()

    def either(self) -> Any:
        found = self._both()
        while self._is("||"):
            self._step()
            other = self._both()
            found = found or other
        return found

    def _both(self) -> Any:
        found = self._compared()
        while self._is("&&"):
            self._step()
            other = self._compared()
            found = found and other
        return found

    def _compared(self) -> Any:
        found = self._single()
        while self._is("==", "!="):
            operator = self._step()
            same = _alike(found) == _alike(self._single())
            found = same if operator is not None and operator[1] == "==" else not same
        return found

    def _single(self) -> Any:
        if self._is("!"):
            self._step()
            return not self._single()
        if self._is("("):
            self._step()
            found = self.either()
            self._want(")")
            return found
        token = self._step()
        if token is None or token[0] not in {"text", "number", "name"}:
            raise NotUnderstood("a value is missing")
        kind, text = token
        if kind == "text":
            return text.replace("''", "'")
        if kind == "number":
            return float(text) if "." in text else int(text)
        return self._called(text) if self._is("(") else _looked_up(text, self._contexts)

    def _called(self, name: str) -> Any:
        self._want("(")
        given: list[Any] = []
        while not self._is(")"):
            given.append(self.either())
            if not self._is(")"):
                self._want(",")
        self._want(")")
        if name not in _FUNCTIONS:
            raise NotUnderstood(f"the function {name} is not played here; known are {', '.join(sorted(_FUNCTIONS))}")
        return _FUNCTIONS[name](*given)


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "always": lambda: True,
    "success": lambda: True,
    "failure": lambda: False,
    "cancelled": lambda: False,
    "contains": lambda whole, part: (
        str(part).lower() in str(whole).lower() if isinstance(whole, str) else part in whole
    ),
    "startsWith": lambda whole, part: str(whole).lower().startswith(str(part).lower()),
    "endsWith": lambda whole, part: str(whole).lower().endswith(str(part).lower()),
    "format": lambda text, *values: re.sub(r"\{(\d+)\}", lambda match: as_text(values[int(match[1])]), text),
    "fromJSON": json.loads,
    "toJSON": json.dumps,
    "hashFiles": lambda *_: "0",
}


def _tokens(expression: str) -> Iterator[tuple[str, str]]:
    end, text = 0, expression.rstrip()
    while end < len(text):
        match = _TOKEN.match(text, end)
        if match is None:
            raise NotUnderstood(f"{expression.strip()!r} is not understood from {text[end:].strip()!r} on")
        end = match.end()
        kind = str(match.lastgroup)
        yield kind, match[kind]


def _looked_up(path: str, contexts: Contexts) -> Any:
    if path in _LITERALS:
        return _LITERALS[path]
    found: Any = contexts
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _alike(found: Any) -> Any:
    """GitHub compares texts whatever their case, and nothing like an empty text."""
    return "" if found is None else found.lower() if isinstance(found, str) else found
