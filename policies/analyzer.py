"""The SDK's server for the engine, made fit for large sites and for secrets.

The SDK turns all properties of a resource into Python objects once for each policy. So only those policies are asked
that look at resources of its type; and a site's manifest, which none looks at and which would cost seconds, is cut off
first. It also unwraps what is secret; here a policy sees that something is secret, and not what.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
from google.protobuf import struct_pb2
from pulumi.runtime import proto
from pulumi_policy import deserialize, policy

from policies.policy import Level
from policies.type_tokens import kind_of
from policies.values import SECRET

#: Type → properties that grow with the site and that no policy looks at.
GROWING: Final[Mapping[str, tuple[str, ...]]] = {"publisher:index:Website": ("files", "kept", "kinds")}
#: The SDK's own list of the pack's policies.
_POLICIES: Final = "_PolicyAnalyzerServicer__policies"
_STRENGTH: Final[Mapping[Level, int]] = {"disabled": 0, "advisory": 1, "mandatory": 2, "remediate": 2}


@dataclass
class Run:
    """What the engine said about this run."""

    levels: Mapping[str, Level]
    """Policy → its level where the stack says nothing."""
    preview: bool = False
    repairs: bool = False
    """Whether any policy has the level ``remediate``."""
    config: Mapping[str, str] = field(default_factory=dict)
    """The stack's settings, by key without the project, and without what is secret."""
    concerns: Callable[[str, str], bool] = lambda *_: True
    """Whether the policy of a name looks at resources of a type."""


def lean_analyzer(run: Run) -> type[Any]:
    """Have the SDK's ``PolicyPack`` serve by the class below, and return it.

    The SDK has no other place to hook in; its version is pinned, and a test compares both classes' answers.
    """
    served = _lean(run)
    setattr(policy, "_PolicyAnalyzerServicer", served)  # noqa: B010 - mypy takes it for an alias of the type
    return served


def _lean(run: Run) -> type[Any]:
    base = policy._PolicyAnalyzerServicer  # noqa: SLF001
    original = getattr(base, "original", base)

    class LeanAnalyzer(original):  # type: ignore[misc,valid-type]
        """Cuts off what no policy looks at, hides what is secret, and insists on reasons."""

        def Analyze(self, request: Any, context: Any) -> Any:
            """Judge one resource."""
            _prepare(request)
            return original.Analyze(self._concerned(request.type), request, context)

        def AnalyzeStack(self, request: Any, context: Any) -> Any:
            """Judge the stack."""
            for resource in request.resources:
                _prepare(resource)
            return super().AnalyzeStack(request, context)

        def Remediate(self, request: Any, context: Any) -> Any:
            """Repair one resource, if that is wanted; what grows with the site is nothing to repair, and not read."""
            if not run.repairs or request.type in GROWING:
                return proto.RemediateResponse()
            concerned = self._concerned(request.type)
            resources = policy.ResourceValidationPolicy
            if not any(isinstance(one, resources) and one.has_remediation() for one in getattr(concerned, _POLICIES)):
                return proto.RemediateResponse()
            return original.Remediate(concerned, request, context)

        def ConfigureStack(self, request: Any, context: Any) -> Any:
            """Learn whether this is a preview, and the stack's settings."""
            run.preview = request.dry_run
            run.config = _own(request)
            return super().ConfigureStack(request, context)

        def Configure(self, request: Any, context: Any) -> Any:
            """Take the levels of the stack; one that is weaker than the policy's own needs a reason."""
            wrong = weakened_without_reason(run.levels, request.policyConfig)
            if wrong:
                context.abort(
                    grpc.StatusCode.INVALID_ARGUMENT,
                    f"{', '.join(wrong)}: weaker than the policy's own level, and nobody will remember why; "
                    "give the reason beside enforcementLevel in the stack's file in policies/",
                )
            run.repairs = any(one.enforcementLevel == proto.REMEDIATE for one in request.policyConfig.values())
            return super().Configure(request, context)

        def _concerned(self, kind: str) -> Any:
            """This server with those of its policies only that look at resources of a type."""
            found = copy(self)
            policies = getattr(self, _POLICIES, ())
            setattr(found, _POLICIES, [one for one in policies if run.concerns(one.name, kind_of(kind))])
            return found

    LeanAnalyzer.original = original
    return LeanAnalyzer


def weakened_without_reason(levels: Mapping[str, Level], given: Mapping[str, Any]) -> list[str]:
    """Names of the policies whose level the stack lowers without saying why."""
    names: Mapping[int, Level] = {
        proto.ADVISORY: "advisory",
        proto.MANDATORY: "mandatory",
        proto.REMEDIATE: "remediate",
        proto.DISABLED: "disabled",
    }
    return sorted(
        name
        for name, level in levels.items()
        if name in given
        and _STRENGTH[names[given[name].enforcementLevel]] < _STRENGTH[level]
        and not _reason(given[name].properties)
    )


def _own(request: Any) -> Mapping[str, str]:
    prefix, secret = f"{request.project}:", set(request.config_secret_keys)
    return {
        key.removeprefix(prefix): value
        for key, value in request.config.items()
        if key.startswith(prefix) and key not in secret
    }


def _reason(properties: struct_pb2.Struct) -> str:
    # Looking a key up by [] would put it there.
    return properties.fields["reason"].string_value.strip() if "reason" in properties.fields else ""


def _prepare(resource: Any) -> None:
    fields = resource.properties.fields
    for name in GROWING.get(resource.type, ()):
        if name in fields:
            del fields[name]
    for value in fields.values():
        _hide(value)


def _hide(value: struct_pb2.Value) -> None:
    """Replace everything secret within by SECRET, in place."""
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = value.struct_value.fields
        if fields.get(deserialize.SPECIAL_SIG_KEY, struct_pb2.Value()).string_value == deserialize.SPECIAL_SECRET_SIG:
            value.string_value = SECRET
            return
        for inner in fields.values():
            _hide(inner)
    elif kind == "list_value":
        for inner in value.list_value.values:
            _hide(inner)
