"""netlify-cli, led to the stand-in by ``NETLIFY_API_URL``; its sites are made by the API, as ours are."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import requests

from tools.bench import programs
from tools.bench.clients import StandIn
from tools.bench.s3 import Say

CLIENT = "netlify-cli"
VERSION = "26.2.0"
PROGRAM = "node_modules/netlify-cli/bin/run.js"
DECLARED: Sequence[tuple[str, Mapping[str, Any]]] = ()
_SITE = "robot-site"


def install(say: Say) -> Path:
    """Folder of the client; raises NotHere."""
    return programs.from_npm(CLIENT, VERSION, PROGRAM, say)


def prepared(stand_in: StandIn) -> Mapping[str, str]:
    """Make the site."""
    token = stand_in.environment["NETLIFY_AUTH_TOKEN"]
    answer = requests.post(
        f"{stand_in.environment['NETLIFY_API_URL'].removesuffix('/api/v1')}/api/v1/sites",
        json={"name": _SITE},
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )
    answer.raise_for_status()
    return {"site_id": answer.json()["id"], "plan": "pro"}


def laid_out(site: Path, folder: Path) -> None:
    """A copy: the client sends nothing of a folder that is a symlink, and ends well."""
    shutil.copytree(site, folder / "site")


def command(client: Path, stand_in: StandIn, target: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """A deploy to production without a build."""
    del target
    line = ["node", str(client / PROGRAM), "deploy", "--prod", "--no-build", "--dir", "site", "--site", _SITE, "--json"]
    return line, {name: stand_in.environment[name] for name in ("NETLIFY_API_URL", "NETLIFY_AUTH_TOKEN")}
