from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from components.settings import Settings
from tools.drill import report
from tools.drill.findings import Findings
from tools.drill.load import Sample
from tools.drill.picture import draw
from tools.drill.timetable import KINDS, Drill, Timetable, promised

TIMES = Timetable(breaks=2.0, heals=6.0, ends=10.0)
SETTINGS = Settings(domain="example.org", cloudflare_account_id="0" * 32, cloudflare_zone_id="0" * 32, hosts=("aws",))


def sample(at, outcome="right", *, took=0.01, seen="200", by="aws"):
    return Sample(at, took, outcome, seen, by)


def findings(samples, *, mode="load-balancer", kind="error", allowed=40.0, noticed=None, starved=0.0):
    drill = Drill(mode, "aws", kind)
    return Findings(drill, TIMES, samples, 20.0, allowed, broke=(2.0, 2.1), noticed=noticed, starved=starved)


def steady(**others):
    """Ten visitors a second, those of ``others`` (moment in tenths → sample) in their places."""
    return [others.get(f"at_{tenth}", sample(tenth / 10)) for tenth in range(100)]


@pytest.mark.parametrize(
    ("mode", "kind", "seconds"),
    [
        ("worker", "error", 0),
        ("worker", "slow", 0),
        ("load-balancer", "down", 0),
        ("load-balancer", "crash", 0),
        ("load-balancer", "tls-expired", 0),
        ("load-balancer", "error", 2 * 60),
        ("load-balancer", "wrong-bytes", 2 * 60),
        ("load-balancer", "slow", 2 * 60 + 3 * 5),
    ],
)
def test_the_settings_promise_as_many_seconds_as_checks_take(mode, kind, seconds):
    assert promised(SETTINGS, Drill(mode, "aws", kind)) == seconds


def test_a_check_that_may_take_longer_than_its_setting_is_waited_for():
    slow, error = Drill("load-balancer", "aws", "slow"), Drill("load-balancer", "aws", "error")
    assert [promised(SETTINGS, one, least_timeout=20.0) for one in (slow, error)] == [2 * 60 + 3 * 20, 2 * 60]


def test_every_fault_is_hard_or_soft():
    assert {kind for kind in KINDS if Drill("worker", "aws", kind).hard} == {"down", "crash", "tls-expired"}


def test_a_drill_too_short_to_show_anything_is_refused():
    with pytest.raises(ValueError, match="10 seconds or more, not 9"):
        Timetable.of(9)


def test_a_bad_answer_within_the_promised_time_breaks_no_promise():
    found = findings(steady(at_30=sample(3.0, "failed", seen="503", by="")))
    assert (found.count("failed"), found.broken_promises, found.reasons) == (1, [], {"503": 1})


@pytest.mark.parametrize("at", [0.5, 4.2, 8.0])
def test_a_bad_answer_before_the_break_or_after_the_promised_time_breaks_it(at):
    bad = sample(at, "wrong")
    assert findings([bad]).broken_promises == [bad]


@pytest.mark.parametrize(("mode", "kind"), [("worker", "error"), ("worker", "crash"), ("load-balancer", "down")])
def test_where_the_edge_asks_the_next_platform_no_bad_answer_is_excused(mode, kind):
    bad = sample(2.05, "failed", seen="520")
    assert findings([bad], mode=mode, kind=kind, allowed=0.0).broken_promises == [bad]


def test_a_crash_excuses_what_was_under_way_with_a_load_balancer_and_nothing_later():
    cut, later = sample(1.95, "failed", took=0.1, seen="520"), sample(2.5, "failed", seen="520")
    assert findings([cut, later], kind="crash", allowed=0.0).broken_promises == [later]


def test_the_last_affected_visitor_counts_on_the_edges_clock():
    late = findings(steady(at_25=sample(2.5, "failed", seen="503"), at_30=sample(3.0, took=1.5)))
    assert late.last_affected == pytest.approx((3.0 - 2.0) * 20)
    assert findings(steady()).last_affected == 0.0


def test_a_platform_is_whole_again_when_it_serves_all_but_one_in_a_hundred():
    served = [sample(tenth / 10, by="aws" if tenth >= 75 else "next") for tenth in range(100)]
    assert findings(served).whole_again == pytest.approx((7.5 - 6.0) * 20)
    assert findings([sample(tenth / 10, by="next") for tenth in range(100)]).whole_again is None


def test_the_table_and_the_json_say_the_same():
    found = findings(steady(at_30=sample(3.0, "failed", seen="503"), at_31=sample(3.1, "wrong")), noticed=31.0)
    (plain,) = report.as_json([found])
    assert (plain["requests"], plain["failed"], plain["wrong"], plain["brokenPromises"]) == (100, 1, 1, 0)
    assert json.loads(json.dumps(plain))["reasons"] == {"503": 1, "wrong bytes": 1}
    console = Console(record=True, width=160, file=io.StringIO())
    console.print(report.table([found]))
    (row,) = [line for line in console.export_text().splitlines() if "aws" in line]
    assert [cell.strip() for cell in row.split("│")[1:-1]] == [
        *("load-balancer", "aws", "error", "100", "1", "1", "10 ms", "22 s", "40 s", "31 s", "0 s")
    ]


def test_a_complaint_names_the_drill_the_count_and_the_reasons():
    (line,) = report.complaints([findings(steady(at_80=sample(8.0, "failed", seen="503"))), findings(steady())])
    assert line == ("load-balancer, aws error: 1 bad answers outside the 40 s that the settings imply (1 × 503)")


@pytest.mark.parametrize(("starved", "blamed"), [(None, False), (0.05, False), (0.63, True)])
def test_a_complaint_blames_the_machine_where_it_gave_the_edge_no_processor(starved, blamed):
    (line,) = report.complaints([findings([sample(8.0, "failed", seen="522")], starved=starved)])
    assert ("the edge waited 63% of the time for a processor" in line) is blamed


def test_the_progress_names_what_visitors_saw():
    bad = findings([sample(8.0, "failed", seen="522"), sample(8.1, "wrong"), sample(8.2)])
    assert report.progress(bad) == "load-balancer, aws error: 2 of 3 bad (1 × 522, 1 × wrong bytes)."
    assert report.progress(findings([sample(8.2)])) == "load-balancer, aws error: 0 of 1 bad."


def test_the_pictures_are_the_same_bytes_for_the_same_drills(tmp_path):
    drills = [findings(steady()), findings(steady(at_30=sample(3.0, "failed", by=""))), findings(steady())]
    first = [path.read_bytes() for path in draw(drills, tmp_path / "one")]
    second = [path.read_bytes() for path in draw(drills, tmp_path / "two")]
    assert first == second
    assert first[0].startswith(b"\x89PNG")
    assert b"<svg" in first[1]
