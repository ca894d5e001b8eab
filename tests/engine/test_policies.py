"""The policies with the real engine: what each level does to a run, and that nothing is applied before they agree."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.engine.conftest import new_stack
from tests.engine.stack import ROOT
from tools.bench.checkout import checkout, configure, judge

REASON = "This test wants to see what the level does."
MONITOR = "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor"
BALANCER = "cloudflare:index/loadBalancer:LoadBalancer"


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A checkout of its own with a stack that nothing was applied to yet."""
    folder = tmp_path_factory.mktemp("policies")
    made = new_stack(folder, root=checkout(ROOT, folder / "checkout"))
    yield made
    made.run("down", expect=None)


@pytest.fixture
def stack(shared):
    """The shared checkout; what a test changes in it is taken back."""
    changed = [shared.root / name for name in ("Pulumi.sandbox.yaml", "policies/config.sandbox.json", BALANCING)]
    before = {path: path.read_bytes() for path in changed}
    yield shared
    for path, content in before.items():
        path.write_bytes(content)


BALANCING = "components/edge/balancing.py"


def set_level(stack, policy, level, reason=REASON):
    judge(stack.root, policy, enforcementLevel=level, **({"reason": reason} if reason else {}))


def show_platforms(stack):
    """Have the program declare a load balancer beside the proxy."""
    path = stack.root / BALANCING
    source = path.read_text("utf-8")
    assert source.count("proxied=True") == 1
    path.write_text(source.replace("proxied=True", "proxied=False"), "utf-8")


def state(stack):
    (path,) = stack.folder.glob("pulumi/.pulumi/stacks/*/sandbox.json")
    found = json.loads(path.read_text("utf-8"))["checkpoint"]["latest"] or {}
    return {one["type"]: one for one in found.get("resources", [])}


def test_mandatory_stops_the_preview_and_names_what_why_and_what_to_do(stack):
    configure(stack.root, monitorDown=1)
    output = stack.refused("preview")
    assert "[mandatory]  monitor-is-strict" in output
    assert "consecutiveDown is less than 2" in output
    assert "Why: A parked page" in output
    assert "Do:  Set type https" in output


def test_mandatory_stops_up_before_anything_is_applied(stack):
    configure(stack.root, monitorDown=1)
    output = stack.refused("up")
    assert "nothing was changed" in output
    assert "monitor-is-strict (edge-monitor)" in output
    assert state(stack) == {}
    assert stack.journal() == []
    assert set(stack.live().values()) == {None}


def test_a_stack_over_its_budget_is_stopped_before_anything_is_applied(stack):
    configure(stack.root, budget="20")
    output = stack.refused("up")
    assert "nothing was changed" in output
    assert "stack-keeps-its-budget" in output
    assert "costs $25.01 (cloudflare $25.00, aws $0.01)" in output
    assert "its budget is $20.00" in output
    assert state(stack) == {}


def test_a_policy_of_the_whole_site_stops_up_before_anything_is_applied(stack):
    configure(stack.root, hosts=["aws"])
    judge(stack.root, "site-stands-on-two-clouds", clouds=2)
    output = stack.refused("up")
    assert "site-stands-on-two-clouds" in output
    assert "aws: no 2 of them stand on providers that they do not share" in output
    assert state(stack) == {}


def test_a_level_cannot_be_weakened_without_a_reason(stack):
    set_level(stack, "monitor-is-strict", "advisory", reason="")
    output = stack.refused("up")
    assert "monitor-is-strict: weaker than the policy's own level" in output
    assert state(stack) == {}


def test_the_settings_of_prod_pass_in_a_preview(stack):
    path = stack.root / "Pulumi.sandbox.yaml"
    sandbox = yaml.safe_load(path.read_text("utf-8"))
    prod = yaml.safe_load((stack.root / "Pulumi.prod.yaml").read_text("utf-8"))
    prod["config"] = {key: value for key, value in prod["config"].items() if ":content" not in key}
    del sandbox["config"]["peacefulrobot-infra:monitoring"]
    path.write_text(yaml.safe_dump({**sandbox, "config": {**sandbox["config"], **prod["config"]}}), "utf-8")
    (stack.root / "policies" / "config.sandbox.json").write_text("{}", "utf-8")
    output = stack.run("preview")
    assert "[mandatory]" not in output
    assert "outage-tells-somebody" in output


@pytest.mark.parametrize("mode", ["load-balancer", "worker"])
def test_the_sandbox_passes_in_a_preview_with_either_edge(stack, mode):
    configure(stack.root, edgeMode=mode)
    output = stack.run("preview")
    assert ("WorkersScript" in output) == (mode == "worker")
    assert "[mandatory]" not in output
    assert "[advisory]" not in output


def test_remediate_changes_the_input_and_advisory_is_shown_and_both_go_on(stack):
    show_platforms(stack)
    configure(stack.root, monitorDown=1)
    set_level(stack, "monitor-is-strict", "advisory")
    assert "proxied is not true" in stack.refused("up")
    assert state(stack) == {}
    set_level(stack, "balancer-fails-over", "remediate")
    output = stack.run("up")
    assert "balancer-fails-over" in output
    assert state(stack)[BALANCER]["inputs"]["proxied"] is True
    assert "[advisory]  monitor-is-strict" in output
    assert "consecutiveDown is less than 2" in output
    assert state(stack)[MONITOR]["inputs"]["consecutiveDown"] == 1
    assert stack.get("/").status_code == 200
    stack.run("preview", "--expect-no-changes")
