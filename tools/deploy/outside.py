"""What UptimeRobot says of the stack's monitors, to be held against what is seen from here.

It is also how the meaning of a monitor's type is checked against the live service, which the publisher could not.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urljoin

import requests

_TIMEOUT = (5, 30)
_MOST_PAGES = 100
#: ``status`` of a monitor (github.com/uptimerobot/terraform-provider-uptimerobot); others are paused, or not known yet.
_DOWN = frozenset({"DOWN", "SEEMS_DOWN", "LOOKS_DOWN"})
INVERTED = (
    "UptimeRobot calls all of them down. If they serve, look on its dashboard whether the monitors alert when the word "
    "is there, instead of when it is not (docs/alerts.md, From outside)."
)


def complaints(outputs: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Sequence[str]:
    """A sentence for each monitor of the stack that UptimeRobot calls down; none where it cannot be asked."""
    declared = {str(one["id"]): str(one["url"]) for one in outputs.get("monitors", [])}
    key = environment.get("UPTIMEROBOT_API_KEY", "")
    if not declared or not key:
        return []
    base = environment.get("UPTIMEROBOT_API_URL", "https://api.uptimerobot.com/v3").rstrip("/")
    try:
        states = _states(base, key)
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        return [f"UptimeRobot could not be asked ({type(error).__name__}); what is said here is seen from here only."]
    return _sentences(declared, states)


def _sentences(declared: Mapping[str, str], states: Mapping[str, str]) -> list[str]:
    down = [url for identifier, url in declared.items() if states.get(identifier) in _DOWN]
    gone = [url for identifier, url in declared.items() if identifier not in states]
    found = [f"UptimeRobot has no monitor for {url} any more; `make up` makes it again." for url in gone]
    if down and len(down) == len(declared):
        return [*found, INVERTED]
    return [*found, *(f"UptimeRobot calls {url} down." for url in down)]


def _states(base: str, key: str) -> Mapping[str, str]:
    """Id of a monitor → its state. In the sandbox too this is an address of this machine, without a proxy."""
    found: dict[str, str] = {}
    with requests.Session() as session:
        session.trust_env = not base.startswith("http://127.0.0.1")
        session.headers["Authorization"] = f"Bearer {key}"
        address: str | None = f"{base}/monitors"
        for _ in range(_MOST_PAGES):
            if not address:
                break
            answer = session.get(address, timeout=_TIMEOUT)
            answer.raise_for_status()
            page = answer.json()
            found.update({str(one["id"]): str(one["status"]) for one in page["data"]})
            address = page.get("nextLink") and urljoin(base, page["nextLink"])
    return found
