"""The proxy that a request goes through, by the variables of the environment.

aiohttp looks for it too (``trust_env``), but in a thread for each request, and in another one for ``~/.netrc``, which
is nobody's business here: together they take as long as all the rest of a small upload. As with aiohttp ``all_proxy``
does not count: it often names a SOCKS proxy, which aiohttp cannot speak to.
"""

from __future__ import annotations

import os
from functools import lru_cache
from urllib.parse import urlsplit

_VARIABLES = (
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
)


def proxy_for(url: str) -> str | None:
    """Address of the proxy for ``url``; None: it is asked directly."""
    parts = urlsplit(url)
    return _found(parts.scheme, parts.netloc.rpartition("@")[2], tuple(map(os.environ.get, _VARIABLES)))


@lru_cache(maxsize=4096)
def _found(scheme: str, host: str, variables: tuple[str | None, ...]) -> str | None:
    """Looked up once for each host, and again when a variable changes."""
    del variables
    from urllib.request import getproxies, proxy_bypass

    if proxy_bypass(host):
        return None
    return getproxies().get(scheme)
