"""The release id, and the file by which a site tells its own."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Final

from website.caching import REVALIDATE
from website.file import File
from website.media import media_type
from website.names import RELEASE_FILE
from website.rules import Rules

HEALTH_TOKEN: Final = "peaceful-robot-ok"  # noqa: S105 - not a secret
"""What the load balancer's monitor looks for; it never changes, so that no release can empty the pools."""

RELEASE_ID: Final = re.compile(r"r[0-9a-f]{16}")
"""What a release id looks like."""

_FORMAT: Final = 1
"""Raised when the same content has to become a new release, because it is published differently."""


def digest_of(files: Iterable[File], rules: Rules) -> str:
    """SHA-256 in hex of everything that visitors can tell apart, whatever the order of ``files``."""
    content = sorted((file.path, file.sha256, file.media_type, file.cache_control) for file in files)
    document = {
        "format": _FORMAT,
        "files": content,
        "redirects": [(rule.source, rule.target, rule.status, rule.force) for rule in rules.redirects],
        "headers": [(rule.pattern, rule.headers) for rule in rules.headers],
        "floor": rules.floor,
        "not_found": rules.not_found,
    }
    return hashlib.sha256(json.dumps(document, separators=(",", ":")).encode()).hexdigest()


def release_file(release_id: str, count: int, size: int) -> File:
    """``/.well-known/release.json``: read by the verifier, the monitor, the status page and for going back.

    ``count`` and ``size`` (bytes) are of the content's files, without this one.
    """
    document = {
        "release": release_id,
        "files": count,
        "bytes": size,
        "token": HEALTH_TOKEN,
    }
    content = (json.dumps(document) + "\n").encode()
    digest = hashlib.sha256(content).hexdigest()
    return File(RELEASE_FILE, digest, len(content), media_type(RELEASE_FILE), REVALIDATE, content)
