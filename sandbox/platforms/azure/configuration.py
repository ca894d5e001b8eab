"""``staticwebapp.config.json`` as the platform reads it: what it refuses, and which route a request meets.

https://learn.microsoft.com/azure/static-web-apps/configuration. What the documentation leaves open is taken as
Microsoft's own emulator has it (https://github.com/Azure/static-web-apps-cli): patterns are compared with the path as
it stands in the request, and a redirect that leads to itself is passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: https://learn.microsoft.com/azure/static-web-apps/configuration#restrictions
LARGEST = 20 * 1024
NAME = "staticwebapp.config.json"
_KNOWN = {
    *(
        "$schema",
        "routes",
        "navigationFallback",
        "responseOverrides",
        "globalHeaders",
        "mimeTypes",
        "auth",
        "networking",
    ),
    *("forwardingGateway", "platform", "trailingSlash"),
}
_OF_A_ROUTE = {"route", "methods", "rewrite", "redirect", "statusCode", "headers", "allowedRoles"}
_METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}
_OVERRIDABLE = {"400", "401", "403", "404"}
_PATTERN = re.compile(r"[^*]*(\*(\.(\w+|\{\w+(,\w+)*\}))?)?")


class ConfigurationRefused(Exception):
    """What the platform says of a file that it does not take."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Encountered an issue while validating {NAME}: {reason}")


@dataclass(frozen=True)
class Route:
    """One rule."""

    pattern: str
    methods: frozenset[str] = frozenset()
    rewrite: str | None = None
    redirect: str | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def fits(self, path: str, method: str) -> bool:
        """Whether the rule is for a request; ``path`` is as the client sent it."""
        if self.methods and method not in self.methods:
            return False
        if "*" in self.pattern:
            return _expression(self.pattern).fullmatch(path) is not None
        in_folder = path + ("index.html" if path.endswith("/") else "/index.html")
        return path == self.pattern or (in_folder == self.pattern and "." not in path.rpartition("/")[2])


@dataclass(frozen=True)
class Configuration:
    """The whole file; without one, everything is empty."""

    routes: tuple[Route, ...] = ()
    global_headers: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    fallback: str | None = None
    excluded: tuple[str, ...] = ()
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    trailing_slash: str | None = None

    def route(self, path: str, method: str) -> Route | None:
        """The first rule that is for a request."""
        for route in self.routes:
            if route.fits(path, method) and route.redirect != path:
                return route
        return None

    def falls_back(self, path: str) -> bool:
        """Whether a path that leads to no file gets the fallback page."""
        return self.fallback is not None and not any(_expression(found).fullmatch(path) for found in self.excluded)


def read(content: bytes) -> Configuration:
    """Read and check the file; raises ConfigurationRefused."""
    if len(content) > LARGEST:
        raise ConfigurationRefused("The file size exceeds the limit of 20 KB.")
    try:
        document = json.loads(content)
    except ValueError:
        raise ConfigurationRefused("The file is not valid JSON.") from None
    if not isinstance(document, dict):
        raise ConfigurationRefused("An object is expected.")
    unknown = sorted(set(document) - _KNOWN)
    if unknown:
        raise ConfigurationRefused(f"Unknown property '{unknown[0]}'.")
    routes = tuple(_route(found) for found in document.get("routes") or [])
    _check_covered(routes)
    fallback = document.get("navigationFallback") or {}
    overrides = document.get("responseOverrides") or {}
    if not set(overrides) <= _OVERRIDABLE:
        raise ConfigurationRefused("Only the status codes 400, 401, 403 and 404 can be overridden.")
    slash = document.get("trailingSlash")
    if slash not in (None, "always", "never", "auto"):
        raise ConfigurationRefused("'trailingSlash' must be one of always, never and auto.")
    return Configuration(
        routes,
        _texts(document.get("globalHeaders"), "globalHeaders"),
        _texts(document.get("mimeTypes"), "mimeTypes"),
        fallback.get("rewrite"),
        tuple(fallback.get("exclude") or ()),
        overrides,
        slash,
    )


def _route(found: Any) -> Route:
    if not isinstance(found, dict) or not isinstance(found.get("route"), str) or not found["route"]:
        raise ConfigurationRefused("Each rule needs a 'route'.")
    pattern = found["route"]
    unknown = sorted(set(found) - _OF_A_ROUTE)
    if unknown:
        raise ConfigurationRefused(f"Unknown property '{unknown[0]}' in the route {pattern}.")
    if not _PATTERN.fullmatch(pattern):
        raise ConfigurationRefused(f"A wildcard is only supported at the end of a route. Route: {pattern}")
    if "redirect" in found and "rewrite" in found:
        raise ConfigurationRefused(f"'redirect' and 'rewrite' are mutually exclusive. Route: {pattern}")
    status = found.get("statusCode")
    if status is not None and not (isinstance(status, int) and 100 <= status < 600):
        raise ConfigurationRefused(f"The status code is none. Route: {pattern}")
    methods = frozenset(found.get("methods") or ())
    if not methods <= _METHODS:
        raise ConfigurationRefused(f"Unknown method. Route: {pattern}")
    return Route(
        pattern, methods, found.get("rewrite"), found.get("redirect"), status, _texts(found.get("headers"), pattern)
    )


def _texts(found: Any, where: str) -> dict[str, str]:
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ConfigurationRefused(f"Texts are expected in {where}.")
    return dict(found)


def _check_covered(routes: tuple[Route, ...]) -> None:
    wildcards: list[Route] = []
    for route in routes:
        covering = [found.pattern for found in wildcards if _expression(found.pattern).fullmatch(route.pattern)]
        if covering:
            raise ConfigurationRefused(
                "A route is covered up by a wildcard route and would not be evaluated. "
                f"Route: {route.pattern}, Wildcard(s): {', '.join(covering)}. "
                "Please either delete or move the unreachable route."
            )
        if "*" in route.pattern and not route.methods:
            wildcards.append(route)


def _expression(pattern: str) -> re.Pattern[str]:
    prefix, _, ending = pattern.partition("*")
    ends = "|".join(re.escape(end) for end in ending.removeprefix(".").strip("{}").split(",")) if ending else ""
    return re.compile(re.escape(prefix) + ".*" + (rf"\.({ends})" if ends else ""), re.DOTALL)
