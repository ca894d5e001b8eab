"""Stops a release that drops much of the site: a build that went wrong publishes an empty folder, or no page at all."""

from __future__ import annotations

from collections.abc import Collection

#: Share of the files, and of the pages, that may go in one release, and from how many files on that is watched.
#: octoDNS guards zones with the same figures: https://github.com/octodns/octodns (provider/plan.py)
MAX_REMOVED_SHARE = 0.30
GUARDED_FROM = 10
_PAGES = (".html", ".htm", ".xhtml")


def refusal(old: Collection[str], new: Collection[str], release: str, allowed: str | None) -> str:
    """Why a release must not follow the one before it, by the paths of both; empty where it may, or is ``allowed``."""
    if len(old) < GUARDED_FROM or allowed == release:
        return ""
    for what, before in (("files", set(old)), ("pages", {path for path in old if is_page(path)})):
        removed = sorted(before - set(new))
        if before and len(removed) / len(before) > MAX_REMOVED_SHARE:
            return _told(release, removed, len(before), what)
    return ""


def is_page(path: str) -> bool:
    """Whether visitors read it as a page."""
    return path.lower().endswith(_PAGES)


def _told(release: str, removed: list[str], count: int, what: str) -> str:
    return (
        f"release {release} would remove {len(removed)} of {count} {what} ({len(removed) / count:.0%}, the limit is "
        f"{MAX_REMOVED_SHARE:.0%}), among them {', '.join(removed[:3])}. Is the content complete? If this is meant, "
        f"allow this very release: run the same again with ALLOW={release}, or set allowDeletes to {release}"
    )
