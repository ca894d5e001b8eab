"""Property names: the API's snake_case and the Pulumi provider's camelCase.

Keys that are data (pool ids, header names, the inside of a setting) stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_DATA = frozenset({"header", "pool_weights", "region_pools", "country_pools", "pop_pools", "value", "meta", "headers"})
_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")
_UNDERSCORE = re.compile(r"_([a-z0-9])")


def api_name(name: str) -> str:
    """``poolWeights`` → ``pool_weights``."""
    return _HUMP.sub(lambda found: f"_{found[1].lower()}", name)


def provider_name(name: str) -> str:
    """``pool_weights`` → ``poolWeights``."""
    return _UNDERSCORE.sub(lambda found: found[1].upper(), name)


def to_api(document: dict[str, Any]) -> dict[str, Any]:
    """A document under the API's names; None is left out."""
    return _object(document, api_name)


def to_provider(document: dict[str, Any]) -> dict[str, Any]:
    """A document under the provider's names; None is left out."""
    return _object(document, provider_name)


def _object(document: dict[str, Any], rename: Callable[[str], str]) -> dict[str, Any]:
    return {
        rename(key): inner if api_name(key) in _DATA else _value(inner, rename)
        for key, inner in document.items()
        if inner is not None
    }


def _value(value: Any, rename: Callable[[str], str]) -> Any:
    if isinstance(value, list):
        return [_value(inner, rename) for inner in value]
    return _object(value, rename) if isinstance(value, dict) else value
