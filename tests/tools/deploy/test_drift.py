from __future__ import annotations

import json

import pytest

from tools.deploy import drift, status
from tools.deploy.errors import Refused

POOL = "urn:pulumi:prod::peacefulrobot-infra::peacefulrobot:edge:Edge$cloudflare:index/pool:Pool::edge-pool-aws"


def answer(*steps):
    return json.dumps({"config": {}, "steps": list(steps), "changeSummary": {}})


def test_what_the_engine_found_as_declared_is_no_drift():
    assert drift.differences(answer({"op": "refresh", "urn": POOL}, {"op": "same", "urn": POOL})) == []


def test_a_changed_resource_is_named_with_its_properties_and_without_values():
    changed = {
        "op": "update",
        "urn": POOL,
        "detailedDiff": {"origins[0].enabled": {"kind": "update"}, "description": {"kind": "update"}},
        "diffReasons": ["origins", "description"],
        "oldState": {"outputs": {"description": "a secret"}},
    }
    (found,) = drift.differences(answer(changed))
    assert (found.kind, found.name) == ("cloudflare:index/pool:Pool", "edge-pool-aws")
    assert found.what == "description, origins[0].enabled changed"


def test_a_resource_that_is_gone_is_named_as_that():
    (found,) = drift.differences(answer({"op": "delete", "urn": POOL}))
    assert found.what == "is gone"


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"steps": [{"op": "update"}]}', '{"steps": null}'])
def test_an_answer_that_is_no_comparison_is_never_taken_for_no_drift(text):
    with pytest.raises(Refused, match="cannot be read"):
        drift.differences(text)


def served(**releases):
    said = [{"name": name, "state": "healthy", "live_release": release} for name, release in releases.items()]
    return {"site_url": "https://example.org", "platforms": said}


def test_platforms_that_serve_another_release_or_none_are_named():
    assert status.not_serving(served(aws="r1", netlify="r0", vercel=None), "r1") == {
        "netlify": "serves r0, not r1",
        "vercel": "serves no release, not r1",
    }


def test_a_platform_that_does_not_answer_well_is_named_whatever_it_serves():
    found = served(aws="r1")
    found["platforms"][0]["state"] = "unhealthy"
    assert status.not_serving(found, "r1") == {"aws": "is unhealthy"}


def test_a_stack_that_was_never_published_is_not_verified():
    assert status.not_serving(served(), "") == {"the stack": "has not been published yet"}
