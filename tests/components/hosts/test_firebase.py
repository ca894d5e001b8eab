from __future__ import annotations

import pulumi
import pytest

from components.hosts.firebase import FirebaseHost, FirebaseHostArgs, automatic_site_id
from tests.components.graph import Graph, settled

SERVICE = "gcp:projects/service:Service"
PROJECT = "gcp:firebase/project:Project"
SITE = "gcp:firebase/hostingSite:HostingSite"
URL = "https://robot-1a2b3c4d.web.app"


async def test_hostname_and_address_are_those_that_firebase_gives():
    graph = Graph({SITE: {"defaultUrl": URL}})
    pulumi.runtime.set_mocks(graph, preview=False)
    host = FirebaseHost("firebase", FirebaseHostArgs("www.example.org", False, {}, "my-project", plan="blaze"))
    origin = await pulumi.Output.all(host.origin.hostname, host.origin.url).future()
    assert origin == ["robot-1a2b3c4d.web.app", URL]
    (site,) = graph.of(SITE)
    target = await pulumi.Output.all(**host.target).future()
    assert target == {"project": "my-project", "site_id": site["siteId"], "plan": "blaze"}
    await settled()


async def test_the_two_apis_are_switched_on_and_stay_on():
    graph = await graph_of()
    assert {found["service"] for found in graph.of(SERVICE)} == {
        "firebase.googleapis.com",
        "firebasehosting.googleapis.com",
    }
    assert all(found["disableOnDestroy"] is False for found in graph.of(SERVICE))
    assert graph.of(PROJECT) == []


async def test_firebase_is_added_to_the_project_only_where_that_is_asked_for():
    graph = await graph_of(add_firebase=True)
    assert graph.of(PROJECT) == [{"project": "my-project"}]


async def test_a_given_id_is_used_and_an_automatic_one_begins_with_the_site_and_is_always_the_same():
    (site,) = (await graph_of(site_id="robot")).of(SITE)
    assert site == {"project": "my-project", "siteId": "robot"}
    first, second = [(await graph_of()).of(SITE)[0]["siteId"] for _ in range(2)]
    assert first == second
    assert first.startswith("www-example-org-")
    other = automatic_site_id("www.example.org", "another-project")
    assert other != first
    assert len(automatic_site_id("a-very-long-name-of-a-site." * 5, "my-project")) <= 30


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"project": "P"}, "project must be a project's id"),
        ({"project": "my-project", "site_id": "My_Site"}, "site_id must be a label"),
    ],
)
def test_ids_that_google_would_refuse_are_named_at_once(given, reason):
    with pytest.raises(ValueError, match=reason):
        FirebaseHostArgs("www.example.org", False, {}, **given)


async def graph_of(**changed):
    graph = Graph({SITE: {"defaultUrl": URL}})
    pulumi.runtime.set_mocks(graph, preview=False)
    given = {"site": "www.example.org", "protect": False, "headers": {}, "project": "my-project"}
    FirebaseHost("firebase", FirebaseHostArgs(**{**given, **changed}))
    await settled()
    return graph
