"""Environments of repositories, and what jobs find in them, as resource types of ``pulumi-github``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from sandbox.github.repositories import now
from sandbox.github.resource_type import GitHubType
from sandbox.provider.resource_type import Inputs, Outputs, Refused
from sandbox.store import Document

ENVIRONMENT = "github:index/repositoryEnvironment:RepositoryEnvironment"
POLICY = "github:index/repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy"
SECRET = "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret"  # noqa: S105 - the type's token
VARIABLE = "github:index/actionsEnvironmentVariable:ActionsEnvironmentVariable"
#: https://docs.github.com/en/rest/deployments/environments#create-or-update-an-environment
_MOST_REVIEWERS, _LONGEST_WAIT = 6, 43_200
#: https://docs.github.com/en/actions/reference/security/secrets#limits-for-secrets
_MOST_BYTES, _MOST_SECRETS = 48 * 1024, 100
_NAME = r"(?!GITHUB_)[A-Z_][A-Z0-9_]*"


class RepositoryEnvironment(GitHubType):
    """``github.RepositoryEnvironment``."""

    token = ENVIRONMENT
    required = ("repository", "environment")
    replaced_by = frozenset({"repository", "environment"})
    computed = frozenset({"repositoryId"})
    given: ClassVar[Mapping[str, Any]] = {"canAdminsBypass": True, "preventSelfReview": False}

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """Times and policies that there are."""
        failures = super().check(inputs)
        if not 0 <= (inputs.get("waitTimer") or 0) <= _LONGEST_WAIT:
            failures.append(("waitTimer", f"expected wait_timer to be in the range (0 - {_LONGEST_WAIT})"))
        policy = inputs.get("deploymentBranchPolicy")
        if isinstance(policy, dict) and policy.get("protectedBranches") == policy.get("customBranchPolicies"):
            failures.append(("deploymentBranchPolicy", "protected and custom cannot have the same value"))
        return failures

    def refuse_content(self, inputs: Inputs, identifier: str | None) -> None:
        """Few reviewers. Making what is there changes it, as a PUT does."""
        del identifier
        groups = [group.get(kind) or () for group in inputs.get("reviewers") or () for kind in ("users", "teams")]
        if sum(map(len, groups)) > _MOST_REVIEWERS:
            raise Refused(f"422 Failed to create the environment protection rule: {_MOST_REVIEWERS} reviewers at most")

    def identify(self, inputs: Inputs) -> str:
        """As the provider does."""
        return f"{inputs['repository']}:{inputs['environment']}"

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """The repository's number."""
        own = super().compute(identifier, inputs, old)
        return {**own, "repositoryId": own["repository_number"]}

    async def delete(self, identifier: str) -> None:
        """Its policies, secrets and variables go with it."""
        await super().delete(identifier)
        for token in (POLICY, SECRET, VARIABLE):
            for key in self.store.all(token):
                if key.startswith(f"{identifier}:"):
                    self.store.delete(token, key)


class InEnvironment(GitHubType):
    """Belongs to an environment, which must be there."""

    def environment(self, inputs: Inputs) -> Document:
        """The environment; raises Refused."""
        found = self.store.get(ENVIRONMENT, f"{inputs['repository']}:{inputs['environment']}")
        if found is None:
            raise Refused(f"404 Not Found: there is no environment {inputs['environment']}")
        return found

    def refuse_content(self, inputs: Inputs, identifier: str | None) -> None:
        """The environment must be there."""
        del identifier
        self.environment(inputs)


class DeploymentPolicy(InEnvironment):
    """``github.RepositoryEnvironmentDeploymentPolicy``."""

    token = POLICY
    required = ("repository", "environment")
    replaced_by = frozenset({"repository", "environment"})
    computed = frozenset({"policyId", "repositoryId"})

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """A branch or a tag."""
        one = sum(inputs.get(key) is not None for key in ("branchPattern", "tagPattern")) == 1
        failure = ("branchPattern", '"branch_pattern": only one of `branch_pattern,tag_pattern` must be specified')
        return [*super().check(inputs), *([] if one else [failure])]

    def refuse_content(self, inputs: Inputs, identifier: str | None) -> None:
        """Only where the environment has custom policies, and each once.

        https://docs.github.com/en/rest/deployments/branch-policies#create-a-deployment-branch-policy
        """
        if not (self.environment(inputs).get("deploymentBranchPolicy") or {}).get("customBranchPolicies"):
            raise Refused("404 Not Found or `deployment_branch_policy.custom_branch_policies` is set to false")
        same = (inputs["environment"], inputs.get("branchPattern"))
        if same in [(one["environment"], one.get("branchPattern")) for one in self.others(inputs, identifier)]:
            raise Refused("303 There is the same branch policy already")

    def identify(self, inputs: Inputs) -> str:
        """With a number."""
        return f"{inputs['repository']}:{inputs['environment']}:{self.forge.next_number()}"

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """Numbers."""
        own = super().compute(identifier, inputs, old)
        return {**own, "policyId": int(identifier.rpartition(":")[2]), "repositoryId": own["repository_number"]}


class _Named(InEnvironment):
    name_input: ClassVar[str]
    most: ClassVar[int] = _MOST_SECRETS

    def refuse_content(self, inputs: Inputs, identifier: str | None) -> None:
        """Names and sizes: https://docs.github.com/en/actions/reference/security/secrets."""
        super().refuse_content(inputs, identifier)
        if not re.fullmatch(_NAME, str(inputs[self.name_input]).upper()):
            raise Refused(
                "422 Names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). Spaces "
                "are not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_), and not with GITHUB_."
            )
        if len(str(inputs.get("value") or "").encode()) > _MOST_BYTES:
            raise Refused("422 The value is too large: 48 KB at most")
        there = [one for one in self.others(inputs, identifier) if one["environment"] == inputs["environment"]]
        if identifier is None and len(there) >= self.most:
            raise Refused(f"422 An environment has {self.most} of these at most")

    def identify(self, inputs: Inputs) -> str:
        """As the provider does."""
        return f"{inputs['repository']}:{inputs['environment']}:{inputs[self.name_input]}"

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """Moments."""
        own = super().compute(identifier, inputs, old)
        made = old["createdAt"] if old else now()
        return {**own, "createdAt": made, "updatedAt": now(), "repositoryId": own["repository_number"]}


class ActionsEnvironmentSecret(_Named):
    """``github.ActionsEnvironmentSecret``. The provider seals the value, and GitHub shows it to nobody."""

    token = SECRET
    required = ("repository", "environment", "secretName")
    replaced_by = frozenset({"repository", "environment", "secretName"})
    computed = frozenset({"createdAt", "updatedAt", "repositoryId"})
    secrets = frozenset({"value", "plaintextValue", "encryptedValue", "valueEncrypted"})
    name_input = "secretName"


class ActionsEnvironmentVariable(_Named):
    """``github.ActionsEnvironmentVariable``."""

    token = VARIABLE
    required = ("repository", "environment", "variableName", "value")
    replaced_by = frozenset({"repository", "environment", "variableName"})
    computed = frozenset({"createdAt", "updatedAt", "repositoryId"})
    name_input = "variableName"

    def refuse_content(self, inputs: Inputs, identifier: str | None) -> None:
        """Unlike a secret it is not overwritten: https://docs.github.com/en/rest/actions/variables."""
        super().refuse_content(inputs, identifier)
        if identifier is None and self.store.get(self.token, self.identify(inputs)) is not None:
            raise Refused(f"409 Already exists - Variable {inputs['variableName']} already exists")
