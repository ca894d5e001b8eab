"""Projects of the GitLab twin: what the API, the provider's stand-in and the serving share."""

from __future__ import annotations

import re
import secrets
from typing import Any

from sandbox.git.repositories import Repositories
from sandbox.platforms.gitlab.account import DEPLOYMENTS, NAMESPACE, PAGES_DOMAIN, PROJECTS
from sandbox.platforms.gitlab.pipelines import Pipelines, iso
from sandbox.store import Document, Store

_ACCESS = ("disabled", "private", "enabled")
_CHOICES = {
    "visibility": ("private", "internal", "public"),
    "pages_access_level": (*_ACCESS, "public"),
    "builds_access_level": _ACCESS,
    "repository_access_level": _ACCESS,
}
_DEFAULTS: dict[str, Any] = {
    "description": None,
    "visibility": "private",
    "default_branch": "main",
    "builds_access_level": "enabled",
    "repository_access_level": "enabled",
    "shared_runners_enabled": True,
    "archived": False,
    "keep_latest_artifact": True,
    "ci_forward_deployment_enabled": True,
    "pages_unique_domain_enabled": True,
    "pages_https_only": True,
    "topics": [],
}
_PATH = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?")


class ApiError(Exception):
    """An answer of the API that is none of success."""

    def __init__(self, status: int, message: Any) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Projects:
    """Documents in the store; repositories beside it."""

    def __init__(self, store: Store, repositories: Repositories, pipelines: Pipelines) -> None:
        self.store = store
        self.repositories = repositories
        self.pipelines = pipelines

    async def make(self, given: dict[str, Any]) -> Document:
        """A new project; raises ApiError."""
        name = given.get("name") or given.get("path")
        if not name:
            raise ApiError(400, {"error": "name is missing, path is missing, at least one parameter must be provided"})
        path = given.get("path") or re.sub(r"[^a-z0-9_.-]+", "-", str(name).lower()).strip("-.")
        self._check(path, given)
        number = max((int(found) for found in self.store.all(PROJECTS)), default=100) + 1
        known = {key: given[key] for key in _DEFAULTS if given.get(key) is not None}
        project: Document = {
            **_DEFAULTS,
            "pages_access_level": "private" if known.get("visibility", "private") == "private" else "enabled",
            **known,
            **({"pages_access_level": given["pages_access_level"]} if given.get("pages_access_level") else {}),
            "id": number,
            "name": name,
            "path": path,
            "created_at": iso(),
            # GitLab makes it from the path and a random part.
            "unique_domain": f"{re.sub(r'[^a-z0-9-]', '-', str(path).lower())[:56].strip('-')}-{secrets.token_hex(3)}",
        }
        await self.repositories.make(number, project["default_branch"])
        if given.get("initialize_with_readme"):
            await self._readme(project)
        self.store.put(PROJECTS, str(number), project)
        return project

    def _check(self, path: str, given: dict[str, Any]) -> None:
        if not _PATH.fullmatch(path) or path.endswith((".git", ".atom")):
            raise ApiError(400, {"message": {"path": ["can contain only letters, digits, '_', '-' and '.'."]}})
        if given.get("namespace_id") not in {None, NAMESPACE["id"]}:
            raise ApiError(400, {"message": {"namespace": ["is not valid"]}})
        if self.at(f"{NAMESPACE['full_path']}/{path}"):
            raise ApiError(400, {"message": {"path": ["has already been taken"], "name": ["has already been taken"]}})
        self._check_choices(given)

    def _check_choices(self, given: dict[str, Any]) -> None:
        for key, allowed in _CHOICES.items():
            if given.get(key) is not None and given[key] not in allowed:
                raise ApiError(400, {"error": f"{key} does not have a valid value"})

    async def _readme(self, project: Document) -> None:
        number = project["id"]
        text = f"# {project['name']}\n".encode()
        blob = (await self.repositories.git(number, "hash-object", "-w", "--stdin", given=text)).decode().strip()
        listing = f"100644 blob {blob}\tREADME.md\n".encode()
        tree = (await self.repositories.git(number, "mktree", given=listing)).decode().strip()
        commit = (await self.repositories.git(number, "commit-tree", "-m", "Initial commit", tree)).decode().strip()
        await self.repositories.git(number, "update-ref", f"refs/heads/{project['default_branch']}", commit)

    async def change(self, number: int, given: dict[str, Any]) -> Document:
        """Other settings; raises ApiError."""
        self._check_choices(given)
        project = self.get(str(number))
        known = {*_DEFAULTS, "name", "pages_access_level"}
        project |= {key: value for key, value in given.items() if key in known and value is not None}
        if given.get("default_branch"):
            if given["default_branch"] not in await self.repositories.branches(number):
                raise ApiError(400, {"message": {"base": ["Could not set the default branch"]}})
            await self.repositories.git(number, "config", "sandbox.defaultbranch", given["default_branch"])
        self.store.put(PROJECTS, str(number), project)
        return project

    async def remove(self, number: int) -> None:
        """Delete a project with all that belongs to it."""
        self.store.delete(PROJECTS, str(number))
        self.pipelines.remove(number)
        await self.repositories.remove(number)

    def all(self) -> list[Document]:
        """Projects, newest first."""
        return sorted(self.store.all(PROJECTS).values(), key=lambda project: -project["id"])

    def at(self, path: str) -> Document | None:
        """The project of a full path, whatever its case."""
        return next((found for found in self.all() if full_path(found).lower() == path.lower()), None)

    def get(self, key: str) -> Document:
        """A project by number or full path; raises ApiError 404."""
        found = self.store.get(PROJECTS, key) if key.isdigit() else self.at(key)
        if found is None:
            raise ApiError(404, {"message": "404 Project Not Found"})
        return found

    def deployment(self, number: int) -> Document | None:
        """What Pages serves for a project."""
        return self.store.get(DEPLOYMENTS, str(number))


def full_path(project: Document) -> str:
    """Namespace and path."""
    return f"{NAMESPACE['full_path']}/{project['path']}"


def pages_url(project: Document) -> str:
    """Where the site is: on a domain of its own, or in a folder of the namespace's."""
    if project["pages_unique_domain_enabled"]:
        return f"https://{project['unique_domain']}.{PAGES_DOMAIN}"
    return f"https://{NAMESPACE['full_path']}.{PAGES_DOMAIN}/{project['path']}"


def pages_host(project: Document) -> tuple[str, str]:
    """Host name, and the folder under it that is the site: empty or ``/path``."""
    host, _, folder = pages_url(project).removeprefix("https://").partition("/")
    return host, f"/{folder}" if folder else ""


def pages_view(project: Document, deployment: Document | None) -> Document:
    """https://docs.gitlab.com/api/pages/."""
    shown = {"created_at": deployment["created_at"], "url": pages_url(project)} if deployment else None
    return {
        "url": pages_url(project),
        "is_unique_domain_enabled": project["pages_unique_domain_enabled"],
        "force_https": project["pages_https_only"],
        "deployments": [{**shown, "path_prefix": None, "root_directory": "public"}] if shown else [],
        "primary_domain": None,
    }
