"""Projects, deployments and aliases of the Vercel twin: what the API changes and the public side serves."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from sandbox.contents import Contents
from sandbox.platforms.vercel.build_output import CONFIG, BuildFailed, Output
from sandbox.store import Document, Store
from sandbox.world import Clock

PROJECTS = "vercel:project"
_DEPLOYMENTS = "vercel:deployment"
_FILES = "vercel:files"
_ALIASES = "vercel:alias"
ACCOUNT = "team_5a4db0c000000000sandbox0"
#: Seconds of the sandbox's time.
_BUILD = 6.0
_PROMOTION = 3.0
_DIGITS = "abcdefghijklmnopqrstuvwxyz0123456789"


class ApiError(Exception):
    """An answer of the API that is none of success."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"code": code, "message": message, **more}}


class Deployments:
    """All projects of the account; documents in the store, bytes by SHA-1 in files."""

    def __init__(self, store: Store, folder: Path, clock: Clock) -> None:
        self.store = store
        self._clock = clock
        self.contents = Contents(folder / "blobs")
        self._output = lru_cache(maxsize=32)(lambda identifier: self._read(self.files(identifier)))

    def make_project(self, name: str, settings: Mapping[str, Any]) -> Document:
        """A new project and its name under vercel.app, which has a suffix where somebody else has the plain one."""
        if any(project["name"] == name for project in self.projects()):
            raise ApiError(409, "project_already_exists", f"A project with the name {name} already exists.")
        project: Document = {
            "id": f"prj_{_random(28)}",
            "name": name,
            "domain": f"{name[:40]}-{_random(6)}.vercel.app",
            "created": _now(),
            "settings": dict(settings),
        }
        self.store.put(PROJECTS, project["id"], project)
        return project

    def projects(self) -> list[Document]:
        """Projects, newest first."""
        return sorted(self.store.all(PROJECTS).values(), key=lambda project: -project["created"])

    def project(self, key: str) -> Document:
        """A project by id or name; raises ApiError 404."""
        for project in self.projects():
            if key in {project["id"], project["name"]}:
                return project
        raise ApiError(404, "not_found", "Project not found.")

    def change_project(self, identifier: str, name: str, settings: Mapping[str, Any]) -> Document:
        """Change name and settings; the domain stays."""
        project = {**self.project(identifier), "name": name, "settings": dict(settings)}
        self.store.put(PROJECTS, identifier, project)
        return project

    def delete_project(self, identifier: str) -> None:
        """Delete a project with its deployments and domain."""
        with self.store.transaction():
            project = self.store.get(PROJECTS, identifier)
            gone = self._removed([deployment["id"] for deployment in self.of_project(identifier)])
            if project is not None:
                self.store.delete(_ALIASES, project["domain"])
                self.store.delete(PROJECTS, identifier)
        self._drop(gone)

    def receive(self, sha1: str, body: bytes) -> None:
        """Keep uploaded bytes; raises ApiError where they are not what the digest says."""
        if hashlib.sha1(body, usedforsecurity=False).hexdigest() != sha1:
            raise ApiError(400, "invalid_digest", "The digest does not match the uploaded file.")
        self.contents.put(sha1, body)

    def create(self, project: Document, body: Mapping[str, Any], files: Mapping[str, str]) -> Document:
        """A new deployment of files that are all there; the same body again gives the deployment of before."""
        fingerprint = hashlib.sha256(json.dumps([project["id"], body], sort_keys=True).encode()).hexdigest()
        for known in self.of_project(project["id"]):
            if known["fingerprint"] == fingerprint and self.state(known) != "ERROR":
                return known
        deployment = {
            "id": f"dpl_{_random(28)}",
            "project": project["id"],
            "url": f"{project['name'][:40]}-{_random(9)}-sandbox.vercel.app",
            "target": body.get("target"),
            "meta": body.get("meta") or {},
            "created": _now(),
            "ready": time.time() + self._clock.real(_BUILD),
            "number": 1 + max((one["number"] for one in self.store.all(_DEPLOYMENTS).values()), default=0),
            "fingerprint": fingerprint,
            "promoted": False,
            "error": self._build_error(files),
            "skip_domains": body.get("autoAssignCustomDomains") is False,
        }
        with self.store.transaction():
            self.store.put(_FILES, deployment["id"], {"files": dict(files)})
            self.store.put(_DEPLOYMENTS, deployment["id"], deployment)
        return deployment

    def of_project(self, project: str) -> list[Document]:
        """Deployments of a project, newest first."""
        found = [one for one in self.store.all(_DEPLOYMENTS).values() if one["project"] == project]
        return sorted((self._settled(one) for one in found), key=lambda one: -one["number"])

    def deployment(self, key: str) -> Document:
        """A deployment by id or its own address; raises ApiError 404."""
        for identifier, found in self.store.all(_DEPLOYMENTS).items():
            if key in {identifier, found["url"]}:
                return self._settled(found)
        raise ApiError(404, "not_found", "The deployment could not be found.")

    def delete(self, identifier: str) -> None:
        """Delete a deployment that no domain leads to."""
        deployment = self.deployment(identifier)
        with self.store.transaction():
            for domain, alias in self.store.all(_ALIASES).items():
                if alias["deployment"] == deployment["id"]:
                    self.store.delete(_ALIASES, domain)
            gone = self._removed([deployment["id"]])
        self._drop(gone)

    def _removed(self, identifiers: Iterable[str]) -> set[str]:
        """Digests of deployments that are there no more."""
        gone: set[str] = set()
        for identifier in identifiers:
            gone.update(self.files(identifier).values())
            self.store.delete(_DEPLOYMENTS, identifier)
            self.store.delete(_FILES, identifier)
        return gone

    def _drop(self, gone: set[str]) -> None:
        self.contents.drop(gone, (document["files"].values() for document in self.store.all(_FILES).values()))

    def state(self, deployment: Document) -> str:
        """QUEUED, BUILDING, READY or ERROR, by the time that has passed."""
        left = (deployment["ready"] - time.time()) * self._clock.speed
        if left > _BUILD * 0.8:
            return "QUEUED"
        if left > 0:
            return "BUILDING"
        return "ERROR" if deployment["error"] else "READY"

    def _settled(self, deployment: Document) -> Document:
        """A production deployment takes the domain as soon as it is ready, unless the project does not want that."""
        if deployment["target"] != "production" or deployment["promoted"] or self.state(deployment) != "READY":
            return deployment
        project = self.store.get(PROJECTS, deployment["project"])
        if (
            project is None
            or deployment["skip_domains"]
            or not project["settings"].get("autoAssignCustomDomains", True)
        ):
            return deployment
        return self._promoted(deployment, project, time.time())

    def promote(self, project: Document, deployment: Document) -> None:
        """Begin to give the project's domain to a production deployment; raises ApiError."""
        if self.state(deployment) != "READY":
            raise ApiError(422, "unprocessable", "Deployment is not ready and can't be promoted")
        if deployment["target"] != "production":
            raise ApiError(400, "bad_request", "A preview deployment is promoted by building it anew.")
        if self._moving(project):
            raise ApiError(409, "conflict", "Another promotion is in progress.")
        self._promoted(deployment, project, time.time() + self._clock.real(_PROMOTION))

    def roll_back(self, project: Document, deployment: Document) -> None:
        """Instant roll-back on the plan Hobby: to the deployment that was live before this one."""
        alias = self.store.get(_ALIASES, project["domain"]) or {}
        if deployment["id"] != alias.get("before"):
            raise ApiError(402, "payment_required", "Upgrade to Pro to roll back to older deployments.")
        self._promoted(deployment, project, time.time() + self._clock.real(_PROMOTION))

    def _moving(self, project: Document) -> bool:
        alias = self.store.get(_ALIASES, project["domain"])
        return alias is not None and alias["at"] > time.time()

    def _promoted(self, deployment: Document, project: Document, at: float) -> Document:
        changed = {**deployment, "promoted": True}
        with self.store.transaction():
            self.store.put(_DEPLOYMENTS, deployment["id"], changed)
            self._lead(project["domain"], deployment["id"], at)
        return changed

    def assign(self, deployment: Document, domain: str) -> None:
        """Let a domain of the project lead to a deployment at once."""
        project = self.project(deployment["project"])
        if domain != project["domain"]:
            raise ApiError(403, "forbidden", "You don't have access to the domain.")
        if self.state(deployment) != "READY":
            raise ApiError(400, "deployment_not_ready", "The deployment is not ready.")
        self._lead(domain, deployment["id"], time.time())

    def _lead(self, domain: str, deployment: str, at: float) -> None:
        before = self.live_id(domain)
        kept = before if before != deployment else (self.store.get(_ALIASES, domain) or {}).get("before")
        self.store.put(_ALIASES, domain, {"deployment": deployment, "before": kept, "at": at})

    def live_id(self, domain: str) -> str | None:
        """Id of the deployment that a domain leads to now."""
        alias = self.store.get(_ALIASES, domain)
        if alias is None:
            return None
        found: str | None = alias["deployment"] if alias["at"] <= time.time() else alias["before"]
        return found

    def last_move(self, project: Document) -> Document | None:
        """What the project says of its last promotion."""
        alias = self.store.get(_ALIASES, project["domain"])
        if alias is None:
            return None
        return {
            "fromDeploymentId": alias["before"],
            "toDeploymentId": alias["deployment"],
            "jobStatus": "succeeded" if alias["at"] <= time.time() else "in-progress",
            "type": "promote",
            "requestedAt": int(min(alias["at"], time.time()) * 1000),
        }

    def at(self, hostname: str) -> Document | None:
        """The deployment served under a host name: the domain's, or the one whose own address it is."""
        for deployment in self.store.all(_DEPLOYMENTS).values():
            if deployment["url"] == hostname:
                return self._settled(deployment) if self.state(deployment) == "READY" else None
        for project in self.projects():
            if project["domain"] == hostname:
                self.of_project(project["id"])
        identifier = self.live_id(hostname)
        return self.store.get(_DEPLOYMENTS, identifier) if identifier else None

    def output(self, deployment: Document) -> Output:
        """What a deployment serves."""
        return self._output(deployment["id"])

    def files(self, identifier: str) -> dict[str, str]:
        """Place → SHA-1 of a deployment's files."""
        found = self.store.get(_FILES, identifier)
        return dict(found["files"]) if found else {}

    def _read(self, files: Mapping[str, str]) -> Output:
        return Output.read(files, self.contents.read(files[CONFIG]) if CONFIG in files else None)

    def _build_error(self, files: Mapping[str, str]) -> str | None:
        try:
            self._read(files)
        except BuildFailed as error:
            return str(error)
        return None


def _random(length: int) -> str:
    return "".join(secrets.choice(_DIGITS) for _ in range(length))


def _now() -> int:
    return int(time.time() * 1000)
