"""A checkout of its own for a measurement or test that changes the stack's settings, as a user would in its file."""

from __future__ import annotations

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
