from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.deploy import policy_check
from tools.deploy.engine_process import EngineProcess
from tools.deploy.errors import Refused
from tools.deploy.preflight import previewed

URN = "urn:pulumi:sandbox::project::peacefulrobot:edge:Edge$cloudflare:index/loadBalancer:LoadBalancer::balancer"
UPLOAD = "urn:pulumi:sandbox::project::a:b:Publication$publisher:index:Upload::aws-upload"
WEBSITE = "urn:pulumi:sandbox::project::publisher:index:Website::website"


def finding(level, urn=URN):
    said = {"resourceUrn": urn, "message": "Balanced.\nproxied is not true\n", "policyName": "balancer-fails-over"}
    return {"policyEvent": {**said, "enforcementLevel": level}}


def error(message, urn="", severity="error"):
    return {"diagnosticEvent": {"urn": urn, "message": message, "severity": severity}}


def log_of(tmp_path, *events, code=0):
    """An engine that writes these events, and what it was asked."""
    binary = tmp_path / "pulumi"
    events_file = tmp_path / "events"
    events_file.write_text("".join(json.dumps(event) + "\n" for event in events))
    binary.write_text(
        f'#!/bin/sh\necho "$@ $PULUMI_DEBUG_COMMANDS" > {tmp_path}/asked\n'
        f'while [ "$1" != --event-log ]; do shift; done\ncp {events_file} "$2"\nexit {code}\n'
    )
    binary.chmod(0o755)
    return EngineProcess(binary, "sandbox", tmp_path, {"PATH": "/usr/bin:/bin"})


def test_a_checkout_without_policies_asks_none(tmp_path):
    assert policy_check.flags(tmp_path, "sandbox") == []


def test_a_stack_has_its_own_levels_where_it_has_a_file(tmp_path):
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "PulumiPolicy.yaml").write_text("")
    (folder / "config.sandbox.json").write_text("{}")
    with_levels = ["--policy-pack", "policies", "--policy-pack-config", "policies/config.sandbox.json"]
    assert policy_check.flags(tmp_path, "sandbox") == with_levels
    assert policy_check.flags(tmp_path, "prod") == ["--policy-pack", "policies"]
    assert policy_check.flags(tmp_path, "prod", "production") == ["--policy-pack", "policies"]


def test_a_stack_without_levels_of_its_own_has_those_of_its_family(tmp_path):
    folder = tmp_path / "policies"
    folder.mkdir()
    for name in ("PulumiPolicy.yaml", "config.sandbox.json", "config.sandbox-b.json"):
        (folder / name).write_text("{}")
    assert policy_check.flags(tmp_path, "sandbox-a", "sandbox")[-1] == "policies/config.sandbox.json"
    assert policy_check.flags(tmp_path, "sandbox-b", "sandbox")[-1] == "policies/config.sandbox-b.json"


def test_this_checkout_has_policies():
    assert policy_check.flags(Path(__file__).resolve().parents[3], "sandbox")


@pytest.mark.parametrize("level", ["mandatory", "remediate"])
def test_what_stops_a_run_is_named_with_its_policy_and_its_resource(tmp_path, level):
    engine = log_of(tmp_path, {"preludeEvent": {}}, finding(level), finding(level), error("preview failed\n"), code=1)
    with pytest.raises(Refused, match="nothing was changed") as raised:
        policy_check.require(previewed(engine, ["--policy-pack", "policies"]))
    said = str(raised.value)
    assert said.count("balancer-fails-over (balancer): Balanced.\n    proxied is not true") == 1


def test_the_engine_is_asked_for_a_preview_with_the_policies(tmp_path):
    policy_check.require(previewed(log_of(tmp_path), ["--policy-pack", "policies"]))
    asked = (tmp_path / "asked").read_text()
    assert asked.startswith("preview --event-log ")
    assert "--policy-pack policies --stack sandbox" in asked
    assert asked.endswith(" true\n")


def test_all_findings_are_told_each_in_a_line_of_its_own_and_none_twice(tmp_path):
    other = {"policyEvent": {"policyName": "no-plain-secret", "message": "key", "enforcementLevel": "mandatory"}}
    with pytest.raises(Refused) as raised:
        policy_check.require(previewed(log_of(tmp_path, finding("mandatory"), other, finding("mandatory"))))
    assert str(raised.value) == (
        "the policies stop this run; nothing was changed:\n"
        "  - balancer-fails-over (balancer): Balanced.\n    proxied is not true\n"
        "  - no-plain-secret (): key"
    )


