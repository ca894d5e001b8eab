"""The site's rules in Netlify's own files: ``_redirects`` and ``_headers``.

Netlify's documentation does not say what happens when two blocks of ``_headers`` that fit a path name the same header.
So no two such blocks are written, but for three security headers whose joined values browsers enforce together.
Syntax: https://docs.netlify.com/routing/headers/, https://docs.netlify.com/routing/redirects/.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

from publisher.errors import PlatformRefused
from website import File, HeaderRule, Site, url_encoded

#: What Netlify sends by itself: https://docs.netlify.com/platform/caching/ (default values).
_DEFAULT_CACHE_CONTROL = "public,max-age=0,must-revalidate"
#: Extensions whose Content-Type is beyond doubt; for all others it is said.
_PLAIN_TYPES = frozenset({".html", ".css", ".png", ".jpg", ".jpeg", ".gif"})
#: A browser that gets two values of these enforces both, so the stricter one holds.
_JOINED = frozenset({"content-security-policy", "permissions-policy", "referrer-policy"})

Block = tuple[str, dict[str, str]]


def redirects_file(site: Site) -> bytes:
    """``_redirects``: one rule a line, in the order of the content."""
    lines = [
        f"{url_encoded(rule.source)} {rule.target if rule.status != 200 else url_encoded(rule.target)} "
        f"{rule.status}{'!' if rule.force else ''}"
        for rule in site.rules.redirects
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def headers_file(site: Site) -> bytes:
    """``_headers``: what holds everywhere, what holds for a part, and what single files need."""
    blocks = [("/*", _everywhere(site)), *_parts(site), *_single_files(site.files.values())]
    text = []
    for pattern, headers in blocks:
        if headers:
            text.append(f"{pattern}\n" + "".join(f"  {name}: {value}\n" for name, value in headers.items()))
    return "".join(text).encode()


def _everywhere(site: Site) -> dict[str, str]:
    values = {name.lower(): (name, value) for name, value in site.rules.floor}
    for rule in site.rules.headers:
        if rule.pattern == "/*":
            values.update({name.lower(): (name, value) for name, value in rule.headers})
    return dict(values.values())


def _parts(site: Site) -> list[Block]:
    everywhere = {name.lower(): value for name, value in _everywhere(site).items()}
    own = [rule for rule in site.rules.headers if rule.pattern != "/*"]
    blocks: list[Block] = []
    written: list[tuple[HeaderRule, str]] = []
    for rule in own:
        headers = {name: value for name, value in rule.headers if everywhere.get(name.lower()) != value}
        for name in headers:
            _refuse_clash(rule, name, everywhere, written)
            written.append((rule, name.lower()))
        blocks.append((url_encoded(rule.pattern), headers))
    return blocks


def _refuse_clash(
    rule: HeaderRule, name: str, everywhere: dict[str, str], written: list[tuple[HeaderRule, str]]
) -> None:
    lower = name.lower()
    if lower in everywhere and lower not in _JOINED:
        raise PlatformRefused(
            f"_headers:{rule.line}: netlify cannot give {name} a value of its own for {rule.pattern}, since it has one "
            "for the whole site. Write it under /* only, or take netlify out of `hosts`."
        )
    for other, header in written:
        if header == lower and _overlap(rule.pattern, other.pattern):
            raise PlatformRefused(
                f"_headers:{rule.line}: netlify cannot let {rule.pattern} replace {name} of {other.pattern} (line "
                f"{other.line}). Let the two not overlap, or take netlify out of `hosts`."
            )


def _overlap(one: str, other: str) -> bool:
    if one.endswith("*") and other.endswith("*"):
        return one[:-1].startswith(other[:-1]) or other[:-1].startswith(one[:-1])
    if one.endswith("*") or other.endswith("*"):
        pattern, path = (one, other) if one.endswith("*") else (other, one)
        return path.startswith(pattern[:-1])
    return one == other


def _single_files(files: Iterable[File]) -> list[Block]:
    blocks: dict[str, dict[str, str]] = defaultdict(dict)
    for file in files:
        for url in _urls(file.path):
            if file.cache_control.replace(" ", "") != _DEFAULT_CACHE_CONTROL:
                blocks[url_encoded(url)]["Cache-Control"] = file.cache_control
            if PurePosixPath(file.path).suffix.lower() not in _PLAIN_TYPES:
                blocks[url_encoded(url)]["Content-Type"] = file.media_type
    return list(blocks.items())


def _urls(path: str) -> list[str]:
    """URL paths a file is served under."""
    urls = [f"/{path}"]
    if path == "index.html" or path.endswith("/index.html"):
        urls.append(f"/{path.removesuffix('index.html')}")
    elif path.endswith(".html"):
        urls.append(f"/{path.removesuffix('.html')}")
    return urls
