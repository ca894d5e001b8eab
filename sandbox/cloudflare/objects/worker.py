"""Workers: scripts, and the routes that lead to them.

Limits of the free plan: https://developers.cloudflare.com/workers/platform/limits/
"""

from __future__ import annotations

import gzip
import re
from datetime import date
from typing import Any, ClassVar

from sandbox.cloudflare.errors import ApiError
from sandbox.cloudflare.objects.base import Kind, Objects, Reasons
from sandbox.provider.resource_type import UNKNOWN, Inputs
from sandbox.store import Document

_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,62}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_PATTERN = re.compile(r"(?:(https?)://)?(\*\.?)?([a-z0-9-]+(?:\.[a-z0-9-]+)+)(/[^*?#]*)?(\*)?")
_MAX_SCRIPT, _MAX_VARIABLE, _MAX_VARIABLES = 3_000_000, 5_000, 64
_MAX_ASSETS, _MAX_ASSET = 20_000, 25 * 1024 * 1024
_BINDINGS = frozenset({"assets", "plain_text", "json"})
#: What the sandbox's assets can do; the other ways of the service would have to be its own to the letter.
_ASSETS = {"html_handling": "none", "not_found_handling": "none", "run_worker_first": True}


class WorkerScriptKind(Kind):
    """A script of the account; its id is its name."""

    name = "worker_script"
    missing = "This Worker does not exist on your account."
    missing_code = 10007
    initial: ClassVar[dict[str, Any]] = {"bindings": []}

    @classmethod
    def identifier(cls, given: Document) -> str:
        """The script's name."""
        return str(given["script_name"])

    @classmethod
    def reasons(cls, inputs: Inputs) -> Reasons:
        """Content is given in one way, and is either a module or a service worker."""
        found = []
        if (inputs.get("content") is None) == (inputs.get("contentFile") is None):
            found.append(("content", "exactly one of content and content_file must be given"))
        if inputs.get("contentFile") is not None and inputs.get("contentSha256") is None:
            found.append(("contentSha256", "is required with content_file"))
        if (inputs.get("mainModule") is None) == (inputs.get("bodyPart") is None):
            found.append(("mainModule", "exactly one of main_module and body_part must be given"))
        if inputs.get("bodyPart") not in {None, UNKNOWN}:
            found.append(("bodyPart", "the sandbox runs module Workers only"))
        return found

    @classmethod
    def check(cls, document: Document, objects: Objects) -> None:
        """Name, size, dates, bindings and assets. What the runtime says of the script comes after that."""
        if not _NAME.fullmatch(document["script_name"]):
            raise ApiError(400, 10016, f"invalid script name: {document['script_name']}")
        size = len(gzip.compress(str(document["content"]).encode()))
        if size > _MAX_SCRIPT:
            raise ApiError(413, 10027, f"Your Worker exceeded the size limit of 3 MB, it has {size} bytes after gzip")
        _check_date(str(document.get("compatibility_date", "")), objects.now())
        _check_bindings(document)
        _check_assets(document.get("assets") or {})


def _check_date(day: str, now: str) -> None:
    if not _DATE.fullmatch(day):
        raise ApiError(400, 10021, f"invalid compatibility date {day!r}: write YYYY-MM-DD")
    if date.fromisoformat(day) > date.fromisoformat(now[:10]):
        raise ApiError(400, 10021, f"Can't set compatibility date in the future: {day}")


def _check_bindings(document: Document) -> None:
    bindings = document["bindings"]
    if len(bindings) > _MAX_VARIABLES:
        raise ApiError(400, 10021, f"{len(bindings)} bindings, and there may be {_MAX_VARIABLES}")
    for found in bindings:
        if found.get("type") not in _BINDINGS:
            raise ApiError(400, 10021, f"the sandbox has no binding of type {found.get('type')}: {sorted(_BINDINGS)}")
        if len(str(found.get("text") or found.get("json") or "").encode()) > _MAX_VARIABLE:
            raise ApiError(400, 10021, f"variable {found['name']} is over 5 KB")
    if any(found["type"] == "assets" for found in bindings) and not document.get("assets"):
        raise ApiError(400, 10021, "a binding of type assets needs assets")


def _check_assets(assets: Document) -> None:
    if not assets:
        return
    config = {**dict.fromkeys(_ASSETS), **(assets.get("config") or {})}
    if config != _ASSETS:
        raise ApiError(400, 10021, f"the sandbox serves assets with {_ASSETS} only, and was told {config}")
    manifest = assets.get("manifest") or {}
    if len(manifest) > _MAX_ASSETS:
        raise ApiError(400, 100302, f"{len(manifest)} assets, and a version may have {_MAX_ASSETS}")
    for path, entry in manifest.items():
        if not path.startswith("/") or entry["size"] > _MAX_ASSET:
            raise ApiError(400, 100302, f"asset {path}: begins with no slash, or is over 25 MiB")


class WorkerRouteKind(Kind):
    """A pattern of URLs that a script answers."""

    name = "worker_route"
    missing = "workers.api.error.route_not_found"
    missing_code = 10015

    @classmethod
    def check(cls, document: Document, objects: Objects) -> None:
        """A pattern that is no other route's, a script that is there."""
        pattern = str(document.get("pattern", ""))
        if not _PATTERN.fullmatch(pattern):
            raise ApiError(400, 10022, f"invalid route pattern {pattern!r}: wildcards stand at its two ends only")
        others = [found for found in objects.all(cls) if found["id"] != document["id"]]
        if any(found["pattern"] == pattern for found in others):
            raise ApiError(409, 10020, "A route with the same pattern already exists.")
        if document.get("script") and objects.find(WorkerScriptKind, document["script"]) is None:
            raise ApiError(400, 10019, "workers.api.error.script_not_found")


def route_host(pattern: str) -> str:
    """The host name of a pattern, without a wildcard."""
    found = _PATTERN.fullmatch(pattern)
    return found[3] if found else ""


def route_matches(pattern: str, scheme: str, host: str, path: str) -> bool:
    """https://developers.cloudflare.com/workers/configuration/routing/routes/#matching-behavior ."""
    found = _PATTERN.fullmatch(pattern)
    if found is None or (found[1] and found[1] != scheme):
        return False
    wildcard, name, prefix, rest = found[2], found[3], found[4] or "", found[5]
    below = host.endswith(f".{name}") or (wildcard == "*" and host.endswith(name))
    if host != name and not (wildcard and below):
        return False
    return path.startswith(prefix) if rest else path == prefix
