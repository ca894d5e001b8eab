from __future__ import annotations

import pulumi
import pytest

from components.hosts.gitlab import GitlabHost, GitlabHostArgs, checked_url
from tests.components.graph import Graph, settled

PROJECT = "gitlab:index/project:Project"
PAGES = "gitlab:index/projectPagesSettings:ProjectPagesSettings"


async def declared(**changed):
    graph = Graph({PAGES: {"url": "https://robot-5f3a9c.gitlab.io/"}})
    pulumi.runtime.set_mocks(graph, preview=False)
    given = {"site": "www.example.org", "protect": False, "headers": {}}
    host = GitlabHost("gitlab", GitlabHostArgs(**{**given, **changed}))
    origin = host.origin
    found = await pulumi.Output.all(origin.hostname, origin.host_header, origin.url, host.target["project_id"]).future()
    await settled()
    return graph, host, found


async def test_hostname_and_address_are_gitlabs_own():
    _, host, found = await declared()
    address = "robot-5f3a9c.gitlab.io"
    assert found == [address, address, f"https://{address}", "gitlab-www-example-org-id"]
    assert not host.origin.sends_headers
    assert host.target["plan"] == "free"


async def test_the_site_is_public_its_repository_is_not_and_the_default_branch_is_there():
    graph, _, _ = await declared()
    (project,) = graph.of(PROJECT)
    assert project["pagesAccessLevel"] == "public"
    assert project["visibilityLevel"] == "private"
    assert project["initializeWithReadme"] is True
    assert project["defaultBranch"] == "main"
    assert project["buildsAccessLevel"] == "enabled"
    assert "name" not in project
    assert "namespaceId" not in project
    (pages,) = graph.of(PAGES)
    assert pages == {"project": "gitlab-www-example-org-id", "isUniqueDomainEnabled": True, "forceHttps": True}


async def test_settings_reach_the_project():
    graph, host, _ = await declared(namespace_id=7, project_name="robot", visibility="public", plan="premium")
    (project,) = graph.of(PROJECT)
    assert (project["namespaceId"], project["name"], project["visibilityLevel"]) == (7, "robot", "public")
    assert host.target["plan"] == "premium"


def test_a_site_in_a_folder_of_a_host_is_refused():
    assert checked_url("https://robot.gitlab.io/") == "https://robot.gitlab.io"
    with pytest.raises(ValueError, match="unique domain"):
        checked_url("https://me.gitlab.io/robot")
