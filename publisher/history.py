"""The releases a stack remembers, in the inputs of its one ``Website``.

The newest stands there whole, so that a preview names the changed pages; each older one as what differs from the one
before it, so that the state grows with what changed and not with the number of releases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from website import Manifest

Values = dict[str, Any]


def recalled(inputs: Mapping[str, Any]) -> list[Manifest]:
    """Releases in a state's inputs, the last published first; none of a state that has none."""
    if "rules" not in inputs:
        return []
    files, rules, kinds = dict(inputs["files"]), inputs["rules"], _kinds(inputs["kinds"])
    found = [_manifest(inputs, files, kinds, rules)]
    for older in inputs.get("kept", ()):
        files = {path: value for path, value in {**files, **older["files"]}.items() if value is not None}
        rules = older.get("rules", rules)
        found.append(_manifest(older, files, kinds, rules))
    return found


def remembered(current: Manifest, others: Sequence[Manifest], keep: int) -> Values:
    """Inputs that hold ``current`` and, of the others, as many as make ``keep`` with it."""
    chain = [current, *(found for found in others if found.release != current.release)][:keep]
    kinds = {key: list(pair) for manifest in chain for key, pair in manifest.kinds.items()}
    kept = [_older(newer, older) for newer, older in pairwise(chain)]
    head = {"release": current.release, "digest": current.digest, "size": current.size}
    return {**head, "files": dict(current.files), "rules": dict(current.rules), "kinds": kinds, "kept": kept}


def _older(newer: Manifest, older: Manifest) -> Values:
    paths = newer.files.keys() | older.files.keys()
    files = {path: older.files.get(path) for path in sorted(paths) if newer.files.get(path) != older.files.get(path)}
    found: Values = {"release": older.release, "digest": older.digest, "size": older.size, "files": files}
    return found if newer.rules == older.rules else {**found, "rules": dict(older.rules)}


def _manifest(
    head: Mapping[str, Any], files: Mapping[str, str], kinds: Mapping[str, tuple[str, str]], rules: Mapping[str, Any]
) -> Manifest:
    used = {value.split(":")[1] for value in files.values()}
    own = {key: kinds[key] for key in sorted(used)}
    return Manifest(head["release"], head["digest"], int(head["size"]), files, own, rules)


def _kinds(plain: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, str]]:
    return {key: (media_type, cache_control) for key, (media_type, cache_control) in plain.items()}
