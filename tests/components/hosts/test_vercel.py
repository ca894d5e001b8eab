from __future__ import annotations

import pulumi

from components.hosts.vercel import FOUND_BY_API, VercelHost, VercelHostArgs
from tests.components.graph import Graph, settled

PROJECT = "vercel:index/project:Project"
DOMAIN = "publisher:index:VercelDomain"


async def declared(**changed):
    graph = Graph({DOMAIN: {"hostname": "robot-x1.vercel.app", "url": "https://robot-x1.vercel.app"}})
    pulumi.runtime.set_mocks(graph, preview=False)
    given = {"site": "www.example.org", "protect": False, "headers": {}}
    host = VercelHost("vercel", VercelHostArgs(**{**given, **changed}))
    found = await pulumi.Output.all(host.origin.hostname, host.origin.url, host.target["project_id"]).future()
    await settled()
    return graph, found, host


async def test_hostname_and_address_are_what_vercel_says():
    _, found, host = await declared()
    assert found == ["robot-x1.vercel.app", "https://robot-x1.vercel.app", "vercel-www-example-org-id"]
    assert host.target["plan"] == "hobby"


async def test_deployments_are_public_and_get_the_domain_by_promotion_only():
    graph, _, _ = await declared()
    (project,) = graph.of(PROJECT)
    assert project == {"autoAssignCustomDomains": False, "vercelAuthentication": {"deploymentType": "none"}}


async def test_name_and_team_are_used_for_the_project_and_for_what_asks_for_its_domain():
    graph, _, host = await declared(project_name="robot", team_id="team_1")
    (project,) = graph.of(PROJECT)
    assert (project["name"], project["teamId"]) == ("robot", "team_1")
    (domain,) = graph.of(DOMAIN)
    assert (domain["projectId"], domain["teamId"]) == ("vercel-www-example-org-id", "team_1")
    assert host.target["team_id"] == "team_1"


async def test_what_has_an_id_of_vercels_own_can_be_found_by_its_name():
    graph, _, _ = await declared()
    assert set(FOUND_BY_API) == {found.typ for found in graph.resources if found.typ.startswith("vercel:")}
