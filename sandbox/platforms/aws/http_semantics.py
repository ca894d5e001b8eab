"""Conditional and range requests, as S3 and CloudFront both answer them.

Order and comparison: https://www.rfc-editor.org/rfc/rfc9110#name-evaluation-of-preconditions-2
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

from aiohttp import web

#: Files up to this size are answered in one piece. Bytes.
_ONE_PIECE = 1 << 20
_CHUNK = 1 << 18


class UnsatisfiableRange(Exception):
    """No byte of the representation lies in the range asked for: 416."""


@dataclass(frozen=True)
class Window:
    """The part of a representation that is sent: bytes ``start`` to ``stop``, ``stop`` not included."""

    start: int
    stop: int
    partial: bool = False

    def content_range(self, size: int) -> str:
        """Value of Content-Range."""
        return f"bytes {self.start}-{self.stop - 1}/{size}"


def precondition_failed(headers: Mapping[str, str], etag: str, modified: float, prefix: str = "") -> bool:
    """Whether If-Match or If-Unmodified-Since says 412; ``prefix`` for ``x-amz-copy-source-…``."""
    wanted = headers.get(f"{prefix}if-match")
    if wanted is not None:
        return not _names(wanted, etag, weak=False)
    since = _moment(headers.get(f"{prefix}if-unmodified-since"))
    return since is not None and int(modified) > since


def not_modified(headers: Mapping[str, str], etag: str, modified: float, prefix: str = "") -> bool:
    """Whether If-None-Match or If-Modified-Since says 304 (412 for a copy's source)."""
    unwanted = headers.get(f"{prefix}if-none-match")
    if unwanted is not None:
        return _names(unwanted, etag, weak=True)
    since = _moment(headers.get(f"{prefix}if-modified-since"))
    return since is not None and int(modified) <= since


def window(headers: Mapping[str, str], size: int, etag: str, modified: float) -> Window:
    """What a GET asks for; several or malformed ranges are answered whole. Raises UnsatisfiableRange."""
    whole = Window(0, size)
    unit, _, spec = headers.get("range", "").partition("=")
    first, dash, last = spec.strip().partition("-")
    if unit.strip().lower() != "bytes" or not dash or not all(part.isdigit() for part in (first, last) if part):
        return whole
    if not (first or last) or (first and last and int(last) < int(first)) or not _if_range(headers, etag, modified):
        return whole
    start = int(first) if first else max(0, size - int(last))
    stop = min(size, int(last) + 1) if first and last else size
    if start >= stop:
        raise UnsatisfiableRange
    return Window(start, stop, partial=True)


def _if_range(headers: Mapping[str, str], etag: str, modified: float) -> bool:
    value = headers.get("if-range")
    if value is None:
        return True
    return value == etag if value.startswith(('"', "W/")) else _moment(value) == int(modified)


def _names(value: str, etag: str, *, weak: bool) -> bool:
    if value.strip() == "*":
        return True
    named = [_opaque(part.strip(), weak=weak) for part in value.split(",")]
    return _opaque(etag, weak=weak) in named and (weak or not etag.startswith("W/"))


def _opaque(tag: str, *, weak: bool) -> str:
    """A tag without quotes, which S3's clients may leave out."""
    return tag.removeprefix("W/").strip('"') if weak else tag.strip('"')


def _moment(value: str | None) -> int | None:
    if value is None:
        return None
    try:
        return int(parsedate_to_datetime(value).timestamp())
    except (ValueError, OverflowError):
        return None


async def send_file(
    request: web.Request, status: int, headers: Mapping[str, str], file: Path, part: Window
) -> web.StreamResponse:
    """Answer with a part of a file; a large one is streamed."""
    size = part.stop - part.start
    if request.method == "HEAD":
        return web.Response(status=status, headers={**headers, "Content-Length": str(size)})
    with file.open("rb") as opened:
        opened.seek(part.start)
        if size <= _ONE_PIECE:
            return web.Response(status=status, headers=headers, body=opened.read(size))
        response = web.StreamResponse(status=status, headers=headers)
        response.content_length = size
        await response.prepare(request)
        while size > 0:
            chunk = opened.read(min(size, _CHUNK))
            await response.write(chunk)
            size -= len(chunk)
        await response.write_eof()
        return response