def test_a_hint_stops_nothing(tmp_path):
    assert policy_check.require(previewed(log_of(tmp_path, finding("advisory")), ["--policy-pack", "policies"])) == ()


@pytest.mark.parametrize("urn", ["", URN, WEBSITE])
def test_a_preview_that_fails_stops_the_run(tmp_path, urn):
    engine = log_of(tmp_path, error("index.html is missing", urn), error("preview failed"), code=1)
    with pytest.raises(Refused, match=r"the preview failed; nothing was changed:\n  - index.html is missing"):
        policy_check.require(previewed(engine, ["--policy-pack", "policies"]))


def test_a_preview_that_fails_without_a_word_stops_the_run(tmp_path):
    with pytest.raises(Refused, match="`pulumi preview …` on stack sandbox failed"):
        policy_check.require(previewed(log_of(tmp_path, code=1), ["--policy-pack", "policies"]))


@pytest.mark.parametrize("said", [error("preview failed"), error(""), {"diagnosticEvent": {"severity": "error"}}])
def test_a_preview_that_fails_with_an_empty_word_tells_what_the_engine_said(tmp_path, said):
    with pytest.raises(Refused, match="`pulumi preview …` on stack sandbox failed"):
        policy_check.require(previewed(log_of(tmp_path, said, code=1)))


def test_all_errors_are_told_each_in_a_line_of_its_own(tmp_path):
    with pytest.raises(Refused) as raised:
        policy_check.require(previewed(log_of(tmp_path, error(" one\ntwo\n"), error("three", WEBSITE), code=1)))
    assert str(raised.value) == "the preview failed; nothing was changed:\n  - one\n    two\n  - three"


def test_what_one_platform_refuses_is_told_and_does_not_stop_the_others(tmp_path):
    said = [error("aws: 503", UPLOAD, "warning"), error("x", severity="info"), error("old", URN, "warning")]
    found = policy_check.require(previewed(log_of(tmp_path, *said), ["--policy-pack", "policies"]))
    assert found == ("aws-upload: aws: 503",)


@pytest.mark.parametrize("about", [{"urn": ""}, {}, {"urn": URN}, {"urn": f"{URN}::publisher:index:Upload"}])
def test_a_warning_about_no_platforms_resource_is_no_platforms_trouble(tmp_path, about):
    said = {"diagnosticEvent": {"message": "x", "severity": "warning", **about}}
    assert policy_check.require(previewed(log_of(tmp_path, said))) == ()


@pytest.mark.parametrize("parents", ["", "a:b:Publication$", "a:b:Host$a:b:Publication$"])
def test_a_platforms_resource_is_known_by_its_own_type_whoever_its_parents_are(tmp_path, parents):
    said = error("503", f"urn:pulumi:sandbox::project::{parents}publisher:index:Upload::aws-upload", "warning")
    assert policy_check.require(previewed(log_of(tmp_path, said))) == ("aws-upload: 503",)
    inside = error("503", f"urn:pulumi:sandbox::project::{parents}publisher:index:Upload$a:b:Other::it", "warning")
    assert policy_check.require(previewed(log_of(tmp_path, inside))) == ()


def test_a_preview_is_of_the_whole_plan(tmp_path):
    """What one platform refuses would end it as an error, and hide what the run deletes."""
    engine = log_of(tmp_path)
    engine.binary.write_text(engine.binary.read_text().replace("$PULUMI_DEBUG_COMMANDS", "$PUBLISHER_WHOLE_PLAN"))
    previewed(engine)
    assert (tmp_path / "asked").read_text().endswith(" true\n")


def test_an_error_of_a_platforms_resource_stops_the_run_for_the_plan_is_not_whole(tmp_path):
    with pytest.raises(Refused, match="the preview failed; nothing was changed:\n  - aws: 503"):
        policy_check.require(previewed(log_of(tmp_path, error("aws: 503", UPLOAD), code=1)))


def test_a_finding_counts_beside_one_platforms_trouble(tmp_path):
    engine = log_of(tmp_path, error("aws: 503", UPLOAD, "warning"), finding("mandatory"), code=1)
    with pytest.raises(Refused, match="the policies stop this run"):
        policy_check.require(previewed(engine, ["--policy-pack", "policies"]))
