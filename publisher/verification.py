"""Does a public origin serve the release? Asked over its public address, as the edge asks it."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import aiohttp

from publisher.errors import VerifyFailed
from publisher.journal import Entry, Journal
from publisher.progress import Progress
from publisher.proxies import proxy_for
from website import SPLAT, Answer, Redirect, Site, url_encoded

_SAMPLE = 12


@dataclass(frozen=True)
class Thoroughness:
    """How much is asked and how long."""

    deadline: float = 120.0
    """Seconds until what still differs is an error."""
    passes: int = 2
    """Clean passes in a row; one is not enough while a platform's edges still take over."""
    all_below: int = 500
    """Sites with fewer files are asked for every path."""
    most_changed: int = 500
    """Changed paths asked of a larger site; of more than these a sample is asked."""
    sample: int = 100
    """Paths asked of a larger site beside the changed ones. Samples are drawn by the release id: the same every run."""
    concurrency: int = 16
    pause: float = 0.5
    """Seconds between two passes."""


@dataclass(frozen=True)
class PublicOrigin:
    """Where the site is served: ``url`` without a trailing slash, asked with ``host_header``."""

    platform: str
    url: str
    host_header: str
    custom_headers: bool = True
    """Whether the platform can send the release's security headers and ``_headers``; else they are not compared."""
    cache_control: bool = True
    """Whether it can send the release's Cache-Control; else that is not compared."""
    content_types: bool = True
    """Whether it can send the release's Content-Type; else that is not compared."""
    any_splat: bool = True
    """Whether a redirect with ``:splat`` is there where it leads to no page; else it is asked with a page only."""

    def promises(self, header: str) -> bool:
        """Tell whether a header of the release is to be found here."""
        name = header.lower()
        special = {"content-type": self.content_types, "cache-control": self.cache_control}
        return special.get(name, self.custom_headers)


def url_paths(site: Site, changed: Collection[str], how: Thoroughness, *, any_splat: bool = True) -> list[str]:
    """URL paths to ask for: files, redirects, and one path that does not exist.

    A redirect with ``:splat`` is asked with a page of the site, and with ``any_splat`` with an invented path too.
    """
    # The 404 page is checked by a path that is not there; asked by its own name, some say 200 and some 404.
    files = [path for path in site.files if path != site.rules.not_found]
    if len(files) >= how.all_below:
        picker = random.Random(site.release_id)  # noqa: S311 - a repeatable sample, not a secret
        there = sorted(path for path in changed if path in site.files)
        chosen = set(picker.sample(there, min(how.most_changed, len(there)))) | {
            "index.html",
            ".well-known/release.json",
        }
        others = [path for path in files if path not in chosen]
        files = sorted(chosen | set(picker.sample(others, min(how.sample, len(others)))))
    redirects = [path for rule in site.rules.redirects for path in _of_redirect(site, rule, any_splat=any_splat)]
    missing = f"/no-such-page-{site.release_id}"
    return list(dict.fromkeys([*_pages(files), *redirects, missing]))


def _of_redirect(site: Site, rule: Redirect, *, any_splat: bool) -> Iterable[str]:
    if SPLAT not in rule.target:
        yield rule.source.replace("*", "probe-of-the-splat")
        return
    before, _, after = rule.target.partition(SPLAT)
    for path in site.files if not after else ():
        if f"/{path}".startswith(before) and f"/{path}" != before:
            yield rule.source.replace("*", f"/{path}"[len(before) :])
            break
    if any_splat or rule.status == 200:
        yield rule.source.replace("*", "probe-of-the-splat")


def _pages(files: Iterable[str]) -> Iterable[str]:
    for path in files:
        yield f"/{path}"
        if path == "index.html":
            yield "/"
        elif path.endswith("/index.html"):
            yield f"/{path.removesuffix('index.html')}"


async def verify(
    http: aiohttp.ClientSession,
    origin: PublicOrigin,
    site: Site,
    changed: Collection[str],
    progress: Progress,
    journal: Journal,
    how: Thoroughness = Thoroughness(),
) -> int:
    """Ask until every path answers as the release says, several passes in a row; returns the number of paths.

    Raises VerifyFailed with what differs, by path, at the deadline.
    """
    started = time.monotonic()
    paths = url_paths(site, changed, how, any_splat=origin.any_splat)
    clean = 0
    while True:
        differences = await _one_pass(http, origin, site, paths, how)
        clean = 0 if differences else clean + 1
        if clean >= how.passes:
            break
        if differences and time.monotonic() - started > how.deadline:
            raise VerifyFailed(_headline(origin, site, how, len(differences), len(paths)), differences)
        await progress.say(f"{len(paths) - len(differences)} of {len(paths)} paths answer as the release says")
        await asyncio.sleep(how.pause)
    journal.add(Entry("verify", origin.platform, site.release_id, time.monotonic() - started))
    await progress.say(f"{len(paths)} paths verified", lasting=True)
    return len(paths)


