"""A response on its way from S3 to the visitor."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Reply:
    """Header names are lower case."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | Path = b""
    """The bytes, or the file that holds them."""
    modified: float = 0.0
    """Unix time of the object."""
    cache: str = "Miss from cloudfront"
    """Value of X-Cache."""
    age: int | None = None
    """Seconds in the cache."""
    reason: str | None = None
    """Status description, where it is not the usual one."""

    @property
    def size(self) -> int:
        """Length of the body in bytes."""
        return self.body.stat().st_size if isinstance(self.body, Path) else len(self.body)

    @property
    def etag(self) -> str:
        """Entity tag with its quotes, or nothing."""
        return self.headers.get("etag", "")


def error_page(status: int, text: str) -> Reply:
    """CloudFront's own error page."""
    body = f"<html><head><title>ERROR: The request could not be satisfied</title></head><body>{text}</body></html>\n"
    headers = {"content-type": "text/html", "server": "CloudFront"}
    return Reply(status, headers, body.encode(), cache="Error from cloudfront")
