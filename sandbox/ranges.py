"""Parts of a file that a visitor asks for: https://www.rfc-editor.org/rfc/rfc9110#name-range."""

from __future__ import annotations

import re
from collections.abc import Mapping

from aiohttp import web

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def window(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last; None where the whole file is to be sent."""
    found = _RANGE.fullmatch(header or "")
    if found is None or not (found[1] or found[2]):
        return None
    start = int(found[1]) if found[1] else max(0, size - int(found[2]))
    stop = min(size, int(found[2]) + 1) if found[1] and found[2] else size
    return (start, stop) if start < stop else None


def partial_content(request: web.Request, body: bytes, headers: Mapping[str, str]) -> web.Response | None:
    """The part that a visitor asks for, as an answer with ``headers``; None where the whole file is to be sent."""
    part = window(request.headers.get("Range"), len(body))
    if part is None:
        return None
    where = {"Content-Range": f"bytes {part[0]}-{part[1] - 1}/{len(body)}"}
    return web.Response(status=206, headers={**headers, **where}, body=body[part[0] : part[1]])
