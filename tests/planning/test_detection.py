from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.detection import Checking
from planning.simulation import watched

LONG = np.array([6000.0])
ALL = np.array([1.0])
checks = st.builds(
    Checking,
    interval=st.sampled_from([15.0, 30.0, 60.0, 300.0]),
    timeout=st.sampled_from([1.0, 5.0]),
    retries=st.integers(0, 2),
    down=st.integers(1, 4),
    up=st.integers(1, 4),
    regions=st.integers(1, 3),
    propagation=st.sampled_from([0.0, 5.0]),
)
lengths = st.floats(0.1, 600)
parts = st.floats(0, 1)


@pytest.mark.parametrize(("down", "mean"), [(1, 45), (2, 105), (3, 165)])
def test_the_mean_delay_is_half_an_interval_the_further_rounds_and_the_time_outs(down, mean):
    check = Checking(interval=60, timeout=5, retries=2, down=down)
    assert check.mean_delay(hard=True) == mean
    assert check.exposed(LONG, ALL, hard=True)[0] * 60 == pytest.approx(mean)


def test_an_error_page_is_not_waited_for():
    check = Checking(interval=15, timeout=5, retries=0, down=2)
    assert check.mean_delay(hard=False) == 22.5
    assert check.exposed(LONG, ALL, hard=False)[0] * 60 == pytest.approx(22.5)


def test_dns_that_has_to_change_adds_half_its_life():
    proxied, dns = Checking(), Checking(dns_ttl=30)
    assert dns.mean_delay(hard=True) - proxied.mean_delay(hard=True) == 15


def test_a_partial_outage_is_mostly_not_noticed():
    check = Checking()
    assert check.round_fails(0.22) == pytest.approx(3 * 0.22**2 * 0.78 + 0.22**3)
    assert check.exposed(np.array([172.0]), np.array([0.22]), hard=False)[0] > 100


def test_more_than_half_of_the_regions_must_agree():
    one = Checking(regions=1).round_fails(0.5)
    assert one == pytest.approx(0.5)
    assert Checking(regions=2).round_fails(0.5) == pytest.approx(0.25)
    assert Checking(regions=3).round_fails(0.5) == pytest.approx(0.5)


@given(checks, lengths, parts, st.booleans())
def test_exposure_lies_between_nothing_and_the_whole_outage(check, minutes, share, hard):
    found = check.exposed(np.array([minutes]), np.array([share]), hard=hard)[0]
    assert 0 < found <= minutes * (1 + 1e-12)


@given(checks, lengths, parts, st.booleans())
def test_a_longer_interval_is_never_better(check, minutes, share, hard):
    def exposed(interval):
        longer = Checking(interval, check.timeout, check.retries, check.down, check.up, check.regions)
        return longer.exposed(np.array([minutes]), np.array([share]), hard=hard)[0]

    assert exposed(check.interval * 2) >= exposed(check.interval) - 1e-9


@given(checks, lengths, parts, st.booleans())
def test_one_more_failure_needed_is_never_better(check, minutes, share, hard):
    def exposed(down):
        other = Checking(check.interval, check.timeout, check.retries, down, check.up, check.regions)
        return other.exposed(np.array([minutes]), np.array([share]), hard=hard)[0]

    assert exposed(check.down + 1) >= exposed(check.down) - 1e-9


@pytest.mark.parametrize("share", [0.22, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("check", [Checking(), Checking(interval=30, down=1, up=3, regions=2, propagation=7)])
def test_the_chain_agrees_with_checks_made_one_by_one(check, share, hard):
    size = 20_000
    lived = watched(check, np.full(size, 40.0), np.full(size, share), np.random.default_rng(5), hard=hard)
    expected = check.exposed(np.array([40.0]), np.array([share]), hard=hard)[0]
    assert abs(lived.mean() - expected) < 3.5 * lived.std() / size**0.5
