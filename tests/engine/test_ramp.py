"""The coordinator and `up` on one stack: neither undoes the other's work."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import cloudflare
import pytest

from platforms import PLATFORMS
from tests.engine.conftest import new_stack
from tests.engine.stack import ROOT
from tools.bench.checkout import checkout, configure

ACCOUNT = "5a4db0c0000000000000000000000acc"
FIRST = PLATFORMS[0]
RECOVERY = {"steps": [5, 25, 50, 100], "dwell": 600, "longestWait": 600, "cleanProbes": 2}
"""At sixty times the speed a dwell of ten minutes lasts ten seconds."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """A published stack whose first platform has just come back and is on the first step; no coordinator runs.

    All tests of the module share it, in their order; each leaves the platform on its way back.
    """
    folder = tmp_path_factory.mktemp("ramp")
    made = new_stack(folder, root=checkout(ROOT, folder / "checkout", recovery=RECOVERY))
    try:
        made.run("up")
        with coordinator(made) as process:
            made.run("break", FIRST)
            process.wait_for(f"{FIRST}: 100 % → 0 %")
            made.run("heal", FIRST)
            process.wait_for(f"{FIRST}: 0 % → 5 %")
        yield made
    finally:
        made.run("down", expect=None)


class coordinator:  # noqa: N801 - used as a context manager
    """``python -m coordinator --sandbox``; killed at the end of the block."""

    def __init__(self, stack, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "coordinator", "--sandbox", *arguments],
            cwd=stack.root,
            env=stack.environment,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for(self, words, seconds=60):
        deadline, seen = time.monotonic() + seconds, ""
        while words not in seen:
            line = self.process.stderr.readline()
            assert line, f"it ended; its log:\n{seen}"
            assert time.monotonic() < deadline, seen
            seen += line

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=30)


def once(stack):
    """One look of a coordinator; returns its log."""
    command = [sys.executable, "-m", "coordinator", "--sandbox", "--once"]
    done = subprocess.run(command, cwd=stack.root, env=stack.environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stderr


def shedding(stack, platform=FIRST):
    """What the load balancer sheds of a platform's pool."""
    variables = stack.sandbox()["environment"]
    with cloudflare.Cloudflare(
        base_url=variables["CLOUDFLARE_BASE_URL"],
        api_token=variables["CLOUDFLARE_API_TOKEN"],
        http_client=cloudflare.DefaultHttpxClient(trust_env=False),
    ) as api:
        pools = {pool.origins[0].name: pool for pool in api.load_balancers.pools.list(account_id=ACCOUNT)}
    found = pools[platform].load_shedding
    return found.default_percent if found else None


def publish_change(stack, text):
    page = stack.content / "about.html"
    page.write_text(page.read_text("utf-8").replace("</main>", f"<p>{text}</p></main>"), "utf-8")


def test_an_unrelated_up_in_the_middle_changes_no_share_and_shows_no_difference(stack):
    assert shedding(stack) == 95
    stack.run("preview", "--expect-no-changes")
    publish_change(stack, "published while a platform is on its way back")
    output = stack.run("up")
    assert not [line for line in output.splitlines() if "LoadBalancer" in line and "updated" in line]
    assert (shedding(stack), shedding(stack, PLATFORMS[1])) == (95, None)
    assert "%:" not in once(stack)


def test_an_up_that_changes_the_pools_themselves_leaves_each_share_as_it_is(stack):
    configure(stack.root, monitorRegions=["WEU", "ENAM"])
    output = stack.run("up")
    assert [line for line in output.splitlines() if "LoadBalancerPool" in line and "updated" in line]
    assert shedding(stack) == 95  # though the provider overwrote the whole pool, and its state knows of no shedding
    assert "%:" not in once(stack)
    stack.run("preview", "--expect-no-changes")


def test_a_stale_share_of_a_refreshed_state_is_not_restored(stack):
    stack.refresh()
    stack.run("preview", "--expect-no-changes")
    with coordinator(stack) as process:
        process.wait_for(f"{FIRST}: 5 % → 25 %")
    configure(stack.root, monitorRegions=["WEU"])
    stack.run("up")
    assert shedding(stack) == 75  # and not 95, which the refresh has seen
    assert "%:" not in once(stack)
