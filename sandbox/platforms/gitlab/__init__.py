"""GitLab on your own machine: its API, its repositories, its pipelines and its Pages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from sandbox.contents import Contents
from sandbox.git.repositories import Repositories
from sandbox.platforms.gitlab.account import PAGES_DOMAIN, TOKEN
from sandbox.platforms.gitlab.api import Api
from sandbox.platforms.gitlab.delivery_api import DeliveryApi
from sandbox.platforms.gitlab.delivery_resources import TYPES
from sandbox.platforms.gitlab.pipelines import Pipelines
from sandbox.platforms.gitlab.projects import Projects, full_path, pages_host
from sandbox.platforms.gitlab.push_rules import PRE_RECEIVE
from sandbox.platforms.gitlab.resources import Project, ProjectPagesSettings
from sandbox.platforms.gitlab.serving import Serving
from sandbox.platforms.gitlab.webhooks import Webhooks
from sandbox.twin import ControlPlane, SiteView, Twin
from sandbox.world import World


def twin(world: World) -> Twin:
    """The GitLab twin."""
    folder = world.folder / "gitlab"
    repositories = Repositories(folder / "repositories", PRE_RECEIVE)
    pipelines = Pipelines(world.store, repositories, folder, world.clock)
    projects = Projects(world.store, repositories, pipelines)
    webhooks = Webhooks(world.store, repositories, world.clock)
    pipelines.told.append(lambda project, changes: webhooks.pushed(project, full_path(project), changes))
    joining = [kind(projects) for kind in TYPES]
    api = Api(projects, world.clock, webhooks, DeliveryApi(projects, webhooks, joining))
    world.serve_names("gitlab", lambda: [f"*.{PAGES_DOMAIN}"])

    def environment(url: str) -> dict[str, str]:
        api.origin = url
        return {"GITLAB_BASE_URL": f"{url}/api/v4/", "GITLAB_TOKEN": TOKEN}

    return Twin(
        name="gitlab",
        resource_types=(Project(projects, api.view), ProjectPagesSettings(projects), *joining),
        control=(ControlPlane("gitlab", api.app(), environment),),
        public=Serving(projects, pipelines.contents).app(),
        sites=lambda: _sites(projects, pipelines.contents),
    )


def _sites(projects: Projects, contents: Contents) -> Sequence[SiteView]:
    views = []
    for project in projects.all():
        files = (projects.deployment(project["id"]) or {"files": {}})["files"]
        record = files.get(".well-known/release.json")
        release = _release(contents.path(record)) if record else None
        views.append(SiteView(pages_host(project)[0], release, len(files) - ("_redirects" in files)))
    return views


def _release(record: Path) -> str | None:
    try:
        return str(json.loads(record.read_text())["release"])
    except (ValueError, KeyError, TypeError):
        return None
