from __future__ import annotations

import shutil

import pytest

from tests.engine.stack import ROOT, Stack

LONG = {
    "test_bad_changes.py",
    "test_chaos.py",
    "test_delivery_resources.py",
    "test_drill.py",
    "test_large_sites.py",
    "test_monitors.py",
    "test_platforms.py",
    "test_ramp.py",
    "test_security_headers.py",
}
"""Modules whose tests take a minute and more; single tests of others bear the marker themselves."""


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/engine" in str(item.path):
            item.add_marker(pytest.mark.engine)
            item.add_marker(pytest.mark.timeout(900))
            if item.path.name in LONG:
                item.add_marker(pytest.mark.long)


def new_stack(folder, **options):
    content = folder / "content"
    shutil.copytree(ROOT / "examples" / "site", content)
    return Stack(folder / "state", content, **options)


@pytest.fixture
def stack(tmp_path):
    """A stack nothing was published to yet; its content is a copy of the example site."""
    made = new_stack(tmp_path)
    yield made
    made.run("down", expect=None)


@pytest.fixture(scope="module")
def shared_stack(tmp_path_factory):
    """A stack with the example site published, shared by the tests of a module."""
    made = new_stack(tmp_path_factory.mktemp("stack"))
    try:
        made.run("up")
        yield made
    finally:
        made.run("down", expect=None)
