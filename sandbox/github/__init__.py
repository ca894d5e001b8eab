"""GitHub on your own machine: repositories, webhooks, deployments, comments and runs of workflows."""

from __future__ import annotations

from sandbox.git.repositories import Repositories
from sandbox.github.account import OWNER, TOKEN
from sandbox.github.api import Api
from sandbox.github.repositories import PRE_RECEIVE, GitHub
from sandbox.github.resources import types
from sandbox.github.webhooks import Webhooks
from sandbox.twin import ControlPlane, Twin
from sandbox.world import World


def twin(world: World) -> Twin:
    """The GitHub twin."""
    forge = GitHub(world.store, Repositories(world.folder / "github" / "repositories", PRE_RECEIVE))
    webhooks = Webhooks(forge)
    resources = types(forge, webhooks)
    api = Api(forge, webhooks, resources)

    def environment(url: str) -> dict[str, str]:
        api.origin = url
        return {"GITHUB_BASE_URL": f"{url}/api/v3/", "GITHUB_TOKEN": TOKEN, "GITHUB_OWNER": str(OWNER["login"])}

    return Twin(
        name="github",
        resource_types=resources,
        control=(ControlPlane("github", api.app(), environment),),
    )
