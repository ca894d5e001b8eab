from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.pushes import Push, Unreadable, of_github, of_gitlab

GITHUB = {"ref": "refs/heads/main", "after": "1" * 40, "deleted": False, "repository": {"full_name": "robot/site"}}
GITLAB = {"ref": "refs/heads/main", "after": "1" * 40, "project": {"path_with_namespace": "robot/web/site"}}


def test_a_push_is_its_repository_and_branch():
    assert of_github("push", json.dumps(GITHUB).encode()) == Push("robot/site", "main")
    assert of_gitlab("Push Hook", json.dumps(GITLAB).encode()) == Push("robot/web/site", "main")


def test_a_branch_may_have_slashes():
    body = json.dumps({**GITHUB, "ref": "refs/heads/release/1"}).encode()
    assert of_github("push", body) == Push("robot/site", "release/1")


@pytest.mark.parametrize(
    ("read", "event", "payload"),
    [
        (of_github, "ping", {}),
        (of_github, "push", {**GITHUB, "ref": "refs/tags/v1"}),
        (of_github, "push", {**GITHUB, "deleted": True}),
        (of_gitlab, "Tag Push Hook", GITLAB),
        (of_gitlab, "Push Hook", {**GITLAB, "after": "0" * 40}),
        (of_gitlab, "Push Hook", {**GITLAB, "ref": "refs/tags/v1"}),
    ],
)
def test_what_is_no_push_of_a_branch_is_nothing(read, event, payload):
    assert read(event, json.dumps(payload).encode()) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"ref": ' + b"9" * 5000 + b"}",
        b'{"ref": "\\ud800", "repository": {"full_name": "a/b"}}',
        json.dumps({**GITHUB, "repository": None}).encode(),
        json.dumps({**GITHUB, "ref": ["refs/heads/main"]}).encode(),
    ],
)
def test_a_payload_that_is_not_as_documented_is_named(body):
    with pytest.raises(Unreadable, match="not a push as documented"):
        of_github("push", body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["ref", "repository", "project", "full_name", "deleted", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(JSON | st.binary(), st.sampled_from([(of_github, "push"), (of_gitlab, "Push Hook")]))
def test_any_body_is_a_push_nothing_or_unreadable(payload, forge):
    read, event = forge
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    try:
        found = read(event, body)
    except Unreadable:
        return
    assert found is None or isinstance(found, Push)
