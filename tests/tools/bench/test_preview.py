from __future__ import annotations

from pathlib import Path

import yaml

from tools.bench import preview, side_by_side
from tools.bench.checkout import checkout
from tools.bench.comparing import Series, judged
from tools.bench.measuring import Figures
from tools.deploy.places import ROOT


def test_a_large_site_gets_the_roomiest_plans_and_keeps_the_stacks_other_settings(tmp_path):
    before = yaml.safe_load((ROOT / "Pulumi.sandbox.yaml").read_text())["config"]
    root = checkout(ROOT, tmp_path / "checkout", **preview._settings(Path("/large")))
    after = yaml.safe_load((root / "Pulumi.sandbox.yaml").read_text())["config"]
    assert after["peacefulrobot-infra:content"] == "/large"
    hosts = after["peacefulrobot-infra:hostSettings"]
    assert hosts["vercel"]["plan"] == "pro"
    for name, own in before["peacefulrobot-infra:hostSettings"].items():
        assert own.items() <= hosts[name].items()


def test_the_example_site_is_previewed_with_the_stack_as_it_is():
    assert preview._settings(None) == {}


def test_reading_all_files_is_allowed_for_on_top_of_the_two_seconds(tmp_path):
    (tmp_path / "index.html").write_bytes(bytes(1000))
    floor = preview.reading_floor(tmp_path)
    assert floor > 0
    allowed = {claim.others: claim.allowed for claim in preview.claims(preview.LARGE, floor)}
    assert allowed[(preview.EMPTY,)] == preview.ALLOWED + floor
    assert allowed[(preview.UNJUDGED,)] == preview.ALLOWED_POLICIES


def test_all_at_once_is_held_against_the_slowest_platform():
    def took(way, wall):
        return Series(side_by_side.PART, side_by_side.CHANGED, way, (Figures(wall, 1, 1),))

    series = [took("vercel", 10.0), took("gitlab", 20.0), took(side_by_side.ALL, 25.0)]
    (result,) = judged(side_by_side.claims(), series)
    assert (result.beside, result.found, result.kept) == ("gitlab", 1.25, True)
