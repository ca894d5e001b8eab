"""Resource types of ``pulumi-github`` that the program declares; the API shows the same documents."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from sandbox.git.keys import is_public_key
from sandbox.github.environments import (
    ActionsEnvironmentSecret,
    ActionsEnvironmentVariable,
    DeploymentPolicy,
    RepositoryEnvironment,
)
from sandbox.github.repositories import ApiError, GitHub
from sandbox.github.resource_type import GitHubType
from sandbox.github.webhooks import HOOK, Webhooks
from sandbox.provider.resource_type import UNKNOWN, Inputs, Outputs, Refused

PROTECTION = "github:index/branchProtection:BranchProtection"
KEY = "github:index/repositoryDeployKey:RepositoryDeployKey"
_MOST_HOOKS = 20
_EVENTS = frozenset({"*", "push", "ping", "pull_request", "release", "deployment", "workflow_run", "repository"})


class BranchProtection(GitHubType):
    """``github.BranchProtection``, over GraphQL at GitHub; ``repositoryId`` is a name or a node."""

    token = PROTECTION
    required = ("repositoryId", "pattern")
    replaced_by = frozenset({"repositoryId"})
    repository_input = "repositoryId"
    given: ClassVar[Mapping[str, Any]] = dict.fromkeys(
        (
            *("allowsDeletions", "allowsForcePushes", "enforceAdmins", "lockBranch", "requireConversationResolution"),
            *("requireSignedCommits", "requiredLinearHistory"),
        ),
        False,
    )

    def refuse_content(self, inputs: Inputs, identifier: str | None) -> None:
        """One rule for a pattern. Wildcards are held by GitHub, and by nothing here."""
        pattern = str(inputs["pattern"])
        if fnmatch.translate(pattern) != fnmatch.translate(re.sub(r"[*?\[]", "", pattern)):
            raise Refused(f"this sandbox protects single branches only, not {pattern}")
        if pattern in [one["pattern"] for one in self.others(inputs, identifier)]:
            raise Refused(f"Name already protected: {pattern}")
        for review in inputs.get("requiredPullRequestReviews") or ():
            if not 0 <= review.get("requiredApprovingReviewCount", 1) <= 6:
                raise Refused("requiredApprovingReviewCount must be between 0 and 6")

    def identify(self, inputs: Inputs) -> str:
        """A node of the graph."""
        del inputs
        return f"BPR_{self.forge.next_number()}"

    async def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        """Pushes are held to it from now on."""
        made = await super().create(inputs)
        await self._hold(inputs)
        return made

    async def update(self, identifier: str, old: Outputs, new: Inputs) -> Outputs:
        """Likewise."""
        outputs = await super().update(identifier, old, new)
        await self._hold(new)
        return outputs

    async def delete(self, identifier: str) -> None:
        """Nothing is held any more."""
        found = await self.read(identifier)
        await super().delete(identifier)
        if found is not None:
            await self.forge.git.protect(found["repository_number"], str(found["pattern"]), {})

    async def _hold(self, inputs: Inputs) -> None:
        rules = {
            "force": _word(inputs["allowsForcePushes"]),
            "deletions": _word(inputs["allowsDeletions"]),
            "reviews": _word(inputs.get("requiredPullRequestReviews")),
        }
        await self.forge.git.protect(self.repository(inputs)["id"], str(inputs["pattern"]), rules)


class RepositoryWebhook(GitHubType):
    """``github.RepositoryWebhook``. https://docs.github.com/en/rest/repos/webhooks."""

    token = HOOK
    required = ("repository", "events")
    replaced_by = frozenset({"repository"})
    given: ClassVar[Mapping[str, Any]] = {"active": True}
    computed = frozenset({"url", "etag"})

    def __init__(self, forge: GitHub, webhooks: Webhooks) -> None:
        super().__init__(forge)
        self._webhooks = webhooks

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """At least one event."""
        events = inputs.get("events", UNKNOWN)
        return [*super().check(inputs), *([("events", "at least one is needed")] if events == [] else [])]

    def refuse_content(self, inputs: Inputs, identifier: str | None) -> None:
        """An address, known events, and no second one to the same address for the same event."""
        own = inputs.get("configuration") or {}
        if not re.fullmatch(r"https?://\S+", str(own.get("url", ""))):
            raise Refused(
                "422 Validation Failed [{Resource:Hook Field:url Code:custom Message:url is not a valid URL}]"
            )
        unknown = sorted(set(inputs["events"]) - _EVENTS)
        if unknown:
            raise Refused(f"422 Validation Failed [{{Resource:Hook Field:events Code:invalid {', '.join(unknown)}}}]")
        others = self.others(inputs, identifier)
        for event in inputs["events"]:
            same = [one for one in others if event in one["events"]]
            if any(one["configuration"]["url"] == own["url"] for one in same):
                raise Refused("422 Validation Failed [{Resource:Hook Message:Hook already exists on this repository}]")
            if len(same) >= _MOST_HOOKS:
                raise Refused(f'422 Validation Failed [The "{event}" event cannot have more than {_MOST_HOOKS} hooks]')

    def identify(self, inputs: Inputs) -> str:
        """A number."""
        del inputs
        return str(self.forge.next_number())

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """Address of the hook itself."""
        repository = self.repository(inputs)
        url = f"https://api.github.com/repos/{repository['full_name']}/hooks/{identifier}"
        return {**super().compute(identifier, inputs, old), "hook_number": int(identifier), "url": url, "etag": 'W/"1"'}

    async def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        """A new hook is told that it is there."""
        identifier, outputs = await super().create(inputs)
        self._webhooks.ping(identifier, outputs)
        return identifier, outputs


class RepositoryDeployKey(GitHubType):
    """``github.RepositoryDeployKey``. https://docs.github.com/en/rest/deploy-keys/deploy-keys."""

    token = KEY
    required = ("repository", "title", "key")
    replaced_by = frozenset({"repository", "title", "key", "readOnly"})
    computed = frozenset({"etag"})
    given: ClassVar[Mapping[str, Any]] = {"readOnly": True}

    def refuse_content(self, inputs: Inputs, identifier: str | None) -> None:
        """A key is used once in all of GitHub."""
        if not is_public_key(str(inputs["key"])):
            raise Refused("422 Validation Failed [key is invalid. You must supply a key in OpenSSH public key format]")
        used = [one["key"].split()[1] for key, one in self.store.all(self.token).items() if key != identifier]
        if inputs["key"].split()[1] in used:
            raise Refused("422 Validation Failed [key is already in use]")

    def identify(self, inputs: Inputs) -> str:
        """As the provider does."""
        return f"{inputs['repository']}:{self.forge.next_number()}"

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """The key's number."""
        own = super().compute(identifier, inputs, old)
        return {**own, "key_number": int(identifier.rpartition(":")[2]), "etag": 'W/"1"'}


def types(forge: GitHub, webhooks: Webhooks) -> tuple[GitHubType, ...]:
    """One of each."""
    plain = (
        *(RepositoryEnvironment, DeploymentPolicy, ActionsEnvironmentSecret, ActionsEnvironmentVariable),
        *(BranchProtection, RepositoryDeployKey),
    )
    return (*(kind(forge) for kind in plain), RepositoryWebhook(forge, webhooks))


def api_error(error: Refused) -> ApiError:
    """What the API answers in place of what the provider says."""
    status, _, words = str(error).partition(" ")
    return ApiError(int(status), words) if status.isdigit() else ApiError(422, str(error))


def _word(flag: Any) -> str:
    return "true" if flag else "false"
