"""What differs between the old and the new inputs of a resource, in the engine's property paths.

Paths: https://www.pulumi.com/docs/iac/concepts/miscellaneous/property-paths/
"""

from __future__ import annotations

import re
from typing import Any, Literal

_QUOTED = re.compile(r'\["((?:[^"\\]|\\.)*)"\]', re.DOTALL)
Kind = Literal["add", "delete", "update"]


def deep_changes(old: Any, new: Any, path: str = "") -> dict[str, Kind]:
    """Path → how it differs: ``origins[0].address``, ``tags["a.b"]``. None counts as absent."""
    if isinstance(old, dict) and isinstance(new, dict):
        found: dict[str, Kind] = {}
        for key in sorted({*old, *new}):
            found |= _change(old.get(key), new.get(key), _joined(path, key))
        return found
    if isinstance(old, list) and isinstance(new, list):
        found = {}
        for index in range(max(len(old), len(new))):
            before, after = (items[index] if index < len(items) else None for items in (old, new))
            found |= _change(before, after, f"{path}[{index}]")
        return found
    return {} if old == new and isinstance(old, bool) == isinstance(new, bool) else {path: "update"}


def top_level(path: str) -> str:
    """The property a path starts at."""
    quoted = _QUOTED.match(path)
    if quoted:
        return re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL)
    return path.split(".", 1)[0].split("[", 1)[0]


def _change(old: Any, new: Any, path: str) -> dict[str, Kind]:
    if old is None and new is None:
        return {}
    if old is None:
        return {path: "add"}
    if new is None:
        return {path: "delete"}
    return deep_changes(old, new, path)


def _joined(path: str, key: str) -> str:
    if not key.replace("_", "").isalnum():
        escaped = key.replace("\\", "\\\\").replace('"', '\\"')
        return f'{path}["{escaped}"]'
    return f"{path}.{key}" if path else key
