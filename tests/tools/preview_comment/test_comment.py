from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.deploy.plan import Step
from tools.preview_comment.comment import (
    LONGEST,
    Found,
    Verdict,
    deployed,
    marker,
    pages,
    refused_by_one,
    verdicts,
    written,
)
from tools.preview_comment.markdown import code, size

WEBSITE = "publisher:index:Website"
RECORD = "cloudflare:index/dnsRecord:DnsRecord"


def step(op, kind=RECORD, name="one", old=None, new=None, changed=()):
    return Step(op, f"urn:pulumi:s::p::{kind}::{name}", kind, old or {}, new or {}, changed)


def website(old, new):
    return step("update", WEBSITE, "website", {"files": old}, {"files": new})


def test_nothing_to_change_is_said_in_the_first_line():
    lines = written(Found("prod", [step("same")])).splitlines()
    assert lines[:2] == [marker("prod"), "## ✅ `prod`: nothing would change"]


def test_pages_and_resources_are_counted_in_the_first_line():
    plan = [website({"a": "1"}, {"a": "2", "b": "1"}), step("update", changed=("ttl",)), step("create", name="two")]
    assert "## ✅ `prod`: 2 pages and 2 resources would change" in written(Found("prod", plan))


def test_every_page_is_named_with_what_happens_to_it_and_its_new_size():
    plan = [
        website(
            {"old.html": "1", "same.html": "1", "index.html": "1"}, {"same.html": "1", "index.html": "2", "x.png": "9"}
        )
    ]
    text = written(Found("prod", plan, {"index.html": 1234, "x.png": 9_000_000}))
    assert "<summary>Pages: 1 added, 1 changed, 1 removed</summary>" in text
    assert "| removed | `old.html` |  |" in text
    assert "| changed | `index.html` | 1.2 kB |" in text
    assert "| added | `x.png` | 9.0 MB |" in text
    assert "same.html" not in text


def test_replaced_and_deleted_resources_come_first():
    plan = [
        step("create", name="c"),
        step("update", name="u", changed=("ttl",)),
        step("delete", name="d"),
        step("replace", name="r"),
    ]
    rows = re.findall(r"\| (\w+) \| `(\w)` \|", written(Found("prod", plan)))
    assert rows == [("replaced", "r"), ("removed", "d"), ("changed", "u"), ("added", "c")]


def test_what_stops_it_stands_at_the_top():
    text = written(Found("prod", [step("delete")], stopped=["the plan is hard to undo\n  - zone"]))
    assert "## ⛔ `prod` would not be deployed" in text
    assert text.index("the plan is hard to undo") < text.index("Resources:")


def test_what_one_platform_alone_refuses_is_a_section_and_stops_nothing():
    text = written(Found("prod", [step("same")], sections=[refused_by_one(["aws-upload: too long\nuse less"])]))
    assert "⛔" not in text
    assert "Refused by one platform, taken by the others:\n\n    aws-upload: too long\n    use less" in text


def test_a_finding_of_a_policy_is_said_once_with_level_resource_and_reason():
    event = {
        "policyEvent": {
            "enforcementLevel": "advisory",
            "policyName": "hsts",
            "resourceUrn": "a::b",
            "message": "no\nWhy: x",
        }
    }
    found = list(verdicts([event, {"other": 1}, event]))
    assert found == [Verdict("advisory", "hsts", "b", "no\nWhy: x")]
    text = written(Found("prod", verdicts=found))
    assert "Policies: 1 advisory" in text
    assert "- **advisory** `hsts` at `b`\n  - `no`\n  - `Why: x`" in text


def test_a_comment_never_outgrows_the_forge_and_says_what_it_left_out():
    big = "x" * (LONGEST - 2_000)
    text = written(Found("prod", [step("update")], sections=[big, "### Content checks\n", big]))
    assert len(text) <= LONGEST
    assert "### Content checks" in text
    assert "1 parts had no room" in text


def test_thousands_of_pages_are_counted_and_not_listed():
    plan = [website({}, {f"{number}.html": "1" for number in range(5000)})]
    text = written(Found("prod", plan))
    assert "<summary>Pages: 5,000 added</summary>" in text
    assert "… and 4,940 more" in text


@given(st.text())
def test_a_name_from_the_content_is_a_code_span_of_one_line_and_nothing_else(name):
    shown = code(name)
    fence = re.match(r"`+", shown)[0]
    assert "\n" not in shown
    assert "|" not in shown
    assert shown.endswith(fence)
    assert not re.search(rf"(?<!`){fence}(?!`)", shown[len(fence) : -len(fence)])


@given(
    st.dictionaries(st.text(min_size=1), st.sampled_from(["1", "2"])),
    st.dictionaries(st.text(min_size=1), st.sampled_from(["1", "2"])),
)
def test_every_difference_between_two_releases_is_one_page(old, new):
    found = {page.path: page.change for page in pages([website(old, new)], {})}
    assert {path for path, change in found.items() if change == "removed"} == set(old) - set(new)
    assert {path for path, change in found.items() if change == "added"} == set(new) - set(old)
    assert {path for path, change in found.items() if change == "changed"} == {
        path for path in set(old) & set(new) if old[path] != new[path]
    }


@pytest.mark.parametrize(
    ("plan", "found"),
    [
        ([], ((), None)),
        ([step("create", "publisher:index:Publish", "aws-publish", new={"x": 1})], ((), None)),
        (
            [
                step("delete", "publisher:index:Publish", "aws-publish", {"x": 1}),
                step("delete", "cloudflare:index/loadBalancer:LoadBalancer", "lb", {"x": 1}),
                step("create", "cloudflare:index/workersRoute:WorkersRoute", "route", new={"x": 1}),
            ],
            (("aws",), "load-balancer"),
        ),
    ],
)
def test_what_is_deployed_now_is_read_from_the_plan(plan, found):
    assert deployed(plan) == found


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2_500_000_000, "2.5 GB"), (None, "")]
)
def test_sizes_are_for_people(count, text):
    assert size(count) == text


def test_a_stacks_name_cannot_end_the_marker():
    assert marker("x --> <b>") == "<!-- peacefulrobot-infra preview of x--b -->"
