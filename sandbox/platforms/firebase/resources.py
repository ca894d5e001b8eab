"""The resource types of ``pulumi-gcp`` that the program declares for Firebase."""

from __future__ import annotations

import re

from sandbox.platforms.firebase.account import HOSTING_API, MANAGEMENT_API, NUMBER, PROJECT, ApiError
from sandbox.platforms.firebase.hosting import Hosting
from sandbox.provider.resource_type import UNKNOWN, Inputs, Outputs, Refused
from sandbox.provider.stored import StoredType
from sandbox.store import Document, Store

_ENABLED = "firebase:service"
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def check_project(inputs: Inputs) -> None:
    """Raise Refused for a project that is not the sandbox's own."""
    if inputs["project"] != PROJECT:
        raise Refused(
            f"googleapi: Error 403: Permission denied on resource project {inputs['project']}., forbidden (the "
            f"sandbox's project is {PROJECT})"
        )


class Service(StoredType):
    """``gcp.projects.Service``: an API that is switched on in a project; it may be on already."""

    token = "gcp:projects/service:Service"  # noqa: S105
    required = ("service", "project")
    replaced_by = frozenset({"service", "project"})

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """The service is named by the domain of its API."""
        name = inputs.get("service", UNKNOWN)
        wrong = name != UNKNOWN and not re.fullmatch(r"([a-z0-9-]+\.)+(com|goog)", str(name))
        return [*super().check(inputs), *([("service", f"{name!r} is not the name of an API")] if wrong else [])]

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """The project must be one of the account's."""
        check_project(inputs)

    def identify(self, inputs: Inputs) -> str:
        """Project and service."""
        return f"{inputs['project']}/{inputs['service']}"

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """Switch it on."""
        self.store.put(_ENABLED, inputs["service"], {"enabled": True})
        return {}

    def in_use(self, identifier: str, document: Document) -> None:
        """Switch it off only where that is asked for."""
        if document.get("disableOnDestroy"):
            self.store.delete(_ENABLED, document["service"])


class FirebaseProject(StoredType):
    """``gcp.firebase.Project``: Firebase, added to a project; it cannot be taken away again."""

    token = "gcp:firebase/project:Project"  # noqa: S105
    required = ("project",)
    replaced_by = frozenset({"project"})
    computed = frozenset({"displayName", "projectNumber"})

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """The management API must be on."""
        check_project(inputs)
        _check_enabled(self.store, MANAGEMENT_API)

    def identify(self, inputs: Inputs) -> str:
        """The project's name."""
        return f"projects/{inputs['project']}"

    async def read(self, identifier: str) -> Outputs | None:
        """The document, also by the bare project id that an import may use."""
        return await super().read(f"projects/{identifier.rsplit('/', 1)[-1]}")

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """Number and title."""
        return {"projectNumber": NUMBER, "displayName": "Sandbox"}


class HostingSite(StoredType):
    """``gcp.firebase.HostingSite``; its host name is the service's own."""

    token = "gcp:firebase/hostingSite:HostingSite"  # noqa: S105
    required = ("project", "siteId")
    replaced_by = frozenset({"project", "siteId"})
    named = "siteId"
    computed = frozenset({"name", "defaultUrl", "type"})

    def __init__(self, store: Store, hosting: Hosting) -> None:
        super().__init__(store)
        self._hosting = hosting

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """The id is a label of a host name."""
        name = inputs.get("siteId", UNKNOWN)
        wrong = name not in {UNKNOWN, None} and not _LABEL.fullmatch(str(name))
        return [*super().check(inputs), *([("siteId", f"{name!r} is not a valid domain name label")] if wrong else [])]

    def defaults(self, name: str, inputs: Inputs, old: Inputs) -> Inputs:
        """No automatic name: the service wants one."""
        return {"deletionPolicy": "DELETE", **inputs}

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """The API must be on, and the id free."""
        check_project(inputs)
        _check_enabled(self.store, HOSTING_API)
        if identifier is None:
            try:
                self._hosting.make_site(inputs["siteId"])
            except ApiError as error:
                raise Refused(f"googleapi: Error {error.status}: {error}") from None

    def identify(self, inputs: Inputs) -> str:
        """The full name of the site."""
        return f"projects/{inputs['project']}/sites/{inputs['siteId']}"

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """Name and address, as the service says them."""
        view = self._hosting.site_view(self._hosting.site(inputs["siteId"]))
        return {"name": view["name"], "defaultUrl": view["defaultUrl"], "type": view["type"]}

    async def read(self, identifier: str) -> Outputs | None:
        """The document, also by the short forms that an import may use: the id alone, or behind the project."""
        return await super().read(_full_name(identifier))

    async def update(self, identifier: str, old: Outputs, new: Inputs) -> Outputs:
        """Only the policy can change in place."""
        return await super().update(_full_name(identifier), old, new)

    async def delete(self, identifier: str) -> None:
        """Delete it, also where a killed run's site was taken over by a short form of its id."""
        await super().delete(_full_name(identifier))

    def in_use(self, identifier: str, document: Document) -> None:
        """Delete the site with its versions, unless its policy forbids."""
        if document.get("deletionPolicy") == "PREVENT":
            raise Refused('cannot destroy HostingSite without setting deletion_policy="DELETE"')
        if document.get("deletionPolicy") != "ABANDON":
            self._hosting.delete_site(document["siteId"])


def _full_name(identifier: str) -> str:
    return f"projects/{PROJECT}/sites/{identifier.rsplit('/', 1)[-1]}"


def _check_enabled(store: Store, service: str) -> None:
    if store.get(_ENABLED, service) is None:
        raise Refused(
            f"googleapi: Error 403: {service} has not been used in project {NUMBER} before or it is disabled., "
            "accessNotConfigured"
        )
