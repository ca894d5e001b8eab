"""Policies asked without an engine, as the SDK asks them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pulumi_policy import PolicyResource, PolicyResourceOptions, ResourceValidationArgs, StackValidationArgs
from pulumi_policy.policy import PolicyCustomTimeouts, _NotApplicableError
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policies.analyzer import Run
from policies.pack import of_resource, of_stack
from policies.policy import Policy, StackPolicy

UNKNOWN = UNKNOWN_STRING_VALUE
"""What the engine sends in place of a value that is not known yet."""


@dataclass
class Declared:
    """One resource: type token, inputs, and the names of the resources that a property is made from."""

    kind: str
    values: dict[str, Any] = field(default_factory=dict)
    name: str = "it"
    made_from: dict[str, list[str]] = field(default_factory=dict)
    protect: bool = True
    parents: str = ""
    """Types of the parents as in a URN: ``outer:index:Outer$``."""

    @property
    def urn(self) -> str:
        return f"urn:pulumi:stack::project::{self.parents}{self.kind}::{self.name}"

    def options(self) -> PolicyResourceOptions:
        return PolicyResourceOptions(self.protect, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])


def declared(kind: str, /, name: str = "it", protect: bool = True, parents: str = "", **values: Any) -> Declared:
    """A resource without sources; ``values`` are its inputs."""
    return Declared(kind, values, name, {}, protect, parents)


@dataclass
class Verdict:
    """What a policy said: its findings, and why it did not judge (empty if it did)."""

    findings: list[str] = field(default_factory=list)
    about: list[str] = field(default_factory=list)
    not_judged: str = ""


def judged(policy: Policy, *given: Declared, preview: bool = False, **config: Any) -> Verdict:
    """The policy's verdict on a resource, or on a stack of resources."""
    run = Run({policy.name: policy.level}, preview)
    verdict = Verdict()

    def report(message: str, urn: str = "") -> None:
        verdict.findings.append(message)
        verdict.about.append(urn.rpartition("::")[2])

    try:
        if isinstance(policy, StackPolicy):
            of_stack(policy, run).validate(StackValidationArgs(_resources(given), config), report)
        else:
            for one in given:
                of_resource(policy, run).validate(_arguments(one, config), report)
    except _NotApplicableError as error:
        verdict.not_judged = error.message
    return verdict


def repaired(policy: Policy, given: Declared, **config: Any) -> dict[str, Any] | None:
    """What the policy makes of the inputs at the level ``remediate``."""
    found = of_resource(policy, Run({}, preview=True)).remediate(_arguments(given, config))
    return None if found is None else dict(found)


def _arguments(given: Declared, config: dict[str, Any]) -> ResourceValidationArgs:
    props = unknown_checking_proxy(given.values)
    return ResourceValidationArgs(given.kind, props, given.urn, given.name, given.options(), None, config)


def _resources(given: tuple[Declared, ...]) -> list[PolicyResource]:
    made = {
        one.name: PolicyResource(
            one.kind, unknown_checking_proxy(one.values), one.urn, one.name, one.options(), None, None, [], {}
        )
        for one in given
    }
    for one in given:
        for key, names in one.made_from.items():
            made[one.name].property_dependencies[key] = [made[name] for name in names]
    return list(made.values())
