"""Stops a run that would do what is hard to undo, until somebody says that this very plan is meant.

A publisher's own guard (``publisher/resources/website.py``) stops a release that drops much of the site; it works
without this command line too. Both are answered in one way: ``ALLOW=TOKEN``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence

from policies.lasting import is_lasting
from tools.deploy.errors import Refused
from tools.deploy.plan import Step, token

ALLOW = "PEACEFULROBOT_ALLOW"
"""Environment variable with tokens, with commas between them."""
#: One for each platform that serves the site, and one for each that the load balancer knows.
_SERVES, _POOL = "publisher:index:Publish", "cloudflare:index/loadBalancerPool:LoadBalancerPool"
_BALANCER = "cloudflare:index/loadBalancer:LoadBalancer"
#: Platforms below which nothing is left to fail over to.
LEAST_ORIGINS = 2
_WORDS = {"delete": "would be deleted", "replace": "would be replaced, and its name and address with it"}
_TOKEN = re.compile(r"^[pr][0-9a-f]{16}$")


def allowed(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Tokens that were given; Refused for what is none."""
    given = tuple(part.strip() for part in environment.get(ALLOW, "").split(",") if part.strip())
    if wrong := [part for part in given if not _TOKEN.match(part)]:
        raise Refused(
            f"ALLOW: {wrong[0]!r} is no token; give the one that the refusal names, such as ALLOW=p0123456789abcdef"
        )
    return given


def require_meant(plan: Sequence[Step], given: Sequence[str]) -> None:
    """Raise Refused for a dangerous plan that none of the tokens names."""
    found = list(dangers(plan))
    name = token(plan)
    if not found or name in given:
        return
    stale = "" if not any(part.startswith("p") for part in given) else "\nThe token that was given is another plan's."
    listed = "\n".join(f"  - {danger}" for danger in found)
    raise Refused(
        f"this run would do what is hard to undo; nothing was changed:\n{listed}{stale}\n"
        f"If all of it is meant, run the same again with ALLOW={name}, which is good for this very plan only."
    )


def dangers(plan: Sequence[Step]) -> Iterator[str]:
    """What is hard to undo, one sentence each."""
    yield from _lost(plan)
    yield from _too_few(*origins(plan, _SERVES), "to serve the site")
    if any(step.kind == _BALANCER and step.new for step in plan):
        yield from _too_few(*origins(plan, _POOL), "behind the load balancer")
    everything = [step for step in plan if not _is_own(step)]
    if everything and all(step.op == "delete" for step in everything):
        yield f"all {len(everything)} resources of the stack would be deleted"


def _lost(plan: Sequence[Step]) -> Iterator[str]:
    for step in sorted(plan, key=lambda one: one.urn):
        if is_lasting(step.kind) and step.op in _WORDS:
            why = f" ({', '.join(step.changed)} changes)" if step.op == "replace" and step.changed else ""
            yield f"{step.name} ({step.kind}) {_WORDS[step.op]}{why}"


def _too_few(before: int, after: int, where: str) -> Iterator[str]:
    if after < LEAST_ORIGINS <= before:
        left = "1 platform" if after == 1 else "no platform"
        yield f"{left} would be left of {before} {where}, so there is none to fail over to"


def origins(plan: Sequence[Step], kind: str) -> tuple[int, int]:
    """Resources of a type, each of which stands for a platform, before and after the plan."""
    found: dict[str, list[Step]] = {step.urn: [] for step in plan if step.kind == kind}
    for step in plan:
        if step.kind == kind:
            found[step.urn].append(step)
    before = sum(any(step.old for step in steps) for steps in found.values())
    after = sum(any(step.new for step in steps) for steps in found.values())
    return before, after


def _is_own(step: Step) -> bool:
    """The stack itself and its providers, which come and go with what is in it."""
    return step.kind.startswith("pulumi:")
