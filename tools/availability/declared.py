"""The stack's own settings, as the model needs them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from components.settings import Settings, SettingsError, read
from planning.model import Stack
from tools.deploy.errors import Refused

#: The accounts have no bearing on availability, so a stack can be judged before it has any.
_NO_ACCOUNT = {"cloudflareAccountId": "0" * 32, "cloudflareZoneId": "0" * 32}


def declared(root: Path, name: str) -> Settings:
    """Settings of the stack ``name``: defaults of Pulumi.yaml, then its own file. Refused with every mistake."""
    path = root / f"Pulumi.{name}.yaml"
    if not name or "/" in name or not path.exists():
        known = ", ".join(sorted(found.name.split(".")[1] for found in root.glob("Pulumi.*.yaml")))
        raise Refused(f"there is no stack {name!r}, for there is no {path.name}; use one of {known}")
    project = yaml.safe_load((root / "Pulumi.yaml").read_text("utf-8"))
    defaults = {key: one["default"] for key, one in project["config"].items() if "default" in one}
    prefix = f"{project['name']}:"
    given = (yaml.safe_load(path.read_text("utf-8")) or {}).get("config") or {}
    own = {key.removeprefix(prefix): value for key, value in given.items() if key.startswith(prefix)}
    missing = {key: value for key, value in _NO_ACCOUNT.items() if not own.get(key)}
    try:
        return read(_texts({**defaults, **own, **missing}))
    except SettingsError as error:
        raise Refused(str(error)) from error


def modelled(settings: Settings) -> Stack:
    """What of the settings bears on availability."""
    return Stack(
        hosts=settings.hosts,
        interval=settings.monitor_interval,
        timeout=settings.monitor_timeout,
        retries=settings.monitor_retries,
        down=settings.monitor_down,
        up=settings.monitor_up,
        regions=len(set(settings.monitor_regions)),
        mode=settings.edge_mode,
    )


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Values as the engine hands them over: texts as they are, everything else as JSON."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
