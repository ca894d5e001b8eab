from __future__ import annotations

import pytest

from sandbox.cloudflare.wire import to_api, to_provider

PAIRS = [
    ({"failover_across_pools": True}, {"failoverAcrossPools": True}),
    ({"origins": [{"disabled_at": "x"}]}, {"origins": [{"disabledAt": "x"}]}),
    ({"random_steering": {"pool_weights": {"a_b": 1}}}, {"randomSteering": {"poolWeights": {"a_b": 1}}}),
    ({"header": {"X_Some-Name": ["a"]}}, {"header": {"X_Some-Name": ["a"]}}),
    (
        {"value": {"strict_transport_security": {"max_age": 1}}},
        {"value": {"strict_transport_security": {"max_age": 1}}},
    ),
    ({"settings": {"ipv4_only": True}}, {"settings": {"ipv4Only": True}}),
]


@pytest.mark.parametrize(("api", "provider"), PAIRS)
def test_names_change_and_data_stays(api, provider):
    assert to_provider(api) == provider
    assert to_api(provider) == api


def test_what_is_null_is_left_out():
    assert to_api({"monitor": None, "origins": []}) == {"origins": []}
