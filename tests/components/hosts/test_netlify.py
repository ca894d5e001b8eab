from __future__ import annotations

import pulumi

from components.hosts.netlify import NetlifyHost, NetlifyHostArgs
from tests.components.graph import Graph, settled

SITE = "publisher:index:NetlifySite"


async def declared(**changed):
    graph = Graph({SITE: {"siteId": "s1", "hostname": "robot.netlify.app", "url": "https://robot.netlify.app"}})
    pulumi.runtime.set_mocks(graph, preview=False)
    given = {"site": "www.example.org", "protect": False, "headers": {}}
    host = NetlifyHost("netlify", NetlifyHostArgs(**{**given, **changed}))
    found = await pulumi.Output.all(host.origin.hostname, host.origin.url, host.target["site_id"]).future()
    await settled()
    return graph, found


async def test_hostname_and_address_are_netlifys_own():
    _, found = await declared()
    assert found == ["robot.netlify.app", "https://robot.netlify.app", "netlify-site-id"]


async def test_without_a_name_the_site_gets_one_that_begins_with_the_sites():
    graph, _ = await declared()
    (site,) = graph.of(SITE)
    assert site == {"namePrefix": "www-example-org"}


async def test_a_given_name_and_team_are_used():
    graph, _ = await declared(site_name="robot", account="team")
    (site,) = graph.of(SITE)
    assert site == {"name": "robot", "account": "team"}
