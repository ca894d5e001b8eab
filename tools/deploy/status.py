"""What is served where: from the sandbox's own API, or by asking the real platforms."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from rich.table import Table

from website import HEALTH_TOKEN

RELEASE_PATH = "/.well-known/release.json"
TIMEOUT = (5, 10)
STATE_STYLES = {"healthy": "green", "unhealthy": "red", "broken": "red"}


def of_public_sites(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Ask every platform that the stack's outputs name, at once, for the release it serves."""
    platforms = outputs.get("platforms", [])
    with ThreadPoolExecutor(max_workers=max(1, len(platforms))) as pool:
        found = list(pool.map(of_origin, platforms))
    return {"site_url": outputs.get("site_url"), "platforms": found}


def of_origin(platform: Mapping[str, Any]) -> dict[str, Any]:
    """One platform, by its release file; anything but that file with its token counts as unhealthy."""
    said: dict[str, Any] = {}
    try:
        headers = {"Host": platform["host_header"]}
        answer = requests.get(platform["url"].rstrip("/") + RELEASE_PATH, headers=headers, timeout=TIMEOUT)
        if answer.ok:
            said = json.loads(answer.text)
    except (requests.RequestException, ValueError):
        said = {}
    healthy = isinstance(said, dict) and said.get("token") == HEALTH_TOKEN
    return {
        "name": platform["name"],
        "state": "healthy" if healthy else "unhealthy",
        "url": platform["url"],
        "host_header": platform["host_header"],
        "live_release": said.get("release") if healthy else None,
        "files": said.get("files", 0) if healthy else 0,
    }


def not_serving(status: Mapping[str, Any], wanted: str) -> dict[str, str]:
    """Platform → what is wrong with it, for those that do not serve the release ``wanted``."""
    wrong: dict[str, str] = {} if wanted and status["platforms"] else {"the stack": "has not been published yet"}
    for found in status["platforms"]:
        if found["live_release"] != wanted:
            wrong[found["name"]] = f"serves {found['live_release'] or 'no release'}, not {wanted or 'any'}"
        elif STATE_STYLES.get(found["state"]) == "red":
            wrong[found["name"]] = f"is {found['state']}"
    return wrong


def table(status: Mapping[str, Any]) -> Table:
    """The same for people."""
    result = Table(title=f"Site: {status['site_url'] or '-'}", title_justify="left", header_style="bold")
    for heading in ("platform", "state", "URL", "Host header", "live release"):
        result.add_column(heading, overflow="fold")
    result.add_column("files", justify="right")
    for found in status["platforms"]:
        style = STATE_STYLES.get(found["state"], "yellow")
        cells = [found["name"], f"[{style}]{found['state']}[/]", found["url"], found["host_header"] or "-"]
        result.add_row(*cells, found["live_release"] or "-", str(found["files"]))
    return result
