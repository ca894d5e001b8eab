"""firebase-tools, led to the stand-in by the variables that it reads."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.bench import programs
from tools.bench.clients import StandIn
from tools.bench.s3 import Say

CLIENT = "firebase-tools"
VERSION = "15.34.2"
PROGRAM = "node_modules/firebase-tools/lib/bin/firebase.js"
#: Project and login that the stand-in has; the client wants a default site, which is named as the project.
_PROJECT, _LOGIN, _SITE = "peacefulrobot-sandbox", "1//sandbox-refresh-token", "robot-site"
_SERVICES = ("firebase.googleapis.com", "firebasehosting.googleapis.com")
DECLARED: Sequence[tuple[str, Mapping[str, Any]]] = (
    *(("gcp:projects/service:Service", {"project": _PROJECT, "service": service}) for service in _SERVICES),
    *(("gcp:firebase/hostingSite:HostingSite", {"project": _PROJECT, "siteId": site}) for site in (_PROJECT, _SITE)),
)


def install(say: Say) -> Path:
    """Folder of the client; raises NotHere."""
    return programs.from_npm(CLIENT, VERSION, PROGRAM, say)


def prepared(stand_in: StandIn) -> Mapping[str, str]:
    """Everything is declared already."""
    del stand_in
    return {"project": _PROJECT, "site_id": _SITE, "plan": "blaze"}


def laid_out(site: Path, folder: Path) -> None:
    """The folder as it is, and the client's configuration."""
    shutil.copytree(site, folder / "public")
    hosting = {"site": _SITE, "public": "public", "ignore": ["firebase.json", "**/.*"]}
    (folder / "firebase.json").write_text(json.dumps({"hosting": hosting}))


def command(client: Path, stand_in: StandIn, target: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """A deploy to the live channel."""
    del target
    line = ["node", str(client / PROGRAM), "deploy", "--only", "hosting", "--project", _PROJECT, "--non-interactive"]
    own = {name: value for name, value in stand_in.environment.items() if name.startswith("FIREBASE_")}
    trusted = {"NODE_EXTRA_CA_CERTS": stand_in.environment["NODE_EXTRA_CA_CERTS"]}
    return line, {**own, **trusted, "FIREBASE_TOKEN": _LOGIN}
