"""A checkout of its own for a test that changes the stack's settings, as a user would by editing its file."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

from tests.engine.stack import ROOT

_LEFT_OUT = (".*", "tests", "docs", "__pycache__")


def checkout(folder: Path, **settings: Any) -> Path:
    """Copy the project to ``folder``, set values in its ``Pulumi.sandbox.yaml``; the virtual environment is shared."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    (folder / ".venv").symlink_to(ROOT / ".venv")
    configure(folder, **settings)
    return folder


def configure(folder: Path, **settings: Any) -> None:
    """Set values in the checkout's ``Pulumi.sandbox.yaml``."""
    path = folder / "Pulumi.sandbox.yaml"
    stack = yaml.safe_load(path.read_text("utf-8"))
    stack["config"].update({f"peacefulrobot-infra:{name}": value for name, value in settings.items()})
    path.write_text(yaml.safe_dump(stack), "utf-8")
