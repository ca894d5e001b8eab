from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from components.settings import read
from tools.availability.__main__ import main
from tools.availability.declared import declared, modelled
from tools.availability.report import number, span
from tools.deploy.errors import Refused

ROOT = Path(__file__).resolve().parents[3]
ALL_SIX = "vercel,netlify,aws,firebase,azure,gitlab"


def run(tmp_path, *arguments):
    return CliRunner().invoke(main, ["--charts", str(tmp_path), "--years", "500", *arguments])


def test_it_says_what_is_not_reached_which_term_breaks_it_and_where_the_charts_are(tmp_path):
    found = run(tmp_path, "--stack", "prod")
    assert found.exit_code == 0, found.output
    said = " ".join(found.output.split())
    assert "99.999 % is not reached: the model expects" in said
    assert "The term that breaks it is “the front (Cloudflare) is down”" in said
    assert "is reached" not in said
    for title in (
        "Expected downtime",
        "What one change would bring",
        "Rates, from outages",
        "Assumptions, the weightiest",
    ):
        assert title in said
    assert f"Charts in {tmp_path}: availability.png, availability.svg" in said
    assert (tmp_path / "availability.png").stat().st_size > 10_000
    assert (tmp_path / "availability.svg").stat().st_size > 10_000


def test_json_is_all_there_is_on_standard_output(tmp_path):
    found = run(tmp_path, "--format", "json", "--seed", "5", "--hosts", ALL_SIX)
    answer = json.loads(found.stdout)
    assert answer["settings"]["hosts"] == ALL_SIX.split(",")
    assert sum(term["share"] for term in answer["terms"].values()) == pytest.approx(1)
    assert sum(term["minutes"] for term in answer["terms"].values()) == pytest.approx(answer["minutes"])
    assert answer["target"]["broken_by"][0] == "front"
    assert answer["target"]["reached"] is False
    assert answer["simulation"]["years"] == 500
    assert {cause["cause"] for cause in answer["causes"] if cause["assumed"]} == {"firebase"}
    assert Path(answer["charts"][0]).exists()
    assert answer["assumptions"]["beta"]["source"]


def test_a_platform_that_nobody_knows_is_named(tmp_path):
    found = run(tmp_path, "--hosts", "acme,netlify")
    assert found.exit_code == 0, found.output
    assert "acme is unknown to the model" in found.output
    assert "Stack sandbox, changed" in found.output


def test_another_edge_and_a_second_front_can_be_asked_for(tmp_path):
    answer = json.loads(run(tmp_path, "--format", "json", "--edge", "worker", "--fronts", "2").stdout)
    assert answer["settings"]["mode"] == "worker"
    assert answer["terms"]["detection"]["minutes"] == 0
    assert answer["terms"]["switching"]["minutes"] > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--stack", "nowhere"), "there is no stack 'nowhere'"),
        (("--hosts", "aws,aws"), "names a platform twice"),
        (("--hosts", ", "), "names no platform"),
        (("--hosts", ",".join(f"p{n}" for n in range(13))), "13 platforms; the model counts 1 to 12"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_sentence(tmp_path, arguments, said):
    found = run(tmp_path, *arguments)
    assert found.exit_code == 1
    assert said in found.stderr
    assert "Traceback" not in found.output


def test_the_settings_are_the_stack_s_own_over_the_defaults(tmp_path):
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    (tmp_path / "Pulumi.mine.yaml").write_text(
        "config:\n"
        "  aws:region: us-east-1\n"
        "  peacefulrobot-infra:hosts: [aws, netlify]\n"
        '  peacefulrobot-infra:monitorInterval: "30"\n'
        "  peacefulrobot-infra:monitorRegions: [WEU, ENAM, WEU]\n"
    )
    stack = modelled(declared(tmp_path, "mine"))
    assert stack.hosts == ("aws", "netlify")
    assert (stack.interval, stack.timeout, stack.retries) == (30, 5, 2)
    assert (stack.down, stack.up, stack.regions) == (2, 2, 2)


def test_a_stack_without_an_account_can_be_judged_and_wrong_settings_are_told_as_ever(tmp_path):
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    (tmp_path / "Pulumi.bad.yaml").write_text(
        'config:\n  peacefulrobot-infra:monitorInterval: "5"\n  peacefulrobot-infra:monitorDwn: "3"\n'
    )
    with pytest.raises(Refused) as caught:
        declared(tmp_path, "bad")
    assert "monitorInterval" in caught.value.message
    assert "monitorDwn: is no setting; did you mean monitorDown?" in caught.value.message
    assert "cloudflareAccountId" not in caught.value.message


def test_every_setting_of_the_project_is_read_as_the_engine_would(tmp_path):
    settings = declared(ROOT, "sandbox")
    same = read(
        {
            "cloudflareAccountId": settings.cloudflare_account_id,
            "cloudflareZoneId": settings.cloudflare_zone_id,
            "hosts": json.dumps(list(settings.hosts)),
            "hostSettings": json.dumps(settings.host_settings),
            "protect": "false",
            "verifyDeadline": "30",
            "budget": "30",
            "coordinator": json.dumps({"deploy": "up", "poll": 5, "watching": {}, "deployments": {"platforms": 300}}),
            "monitoring": json.dumps({"uptimeRobot": {"contacts": ["7000001"]}}),
        }
    )
    assert same == settings


def test_planning_needs_no_pulumi():
    modules = ", ".join(f"planning.{path.stem}" for path in (ROOT / "planning").glob("[a-z]*.py"))
    code = f"import sys, {modules}; print('pulumi' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(0, "0"), (0.004, "< 0.01"), (0.6789, "0.68"), (5.256, "5.26"), (57.93, "57.9"), (99.97, "100"), (2118, "2120")],
)
def test_numbers_have_three_digits(minutes, text):
    assert number(minutes) == text


def test_a_span_without_width_is_an_assumption():
    assert span((3.12, 3.121)) == "assumed"
    assert span((1, 2)) == "1.00 to 2.00"
