from __future__ import annotations

import time

import pytest

from sandbox.world import Clock, Endpoint, World


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    made.endpoints = {name: Endpoint(name, number, number + 1) for number, name in enumerate(("a", "b", "c"), 1)}
    yield made
    made.store.close()


def test_names_lead_to_the_platform_that_serves_them(world):
    names = ["one.example"]
    world.serve_names("a", lambda: names)
    assert world.lookup("one.example") == Endpoint("a", 1, 2)
    assert world.lookup("two.example") is None
    names.append("two.example")
    assert world.lookup("two.example") == Endpoint("a", 1, 2)


def test_an_exact_name_comes_before_a_wildcard(world):
    world.serve_names("a", lambda: ["*.host.example"])
    world.serve_names("b", lambda: ["site.host.example"])
    assert world.lookup("site.host.example") == world.endpoints["b"]
    assert world.lookup("deep.other.host.example") == world.endpoints["a"]
    assert world.lookup("host.example") is None
    assert world.lookup("badhost.example") is None


def test_case_and_a_final_dot_do_not_matter(world):
    world.serve_names("c", lambda: ["Site.Example"])
    assert world.lookup("sitE.example.") == world.endpoints["c"]


def test_a_platform_that_has_no_listener_yet_is_not_found(world):
    world.serve_names("later", lambda: ["later.example"])
    assert world.lookup("later.example") is None


async def test_the_clock_runs_as_fast_as_it_is_told():
    clock = Clock(speed=1000)
    before, wall = clock.monotonic(), time.monotonic()
    await clock.sleep(60)
    assert clock.monotonic() - before >= 60
    assert clock.now() - time.time() == pytest.approx(999 * (time.monotonic() - wall), abs=20)
    assert clock.real(60) == 0.06
