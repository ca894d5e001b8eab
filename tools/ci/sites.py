"""The stacks that a pipeline works on, each with the commit that its content is at.

A commit that somebody else names is never published: who may start a pipeline may say which stack is to be looked at,
what is published is what the stack's own branch names when it is published. So an event that is sent twice, or late,
publishes nothing old.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.deploy.errors import Refused
from tools.deploy.places import SANDBOX
from website.errors import SourceError
from website.source import is_folder, tip

ALL = "all"
PRODUCTION = "production"
FORGES = ("github", "gitlab")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_ASKED_AT_ONCE = 8
_SECONDS = 60.0


@dataclass(frozen=True)
class Site:
    """One stack. ``content`` is a Git URL with a commit behind it; empty where the stack publishes a folder."""

    stack: str
    content: str
    environments: Mapping[str, str]
    """Forge (github, gitlab) → the environment that the deploying job runs in: it decides which secrets it sees."""


def stacks(root: Path) -> list[str]:
    """All stacks of a checkout but those that run on local platforms."""
    found = sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in root.glob("Pulumi.?*.yaml"))
    return [name for name in found if name != SANDBOX and not name.startswith(f"{SANDBOX}-")]


def chosen(root: Path, wanted: str) -> list[str]:
    """The stacks that ``wanted`` names, by spaces or commas, or all of them; raises Refused for unknown ones."""
    names = sorted(set(re.split(r"[\s,]+", wanted.strip()))) if wanted.strip() else []
    if names == [ALL]:
        names = stacks(root)
    odd = [name for name in names if not _NAME.fullmatch(name)]
    missing = [name for name in names if name not in odd and not (root / f"Pulumi.{name}.yaml").is_file()]
    if odd:
        raise Refused(f"{', '.join(map(repr, odd))}: a stack has a name of letters, digits, - and _; correct STACKS")
    if missing:
        known = ", ".join(stacks(root)) or "none"
        raise Refused(f"there is no stack {', '.join(missing)}; correct STACKS, known are: {known}")
    return names


def narrowed(names: Sequence[str], only: str) -> list[str]:
    """The stacks that an event is about: the one it names, all where it names none; raises Refused for others."""
    if not only:
        return list(names)
    if only not in names:
        raise Refused(f"the event names the stack {only!r}, which this pipeline does not deploy; correct its sender")
    return [only]


def pinned(root: Path, names: Sequence[str]) -> list[Site]:
    """Every stack with the commit that its branch names now; raises Refused with all that cannot be resolved."""
    with ThreadPoolExecutor(max_workers=_ASKED_AT_ONCE) as pool:
        answers = list(pool.map(lambda name: _pinned(root, name), names))
    mistakes = [answer for answer in answers if isinstance(answer, str)]
    if mistakes:
        raise Refused("\n".join(["the content cannot be resolved:", *mistakes]))
    return [answer for answer in answers if isinstance(answer, Site)]


def _pinned(root: Path, name: str) -> Site | str:
    settings = _settings(root, name)
    content, ref = str(settings["content"]), str(settings["contentRef"] or "")
    environments = {forge: _environment(settings, forge) for forge in FORGES}
    try:
        if is_folder(content):
            return Site(name, "", environments)
        commit = tip(content, ref or None, _SECONDS)
    except SourceError as error:
        return f"- Pulumi.{name}.yaml: {error}"
    return Site(name, f"{content.partition('#')[0]}#{commit}", environments)


def _settings(root: Path, name: str) -> dict[str, Any]:
    project = _read(root / "Pulumi.yaml")
    given = _read(root / f"Pulumi.{name}.yaml").get("config") or {}
    defaults = {key: declared.get("default") for key, declared in project["config"].items()}
    return {**defaults, **{key.removeprefix(f"{project['name']}:"): value for key, value in given.items()}}


def _environment(settings: Mapping[str, Any], forge: str) -> str:
    """What the stack's ``delivery`` names for the forge, where it is set."""
    delivery = settings.get("delivery")
    declared = delivery.get(forge) if isinstance(delivery, dict) else None
    return str((declared if isinstance(declared, dict) else {}).get("environment") or PRODUCTION)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        found = yaml.safe_load(path.read_text("utf-8")) or {}
    except yaml.YAMLError as error:
        raise Refused(f"{path.name} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise Refused(f"{path.name} is no mapping of settings; restore the file from Git")
    return found
