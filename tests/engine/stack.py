"""One stack of its own for a test: real engine, real program, a sandbox in a temporary folder."""

from __future__ import annotations

import json
import re
from typing import Any

import requests
from rich.console import Console

from tools.bootstrap import cache_folder
from tools.chaos.stage import NEVER, Stage
from tools.deploy.places import ROOT as ROOT
from tools.deploy.places import Places
from tools.deploy.stack import Stack as DeployedStack
from tools.engine.install import ensure


class Stack(Stage):
    """A stage whose commands must end as the test says."""

    def run(self, *arguments: str, expect: int | None = 0) -> str:
        """Run a command to its end; returns what it printed."""
        code, output = self.ended(*arguments)
        if expect is not None:
            assert code == expect, output
        return output

    def refused(self, *arguments: str) -> str:
        """Run a command that must fail; returns what it printed."""
        code, output = self.ended(*arguments)
        assert code not in {0, NEVER}, output
        assert "Traceback" not in output, output
        return output

    def up_meaning_it(self) -> str:
        """An ``up`` that the plan guard stops, and then the same with the token that it names."""
        said = self.refused("up")
        token = re.search(r"ALLOW=(p[0-9a-f]{16})", said)
        assert token, said
        self.environment["PEACEFULROBOT_ALLOW"] = token[1]
        try:
            return self.run("up")
        finally:
            del self.environment["PEACEFULROBOT_ALLOW"]

    def refresh(self) -> None:
        """What ``pulumi refresh`` does: the state takes over what is there."""
        found = ensure(cache_folder(), Console(stderr=True))
        engine = DeployedStack("sandbox", Places(self.root, self.folder)).engine(found, self.sandbox()["environment"])
        engine.ask("refresh", "--yes", "--skip-preview")

    def status(self) -> dict[str, Any]:
        """What ``make status FORMAT=json`` prints."""
        found: dict[str, Any] = json.loads(self.run("status", "--format", "json"))
        return found

    def state_of(self, platform: str) -> str:
        """What the edge thinks of a platform."""
        return next(str(found["state"]) for found in self.status()["platforms"] if found["name"] == platform)

    def live(self) -> dict[str, str | None]:
        """Platform → release that its control plane serves."""
        return {found["name"]: found["live_release"] for found in self.status()["platforms"]}

    def netlify_deploys(self) -> list[dict[str, Any]]:
        """All deploys of the account's sites."""
        found = self.sandbox()["environment"]
        headers = {"Authorization": f"Bearer {found['NETLIFY_AUTH_TOKEN']}"}
        api = f"{found['NETLIFY_API_URL']}/api/v1"
        sites = requests.get(f"{api}/sites", headers=headers, timeout=10).json()
        deploys = [requests.get(f"{api}/sites/{site['id']}/deploys", headers=headers, timeout=10) for site in sites]
        return [deploy for answer in deploys for deploy in answer.json()]

    def journal(self) -> list[dict[str, Any]]:
        """What the last ``up`` did."""
        path = self.folder / "journal.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
