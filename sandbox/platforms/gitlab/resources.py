"""Resource types of ``pulumi-gitlab`` that the program declares."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

from sandbox.platforms.gitlab.projects import ApiError, Projects, pages_view
from sandbox.provider.resource_type import UNKNOWN, Inputs, Outputs, Refused, ResourceType
from sandbox.provider.stored import automatic_name
from sandbox.store import Document

_WORD = re.compile(r"(?<!^)(?=[A-Z])")
_LEVELS = {
    "visibilityLevel": ("private", "internal", "public"),
    "pagesAccessLevel": ("public", "private", "enabled", "disabled"),
    "buildsAccessLevel": ("disabled", "private", "enabled"),
}
#: Settings that the twin takes and does not act on; GitLab tells them when it is asked, so a refresh finds them.
_DECLARED = "gitlab:declared"
#: Where the provider's name is not the API's.
_RENAMED = {"visibilityLevel": "visibility"}


class Project(ResourceType):
    """``gitlab.Project``; its id is GitLab's number."""

    token = "gitlab:index/project:Project"  # noqa: S105 - the type's token
    replaced_by = frozenset({"namespaceId", "initializeWithReadme", "templateName", "importUrl"})
    computed = frozenset({"pathWithNamespace", "httpUrlToRepo", "sshUrlToRepo", "webUrl", "runnersToken", "path"})
    secrets = frozenset({"runnersToken"})
    required: ClassVar[tuple[str, ...]] = ()

    def __init__(self, projects: Projects, view: Callable[[Document], Document]) -> None:
        self._projects = projects
        self._view = view

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """Levels the provider knows."""
        wrong = []
        for key, allowed in _LEVELS.items():
            value = inputs.get(key)
            if value not in {None, UNKNOWN} and value not in allowed:
                listed = " ".join(f'"{level}"' for level in allowed)
                wrong.append((key, f'expected {key} to be one of [{listed}], got "{value}"'))
        return wrong

    def defaults(self, name: str, inputs: Inputs, old: Inputs) -> Inputs:
        """An automatic name where none is given."""
        return inputs if inputs.get("name") is not None else {**inputs, "name": automatic_name(name, old, "name")}

    async def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        """Make the project, with its repository."""
        try:
            project = await self._projects.make(_as_sent(inputs))
        except ApiError as error:
            raise Refused(f"POST /api/v4/projects: {error.status} {error.message}") from error
        self._projects.store.put(_DECLARED, str(project["id"]), inputs)
        return str(project["id"]), self._outputs(inputs, project)

    async def read(self, identifier: str) -> Outputs | None:
        """The project as it is now."""
        try:
            project = self._projects.get(identifier)
        except ApiError:
            return None
        declared = self._projects.store.get(_DECLARED, identifier) or {}
        own = {**declared, **{key: project[sent] for key, sent in _known(project).items()}}
        return self._outputs(own, project)

    async def update(self, identifier: str, old: Outputs, new: Inputs) -> Outputs:
        """Change settings."""
        try:
            project = await self._projects.change(int(identifier), _as_sent(new))
        except ApiError as error:
            raise Refused(f"PUT /api/v4/projects/{identifier}: {error.status} {error.message}") from error
        self._projects.store.put(_DECLARED, identifier, new)
        return self._outputs(new, project)

    async def delete(self, identifier: str) -> None:
        """Delete it with its repository and its site."""
        await self._projects.remove(int(identifier))
        self._projects.store.delete(_DECLARED, identifier)

    def _outputs(self, inputs: Inputs, project: Document) -> Outputs:
        view = self._view(project)
        return {
            **inputs,
            "path": project["path"],
            "defaultBranch": project["default_branch"],
            "pathWithNamespace": view["path_with_namespace"],
            "httpUrlToRepo": view["http_url_to_repo"],
            "sshUrlToRepo": view["ssh_url_to_repo"],
            "webUrl": view["web_url"],
        }


class ProjectPagesSettings(ResourceType):
    """``gitlab.ProjectPagesSettings``; its id is the project's."""

    token = "gitlab:index/projectPagesSettings:ProjectPagesSettings"  # noqa: S105 - the type's token
    replaced_by = frozenset({"project"})
    computed = frozenset({"url", "deployments"})

    def __init__(self, projects: Projects) -> None:
        self._projects = projects

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """The project is required."""
        missing = 'Missing required argument. "project" is required, but no definition was found.'
        return [("project", missing)] if inputs.get("project") is None else []

    async def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        """Settings exist with the project; creating them is changing them."""
        project = await self._changed(str(inputs["project"]), inputs)
        return str(project["id"]), self._outputs(inputs, project)

    async def read(self, identifier: str) -> Outputs | None:
        """The settings as they are now."""
        try:
            project = self._projects.get(identifier)
        except ApiError:
            return None
        return self._outputs({"project": identifier}, project)

    async def update(self, identifier: str, old: Outputs, new: Inputs) -> Outputs:
        """Change them."""
        return self._outputs(new, await self._changed(identifier, new))

    async def delete(self, identifier: str) -> None:
        """Back to what GitLab gives a new project."""
        outputs = await self.read(identifier)
        if outputs is not None:
            await self._changed(identifier, {"isUniqueDomainEnabled": True, "forceHttps": True})

    async def _changed(self, identifier: str, inputs: Inputs) -> Document:
        names = {"isUniqueDomainEnabled": "pages_unique_domain_enabled", "forceHttps": "pages_https_only"}
        given = {sent: inputs[key] for key, sent in names.items() if inputs.get(key) is not None}
        try:
            return await self._projects.change(self._projects.get(identifier)["id"], given)
        except ApiError as error:
            raise Refused(f"PATCH /api/v4/projects/{identifier}/pages: {error.status} {error.message}") from error

    def _outputs(self, inputs: Inputs, project: Document) -> Outputs:
        view = pages_view(project, self._projects.deployment(project["id"]))
        names = {
            "created_at": "createdAt",
            "url": "url",
            "path_prefix": "pathPrefix",
            "root_directory": "rootDirectory",
        }
        return {
            **inputs,
            "url": view["url"],
            "isUniqueDomainEnabled": view["is_unique_domain_enabled"],
            "forceHttps": view["force_https"],
            "deployments": [{names[key]: found[key] for key in names} for found in view["deployments"]],
        }


def _as_sent(inputs: Inputs) -> dict[str, Any]:
    """Names of the API: ``buildsAccessLevel`` is ``builds_access_level`` there."""
    return {_RENAMED.get(key) or _WORD.sub("_", key).lower(): value for key, value in inputs.items()}


def _known(project: Document) -> dict[str, str]:
    keys = ("name", "path", "visibilityLevel", "pagesAccessLevel", "buildsAccessLevel", "sharedRunnersEnabled")
    names = {key: _RENAMED.get(key) or _WORD.sub("_", key).lower() for key in (*keys, "description", "defaultBranch")}
    return {key: sent for key, sent in names.items() if project.get(sent) is not None}
