"""What a site says about its URLs beside its files: redirects and response headers.

Paths in rules are held decoded, like the paths of files (``/café``, not ``/caf%C3%A9``); ``url_encoded`` turns them
into what stands on the wire. Targets are held ready for a Location header.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

SPLAT = ":splat"


def url_encoded(path: str) -> str:
    """A decoded URL path as it stands in a request or a Location header."""
    return quote(path, safe="/!$&'()*+,;=:@~-._")


@dataclass(frozen=True, slots=True)
class Redirect:
    """One line of ``_redirects``."""

    source: str
    """Decoded URL path; may end in ``/*``, which matches everything below, the folder's own ``/`` included."""
    target: str
    """Value for a Location header, or for status 200 the decoded path of a file; may hold ``:splat``."""
    status: int
    """301, 302, 307, 308, or 200 for serving another file of the site in place."""
    force: bool
    """Applies even where a file has this URL."""
    line: int

    def match(self, url_path: str) -> str | None:
        """Where a request for the decoded ``url_path`` is sent, or None if the rule is for another path.

        The splat is taken without leading slashes, so that ``/:splat`` can never become ``//another-host``.
        """
        if not self.source.endswith("/*"):
            return self.target if url_path == self.source else None
        if not url_path.startswith(self.source[:-1]):
            return None
        splat = url_path[len(self.source) - 1 :].lstrip("/")
        return self.target.replace(SPLAT, splat if self.status == 200 else url_encoded(splat))


@dataclass(frozen=True, slots=True)
class HeaderRule:
    """One block of ``_headers``: its values are final, never below the floor."""

    pattern: str
    """Decoded URL path; may end in ``/*``."""
    headers: tuple[tuple[str, str], ...]
    line: int

    def matches(self, url_path: str) -> bool:
        """Tell whether the rule is for the decoded ``url_path``."""
        if self.pattern.endswith("/*"):
            return url_path.startswith(self.pattern[:-1])
        return url_path == self.pattern


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that a platform has to be told beside the files.

    Cache-Control and Content-Type of ``_headers`` are not here but in the files themselves, for they belong to a file
    and not to one of its URLs.
    """

    redirects: tuple[Redirect, ...]
    headers: tuple[HeaderRule, ...]
    floor: tuple[tuple[str, str], ...]
    """Security headers of the stack, sent with every file."""
    not_found: str | None
    """Path of the page sent with status 404, if the site has one."""

    def headers_for(self, url_path: str) -> dict[str, str]:
        """Headers of an answer with a body at a decoded URL path: the floor, then the rules that fit; the last wins."""
        values = dict(self.floor)
        names = {name.lower(): name for name in values}
        for rule in self.headers:
            if rule.matches(url_path):
                for name, value in rule.headers:
                    values[names.setdefault(name.lower(), name)] = value
        return values
