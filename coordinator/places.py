"""Where a stack's API and the coordinator's own file are."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from coordinator.errors import Refused, Unreachable
from coordinator.settings import Access, access
from coordinator.watching.observing import Internet

ROOT = Path(__file__).resolve().parents[1]
SANDBOX = "sandbox"
"""Name of the stack that runs on local platforms."""


def memory_file(stack: str, environment: Mapping[str, str] = os.environ) -> Path:
    """Where the coordinator of a stack remembers: with the sandbox's state, or the user's."""
    if stack == SANDBOX:
        return _sandbox_state(environment) / "coordinator" / f"{stack}.json"
    state = environment.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "peacefulrobot-infra" / "coordinator" / f"{stack}.json"


def access_of(stack: str, environment: Mapping[str, str] = os.environ) -> Callable[[], Access]:
    """How Cloudflare is reached: the sandbox's twin of it, or the real one; raises Refused."""
    if stack == SANDBOX:
        description = _sandbox_state(environment) / "world" / "sandbox.json"
        _described(description, Refused)
        return lambda: _described(description, Unreachable)
    found = access(environment)
    return lambda: found


def internet_of(stack: str, environment: Mapping[str, str] = os.environ) -> Callable[[], Internet]:
    """How the stack's public names are reached: inside the sandbox, or as this machine does."""
    if stack != SANDBOX:
        return Internet
    description = _sandbox_state(environment) / "world" / "sandbox.json"
    return lambda: _sandbox_internet(description)


def speed_of(stack: str, environment: Mapping[str, str] = os.environ) -> float:
    """Seconds that pass for the stack in a real one; 1 also for a sandbox that does not run."""
    try:
        return internet_of(stack, environment)().speed
    except Unreachable:
        return 1.0


def _sandbox_state(environment: Mapping[str, str]) -> Path:
    own = environment.get("PEACEFULROBOT_STATE")
    return Path(own).expanduser().absolute() if own else ROOT / ".sandbox"


def _described(description: Path, failure: type[Exception]) -> Access:
    """What the running sandbox says of itself; it listens elsewhere after a restart."""
    try:
        said = json.loads(description.read_text("utf-8"))
        return Access(
            said["environment"]["CLOUDFLARE_API_TOKEN"],
            said["environment"]["CLOUDFLARE_BASE_URL"],
            float(said["speed"]),
        )
    except (OSError, ValueError, KeyError) as error:
        raise failure(f"no sandbox runs on {description.parents[1]}: start it with `make up`") from error


def _sandbox_internet(description: Path) -> Internet:
    try:
        said = json.loads(description.read_text("utf-8"))
        variables = said["environment"]
        return Internet(
            variables["HTTPS_PROXY"], variables["SSL_CERT_FILE"], said["name_servers"], float(said["speed"])
        )
    except (OSError, ValueError, KeyError) as error:
        raise Unreachable(f"no sandbox runs on {description.parents[1]}: start it with `make up`") from error
