from __future__ import annotations

import pulumi
import pytest

from components.origin import Origin
from components.publishing import Publication, Website
from tests.components.graph import Graph, settled


class Publishing(Graph):
    """Remembers what each resource waits for."""

    def __init__(self):
        super().__init__({"publisher:index:Upload": {"staged": "s"}, "publisher:index:Website": {"release": "r1"}})


async def declared(*, barrier):
    graph = Publishing()
    pulumi.runtime.set_mocks(graph)
    site = Website("website", source="x", pinned="", keep=7)
    names = ("aws", "netlify")
    origins = [
        Origin(name, *map(pulumi.Output.from_input, (f"{name}.x", f"{name}.x", f"https://{name}.x"))) for name in names
    ]
    made = [Publication(one.name, site, one, {"id": one.name}, keep=7, deadline=9) for one in origins]
    for publication in made:
        publication.go_live(made if barrier else [])
    await settled()
    return graph


async def test_each_platform_is_staged_published_and_verified():
    graph = await declared(barrier=False)
    assert [found.typ.rsplit(":", 1)[-1] for found in graph.resources if found.name.startswith("aws-")] == [
        "Upload",
        "Publish",
        "Verify",
    ]
    assert graph.named("aws-upload").inputs["target"] == {"id": "aws", "keep": "7"}
    assert graph.named("aws-publish").inputs["staged"] == "s"
    assert graph.named("website").inputs["keep"] == 7


@pytest.mark.parametrize(("barrier", "waits"), [(False, {"netlify-upload"}), (True, {"aws-upload", "netlify-upload"})])
async def test_behind_a_barrier_a_pointer_waits_for_every_staged_copy(monkeypatch, barrier, waits):
    seen = {}
    real = pulumi.runtime.mocks.MockMonitor.RegisterResource

    def register(self, request):
        seen[request.name] = {urn.rsplit("::", 1)[-1] for urn in request.dependencies}
        return real(self, request)

    monkeypatch.setattr(pulumi.runtime.mocks.MockMonitor, "RegisterResource", register)
    await declared(barrier=barrier)
    assert {name for name in seen["netlify-publish"] if name.endswith("-upload")} == waits
