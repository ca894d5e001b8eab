"""Checks one site: every file is read once, and nothing is kept of it but what other files link to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from website.checks.links import Fragments, Judge, Target
from website.checks.other_files import Unreadable, urls_of
from website.checks.page import Page
from website.checks.report import Findings
from website.errors import printable
from website.file import File, read_verified
from website.redirects import NAME as REDIRECTS
from website.rules import SPLAT
from website.site import Site

LARGEST: Final = 32 << 20
"""Bytes of a file that is read as a whole; a larger one is named as not checked."""


class Searcher(Protocol):
    """What looks for secrets in one file: line and text of each."""

    def found(self, path: str, content: bytes) -> Iterator[tuple[int, str]]:
        """Line and text of each find."""


@dataclass(frozen=True)
class Surroundings:
    """What is not in the content and bears on it."""

    hosts: Collection[str] = ()
    """Names that the site is served under, its own first."""
    secrets: Searcher | None = None
    progress: Callable[[int], None] | None = None
    """Told the number of files that are done."""


def check_site(site: Site, findings: Findings, around: Surroundings) -> None:
    """Check all files and rules of a site; raises ChangedWhileReading and SourceError."""
    _Checking(site, findings, around).run()


class _Checking:
    def __init__(self, site: Site, findings: Findings, around: Surroundings) -> None:
        self._site = site
        self._findings = findings
        self._around = around
        self._judge = Judge(site.files.keys(), site.rules, around.hosts)
        self._fragments = Fragments()

    def run(self) -> None:
        for done, file in enumerate(self._site.files.values()):
            self._tell(done)
            if isinstance(file.source, Path):
                self._file(file)
        self._tell(len(self._site.files))
        self._rules()
        for path, line, text in self._fragments.missing():
            self._findings.add("fragments", path, line, text)

    def _tell(self, done: int) -> None:
        if self._around.progress is not None:
            self._around.progress(done)

    def _file(self, file: File) -> None:
        if file.size > LARGEST:
            why = f"{printable(file.path)} has {file.size:,} bytes, and files beyond {LARGEST:,} are not read"
            self._findings.skip("secrets", why, "Look through it yourself, or publish it elsewhere.")
            return
        content = read_verified(file)
        if self._around.secrets is not None:
            for line, text in self._around.secrets.found(file.path, content):
                self._findings.add("secrets", file.path, line, text)
        if file.media_type.startswith("text/html"):
            self._page(file.path, Page(content))
        else:
            self._other(file, content)

    def _page(self, path: str, page: Page) -> None:
        for check, line, text in page.mistakes():
            self._findings.add(check, path, line, text)
        base = self._judge.base(path, page.base)
        wanted: list[tuple[int, Target]] = []
        for link in page.links():
            target = self._judge.target(base, link.url)
            if target.problem is not None:
                self._findings.add("links", path, page.line(link), target.problem)
            elif target.fragment:
                wanted.append((page.line(link), target))
            elif target.insecure and link.loads:
                self._insecure(path, page.line(link), link.url)
            if path == self._site.rules.not_found and _depends_on_the_address(link.url, page.base):
                self._adrift(path, page.line(link), link.url)
        self._fragments.page(path, page.ids, wanted)

    def _other(self, file: File, content: bytes) -> None:
        base = self._judge.base(file.path)
        try:
            for url, line in urls_of(file.media_type, content):
                target = self._judge.target(base, url)
                if target.problem is not None:
                    self._findings.add("links", file.path, line, target.problem)
                elif target.insecure and file.media_type.startswith("text/css"):
                    self._insecure(file.path, line, url)
        except Unreadable as error:
            self._findings.add("html", file.path, error.line, str(error))

    def _rules(self) -> None:
        for rule in self._site.rules.redirects:
            if rule.status == 200 or SPLAT in rule.target:
                continue
            target = self._judge.target(self._judge.base(REDIRECTS), rule.target)
            if target.problem is not None:
                self._findings.add("links", REDIRECTS, rule.line, target.problem)

    def _insecure(self, path: str, line: int, url: str) -> None:
        text = f"{printable(url)} is fetched by plain http, which browsers block on a page that came by https. "
        self._findings.add("mixed-content", path, line, f"{text}Use https://, or put the file into the site.")

    def _adrift(self, path: str, line: int, url: str) -> None:
        text = f"{printable(url)} depends on the address that was asked for, and this page is shown at any. "
        self._findings.add("not-found-page", path, line, f"{text}Begin the link with a slash.")


def _depends_on_the_address(url: str, base: str) -> bool:
    """Whether a link leads elsewhere when its page is shown at another address."""
    if base:
        return False
    start = url.strip()
    scheme = start.partition(":")[0]
    return bool(start) and start[0] not in "/#?" and not (":" in start and scheme.isalnum())
