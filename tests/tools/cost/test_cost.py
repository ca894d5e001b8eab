from __future__ import annotations

import json
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from unittest.mock import patch

import pytest
from click.testing import CliRunner

from tools.cost.__main__ import main
from tools.cost.report import as_markdown, headline
from tools.cost.summary import Changes, summary
from tools.deploy.errors import Refused

ROOT = Path(__file__).resolve().parents[3]


def run(tmp_path, *arguments, expect=0):
    found = CliRunner().invoke(main, ["--charts", str(tmp_path), *arguments])
    assert found.exit_code == expect, found.output
    return found


def answer(tmp_path, *arguments):
    """The JSON, with the pictures left out: they take most of the time, and two tests look at them."""
    with patch("tools.cost.__main__.drawn", return_value=()):
        return _answer(tmp_path, *arguments)


def _answer(tmp_path, *arguments):
    return json.loads(run(tmp_path, "--format", "json", *arguments).stdout)


def test_it_prints_sum_items_platforms_catches_and_where_the_charts_are(tmp_path):
    said = " ".join(run(tmp_path, "--stack", "prod").output.split())
    assert "$25.03 a month, and what is unknown: cloudflare.regions, aws.key-writes." in said
    assert "keeps the budget of $30.00" in said
    for part in ("The month, item by item", "Who serves the visitors", "Load Balancing is never free", "stands by"):
        assert part in said
    assert f"Charts in {tmp_path}: cost.png, cost.svg" in said
    assert (tmp_path / "cost.png").stat().st_size > 20_000


def test_json_has_each_items_quantity_allowance_headroom_price_and_end(tmp_path):
    found = answer(tmp_path, "--stack", "prod")
    item = found["items"]["vercel.requests"]
    assert item["quantity"] == 370_824
    assert (item["free"], item["headroom"], item["cost"], item["end"]) == (1_000_000, 629_176, "0", "pause")
    assert item["source"]
    assert item["date"]
    assert found["items"]["cloudflare.regions"]["cost"] == "unknown"
    assert Decimal(found["total"]) == sum(map(Decimal, found["providers"].values()))
    assert found["within_budget"] is True


def test_json_says_where_the_charts_are(tmp_path):
    assert [Path(one).parent for one in _answer(tmp_path)["charts"]] == [tmp_path, tmp_path]


def test_visits_and_page_weight_or_gigabytes_give_the_same_month(tmp_path):
    one = answer(tmp_path, "--visits", "5000", "--page-weight", "400")
    other = answer(tmp_path, "--traffic", "2", "--page-weight", "400")
    third = answer(tmp_path, "--traffic", "2", "--visits", "5000")
    assert one["traffic"] == other["traffic"] == third["traffic"]
    assert one["items"] == other["items"] == third["items"]
    assert one["traffic"]["gigabytes"] == 2


def test_three_figures_of_which_one_is_too_many_are_refused(tmp_path):
    found = run(tmp_path, "--visits", "1", "--page-weight", "1", "--traffic", "1", expect=1)
    assert "leave one away" in found.output


def test_the_most_that_can_be_asked_for_still_has_its_sum_in_cents(tmp_path):
    found = answer(tmp_path, "--stack", "prod", "--traffic", "1e12", "--page-weight", "0.001", "--requests", "1e5")
    assert found["traffic"]["gigabytes"] == 1e12


