"""The Worker's source: the modules of ``worker/`` as one module, with what it has to know of the stack at its end.

One module and not several, because the resource takes one; no bundler, because the modules import only each other.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from components.worker_limits import WorkerLimits

FOLDER = Path(__file__).with_name("worker")
#: Each after those it imports.
MODULES = ("release.js", "files.js", "asking.js", "breaker.js", "race.js", "answer.js", "copy.js", "main.js")
MAIN_MODULE = "worker.js"
#: Behaviour of the runtime that the tests have seen. https://developers.cloudflare.com/workers/configuration/compatibility-dates/
COMPATIBILITY_DATE = "2026-11-01"
#: Bytes of a script after gzip on the free plan. https://developers.cloudflare.com/workers/platform/limits/#worker-size
MAX_SCRIPT = 3_000_000
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./[\w.]+";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(async )?function|class|const)", re.MULTILINE)


def configuration(
    site: str,
    origins: Sequence[tuple[str, str]],
    release: Mapping[str, Any],
    copy: Mapping[str, Any],
    *,
    health: tuple[str, str],
    limits: WorkerLimits | None = None,
) -> dict[str, Any]:
    """What the script is told.

    ``origins``: (name, host name) in failover order. ``release``: rules as ``website.Manifest`` writes them. ``copy``:
    what ``publisher/edge_copy.py`` says of the release's files. ``health``: path and token.
    """
    headers = [*release["floor"], *(pair for block in release["headers"] for pair in block["headers"])]
    hosts = {urlsplit(rule["target"]).hostname for rule in release["redirects"]} - {None}
    return {
        "site": site,
        "origins": [{"name": name, "host": host} for name, host in origins],
        "health": {"path": health[0], "token": health[1]},
        "notFound": list(copy["notFound"]),
        "notFoundPage": release["notFound"],
        "redirects": [dict(rule) | {"status": int(rule["status"])} for rule in release["redirects"]],
        "redirectHosts": sorted(str(host) for host in hosts),
        "floor": release["floor"],
        "headers": release["headers"],
        "headerNames": sorted({name.lower() for name, _ in headers}),
        "types": copy["types"],
        "files": copy["files"],
        "copy": bool(copy["directory"]),
        "limits": (limits or WorkerLimits()).for_script(),
    }


def source(config: Mapping[str, Any]) -> str:
    """The script. The same configuration gives the same text."""
    parts = [_EXPORT.sub("", _IMPORT.sub("", (FOLDER / name).read_text(encoding="utf-8"))) for name in MODULES]
    known = json.dumps(config, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return "\n".join([*parts, f"export default worker({known});", ""])


def compressed_size(text: str) -> int:
    """Bytes that count against ``MAX_SCRIPT``."""
    return len(gzip.compress(text.encode(), mtime=0))
