"""What is to be checked, and what of the stack's settings bears on it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from components.settings import RELEASE_VARIABLE, Settings
from tools.availability.declared import declared
from tools.deploy.errors import Refused
from tools.deploy.places import content
from website import SiteOptions
from website.checks.settings import Checks, Mode

MODE = "PEACEFULROBOT_CHECKS"
"""Environment variable that wins over the stack's ``checks.mode`` for one run."""


@dataclass(frozen=True)
class Asked:
    """One content, judged by the settings of one stack."""

    source: str
    ref: str
    options: SiteOptions
    checks: Checks
    platforms: Mapping[str, Mapping[str, str]]
    """By name: what is known of where it is published; ``plan`` where the stack names one, and ``keep``."""
    hosts: tuple[str, ...]
    """Names that the site is served under, its own first."""


def asked(root: Path, stack: str, environment: Mapping[str, str] = os.environ) -> Asked | None:
    """What the stack would publish; None where it goes back to an earlier release, whose content is not at hand.

    Raises Refused with every mistake in the settings.
    """
    settings = declared(root, stack)
    if environment.get(RELEASE_VARIABLE, settings.release):
        return None
    return of_settings(settings, root, environment)


def of_settings(settings: Settings, root: Path, environment: Mapping[str, str] = os.environ) -> Asked:
    """The content of the environment, or else of the settings."""
    given = content(environment, Path.cwd())
    own = settings.content if "://" in settings.content else str(root / settings.content)
    headers, rules = settings.security_headers, settings.cache_rules
    options = SiteOptions()
    return Asked(
        given or (own if Path(own).exists() else settings.content),
        "" if given else settings.content_ref,
        SiteOptions(
            {**options.floor, **headers}, (*((rule.paths, rule.value) for rule in rules), *options.cache_rules)
        ),
        settings.checks.model_copy(update={"mode": _mode(settings.checks.mode, environment)}),
        {name: _target(settings, name) for name in settings.hosts},
        (settings.site_name, settings.domain),
    )


def _target(settings: Settings, name: str) -> dict[str, str]:
    plan = settings.host_settings.get(name, {}).get("plan")
    return {"keep": str(settings.keep_releases), **({"plan": str(plan)} if plan else {})}


def _mode(declared_mode: Mode, environment: Mapping[str, str]) -> Mode:
    given = environment.get(MODE) or declared_mode
    for mode in get_args(Mode):
        if given == mode:
            found: Mode = mode
            return found
    raise Refused(f"{MODE} is {given!r}; use one of {', '.join(get_args(Mode))}, or leave it away")
