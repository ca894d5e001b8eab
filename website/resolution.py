"""Which file or redirect answers a URL: the semantics that every platform is made to show."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from website.rules import Rules, url_encoded


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a URL path leads to: the path of a file, or a location, or nothing at all (404 without a page)."""

    status: int
    path: str | None = None
    location: str | None = None


def resolve(url_path: str, files: Container[str], rules: Rules) -> Resolution:
    """Resolve a decoded URL path.

    In this order: forced redirects; the file itself; ``x`` as ``x.html``; ``dir/`` as ``dir/index.html``; ``dir`` to
    ``dir/``; the other redirects in the order of the file; the 404 page.
    """
    found = _redirected(url_path, files, rules, forced=True) or _file(url_path, files)
    found = found or _redirected(url_path, files, rules, forced=False)
    return found or Resolution(404, path=rules.not_found)


def file_at(url_path: str, files: Container[str]) -> str | None:
    """Path of the file that a decoded URL path names directly or by a clean URL, or None."""
    name = url_path.removeprefix("/")
    if name in files:
        return name
    clean = f"{name}index.html" if not name or name.endswith("/") else f"{name}.html"
    return clean if clean in files else None


def _file(url_path: str, files: Container[str]) -> Resolution | None:
    path = file_at(url_path, files)
    if path is not None:
        return Resolution(200, path=path)
    if file_at(f"{url_path}/", files) is not None:
        return Resolution(301, location=url_encoded(f"{url_path}/"))
    return None


def _redirected(url_path: str, files: Container[str], rules: Rules, *, forced: bool) -> Resolution | None:
    for rule in rules.redirects:
        target = rule.match(url_path) if rule.force is forced else None
        if target is None:
            continue
        if rule.status != 200:
            return Resolution(rule.status, location=target)
        path = file_at(target, files) or file_at(f"{target}/", files)
        return Resolution(404, path=rules.not_found) if path is None else Resolution(200, path=path)
    return None