async def sample_differences(http: aiohttp.ClientSession, origin: PublicOrigin, site: Site) -> list[str]:
    """What a staged copy with an address of its own answers wrongly, by path; asked twice when something is wrong.

    Asked for: the release record, the home page, a path that does not exist, and twelve files drawn by the release id.
    """
    picker = random.Random(site.release_id)  # noqa: S311 - a repeatable sample
    others = [f"/{path}" for path in site.files if path != site.rules.not_found]
    paths = ["/.well-known/release.json", "/", "/no-such-page", *picker.sample(others, min(_SAMPLE, len(others)))]
    wrong = await _one_pass(http, origin, site, paths, Thoroughness())
    if wrong:
        await asyncio.sleep(2.0)
        wrong = await _one_pass(http, origin, site, paths, Thoroughness())
    return wrong


def _headline(origin: PublicOrigin, site: Site, how: Thoroughness, wrong: int, total: int) -> str:
    return (
        f"{origin.platform}: after {how.deadline:.0f} s {wrong} of {total} paths at {origin.url} do not answer as "
        f"release {site.release_id} says. The release is published; look at the paths below, then run again to verify, "
        "or go back to the release before."
    )


async def _one_pass(
    http: aiohttp.ClientSession, origin: PublicOrigin, site: Site, paths: list[str], how: Thoroughness
) -> list[str]:
    gate = asyncio.Semaphore(how.concurrency)

    async def ask(path: str) -> str | None:
        async with gate:
            return await difference(http, origin, path, site.answer(path), site.rules.floor)

    return [found for found in await asyncio.gather(*map(ask, paths)) if found is not None]


async def difference(
    http: aiohttp.ClientSession,
    origin: PublicOrigin,
    path: str,
    expected: Answer,
    floor: Collection[tuple[str, str]] = (),
) -> str | None:
    """Ask for one path; None when status, bytes, location and headers are as expected, else what differs.

    A header of ``floor`` may come together with the expected value, in one list: browsers enforce both.
    """
    headers = {"Host": origin.host_header, "Accept-Encoding": "identity", "Cache-Control": "no-cache"}
    url = origin.url + url_encoded(path)
    try:
        async with http.get(url, headers=headers, allow_redirects=False, proxy=proxy_for(url)) as response:
            body = await response.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        return f"{path}: no answer ({type(error).__name__})"
    if response.status != expected.status:
        return f"{path}: status {response.status}, expected {expected.status}"
    return _location_differs(path, expected, response) or _content_differs(
        origin, path, expected, response, body, dict(floor)
    )


def _location_differs(path: str, expected: Answer, response: aiohttp.ClientResponse) -> str | None:
    if expected.location is None:
        return None
    found = response.headers.get("Location", "none")
    if found == expected.location:
        return None
    return f"{path}: redirects to {found}, expected {expected.location}"


def _content_differs(
    origin: PublicOrigin,
    path: str,
    expected: Answer,
    response: aiohttp.ClientResponse,
    body: bytes,
    floor: Mapping[str, str],
) -> str | None:
    if expected.file is None:
        return None
    digest = hashlib.sha256(body).hexdigest()
    if not digest.startswith(expected.file.sha256):
        return f"{path}: {len(body):,} bytes with digest {digest[:12]}…, expected {expected.file.sha256[:12]}…"
    for name, value in expected.headers.items():
        if not origin.promises(name):
            continue
        found = ", ".join(response.headers.getall(name, [])) or None
        accepted = (value, f"{floor[name]}, {value}") if name in floor else (value,)
        if not any(_same_header(name, found, text) for text in accepted):
            return f"{path}: header {name} is {found!r}, expected {value!r}"
    return None


def _same_header(name: str, found: str | None, expected: str) -> bool:
    """Equal but for spaces and the case of a media type's parameters."""
    if found is None:
        return False
    compact, wanted = found.replace(" ", ""), expected.replace(" ", "")
    return compact.lower() == wanted.lower() if name.lower() == "content-type" else compact == wanted
