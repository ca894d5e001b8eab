"""The copy of a release that is deployed beside the edge's Worker, as its static assets.

It is a folder of the checkout, because the resource that uploads it takes a folder; the state holds its name only. The
name is relative and made of the release id, so that another machine with the same content sees no change.
"""

from __future__ import annotations

import base64
import os
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from website import File, Manifest, Site, open_verified

#: Static assets of one Worker on the free plan. https://developers.cloudflare.com/workers/platform/limits/#static-assets
MAX_FILES = 20_000
MAX_FILE_BYTES = 25 * 1024 * 1024
_CHUNK = 1024 * 1024
#: Hex digits of SHA-256 that a manifest keeps.
_DIGEST = 16


def too_many(site: Site) -> str:
    """Why the site cannot be copied; empty if it can."""
    if len(site.files) <= MAX_FILES:
        return ""
    return (
        f"the site has {len(site.files)} files, and a Worker on the free plan holds {MAX_FILES}: set workerCopy to "
        "false (then nothing serves while every platform is down), or edgeMode to load-balancer"
    )


def left_out(site: Site) -> list[str]:
    """Paths of the files that are too long for the copy."""
    return [file.path for file in site.files.values() if file.size > MAX_FILE_BYTES]


def stage(site: Site, folder: Path, kept: Collection[str]) -> Path:
    """Write the release's files below ``folder``/RELEASE, whole or not at all; removes releases not in ``kept``.

    Raises ChangedWhileReading for a file that is not what was scanned.
    """
    final = folder / site.release_id
    if not final.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".unfinished-") as scratch:
            content = Path(scratch) / "content"
            for file in site.files.values():
                if file.size <= MAX_FILE_BYTES:
                    _write(file, content / file.path)
            content.rename(final)
    for other in folder.iterdir():
        if other.name not in {*kept, site.release_id}:
            shutil.rmtree(other, ignore_errors=True)
    return final


def described(releases: Sequence[Manifest]) -> dict[str, Any]:
    """What the Worker has to know of the files: the newest release's media types, and the 404 pages of all.

    ``notFound`` has the first 16 hex digits of each page's SHA-256: platforms switch at different seconds, and any
    release that is still kept may answer. ``files`` has the files of all of them, see ``table_of``.
    """
    newest = releases[0]
    types = {path: newest.kinds[text.split(":")[1]][0] for path, text in newest.files.items()}
    files = [(path, file.sha256) for found in releases for path, file in found.site().files.items()]
    pages = [found.files.get(str(found.rules["notFound"])) for found in releases]
    return {
        "notFound": list(dict.fromkeys(text.split(":")[0] for text in pages if text)),
        "types": _summed_up(types),
        "files": table_of(files),
    }


def table_of(files: Iterable[tuple[str, str]]) -> str:
    """Which path has which bytes, from (path, SHA-256 in hex): each 4 bytes of FNV-1a of the path, 8 of the digest.

    Sorted, in base64. It does not compress; 20,000 files take 320 kB of the 3 MB that a Worker may have.
    """
    entries = {_fnv(path) + bytes.fromhex(digest[:_DIGEST]) for path, digest in files}
    return base64.b64encode(b"".join(sorted(entries))).decode("ascii")


def _fnv(path: str) -> bytes:
    """FNV-1a of 32 bits (http://www.isthe.com/chongo/tech/comp/fnv/)."""
    found = 0x811C9DC5
    for byte in path.encode():
        found = (found ^ byte) * 0x01000193 & 0xFFFFFFFF
    return found.to_bytes(4)


def _summed_up(types: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The usual media type of each file name ending, and the files that have another one."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for path, media_type in types.items():
        counts[_ending(path)][media_type] += 1
    usual = {ending: min(found, key=lambda one: (-found[one], one)) for ending, found in sorted(counts.items())}
    return {
        "byEnding": usual,
        "single": {path: found for path, found in sorted(types.items()) if found != usual[_ending(path)]},
    }


def _ending(path: str) -> str:
    """From the last dot of the name on, the dot included: as the Worker cuts it."""
    name = PurePosixPath(path).name
    return name[name.rfind(".") :] if "." in name else ""


def _write(file: File, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        for piece in open_verified(file, _CHUNK):
            stream.write(piece)
        os.fchmod(stream.fileno(), 0o644)
