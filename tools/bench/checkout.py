"""A checkout of its own for a measurement or test that changes the stack's settings, as a user would in its file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import yaml

_LEFT_OUT = (".*", "tests", "docs", "__pycache__")


def checkout(original: Path, folder: Path, **settings: Any) -> Path:
    """Copy the project to ``folder`` and set values in its ``Pulumi.sandbox.yaml``; ``.venv`` is shared."""
    shutil.copytree(original, folder, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    (folder / ".venv").symlink_to(original / ".venv")
    configure(folder, **settings)
    return folder


def configure(folder: Path, **settings: Any) -> None:
    """Set values in the checkout's ``Pulumi.sandbox.yaml``."""
    path = folder / "Pulumi.sandbox.yaml"
    stack = yaml.safe_load(path.read_text("utf-8"))
    stack["config"].update({f"peacefulrobot-infra:{name}": value for name, value in settings.items()})
    path.write_text(yaml.safe_dump(stack), "utf-8")
    if "hosts" in settings:
        # A measurement or a test may use one platform alone, which the policies forbid a site.
        judge(folder, "balancer-fails-over", pools=1)
        judge(folder, "site-stands-on-two-clouds", clouds=1)


def judge(folder: Path, policy: str, **config: Any) -> None:
    """Set level and thresholds of a policy in the checkout's ``policies/config.sandbox.json``."""
    path = folder / "policies" / "config.sandbox.json"
    levels = json.loads(path.read_text("utf-8"))
    levels[policy] = {**levels.get(policy, {}), **config}
    path.write_text(json.dumps(levels, indent=2), "utf-8")
