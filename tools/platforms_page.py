"""Writes ``docs/platforms.md`` from what the platforms declare of themselves: ``python -m tools.platforms_page``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.filesize import decimal

from platforms import PLATFORMS
from publisher.errors import PublisherError
from publisher.platforms import platform_class
from publisher.platforms.base import Plan, Quota, Traits
from website import Site, load_site

PAGE = Path(__file__).resolve().parents[1] / "docs" / "platforms.md"

_HEAD = """# What each platform can do

Made from the code by `make docs`; each platform declares this in `publisher/platforms/NAME`. What a site asks for and a
platform cannot express is refused at preview, with file, line and platform. Limits are checked before the first byte is
sent.

## Abilities

- *Asked before*: the staged copy has an address of its own and is asked like the site before anyone else sees it.
  Otherwise its bytes are compared by digest.
- *Goes back by*: a pointer that moves, or the kept artefact, which is published anew.
- *Headers*, *Cache-Control*, *Content-Type*: the platform sends what the site says. Otherwise the edge sets the
  headers, and the platform's own Cache-Control and Content-Type stay.
- *Adds a slash*: who leads a visitor of `/posts` to `/posts/`, where that is a folder.
- *Is sent*: the files that the platform lacks, or the whole release as soon as one file has changed.
- *`:splat` to no page*: a redirect of a folder carries over any path, or only one that leads to a page of the site; the
  rest is answered with the 404 page at once.

"""
_RULES = """## Rules

Found by giving each platform a small site with the rule.

"""
_LIMITS = """## Limits

The first plan of each platform is the default; `hostSettings.NAME.plan` names another.

"""
_PAGES = {
    "index.html": "<p>home",
    "page.html": "<p>page",
    "posts/index.html": "<p>posts",
    "posts/one.html": "<p>one",
    "404.html": "<p>lost",
}
#: What a site can ask for → the files that ask for it.
_FEATURES = {
    "redirect of one path, 301 or 302": {"_redirects": "/a /page 301\n/b /page 302\n"},
    "redirect of one path, 307 or 308": {"_redirects": "/c /page 307\n/d /page 308\n"},
    "redirect to another host": {"_redirects": "/away https://example.org/there 302\n"},
    "redirect of a folder to one page": {"_redirects": "/old/* /page 301\n"},
    "redirect of a folder, path kept (`:splat`)": {"_redirects": "/blog/* /posts/:splat 301\n"},
    "the same to another host": {"_redirects": "/blog/* https://example.org/:splat 301\n"},
    "redirect of the whole rest": {"_redirects": "/* / 302\n"},
    "redirect before a file that is there (`!`)": {"_redirects": "/posts/one /page 301!\n"},
    "the same for a folder": {"_redirects": "/posts/* /page 301!\n"},
    "serving another file in place (200)": {"_redirects": "/app /page 200\n"},
    "the same for a folder (one-page apps)": {"_redirects": "/app/* /page 200\n"},
    "a header for the whole site": {"_headers": "/*\n  X-Extra: all\n"},
    "a header for a folder": {"_headers": "/posts/*\n  X-Extra: posts\n"},
    "a header for one path": {"_headers": "/page\n  X-Extra: page\n"},
    "a header for a folder and another value below": {
        "_headers": "/posts/*\n  X-Extra: posts\n/posts/one\n  X-Extra: one\n"
    },
    "a stricter security header for a folder": {"_headers": "/posts/*\n  Referrer-Policy: no-referrer\n"},
    "Cache-Control for one path": {"_headers": "/page.html\n  Cache-Control: no-store\n"},
    "Content-Type for one path": {"_headers": "/posts/one.html\n  Content-Type: application/xhtml+xml\n"},
    "names with spaces and letters beyond ASCII": {"caf\u00e9 au lait.html": "<p>coffee"},
}


def page() -> str:
    """The whole page."""
    traits = {name: platform_class(name).traits for name in PLATFORMS}
    abilities = ["platform", "asked before", "goes back by", "headers", "Cache-Control", "Content-Type"]
    abilities += ["adds a slash", "is sent", "`:splat` to no page", "uploads at once"]
    limits = ["platform", "plan", "files", "one file", "whole site", "quotas"]
    parts = [
        _HEAD + _table(abilities, _abilities(traits)),
        _RULES + _table(["rule", *PLATFORMS], _rules()),
        _LIMITS + _table(limits, _limits(traits)),
        "## What to know\n\n" + "\n".join(f"### {name}\n\n{_list(found.notes)}" for name, found in traits.items()),
    ]
    return "\n".join(parts)


def _rules() -> Iterable[Sequence[str]]:
    for feature, files in _FEATURES.items():
        with TemporaryDirectory() as folder:
            site = _site(Path(folder), {**_PAGES, **files})
            yield feature, *(_expressed(name, site) for name in PLATFORMS)


def _site(folder: Path, files: Mapping[str, str]) -> Site:
    for path, text in files.items():
        target = folder / "site" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
    return load_site(str(folder / "site"), cache=folder / "cache")


def _expressed(name: str, site: Site) -> str:
    try:
        platform_class(name).check_site(site)
    except PublisherError:
        return "refused"
    return "yes"


def _abilities(traits: dict[str, Traits]) -> Iterable[Sequence[str]]:
    for name, found in traits.items():
        yield (
            name,
            _yes(found.stages),
            found.rolls_back,
            "the platform" if found.custom_headers else "the edge",
            "the site's" if found.cache_control else "the platform's own",
            "the site's" if found.content_types else "the platform's own",
            "the platform" if found.adds_slash else "the edge",
            "what is lacking" if found.incremental else "the whole release",
            "carried over" if found.any_splat else "404",
            str(found.concurrency),
        )


def _limits(traits: dict[str, Traits]) -> Iterable[Sequence[str]]:
    for name, found in traits.items():
        for plan, limits in found.plans.items():
            yield name, plan or "-", *_plan(limits)


def _plan(plan: Plan) -> tuple[str, str, str, str]:
    files = f"{plan.max_files:,}" if plan.max_files else "-"
    return files, _bytes(plan.max_file_bytes), _bytes(plan.max_site_bytes), "; ".join(map(_quota, plan.quotas)) or "-"


def _quota(quota: Quota) -> str:
    span = "a day" if quota.days == 1 else f"in {quota.days} days"
    each = f", {quota.each} for each deployment" if quota.each > 1 else ""
    return f"{quota.limit:,} {quota.what} {span}{each}"


def _bytes(size: int | None) -> str:
    return decimal(size) if size else "-"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _list(lines: Iterable[str]) -> str:
    return "".join(f"- {line}\n" for line in lines)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
