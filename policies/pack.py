"""The policies as the engine runs them: their levels, thresholds and exceptions, and what is said of a finding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from threading import Timer
from typing import Any

import pulumi_policy as crossguard

from policies import budget
from policies.analyzer import Run, lean_analyzer
from policies.exceptions import exemption
from policies.policy import Finding, Policy, Resource, ResourcePolicy, Stack, StackPolicy
from policies.protection import redacted
from policies.registry import POLICIES
from policies.type_tokens import kind_of
from policies.values import NotKnown, behind, seen

NAME = "peacefulrobot"
_COMMON_PROPERTIES: Mapping[str, Any] = {
    "reason": {"type": "string", "minLength": 20},
    "exceptions": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"resource": {"type": "string"}, "reason": {"type": "string", "minLength": 20}},
            "required": ["resource", "reason"],
            "additionalProperties": False,
        },
    },
}
Report = Callable[..., None]
_BY_NAME: Mapping[str, Policy] = {policy.name: policy for policy in POLICIES}
#: Seconds after which the engine has been told what the pack is, and starts the program.
_STARTED = 0.3


def serve() -> None:
    """Serve the engine until it ends; the SDK prints the port and does not return."""
    beside = Timer(_STARTED, budget.load)
    beside.daemon = True
    beside.start()
    run = Run({policy.name: policy.level for policy in POLICIES}, concerns=concerns)
    lean_analyzer(run)
    crossguard.PolicyPack(NAME, policies(run))


def concerns(name: str, kind: str) -> bool:
    """Whether the policy of a name looks at single resources of a type."""
    policy = _BY_NAME[name]
    return isinstance(policy, ResourcePolicy) and policy.concerns(kind)


def policies(run: Run) -> list[crossguard.Policy]:
    """All policies in the SDK's form."""
    return [of_stack(found, run) if isinstance(found, StackPolicy) else of_resource(found, run) for found in POLICIES]


def of_resource(policy: Policy, run: Run) -> crossguard.ResourceValidationPolicy:
    """A policy of one resource in the SDK's form."""
    assert isinstance(policy, ResourcePolicy)  # noqa: S101 - the two kinds there are

    def validate(args: Any, report: Report) -> None:
        if policy.concerns(kind_of(args.resource_type)):
            config = args.get_config()
            resource = _resource(args)
            _refuse_exempted(policy, resource.urn, config, args)
            judged = policy.judge(resource, policy.with_defaults(config))
            for what in _known(judged, run, args):
                report(message(policy, what))

    def remediate(args: Any) -> Any:
        return _repaired(policy, args)

    return crossguard.ResourceValidationPolicy(
        validate=validate,
        remediate=remediate if policy.repair else None,
        **_described(policy),
    )


def of_stack(policy: StackPolicy, run: Run) -> crossguard.StackValidationPolicy:
    """A policy of the whole stack in the SDK's form."""

    def validate(args: Any, report: Report) -> None:
        config = args.get_config()
        judged = policy.judge(_stack(args.resources, run.config), policy.with_defaults(config))
        for found in _known(judged, run, args):
            finding = found if isinstance(found, Finding) else Finding(None, found)
            urn = finding.resource.urn if finding.resource else ""
            if not exemption(policy.name, urn, config):
                report(message(policy, finding.what), urn)

    return crossguard.StackValidationPolicy(validate=validate, **_described(policy))


def message(policy: Policy, what: str) -> str:
    """What is wrong, why that matters, what to do; without anything that looks like a secret."""
    return redacted(f"{what}.\nWhy: {policy.reason}\nDo:  {policy.remedy}")


def _known(judged: Iterable[Any], run: Run, args: Any) -> Iterator[Any]:
    """The findings. What is not known yet is judged when it is; during ``up`` it is a finding itself."""
    try:
        yield from judged
    except NotKnown as missing:
        if run.preview:
            args.not_applicable(f"{missing} is known during up only, and judged then")
        yield f"{missing} is not known, so it cannot be judged"


def _refuse_exempted(policy: Policy, urn: str, config: Mapping[str, Any], args: Any) -> None:
    exempted = exemption(policy.name, urn, config)
    if exempted:
        args.not_applicable(exempted.reason)


def _repaired(policy: ResourcePolicy, args: Any) -> Mapping[str, Any] | None:
    """All inputs with what the policy replaces, None where nothing is wrong or nothing can be known."""
    if not policy.repair or not policy.concerns(kind_of(args.resource_type)):
        return None
    resource = _resource(args)
    _refuse_exempted(policy, resource.urn, args.get_config(), args)
    settings = policy.with_defaults(args.get_config())
    try:
        found = next(iter(policy.judge(resource, settings)), None)
    except NotKnown:
        return None
    changes = policy.repair(resource) if found else None
    return {**behind(args.props), **changes} if changes else None


def _resource(args: Any) -> Resource:
    return Resource(
        kind=kind_of(args.resource_type),
        name=args.name,
        urn=args.urn,
        values=seen(args.props),
        protected=bool(args.opts and args.opts.protect),
    )


def _stack(given: Iterable[Any], config: Mapping[str, str]) -> Stack:
    """The SDK's resources as policies see them, each with the resources that its properties are made from."""
    listed = list(given)
    sources: dict[str, dict[str, list[Resource]]] = {found.urn: {} for found in listed}
    made = {
        found.urn: Resource(
            kind=kind_of(found.resource_type),
            name=found.name,
            urn=found.urn,
            values=seen(found.props),
            protected=bool(found.opts and found.opts.protect),
            sources=sources[found.urn],
        )
        for found in listed
    }
    for found in listed:
        for key, others in found.property_dependencies.items():
            sources[found.urn][key] = [made[other.urn] for other in others]
    return Stack(list(made.values()), config)


def _described(policy: Policy) -> dict[str, Any]:
    properties = {
        name: {"type": setting.type, "default": setting.default, "description": setting.meaning}
        for name, setting in policy.settings.items()
    }
    return {
        "name": policy.name,
        "description": policy.description,
        "enforcement_level": crossguard.EnforcementLevel(policy.level),
        "config_schema": crossguard.PolicyConfigSchema(properties={**properties, **_COMMON_PROPERTIES}),
    }
