"""Where a site exceeds what the stack's platforms take, by what each of them declares of itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from publisher.errors import PublisherError
from publisher.platforms import platform_class
from publisher.platforms.base import Platform
from website import Site
from website.checks.report import Findings

NEAR: Final = 0.9
"""Share of a limit from which on it is told that the site comes near it."""
_WHOLE: Final = "."
_OF_A_RULE: Final = re.compile(r"(_redirects|_headers)(?::(\d+))?: (.+)")


def check_limits(site: Site, platforms: Mapping[str, Mapping[str, str]], findings: Findings) -> None:
    """Hold the site against every platform's limits and rules; ``platforms`` as in ``Asked``."""
    for name, target in platforms.items():
        kind = platform_class(name)
        exceeded = False
        for check, path, text in _of_plan(kind, site, target.get("plan")):
            findings.add(check, path, 0, text)
            exceeded |= check == "limits"
        if not exceeded:
            _ask(kind, site, target, findings)


def _of_plan(kind: type[Platform], site: Site, plan: str | None) -> Iterator[tuple[str, str, str]]:
    """Check, path and text of every limit of the plan that the site is near or beyond."""
    name, limits = kind.plan(plan)
    who = f"{kind.name} (plan {name})" if name else kind.name
    total = sum(file.size for file in site.files.values())
    for value, limit, what in (
        (len(site.files), limits.max_files, "files"),
        (total, limits.max_site_bytes, "bytes in all"),
    ):
        if limit is not None and value >= NEAR * limit:
            text = f"{who} takes {limit:,} {what}, and the site has {value:,}."
            yield ("limits" if value > limit else "near-limits"), _WHOLE, f"{text} {_advice(kind)}"
    for file in site.files.values() if limits.max_file_bytes else ():
        if limits.max_file_bytes and file.size >= NEAR * limits.max_file_bytes:
            check = "limits" if file.size > limits.max_file_bytes else "near-limits"
            text = f"{who} takes files of {limits.max_file_bytes:,} bytes, and this one has {file.size:,}."
            yield check, file.path, f"{text} {_advice(kind)}"


def _advice(kind: type[Platform]) -> str:
    others = len(kind.traits.plans) > 1
    plan = f", set `hostSettings.{kind.name}.plan` to what you have" if others else ""
    return f"Make it smaller{plan}, or take {kind.name} out of `hosts`."


def _ask(kind: type[Platform], site: Site, target: Mapping[str, str], findings: Findings) -> None:
    """What the platform itself refuses: rules that it cannot express, and limits of its own."""
    try:
        kind.check_site(site, target)
    except PublisherError as error:
        lines = [line.removeprefix("- ").strip() for line in str(error).splitlines()]
        placed = [found for line in lines if (found := _OF_A_RULE.fullmatch(line))]
        for path, line, text in (found.groups() for found in placed):
            findings.add("limits", path, int(line or 0), text)
        if not placed:
            findings.add("limits", _WHOLE, 0, " ".join(lines))
