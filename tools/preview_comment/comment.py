"""The comment itself. Pure: what the preview, the checks and the cost model found goes in, Markdown comes out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tools.deploy.plan import Step
from tools.preview_comment.markdown import code, folded, size, table

#: Characters of a comment. GitHub takes 65,536, GitLab a million.
#: https://github.com/orgs/community/discussions/27190, https://docs.gitlab.com/administration/instance_limits/
LONGEST = 60_000
_ROWS = 60
_WEBSITE, _PUBLISH = "publisher:index:Website", "publisher:index:Publish"
_BALANCER, _ROUTE = "cloudflare:index/loadBalancer:LoadBalancer", "cloudflare:index/workersRoute:WorkersRoute"
#: Steps of each release, which the pages stand for, and what only holds others together.
_HIDDEN = (
    "pulumi:",
    "peacefulrobot:",
    *(f"publisher:index:{kind}" for kind in ("Website", "Upload", "Publish", "Verify")),
)
_WORDS = {"create": "added", "update": "changed", "delete": "removed", "replace": "replaced"}


@dataclass(frozen=True)
class Page:
    """One file of the site. ``bytes`` is of the new one, None where it goes."""

    path: str
    change: str
    """``added``, ``changed`` or ``removed``."""
    bytes: int | None


@dataclass(frozen=True)
class Verdict:
    """One policy's finding."""

    level: str
    policy: str
    resource: str
    message: str


@dataclass(frozen=True)
class Found:
    """Everything that the comment says."""

    stack: str
    plan: Sequence[Step] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Path → bytes of the new content."""
    verdicts: Sequence[Verdict] = ()
    stopped: Sequence[str] = ()
    """Why ``up`` would not run; empty if it would."""
    sections: Sequence[str] = ()
    """More of it in Markdown: checks of the content, cost."""


def marker(stack: str) -> str:
    """Hidden first line, by which the comment of a stack is found again."""
    return f"<!-- peacefulrobot-infra preview of {''.join(one for one in stack if one.isalnum() or one in '-_')} -->"


def pages(plan: Sequence[Step], sizes: Mapping[str, int]) -> list[Page]:
    """Files of the site that the plan changes, removed ones first."""
    found = [step for step in plan if step.kind == _WEBSITE]
    old: Mapping[str, str] = found[0].old.get("files", {}) if found else {}
    new: Mapping[str, str] = found[0].new.get("files", {}) if found else {}
    removed = [Page(path, "removed", None) for path in sorted(set(old) - set(new))]
    changed = [Page(path, "changed", sizes.get(path)) for path in sorted(set(old) & set(new)) if old[path] != new[path]]
    return [*removed, *changed, *(Page(path, "added", sizes.get(path)) for path in sorted(set(new) - set(old)))]


def deployed(plan: Sequence[Step]) -> tuple[tuple[str, ...], Literal["load-balancer", "worker"] | None]:
    """Platforms that serve now, and the edge before them; empty and None before the first deployment."""
    now = [step for step in plan if step.old]
    hosts = tuple(step.name.removesuffix("-publish") for step in now if step.kind == _PUBLISH)
    kinds = {step.kind for step in now}
    return hosts, "worker" if _ROUTE in kinds else "load-balancer" if _BALANCER in kinds else None


def written(found: Found) -> str:
    """The comment, at most 60,000 characters; what has no room is counted."""
    head = f"{marker(found.stack)}\n## {_sentence(found)}\n\n"
    parts = [_stopped(found), _pages(found), _resources(found), _policies(found), *found.sections]
    text, left_out = head, 0
    for part in filter(None, parts):
        if len(text) + len(part) + 200 > LONGEST:
            left_out += 1
            continue
        text += part.rstrip() + "\n\n"
    if left_out:
        text += f"{left_out} parts had no room here; the job's artifact has the findings.\n"
    return text


def _sentence(found: Found) -> str:
    """What a reviewer needs to know first."""
    name = code(found.stack)
    if found.stopped:
        return f"⛔ {name} would not be deployed"
    changes = pages(found.plan, found.sizes)
    resources = [step for step in found.plan if step.changes and not step.kind.startswith(_HIDDEN)]
    if not changes and not resources:
        return f"✅ {name}: nothing would change"
    parts = [
        f"{_counted(len(changes), 'page')}" if changes else "",
        _counted(len(resources), "resource") if resources else "",
    ]
    return f"✅ {name}: {' and '.join(filter(None, parts))} would change"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _stopped(found: Found) -> str:
    if not found.stopped:
        return ""
    lines = "\n".join(f"    {line}" for text in found.stopped for line in text.splitlines())
    return f"What stops it:\n\n{lines}\n"


def refused_by_one(troubled: Sequence[str]) -> str:
    """A section on what single platforms would not take, while the others would."""
    lines = "\n".join(f"    {line}" for text in troubled for line in text.splitlines())
    return f"Refused by one platform, taken by the others:\n\n{lines}\n"


def _pages(found: Found) -> str:
    changes = pages(found.plan, found.sizes)
    if not changes:
        return ""
    counts = Counter(page.change for page in changes)
    title = "Pages: " + ", ".join(
        f"{counts[word]:,} {word}" for word in ("added", "changed", "removed") if counts[word]
    )
    rows = [(page.change, code(page.path), size(page.bytes)) for page in changes[:_ROWS]]
    return folded(title, table(("", "file", "size"), rows) + _more(len(changes) - len(rows)))


def _resources(found: Found) -> str:
    steps = [step for step in found.plan if step.op in _WORDS and not step.kind.startswith(_HIDDEN)]
    if not steps:
        return ""
    counts = Counter(_WORDS[step.op] for step in steps)
    title = "Resources: " + ", ".join(f"{counts[word]:,} {word}" for word in _WORDS.values() if counts[word])
    order = ("replace", "delete", "update", "create")
    shown = sorted(steps, key=lambda step: (order.index(step.op), step.urn))[:_ROWS]
    rows = [
        (_WORDS[step.op], code(step.name), code(step.kind), ", ".join(map(code, step.changed[:8]))) for step in shown
    ]
    return folded(title, table(("", "name", "type", "what differs"), rows) + _more(len(steps) - len(rows)))


def _policies(found: Found) -> str:
    if not found.verdicts:
        return "Policies: nothing found.\n"
    counts = Counter(one.level for one in found.verdicts)
    title = "Policies: " + ", ".join(f"{count:,} {level}" for level, count in counts.most_common())
    return folded(title, "".join(_verdict(one) for one in found.verdicts[:_ROWS]) + _more(len(found.verdicts) - _ROWS))


def _verdict(one: Verdict) -> str:
    lines = [line.strip() for line in one.message.splitlines() if line.strip()]
    said = "".join(f"  - {code(line)}\n" for line in lines[:4])
    return f"- **{one.level}** {code(one.policy)} at {code(one.resource)}\n{said}"


def _more(count: int) -> str:
    return f"\n… and {count:,} more\n" if count > 0 else ""


def verdicts(events: Sequence[Mapping[str, object]]) -> Iterator[Verdict]:
    """What the policies said, from the engine's events; one that was said twice counts once."""
    seen: set[Verdict] = set()
    for event in events:
        said = event.get("policyEvent")
        if not isinstance(said, Mapping):
            continue
        name = str(said.get("resourceUrn", "")).split("::")[-1]
        one = Verdict(str(said["enforcementLevel"]), str(said["policyName"]), name, str(said["message"]))
        if one not in seen:
            seen.add(one)
            yield one
