"""Writes ``docs/policies.md`` from the policies themselves: ``python -m tools.policies_page``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from platforms import FOUNDATIONS
from policies.exceptions import EXEMPTIONS
from policies.policy import Policy, ResourcePolicy
from policies.registry import GUARDED, POLICIES

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "policies.md"

_HEAD = """# What a stack must be

Made from the code by `make docs`. The folder `policies/` is a policy pack for the engine. `make preview` shows what it
finds. `make up` asks it first, by a preview that is not shown, and applies nothing if a mandatory policy is broken.
Then the engine asks it again about each resource before that is applied, when more is known. What a preview cannot
know is not judged there; during `up`, what is still not known is a finding.

A finding says what is wrong, why that matters and what to do. It never shows a value that looks like a secret, and the
policies themselves see of a secret only that it is one. What they do see at a whole site are the outputs, at a single
resource the inputs.

What one platform alone refuses, because it is down or the release does not fit it, is a warning in this preview, so the
policies judge the whole site all the same.

## Levels

| level | what it does |
|---|---|
| advisory | is shown, and stops nothing |
| mandatory | stops the run before anything is applied |
| remediate | replaces the input by the right one where that is safe, and is mandatory elsewhere |
| disabled | is not asked |

A stack sets levels and thresholds in `policies/config.STACK.json`, the policy pack configuration of Pulumi:

```json
{
  "stack-is-small": {"resources": 300, "reason": "Twelve platforms, for the test of next spring."},
  "distribution-logs": {
    "exceptions": [{"resource": "*::old-distribution", "reason": "It is taken down on the first of May."}]
  }
}
```

`resource` is a glob over the end of the resource's URN: the types of its parents and its own, `::`, its name. A level
below the policy's own is refused without a `reason`, and so is an exception without one.

"""
_LEFT_OUT = """## Left out on purpose

| rule of others | why not here |
|---|---|
| a web application firewall (AVD-AWS-0011, CKV2_AWS_47) | no request changes anything |
| geographic restriction (CKV_AWS_374) | the site is for everybody |
| encryption by a key of one's own (CKV_AWS_145, CKV2_AZURE_1) | the content is public, and its digests are checked |
| replication of buckets (CKV_AWS_144) | the other platforms are the replicas |
| logging of bucket access (CKV_AWS_18) | only the distribution reads the bucket; the policy is checked for that |
| an origin group per distribution (CKV_AWS_310) | the edge fails over between platforms |

"""
_MUTATION = """## How the policies themselves are tested

Each policy has cases that pass, that fail and that cannot be known yet, and for each there is a bad change to the
production stack that is stopped with the policy's own message.

`tests/engine/test_bad_changes.py` declares one program that breaks every policy, and has the real engine and the real
pack judge it by `make up`: each policy says its own message, and nothing is applied. A second program loses whatever is
lasting, and all platforms but one: the plan guard names each, and nothing is lost.

`make mutate` changes the code of the policies and of the guards (the removal guard, the plan, the plan guard, the
policy check, the preview that they judge) in small ways, one at a time, and asks whether a test notices. mutmut makes
the changes. Those that no test can notice are explained one by one in `tools/mutation/explained.toml`; the command ends
with 1 for any other, and for an explanation that is not true any more. `make mutate AGAIN=yes` tries only what was left
and what was edited since, `ONLY=policies.dns.*` only some. All of it takes the better part of an hour on two cores.

On 2026-11-30, with mutmut 3.8.1, a run to its end noticed 2,915 of 2,917 changes, none of them by running out of time;
the other two are explained. An earlier run had left 85, for which tests were added and code was made plainer.
"""


def page() -> str:
    """The whole page."""
    groups = "\n".join(_group(title, policies) for title, policies in GUARDED.items())
    return "\n".join(
        (
            _HEAD + f"## The policies\n\nThere are {len(POLICIES)}.\n\n" + groups,
            "## Exceptions of the program\n\nWhere the design deviates on purpose.\n\n"
            + _table(("policy", "resources", "reason"), _exceptions()),
            "## Levels of the stacks\n\nWhat differs from the policies' own.\n\n"
            + _table(("stack", "policy", "level", "reason"), _levels()),
            "## What platforms stand on\n\nFor `site-stands-on-two-clouds`; it stands in `platforms.py`.\n\n"
            + _table(("platform", "providers whose failure takes it down", "source"), _foundations()),
            _LEFT_OUT + _MUTATION,
        )
    )


def _group(title: str, policies: Sequence[Policy]) -> str:
    heads = ("policy", "what must hold", "why", "what to do", "level", "thresholds", "see")
    return f"### {title}\n\n{_table(heads, map(_row, policies))}"


def _row(policy: Policy) -> Sequence[str]:
    repairs = isinstance(policy, ResourcePolicy) and policy.repair
    thresholds = [f"`{name}` {one.default}: {one.meaning}" for name, one in policy.settings.items()]
    return (
        f"`{policy.name}`",
        policy.description,
        policy.reason,
        policy.remedy,
        f"{policy.level}{', can remediate' if repairs else ''}",
        "; ".join(thresholds) or "-",
        policy.origin,
    )


def _exceptions() -> Iterable[Sequence[str]]:
    return ((f"`{one.policy}`", f"`{one.resource}`", one.reason) for one in EXEMPTIONS)


def _levels() -> Iterable[Sequence[str]]:
    for file in sorted((ROOT / "policies").glob("config.*.json")):
        for policy, given in json.loads(file.read_text("utf-8")).items():
            yield file.name.split(".")[1], f"`{policy}`", given.get("enforcementLevel", "-"), given["reason"]


def _foundations() -> Iterable[Sequence[str]]:
    for name, (providers, source) in FOUNDATIONS.items():
        yield name, ", ".join(sorted(providers)), source


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
