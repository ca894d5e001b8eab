"""What the coordinator makes of the API's answers."""

from __future__ import annotations

import pytest
from cloudflare.types.load_balancers import LoadShedding

from coordinator.balancer import health_of, share_of
from coordinator.ramp import Health

GOOD = {"healthy": True, "origins": [{"x.example": {"healthy": True, "failure_reason": "No failures"}}]}
BAD = {"healthy": False, "origins": [{"x.example": {"healthy": False, "failure_reason": "HTTP timeout occurred"}}]}
MIXED = {"healthy": True, "origins": [*GOOD["origins"], *BAD["origins"]]}


@pytest.mark.parametrize(
    ("places", "health", "why"),
    [
        ({"A": GOOD, "B": GOOD, "C": GOOD}, Health.HEALTHY, ""),
        ({"A": GOOD, "B": GOOD, "C": BAD}, Health.DOUBTFUL, "HTTP timeout occurred"),
        ({"A": GOOD, "B": BAD, "C": BAD}, Health.DOWN, "HTTP timeout occurred"),
        ({"A": GOOD, "B": BAD}, Health.DOWN, "HTTP timeout occurred"),
        ({"A": MIXED}, Health.DOUBTFUL, "HTTP timeout occurred"),
        ({"A": {"healthy": True}}, Health.HEALTHY, ""),
        ({}, Health.UNKNOWN, ""),
        (None, Health.UNKNOWN, ""),
        ({"healthy": None}, Health.UNKNOWN, ""),
    ],
)
def test_the_majority_of_places_decides_and_one_complaint_is_doubt(places, health, why):
    assert health_of(places) == (health, why)


@pytest.mark.parametrize(
    ("shedding", "share"),
    [
        (None, 100),
        (LoadShedding(default_percent=0, default_policy="hash", session_percent=0), 100),
        (LoadShedding(default_percent=95, default_policy="random", session_percent=0), 5),
        (LoadShedding(default_percent=95), 5),
        (LoadShedding(default_percent=100, default_policy="random"), 0),
        (LoadShedding(default_percent=95, default_policy="hash"), None),
        (LoadShedding(default_percent=95, session_percent=5), None),
        (LoadShedding(default_percent=0, session_percent=5), None),
        (LoadShedding(default_percent=12.5), None),
    ],
)
def test_only_shedding_that_the_coordinator_would_set_is_a_share(shedding, share):
    assert share_of(shedding) == share
