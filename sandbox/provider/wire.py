"""Property values between the engine's gRPC structs and plain Python ones.

Secrets come as an object with a signature and leave the same way; every sentinel of an unknown value is read as UNKNOWN
(https://github.com/pulumi/pulumi/blob/v3.250.0/sdk/go/common/resource/plugin/rpc.go,
https://github.com/pulumi/pulumi/blob/v3.250.0/sdk/go/common/resource/sig/sig.go).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format, struct_pb2

from sandbox.provider.resource_type import UNKNOWN

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  # the signature of a secret, not one
#: One sentinel for each type the engine knows of: bool, number, string, array, asset, archive, object.
_UNKNOWNS = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        UNKNOWN,
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)


def to_values(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Plain values of a struct: secrets opened, whole numbers as int, unknown ones as UNKNOWN."""
    return {key: _opened(value) for key, value in _marked_values(struct).items()}


def to_struct(values: Mapping[str, Any], *like: struct_pb2.Struct, secrets: frozenset[str] = frozenset()) -> Any:
    """Struct of plain values; None is left out.

    A value is marked secret where the same property of one of the structs in ``like`` holds a secret, and where its
    top-level name is in ``secrets``.
    """
    marked: Mapping[str, Any] = values
    for model in like:
        marked = _with_secrets_of(_marked_values(model), marked)
    present = {key: _secret(value) if key in secrets else value for key, value in marked.items() if value is not None}
    return json_format.ParseDict(present, struct_pb2.Struct())


def _marked_values(struct: struct_pb2.Struct) -> dict[str, Any]:
    return dict(json_format.MessageToDict(struct))


def _is_secret(value: Any) -> bool:
    return isinstance(value, dict) and value.get(_SIGNATURE) == _SECRET


def _secret(value: Any) -> Any:
    return value if _is_secret(value) else {_SIGNATURE: _SECRET, "value": value}


def _opened(value: Any) -> Any:
    if isinstance(value, dict):
        if _is_secret(value):
            return _opened(value.get("value"))
        return {key: _opened(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_opened(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return UNKNOWN if isinstance(value, str) and value in _UNKNOWNS else value


def _holds_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return _is_secret(value) or any(map(_holds_secret, value.values()))
    return isinstance(value, list) and any(map(_holds_secret, value))


def _with_secrets_of(model: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Mark by name, as the engine does for providers that know no secrets: a list with a secret in it is one."""
    marked = dict(values)
    for key, inner in model.items():
        value = values.get(key)
        if value is None or not _holds_secret(inner):
            continue
        plain_objects = isinstance(value, dict) and isinstance(inner, dict) and not _is_secret(inner)
        marked[key] = _with_secrets_of(inner, value) if plain_objects else _secret(value)
    return marked
