from __future__ import annotations

from policies.exceptions import EXEMPTIONS
from policies.registry import POLICIES
from tools.policies_page import PAGE, page


def test_the_page_is_what_the_policies_say():
    assert PAGE.read_text("utf-8") == page(), "run `make docs` and commit docs/policies.md"


def test_every_policy_has_one_row_with_its_reason_and_level():
    lines = page().splitlines()
    for policy in POLICIES:
        (row,) = [line for line in lines if line.startswith(f"| `{policy.name}` | {policy.description}")]
        assert policy.reason in row
        assert policy.remedy in row
        assert f"| {policy.level}" in row


def test_every_exception_stands_there_with_its_reason():
    text = page()
    assert all(f"| `{one.policy}` | `{one.resource}` | {one.reason} |" in text for one in EXEMPTIONS)
