"""Asks the policies before anything is applied.

The engine judges a resource before it applies it, but the whole site only when everything is applied. So ``up`` begins
with a preview that nobody sees, and goes no further if a policy stops it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.deploy.errors import Refused
from tools.deploy.preflight import Preview

PACK = "policies"
_STOPPING = ("mandatory", "remediate")
#: Types whose warning is one platform's trouble, which the others do not have.
_ONE_PLATFORMS = "publisher:index:"


@dataclass(frozen=True)
class Judgement:
    """What a preview found."""

    stopped_by: tuple[str, ...] = ()
    """Findings that stop the run, as they are shown."""
    errors: tuple[str, ...] = ()
    """Other errors that stop the run."""
    troubled: tuple[str, ...] = ()
    """What single platforms would refuse; the run goes on with the others."""


def flags(root: Path, stack: str, family: str | None = None) -> list[str]:
    """What has the engine ask the policies of the checkout ``root``, with the levels of a stack, where it has any.

    ``family`` is the stack whose levels one without its own has.
    """
    if not (root / PACK / "PulumiPolicy.yaml").exists():
        return []
    own = root / PACK / f"config.{stack}.json"
    levels = own if own.exists() or family is None else root / PACK / f"config.{family}.json"
    return ["--policy-pack", PACK, *(["--policy-pack-config", f"{PACK}/{levels.name}"] if levels.exists() else [])]


def require(preview: Preview) -> tuple[str, ...]:
    """Refuse what the policies do not allow. Returns what single platforms would refuse."""
    found = judgement(preview.events)
    if found.stopped_by:
        raise Refused(f"the policies stop this run; nothing was changed:\n{_listed(found.stopped_by)}")
    if found.errors:
        raise Refused(f"the preview failed; nothing was changed:\n{_listed(found.errors)}")
    if preview.failure:
        raise preview.failure
    return found.troubled


def judgement(events: Iterable[Mapping[str, Any]]) -> Judgement:
    """What the engine's events of a preview say."""
    found = list(events)
    return Judgement(
        stopped_by=tuple(_violation(event["policyEvent"]) for event in found if _stops(event)),
        errors=tuple(text for _, text in _said(found, "error")),
        troubled=tuple(
            f"{urn.split('::')[-1]}: {text}" for urn, text in _said(found, "warning") if _is_one_platforms(urn)
        ),
    )


def _stops(event: Mapping[str, Any]) -> bool:
    return "policyEvent" in event and event["policyEvent"]["enforcementLevel"] in _STOPPING


def _violation(event: Mapping[str, Any]) -> str:
    where = event.get("resourceUrn", "").split("::")[-1]
    return f"{event['policyName']} ({where}): {event['message'].strip()}"


def _said(events: Iterable[Mapping[str, Any]], severity: str) -> Iterator[tuple[str, str]]:
    """Messages with the resources that they are about."""
    for event in events:
        said = event.get("diagnosticEvent", {})
        text = said.get("message", "").strip()
        if said.get("severity") == severity and text not in ("", "preview failed"):
            yield said.get("urn", ""), text


def _is_one_platforms(urn: str) -> bool:
    return bool(urn) and urn.split("::")[2].rpartition("$")[2].startswith(_ONE_PLATFORMS)


def _listed(found: Iterable[str]) -> str:
    return "\n".join(f"  - {text.replace(chr(10), chr(10) + '    ')}" for text in dict.fromkeys(found))
