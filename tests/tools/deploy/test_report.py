from __future__ import annotations

import io
import json

from rich.console import Console

from tools.deploy import report
from tools.deploy.report import Platform, Work


def resource(kind, **outputs):
    inputs = {"platform": outputs.get("platform", "")} if kind != "Website" else {}
    return {"type": f"publisher:index:{kind}", "inputs": inputs, "outputs": outputs}


def rows(wanted, *resources):
    state = {"deployment": {"resources": [resource("Website", release=wanted), *resources]}}
    return {row.name: (row.release, row.trouble) for row in report.after_failure(state, {}, ["netlify", "aws"])}


def test_the_journal_is_summed_by_platform_and_a_cut_off_line_ends_it(tmp_path):
    path = tmp_path / "journal"
    line = {"platform": "aws", "files_sent": 2, "bytes_sent": 10, "seconds": 0.5}
    path.write_text(f"{json.dumps(line)}\n{json.dumps({**line, 'files_sent': 1})}\n" + json.dumps(line)[:20])
    assert report.read_journal(path) == {"aws": Work(3, 20, 1.0)}
    assert report.read_journal(tmp_path / "none") == {}


def test_after_a_failure_each_platform_is_judged_by_itself():
    found = rows(
        "r2",
        resource("Publish", platform="netlify", release="r2"),
        resource("Verify", platform="netlify", release="r2", url="https://n"),
        resource("Publish", platform="aws", release="r1"),
        resource("Verify", platform="aws", release="r1"),
    )
    assert found == {"netlify": ("r2", ""), "aws": ("r1", "failed: old release stays live")}


def test_a_platform_that_never_published_has_nothing_live():
    assert rows("r1")["aws"] == ("", "failed: nothing is live yet")


def test_a_platform_that_was_published_and_not_verified_is_told_apart():
    found = rows(
        "r2", resource("Publish", platform="aws", release="r2"), resource("Verify", platform="aws", release="r1")
    )
    assert found["aws"][1].startswith("failed: published")


def test_a_first_run_whose_content_was_refused_leaves_every_platform_empty():
    found = report.after_failure({"deployment": None}, {}, ["aws"])
    assert [(row.name, row.release, row.trouble) for row in found] == [("aws", "", "failed: nothing is live yet")]


def shown(platforms, work, *, failed):
    stream = io.StringIO()
    report.show(Console(file=stream), platforms, work, failed=failed)
    return stream.getvalue()


def test_the_table_has_a_row_for_each_platform_with_zeros_where_nothing_was_done():
    text = shown([Platform("aws", "https://a", "r1")], {}, failed=False)
    row = next(line for line in text.splitlines() if "aws" in line)
    assert [cell.strip() for cell in row.strip("│").split("│")] == ["aws", "https://a", "r1", "0", "0 bytes", "0.0"]
    assert "result" not in text


def test_the_table_names_the_platforms_that_failed():
    text = shown([Platform("aws", "", "", "failed: x"), Platform("netlify", "", "r")], {}, failed=True)
    assert "failed: x" in text
    assert "ok" in text


def test_a_run_that_failed_beside_the_platforms_says_so():
    assert "What went wrong stands above" in shown([Platform("aws", "", "r")], {}, failed=True)


def test_the_outcome_is_written_where_the_program_that_started_the_run_wants_it(tmp_path):
    named = tmp_path / "outcome.json"
    steps = {"aws": {"upload": 2.5}}
    report.write_outcome([Platform("aws", "https://a", "r1", "failed")], steps, {"PEACEFULROBOT_OUTCOME": str(named)})
    row = {"name": "aws", "url": "https://a", "release": "r1", "trouble": "failed", "steps": {"upload": 2.5}}
    assert json.loads(named.read_text()) == {"platforms": [row]}
    report.write_outcome([], {}, {})


def test_the_journal_tells_what_each_step_took_on_each_platform(tmp_path):
    journal = tmp_path / "journal.jsonl"
    lines = [("upload", "aws", 2.0), ("publish", "aws", 0.5), ("upload", "aws", 1.0), ("verify", "netlify", 3.0)]
    written = [json.dumps({"operation": step, "platform": name, "seconds": took}) for step, name, took in lines]
    journal.write_text("\n".join([*written, '{"operation": "cut']))
    steps = {"aws": {"upload": 3.0, "publish": 0.5}, "netlify": {"verify": 3.0}}
    assert report.read_steps(journal) == steps
