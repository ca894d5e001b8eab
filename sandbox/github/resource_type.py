"""What all resource types of the GitHub twin share: each belongs to a repository of the account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sandbox.github.account import OWNER
from sandbox.github.repositories import GitHub
from sandbox.provider.resource_type import Inputs, Outputs, Refused
from sandbox.provider.stored import StoredType
from sandbox.store import Document


class GitHubType(StoredType):
    """Belongs to a repository of the account, which is named without its owner."""

    given: ClassVar[Mapping[str, Any]] = {}
    """What GitHub takes where nothing is said."""
    repository_input: ClassVar[str] = "repository"

    def __init__(self, forge: GitHub) -> None:
        super().__init__(forge.store)
        self.forge = forge

    def defaults(self, name: str, inputs: Inputs, old: Inputs) -> Inputs:
        """GitHub's own."""
        return {**self.given, **super().defaults(name, inputs, old)}

    def repository(self, inputs: Inputs) -> Document:
        """The repository, by its name or node; raises Refused."""
        name = str(inputs[self.repository_input])
        found = next((one for one in self.forge.all() if one["node_id"] == name), None)
        found = found or self.forge.at(f"{OWNER['login']}/{name}")
        if found is None:
            raise Refused(f"GET /repos/{OWNER['login']}/{name}: 404 Not Found []")
        return found

    def of(self, repository: Document) -> dict[str, Document]:
        """Id → document of a repository's own."""
        found = self.store.all(self.token).items()
        return {key: one for key, one in found if one["repository_number"] == repository["id"]}

    def others(self, inputs: Inputs, identifier: str | None) -> list[Document]:
        """Those of the same repository beside this one."""
        return [one for key, one in self.of(self.repository(inputs)).items() if key != identifier]

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """The repository must be there, and the name free."""
        self.repository(inputs)
        self.refuse_content(inputs, identifier)

    def refuse_content(self, inputs: Inputs, identifier: str | None) -> None:
        """Raise Refused for what the service would refuse of these inputs."""
        del inputs, identifier

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """Whose it is."""
        return {"repository_number": self.repository(inputs)["id"]}

    async def read(self, identifier: str) -> Outputs | None:
        """Gone with its repository."""
        found = await super().read(identifier)
        try:
            return found if found is None or self.repository(found) else None
        except Refused:
            return None
