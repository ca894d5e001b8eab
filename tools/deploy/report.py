"""What a run did, as a table."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table


@dataclass
class Work:
    """What was done for one platform: files, bytes, seconds. All 0 where nothing had to be done."""

    files: int = 0
    bytes: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Platform:
    """One row: a platform after the run."""

    name: str
    url: str
    release: str
    trouble: str = ""


def read_journal(path: Path) -> dict[str, Work]:
    """Sum the journal by platform. A line that was cut off by a kill ends it."""
    work: dict[str, Work] = defaultdict(Work)
    for entry in _entries(path):
        done = work[entry["platform"]]
        done.files += entry["files_sent"]
        done.bytes += entry["bytes_sent"]
        done.seconds += entry["seconds"]
    return work


def read_steps(path: Path) -> dict[str, dict[str, float]]:
    """Platform → operation (``upload``, ``publish``, ``verify``) → seconds, of the journal."""
    steps: dict[str, dict[str, float]] = defaultdict(dict)
    for entry in _entries(path):
        done = steps[entry["platform"]]
        done[entry["operation"]] = done.get(entry["operation"], 0.0) + entry["seconds"]
    return steps


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text("utf-8").splitlines() if path.exists() else []:
        try:
            yield json.loads(line)
        except ValueError:
            return


def after_success(outputs: Mapping[str, Any]) -> list[Platform]:
    """The platforms as the stack's outputs name them."""
    return [Platform(found["name"], found["url"], found["release"]) for found in outputs.get("platforms", [])]


def after_failure(state: Mapping[str, Any], outputs: Mapping[str, Any], hosts: Sequence[str]) -> list[Platform]:
    """The platforms after a run that failed: which of them serve the wanted release, and what the others serve.

    ``state`` is the exported one: a resource of the publisher is in it with new inputs only when it has succeeded.
    """
    resources = (state.get("deployment") or {}).get("resources") or []
    inputs: dict[tuple[str, str], Mapping[str, Any]] = {}
    for resource in resources:
        kind = resource["type"].rsplit(":", 1)[-1]
        if resource["type"].startswith("publisher:") and not resource.get("delete"):
            inputs[kind, resource.get("inputs", {}).get("platform", "")] = resource.get("outputs", {})
    wanted = inputs.get(("Website", ""), {}).get("release", "")
    urls = {found["name"]: found["url"] for found in outputs.get("platforms", [])}
    return [state_of(name, wanted, inputs, urls.get(name, "")) for name in hosts]


def state_of(name: str, wanted: str, resources: Mapping[tuple[str, str], Mapping[str, Any]], url: str) -> Platform:
    """One platform after a run that failed."""
    live = str(resources.get(("Publish", name), {}).get("release", ""))
    verified = str(resources.get(("Verify", name), {}).get("release", ""))
    address = url or str(resources.get(("Verify", name), {}).get("url", ""))
    if wanted and wanted == live == verified:
        return Platform(name, address, live)
    if wanted and wanted == live:
        return Platform(
            name, address, live, "failed: published, but its public address was not seen to answer as it must"
        )
    trouble = "failed: old release stays live" if live else "failed: nothing is live yet"
    return Platform(name, address, live, trouble)


def write_outcome(
    platforms: Sequence[Platform],
    steps: Mapping[str, Mapping[str, float]],
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Say what came of a run to the program that started it, in the file that PEACEFULROBOT_OUTCOME names.

    ``steps`` are the journal's.
    """
    named = environment.get("PEACEFULROBOT_OUTCOME")
    if named:
        said = [{**asdict(platform), "steps": steps.get(platform.name, {})} for platform in platforms]
        Path(named).write_text(json.dumps({"platforms": said}), "utf-8")


def table(platforms: Sequence[Platform], work: Mapping[str, Work], *, failed: bool = False) -> Table:
    """Platform, public URL, release id, files sent, bytes sent, seconds; the trouble where there is some."""
    result = Table(title="After the failed run" if failed else "Published", title_justify="left", header_style="bold")
    for heading in ("platform", "public URL", "release"):
        result.add_column(heading, overflow="fold")
    for heading in ("files sent", "bytes sent", "seconds"):
        result.add_column(heading, justify="right", no_wrap=True)
    troubled = any(platform.trouble for platform in platforms)
    if troubled:
        result.add_column("result", overflow="fold")
    for platform in platforms:
        done = work.get(platform.name, Work())
        cells = [platform.name, platform.url or "-", platform.release or "-"]
        cells += [f"{done.files:,}", decimal(done.bytes), f"{done.seconds:.1f}"]
        style = "red" if platform.trouble else None
        result.add_row(*cells, *([platform.trouble or "ok"] if troubled else []), style=style)
    return result


def wide(console: Console) -> Console:
    """The console itself on a terminal; elsewhere one so wide that no cell is folded."""
    return console if console.is_terminal else Console(file=console.file, width=200, no_color=True)


def show(console: Console, platforms: Sequence[Platform], work: Mapping[str, Work], *, failed: bool) -> None:
    """Print the table, and where a failure is to be looked for when no platform has one."""
    console = wide(console)
    console.print(table(platforms, work, failed=failed))
    if failed and not any(platform.trouble for platform in platforms):
        console.print("What went wrong stands above; it left every platform with the release in the table.")
