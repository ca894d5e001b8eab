"""What Static Web Apps cannot take or express of a site; all of it at once, by file and line."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from publisher.errors import PlatformRefused
from publisher.platforms.azure.addresses import is_own, leads_anywhere
from publisher.platforms.azure.routes import LARGEST, NAME, configuration
from website import SPLAT, Redirect, Site

_OR = "or take azure out of `hosts`"
#: Folders that never reach visitors: https://github.com/Azure/static-web-apps/issues/1469 (``app_data``), and
#: https://learn.microsoft.com/azure/static-web-apps/apis-overview (``/api`` belongs to functions).
_HIDDEN = "app_data"
_FUNCTIONS = "api/"


def refuse(site: Site) -> None:
    """Raise PlatformRefused with all mistakes, if there are any."""
    mistakes = [*_redirects(site), *_names(site), *_size(site)]
    if mistakes:
        raise PlatformRefused("\n".join([*mistakes, "Nothing was sent."]))


def _redirects(site: Site) -> Iterator[str]:
    for rule in site.rules.redirects:
        if rule.status in (307, 308):
            other = 302 if rule.status == 307 else 301
            yield (
                f"_redirects:{rule.line}: azure cannot redirect with {rule.status}, because its routes know only 301 "
                f"and 302. Write {other}, {_OR}."
            )
        reason = _unknown_targets(site, rule) if SPLAT in rule.target else None
        if reason is not None:
            yield (
                f"_redirects:{rule.line}: azure cannot carry over what stands for *, because its routes have no such "
                f"thing; one route for each target can stand for it where all targets are known, and {reason}. "
                f"Name the addresses one by one, {_OR}."
            )


def _unknown_targets(site: Site, rule: Redirect) -> str | None:
    """Why the addresses that a rule with ``:splat`` leads to cannot be listed; None where they can."""
    if not is_own(rule):
        host = urlsplit(rule.target).netloc
        return f"the target is at {host}" if host else "here it stands behind a ? or #"
    if leads_anywhere(site, rule):
        return f"another line answers for everything like {rule.target}"
    return None


def _names(site: Site) -> Iterator[str]:
    for path in site.files:
        if path.lower().startswith(_FUNCTIONS):
            yield f"{path}: azure cannot serve it, because it keeps /api/ for functions. Move it, {_OR}."
        elif _HIDDEN in path.lower().split("/")[:-1]:
            yield f"{path}: azure cannot serve it, because folders called {_HIDDEN} are hidden there. Rename it, {_OR}."


def _size(site: Site) -> Iterator[str]:
    found = configuration(site)
    if not found.fits:
        redirects, headers = len(site.rules.redirects), len(site.rules.headers)
        yield (
            f"_redirects and _headers: azure cannot take the rules of this site, because its {NAME} would have "
            f"{len(found.content):,} bytes and the limit is {LARGEST:,}: {found.leading:,} routes lead somewhere else "
            f"({redirects:,} lines of _redirects, one for each page that a :splat can lead to, one for each folder "
            f"with an index.html), {found.other:,} set headers ({headers:,} blocks of _headers, and Cache-Control). "
            f"Write fewer or shorter rules, {_OR}."
        )
