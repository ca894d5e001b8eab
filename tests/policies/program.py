"""The program's own resources, declared under Pulumi's mocks, and the pack's answers about them."""

from __future__ import annotations

import copy
import gc
import json
import runpy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pulumi_policy
import yaml
from google.protobuf import json_format, struct_pb2
from pulumi.runtime import proto
from pulumi.runtime.mocks import MockMonitor

from policies.analyzer import Run, lean_analyzer
from policies.pack import concerns, policies
from policies.registry import POLICIES
from tests.components.graph import Graph, settled

ROOT = Path(__file__).resolve().parents[2]
RELEASE = "rd85f327da8f37c79"
RULES = {"floor": [["X-Frame-Options", "DENY"]], "headers": [], "redirects": [], "notFound": "404.html"}
SERVED = {"notFound": ["0" * 16], "types": {"byEnding": {".html": "text/html"}, "single": {}}, "files": ""}


#: Running the program takes half a second; the tests change copies.
_DECLARED: dict[str, list[Registered]] = {}


class Answers(Graph):
    """Outputs of every resource: its inputs, and what platforms compute, under the names that some of them use."""

    def new_resource(self, args):
        identifier, state = super().new_resource(args)
        host = f"{args.name}.example"
        computed = {
            "arn": f"arn:aws:any:::{args.name}",
            "id": identifier,
            "region": "us-east-1",
            "bucket": args.name,
            "bucketRegionalDomainName": f"{args.name}.s3.us-east-1.amazonaws.com",
            "domainName": host,
            "hostname": host,
            "url": f"https://{host}",
            "defaultUrl": f"https://{host}",
            "defaultHostname": host,
            "release": RELEASE,
            "rules": RULES,
            "live": RELEASE,
            "staged": "s",
            "siteId": identifier,
            "primaryEndpoints": {"blob": f"https://{host}/"},
        }
        return identifier, {**computed, **state, **self._release(args)}

    @staticmethod
    def _release(args):
        found = {"release": RELEASE, "rules": RULES, "served": SERVED}
        return found if args.typ == "publisher:index:Website" else {}


class Recording(MockMonitor):
    """Keeps what the program asked the engine for, with the options that mocks are not shown."""

    def __init__(self, mocks):
        super().__init__(mocks)
        self.registered: list[Registered] = []

    def RegisterResource(self, request):
        answer = super().RegisterResource(request)
        if request.type != "pulumi:pulumi:Stack":
            sources = {key: list(found.urns) for key, found in request.propertyDependencies.items() if found.urns}
            inputs, outputs = json_format.MessageToDict(request.object), json_format.MessageToDict(answer.object)
            found = Registered(request.type, request.name, answer.urn, inputs, outputs, sources, request.protect)
            self.registered.append(found)
        return answer


@dataclass
class Registered:
    """One resource as the engine knows it."""

    kind: str
    name: str
    urn: str
    inputs: dict[str, Any]
    outputs: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, list[str]] = field(default_factory=dict)
    protect: bool = True


def configuration(stack: str, **settings: Any) -> dict[str, str]:
    """What the engine hands the program for a stack, with the ids filled in that belong to an account."""
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text("utf-8"))
    own = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text("utf-8"))["config"]
    ids = {f"{project['name']}:{key}": "a" * 32 for key in ("cloudflareAccountId", "cloudflareZoneId")}
    changed = {f"{project['name']}:{key}": value for key, value in settings.items()}
    given = {**ids, **own, **changed}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}


async def registered_by(stack: str, monkeypatch: Any, **settings: Any) -> list[Registered]:
    """What the program declares for a stack of this checkout; ``settings`` replace single ones."""
    key = json.dumps([stack, settings])
    if key not in _DECLARED:
        _DECLARED[key] = await _run(stack, monkeypatch, **settings)
    return copy.deepcopy(_DECLARED[key])


async def _run(stack: str, monkeypatch: Any, **settings: Any) -> list[Registered]:
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(configuration(stack, **settings)))
    recording = Recording(Answers())
    pulumi.runtime.set_mocks(recording.mocks, project="peacefulrobot-infra", stack=stack, monitor=recording)
    try:
        runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")
    finally:
        gc.enable()  # the program switches it off: its process is short
    await settled()
    return recording.registered


@dataclass
class Diagnostic:
    """One finding as the engine gets it."""

    policy: str
    level: str
    about: str
    message: str


def analyzer(*, preview: bool = False, settings: Mapping[str, Any] | None = None) -> Any:
    """The pack's server, without a network."""
    run = Run({policy.name: policy.level for policy in POLICIES}, preview, concerns=concerns)
    server = lean_analyzer(run)("peacefulrobot", "0", policies(run), pulumi_policy.EnforcementLevel.ADVISORY)
    server.ConfigureStack(stack_configuration(settings or {}, dry_run=preview), None)
    return server


def stack_configuration(settings: Mapping[str, Any], *, dry_run: bool) -> proto.AnalyzerStackConfigureRequest:
    """What the engine says of the stack prod before it asks anything; ``settings`` replace single ones."""
    return proto.AnalyzerStackConfigureRequest(
        stack="prod",
        project="peacefulrobot-infra",
        dry_run=dry_run,
        config=configuration("prod", **settings),
        config_secret_keys=[],
    )


def asked(
    resources: list[Registered],
    file: Path | None = None,
    *,
    preview: bool = False,
    settings: Mapping[str, Any] | None = None,
    before: list[Registered] | None = None,
) -> list[Diagnostic]:
    """What the pack says of each resource and of all, with the levels of a stack's ``file``.

    Resources that also stand in ``before`` are judged with all the others only.
    """
    server = analyzer(preview=preview, settings=settings)
    if file is not None:
        server.Configure(levels(json.loads(file.read_text("utf-8"))), None)
    answers = [server.Analyze(analyze_request(one), None) for one in resources if one not in (before or [])]
    answers.append(server.AnalyzeStack(stack_request(resources), None))
    return [
        Diagnostic(found.policyName, proto.EnforcementLevel.Name(found.enforcementLevel), found.urn, found.message)
        for answer in answers
        for found in answer.diagnostics
    ]


def levels(given: Mapping[str, Any]) -> proto.ConfigureAnalyzerRequest:
    """What the engine makes of a stack's file."""
    request = proto.ConfigureAnalyzerRequest()
    for policy, config in given.items():
        properties = dict(config)
        level = properties.pop("enforcementLevel", None) or own_level(policy)
        request.policyConfig[policy].enforcementLevel = proto.EnforcementLevel.Value(level.upper())
        request.policyConfig[policy].properties.update(properties)
    return request


def own_level(name: str) -> str:
    return next(policy.level for policy in POLICIES if policy.name == name)


def analyze_request(one: Registered) -> proto.AnalyzeRequest:
    return proto.AnalyzeRequest(
        type=one.kind,
        name=one.name,
        urn=one.urn,
        properties=struct(one.inputs),
        options=proto.AnalyzerResourceOptions(protect=one.protect),
    )


def stack_request(resources: list[Registered]) -> proto.AnalyzeStackRequest:
    return proto.AnalyzeStackRequest(
        resources=[
            proto.AnalyzerResource(
                type=one.kind,
                name=one.name,
                urn=one.urn,
                properties=struct(one.outputs),
                options=proto.AnalyzerResourceOptions(protect=one.protect),
                propertyDependencies={
                    key: proto.AnalyzerPropertyDependencies(urns=urns) for key, urns in one.sources.items()
                },
            )
            for one in resources
        ]
    )


def struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    found = struct_pb2.Struct()
    json_format.ParseDict(values, found)
    return found
