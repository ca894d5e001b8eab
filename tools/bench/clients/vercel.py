"""Vercel's CLI, led to the stand-in by ``--api``; a finished build output is deployed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import requests

from tools.bench import programs
from tools.bench.clients import StandIn
from tools.bench.s3 import Say

CLIENT = "vercel"
VERSION = "64.0.2"
PROGRAM = "node_modules/vercel/dist/vc.js"
#: It pins a version of a package of its own that was never published.
OVERRIDES = {"sandbox": "4.5.0"}
DECLARED: Sequence[tuple[str, Mapping[str, Any]]] = (
    (
        "vercel:index/project:Project",
        {"name": "robot-site", "vercelAuthentication": {"deploymentType": "none"}},
    ),
)


def install(say: Say) -> Path:
    """Folder of the client; raises NotHere."""
    return programs.from_npm(CLIENT, VERSION, PROGRAM, say, OVERRIDES)


def prepared(stand_in: StandIn) -> Mapping[str, str]:
    """The project's own domain; read from the API, as the publisher's resource does."""
    project = str(stand_in.declared[0]["id"])
    answer = requests.get(
        f"{stand_in.environment['VERCEL_API_URL']}/v9/projects/{project}/domains",
        headers={"Authorization": f"Bearer {stand_in.environment['VERCEL_TOKEN']}"},
        timeout=30,
    )
    answer.raise_for_status()
    return {"project_id": project, "domain": answer.json()["domains"][0]["name"], "plan": "pro"}


def laid_out(site: Path, folder: Path) -> None:
    """As a finished build."""
    output = folder / ".vercel" / "output"
    output.mkdir(parents=True)
    (output / "config.json").write_text(json.dumps({"version": 3}))
    site.rename(output / "static")


def command(client: Path, stand_in: StandIn, target: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """A deploy to production."""
    environment = stand_in.environment
    line = ["node", str(client / PROGRAM), "deploy", "--prebuilt", "--prod", "--yes"]
    answer = requests.get(
        f"{environment['VERCEL_API_URL']}/v2/user",
        headers={"Authorization": f"Bearer {environment['VERCEL_TOKEN']}"},
        timeout=30,
    )
    own = {
        "VERCEL_ORG_ID": str(answer.json()["user"]["defaultTeamId"]),
        "VERCEL_PROJECT_ID": target["project_id"],
        "VERCEL_TELEMETRY_DISABLED": "1",
    }
    return [*line, "--api", environment["VERCEL_API_URL"], "--token", environment["VERCEL_TOKEN"]], own
