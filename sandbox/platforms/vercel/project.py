"""``vercel.Project`` of ``pulumiverse_vercel``."""

from __future__ import annotations

import re

from sandbox.platforms.vercel.deployments import ACCOUNT, PROJECTS, ApiError, Deployments
from sandbox.provider.resource_type import UNKNOWN, Inputs, Outputs, Refused, ResourceType
from sandbox.provider.stored import automatic_name

#: https://vercel.com/docs/projects/overview#project-name
_NAME = re.compile(r"(?!.*---)[a-z0-9._-]{1,100}")
_PROTECTION = frozenset(
    {"standard_protection_new", "standard_protection", "all_deployments", "only_preview_deployments", "none"}
)


class Project(ResourceType):
    """A project; its name under vercel.app is Vercel's choice and no output of the resource."""

    token = "vercel:index/project:Project"  # noqa: S105 - a type token
    replaced_by = frozenset({"teamId"})
    named = "name"
    computed = frozenset({"teamId", "nodeVersion", "serverlessFunctionRegion"})

    def __init__(self, deployments: Deployments) -> None:
        self._deployments = deployments

    def defaults(self, name: str, inputs: Inputs, old: Inputs) -> Inputs:
        """Automatic name, and what a new project of a team gets."""
        filled = dict(inputs)
        if filled.get("name") is None:
            filled["name"] = automatic_name(name.lower(), old, "name", longest=52)
        filled.setdefault("autoAssignCustomDomains", True)
        filled.setdefault("vercelAuthentication", {"deploymentType": "standard_protection"})
        return filled

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """Names, and the kinds of protection."""
        wrong = []
        name = inputs.get("name", "")
        if name != UNKNOWN and not _NAME.fullmatch(str(name)):
            wrong.append(("name", "must be up to 100 of a-z, 0-9, '.', '_' and '-', without '---'"))
        kind = (inputs.get("vercelAuthentication") or {}).get("deploymentType")
        if kind not in {*_PROTECTION, UNKNOWN}:
            wrong.append(("vercelAuthentication", f"deployment_type must be one of {sorted(_PROTECTION)}, is {kind!r}"))
        return wrong

    async def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        """Make the project."""
        if inputs.get("teamId") not in {None, ACCOUNT}:
            raise Refused("forbidden: Not authorized")
        try:
            project = self._deployments.make_project(str(inputs["name"]), inputs)
        except ApiError as error:
            raise Refused(f"{error.body['error']['code']}: {error}") from error
        return str(project["id"]), _outputs(inputs)

    async def read(self, identifier: str) -> Outputs | None:
        """Settings as they are."""
        found = self._deployments.store.get(PROJECTS, identifier)
        return None if found is None else _outputs(found["settings"])

    async def update(self, identifier: str, old: Outputs, new: Inputs) -> Outputs:
        """Change settings or name; the domain stays."""
        del old
        self._deployments.change_project(identifier, str(new["name"]), new)
        return _outputs(new)

    async def delete(self, identifier: str) -> None:
        """Delete the project with its deployments."""
        self._deployments.delete_project(identifier)


def _outputs(inputs: Inputs) -> Outputs:
    return {"teamId": ACCOUNT, "nodeVersion": "24.x", "serverlessFunctionRegion": "iad1", **inputs}
