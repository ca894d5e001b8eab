from __future__ import annotations

import json
import re

from prometheus_client import generate_latest

from coordinator import dashboard
from coordinator.metrics import Metrics
from coordinator.places import ROOT
from coordinator.watching.metrics import WatchMetrics
from coordinator.watching.targets import Finding


def exposed():
    """Names of all samples that a scrape can bring, by what stands in the two registries' ``# TYPE`` lines."""
    text = b"".join(generate_latest(one.registry) for one in (WatchMetrics(), Metrics())).decode()
    found = re.findall(r"^# TYPE (\w+) (\w+)", text, re.M)
    return {name for name, kind in found if not name.endswith("_created")}


def test_the_dashboard_shows_every_metric_and_no_other():
    board = dashboard.dashboard()
    asked = " ".join(target["expr"] for panel in board["panels"] for target in panel["targets"])
    names = {name.removesuffix("_bucket") for name in re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", asked)} - {
        "histogram_quantile"
    }
    assert names == exposed()


def test_the_file_is_the_one_that_is_made_from_the_metrics():
    assert (ROOT / dashboard.DASHBOARD).read_text("utf-8") == dashboard.text(), "run `make docs`"


def test_panels_do_not_lie_on_each_other_and_have_titles_of_their_own():
    panels = dashboard.dashboard()["panels"]
    assert len({(one["gridPos"]["x"], one["gridPos"]["y"]) for one in panels}) == len(panels)
    assert len({one["title"] for one in panels}) == len(panels) == len({one["id"] for one in panels})
    json.dumps(panels)


def test_a_release_that_is_gone_is_no_metric_any_more():
    metrics = WatchMetrics()
    for release in ("r1", "r2"):
        metrics.took([Finding("aws", 5.0, True, release=release, seconds=0.5, certificate_days=9.0)], 1)
    text = generate_latest(metrics.registry).decode()
    assert 'target_release_info{release="r2",target="aws"} 1.0' in text
    assert 'release="r1"' not in text
    assert 'target_looks_total{result="good",target="aws"} 2.0' in text
    assert "incidents_open 1.0" in text