def test_another_edge_other_platforms_and_more_deploys_can_be_asked_for(tmp_path):
    found = answer(tmp_path, "--stack", "prod", "--edge", "worker", "--hosts", "aws, netlify", "--deploys", "20")
    assert (found["edge"], found["hosts"]) == ("worker", ["aws", "netlify"])
    assert found["items"]["netlify.deploys"]["quantity"] == 20
    assert found["items"]["netlify.credits"]["quantity"] >= 300
    assert found["stack"] == "prod, changed"
    assert "cloudflare.endpoints" not in found["items"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--hosts", "acme"], "unknown platform acme"),
        (["--hosts", "aws,aws"], "named twice"),
        (["--stack", "nowhere"], "there is no stack 'nowhere'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(tmp_path, arguments, said):
    found = run(tmp_path, *arguments, expect=1)
    assert said in found.output
    assert "Traceback" not in found.output


@pytest.mark.parametrize("wrong", ["many", "-1", "nan", "inf", "1e400", "1000000000001"])
def test_a_number_that_is_none_is_a_usage_error(tmp_path, wrong):
    assert "--visits" in run(tmp_path, "--visits", wrong, expect=2).output


def test_measured_traffic_replaces_the_expected_one(tmp_path):
    day = {"bytes": 10**9, "cachedBytes": 5 * 10**8, "requests": 8000, "cachedRequests": 1, "pageViews": 1000}
    path = tmp_path / "measured.json"
    path.write_text(json.dumps({"data": {"viewer": {"zones": [{"httpRequests1dGroups": [{"sum": day}]}]}}}))
    found = answer(tmp_path, "--stack", "prod", "--measured", str(path))["traffic"]
    assert (found["visits"], found["gigabytes"], found["requests_of_a_visit"], found["cached"]) == (30_000, 30, 8, 0.5)


def test_a_measured_file_that_is_something_else_is_refused(tmp_path):
    path = tmp_path / "measured.json"
    path.write_text("{}")
    assert "answer of the GraphQL API" in run(tmp_path, "--measured", str(path), expect=1).output


def test_a_comment_on_a_merge_request_has_the_sum_what_is_charged_and_what_is_grave(tmp_path):
    said = run(tmp_path, "--stack", "prod", "--traffic", "100", "--format", "markdown").output
    assert said.startswith("**Cost of prod, changed: $25.09 a month")
    assert "| cloudflare | endpoints, one for each platform | 6 endpoints |" in said
    assert "- **vercel**: stops on day 21" in said
    before, _, folded = said.partition("<details>")
    assert "never free" in folded
    assert "never free" not in before
    assert not list(tmp_path.iterdir())


def copied(tmp_path, *lines):
    root = tmp_path / "checkout"
    root.mkdir()
    shutil.copy(ROOT / "Pulumi.yaml", root)
    settings = ["config:", *(f"  peacefulrobot-infra:{line}" for line in lines)]
    (root / "Pulumi.own.yaml").write_text("\n".join(settings) + "\n")
    (root / "examples" / "site").mkdir(parents=True)
    (root / "examples" / "site" / "index.html").write_text("<!doctype html>")
    return root


def test_a_load_balancer_without_a_budget_is_told_to_state_one(tmp_path):
    found = summary(copied(tmp_path, "hosts: [aws, vercel]"), "own")
    assert found.budget is None
    assert not found.within_budget
    assert "No budget is stated" in headline(found)
    assert "No budget is stated" in as_markdown(found)


def test_a_worker_stack_with_a_small_site_keeps_its_budget_of_nothing(tmp_path):
    lines = ["edgeMode: worker", "hostSettings: {firebase: {project: one-project}}"]
    found = summary(copied(tmp_path, *lines), "own")
    assert (found.budget, found.total, found.within_budget) == (0, 0, True)


def test_a_budget_that_is_too_small_is_exceeded_by_a_cent(tmp_path):
    root = copied(tmp_path, "hosts: [vercel, netlify, azure]", 'budget: "9.99"')
    found = summary(root, "own")
    assert found.total == 10
    assert not found.within_budget
    assert "exceeds the budget of $9.99" in headline(found)


def test_changes_that_are_none_leave_the_stacks_name():
    assert summary(ROOT, "prod", Changes()).name == "prod"
    with pytest.raises(Refused):
        summary(ROOT, "../prod")


def test_it_runs_without_engine_sandbox_or_network_and_names_no_secret(tmp_path):
    code = (
        "import socket, sys, subprocess\n"
        "def no(*_, **__): raise AssertionError('asked')\n"
        "socket.socket.connect = subprocess.Popen = no\n"
        "from tools.cost.__main__ import main\n"
        f"main(['--stack', 'prod', '--charts', {str(tmp_path)!r}])\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert found.returncode == 0, found.stderr
    assert "$25.03 a month" in found.stdout
