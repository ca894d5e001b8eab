"""Reports of earlier runs: a content that has not changed need not be read again."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from tools.check.asked import Asked
from website import Site
from website.checks.report import Report

_ROOT: Final = Path(__file__).resolve().parents[2]
#: Whatever of the code decides what is found.
_CODE: Final = ("website/*.py", "website/checks/*.py", "tools/check/*.py", "publisher/platforms/**/*.py")
_PACKAGES: Final = ("turbohtml", "kingfisher-secret-scanner")
_KEPT: Final = 20


def key(site: Site, asked: Asked) -> str:
    """Digest of all that a report depends on: content and rules, settings, the checks' own code and packages."""
    settings = [asked.checks.model_dump_json(exclude={"mode"}), asked.platforms, asked.hosts]
    whole = hashlib.sha256(json.dumps([site.content_digest, settings, list(map(_version, _PACKAGES))]).encode())
    for pattern in _CODE:
        for path in sorted(_ROOT.glob(pattern)):
            whole.update(path.read_bytes())
    return whole.hexdigest()


def read(cache: Path, digest: str) -> Report | None:
    """The report, or None where there is none that can be read."""
    try:
        return Report.from_json(json.loads(_place(cache, digest).read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(cache: Path, digest: str, report: Report) -> None:
    """Keep a report; a disk that takes none is no reason to fail."""
    folder = _place(cache, digest).parent
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=".new-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(report.as_json(), file)
        Path(name).replace(_place(cache, digest))
        old = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)[_KEPT:]
        for path in old:
            path.unlink(missing_ok=True)


def _place(cache: Path, digest: str) -> Path:
    return cache / "checks" / "reports" / f"{digest}.json"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
