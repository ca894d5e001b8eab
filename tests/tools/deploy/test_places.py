from __future__ import annotations

from pathlib import Path

import pytest

from tools.deploy import places


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com/site.git#main",
        "ssh://git@example.com/site",
        "git@example.com:me/site.git",
        "file:///srv/site",
    ],
)
def test_a_git_address_is_taken_as_it_is(address, tmp_path):
    assert places.content({places.CONTENT: address}, tmp_path) == address


@pytest.mark.parametrize(
    ("given", "expected"),
    [("site", "/here/site"), ("../site", "/site"), ("./a:b", "/here/a:b"), ("/elsewhere/site/", "/elsewhere/site")],
)
def test_a_folder_is_made_absolute_from_where_the_caller_stands(given, expected):
    assert places.content({places.CONTENT: given}, Path("/here")) == expected


@pytest.mark.parametrize("environment", [{}, {places.CONTENT: ""}])
def test_without_a_wish_the_stack_decides(environment, tmp_path):
    assert places.content(environment, tmp_path) is None


def test_the_state_folder_is_the_checkouts_unless_named(tmp_path):
    assert places.find({}).state == places.ROOT / ".sandbox"
    assert places.find({"PEACEFULROBOT_STATE": str(tmp_path)}).state == tmp_path
