"""Resource types of ``pulumi-gitlab`` that join repositories and pipelines; the API shows the same documents."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from sandbox.git.keys import is_public_key
from sandbox.platforms.gitlab.account import ENVIRONMENT, HOOK, NAMESPACE, NUMBERS, TRIGGER, USER
from sandbox.platforms.gitlab.pipelines import iso
from sandbox.platforms.gitlab.projects import ApiError, Projects
from sandbox.provider.resource_type import UNKNOWN, Inputs, Outputs, Refused
from sandbox.provider.stored import StoredType
from sandbox.store import Document, Store

#: https://docs.gitlab.com/api/protected_branches/#valid-access-levels
_ACCESS = {"no one": 0, "developer": 30, "maintainer": 40, "admin": 60}
_CRON_FIELD = r"[\d*/,\-LA-Za-z#]+"
_SHORTEST_MASKED = 8
_KEY_BYTES = 32
_MOST_VARIABLES = 8000


class DeliveryType(StoredType):
    """Belongs to a project, which is named by number or path. Its id is the project and ``part``, as the provider's."""

    required: ClassVar[tuple[str, ...]] = ("project",)
    given: ClassVar[Mapping[str, Any]] = {}
    """What GitLab takes where nothing is said."""
    number: ClassVar[str] = ""
    """Output that holds GitLab's number; empty for what has a name instead."""
    hidden: ClassVar[frozenset[str]] = frozenset()
    """What the API never shows again."""

    def __init__(self, projects: Projects) -> None:
        super().__init__(projects.store)
        self.projects = projects

    def defaults(self, name: str, inputs: Inputs, old: Inputs) -> Inputs:
        """GitLab's own."""
        return {**self.given, **super().defaults(name, inputs, old)}

    def project(self, inputs: Inputs) -> Document:
        """The project; raises Refused."""
        try:
            return self.projects.get(str(inputs["project"]))
        except ApiError as error:
            raise Refused(f"{error.status} {error.message['message']}") from error

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """The project must be there, and what is made must not."""
        self.project(inputs)
        self.refuse_content(inputs, identifier)
        if identifier is None and not self.number and self.store.get(self.token, self.identify(inputs)) is not None:
            self.taken(inputs)

    def refuse_content(self, inputs: Inputs, identifier: str | None) -> None:
        """Raise Refused for what the service would refuse of these inputs."""
        del inputs, identifier

    def taken(self, inputs: Inputs) -> None:
        """Raise Refused because there is one already."""
        raise Refused(f"400 {{key: [({inputs.get('key', 'name')}) has already been taken]}}")

    def part(self, inputs: Inputs) -> str:
        """What comes behind the project in the id."""
        del inputs
        return str(next_number(self.store))

    def identify(self, inputs: Inputs) -> str:
        """``PROJECT:PART``."""
        return f"{inputs['project']}:{self.part(inputs)}"

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """Numbers of the project and of this."""
        own = {self.number: int(identifier.rpartition(":")[2])} if self.number else {}
        return {**own, "project_number": self.project(inputs)["id"]}

    async def read(self, identifier: str) -> Outputs | None:
        """Gone with its project."""
        found = await super().read(identifier)
        try:
            return found if found is None or self.projects.get(str(found["project"])) else None
        except ApiError:
            return None

    def of(self, project: Document) -> dict[str, Document]:
        """Id → document of a project's own."""
        found = self.store.all(self.token).items()
        return {key: document for key, document in found if document.get("project_number") == project["id"]}


class ProjectVariable(DeliveryType):
    """``gitlab.ProjectVariable``. https://docs.gitlab.com/api/project_level_variables/."""

    token = "gitlab:index/projectVariable:ProjectVariable"  # noqa: S105 - the type's token
    required = ("project", "key", "value")
    replaced_by = frozenset({"project", "key", "environmentScope", "hidden"})
    given: ClassVar[Mapping[str, Any]] = {
        "environmentScope": "*",
        "variableType": "env_var",
        **dict.fromkeys(("masked", "protected", "raw", "hidden"), False),
    }

    def refuse_content(self, inputs: Inputs, identifier: str | None) -> None:
        """Names, kinds, and what can be masked: https://docs.gitlab.com/ci/variables/#mask-a-cicd-variable."""
        if not re.fullmatch(r"[A-Za-z0-9_]{1,255}", inputs["key"]):
            raise Refused("400 {key: [can contain only letters, digits and '_'.]}")
        if inputs["variableType"] not in {"env_var", "file"}:
            raise Refused("400 variable_type does not have a valid value")
        value, plain = str(inputs["value"]), r"\S+" if inputs["raw"] else r"[a-zA-Z0-9_+=/@:.~-]+"
        if inputs["masked"] and (len(value) < _SHORTEST_MASKED or not re.fullmatch(plain, value)):
            raise Refused("400 {value: [is invalid]}")
        if identifier is None and len(self.of(self.project(inputs))) >= _MOST_VARIABLES:
            raise Refused(f"400 {{base: [Maximum number of project variables ({_MOST_VARIABLES}) exceeded]}}")

    def part(self, inputs: Inputs) -> str:
        """Key and scope."""
        return f"{inputs['key']}:{inputs['environmentScope']}"


class PipelineTrigger(DeliveryType):
    """``gitlab.PipelineTrigger``. https://docs.gitlab.com/api/pipeline_triggers/."""

    token = TRIGGER
    required = ("project", "description")
    replaced_by = frozenset({"project"})
    number = "pipelineTriggerId"
    computed = frozenset({"token", "pipelineTriggerId"})
    secrets = frozenset({"token"})

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """The token is made once."""
        token = old["token"] if old else f"glptt-{secrets.token_hex(20)}"
        return {**super().compute(identifier, inputs, old), "token": token}


class PipelineSchedule(DeliveryType):
    """``gitlab.PipelineSchedule``. https://docs.gitlab.com/api/pipeline_schedules/."""

    token = "gitlab:index/pipelineSchedule:PipelineSchedule"  # noqa: S105 - the type's token
    required = ("project", "description", "ref", "cron")
    replaced_by = frozenset({"project"})
    given: ClassVar[Mapping[str, Any]] = {"active": True, "cronTimezone": "UTC"}
    number = "pipelineScheduleId"
    computed = frozenset({"owner", "pipelineScheduleId"})

    def refuse_content(self, inputs: Inputs, identifier: str | None) -> None:
        """Five fields, and a whole name of a ref."""
        del identifier
        if not re.fullmatch(rf"{_CRON_FIELD}( {_CRON_FIELD}){{4}}", inputs["cron"]):
            raise Refused("400 {cron: [syntax is invalid]}")
        if not str(inputs["ref"]).startswith(("refs/heads/", "refs/tags/")):
            raise Refused("400 {ref: [is ambiguous]}")

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """It runs with the rights of who made it."""
        return {**super().compute(identifier, inputs, old), "owner": USER["id"]}


class BranchProtection(DeliveryType):
    """``gitlab.BranchProtection``. https://docs.gitlab.com/api/protected_branches/."""

    token = "gitlab:index/branchProtection:BranchProtection"  # noqa: S105 - the type's token
    required = ("project", "branch")
    replaced_by = frozenset({"project", "branch", "pushAccessLevel", "mergeAccessLevel"})
    given: ClassVar[Mapping[str, Any]] = {
        "pushAccessLevel": "maintainer",
        "mergeAccessLevel": "maintainer",
        "allowForcePush": False,
        "codeOwnerApprovalRequired": False,
    }
    computed = frozenset({"branchProtectionId"})

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """Levels that there are."""
        failures = super().check(inputs)
        for key in ("pushAccessLevel", "mergeAccessLevel"):
            if inputs.get(key) not in {None, UNKNOWN, *_ACCESS}:
                failures.append((key, f"expected {key} to be one of {sorted(_ACCESS)}, got {inputs[key]}"))
        return failures

    def refuse_content(self, inputs: Inputs, identifier: str | None) -> None:
        """Wildcards are protected by GitLab, and by nothing here."""
        del identifier
        if "*" in inputs["branch"]:
            raise Refused(f"this sandbox protects single branches only, not {inputs['branch']}")

    def taken(self, inputs: Inputs) -> None:
        """GitLab's own words."""
        raise Refused(f"409 Protected branch '{inputs['branch']}' already exists")

    def part(self, inputs: Inputs) -> str:
        """By its name."""
        return str(inputs["branch"])

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """A number of its own."""
        number = old["branchProtectionId"] if old else next_number(self.store)
        return {**super().compute(identifier, inputs, old), "branchProtectionId": number}

    async def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        """Pushes are held to it from now on."""
        made = await super().create(inputs)
        await self._held(inputs, {"push": inputs["pushAccessLevel"], "force": _word(inputs["allowForcePush"])})
        return made

    async def update(self, identifier: str, old: Outputs, new: Inputs) -> Outputs:
        """Likewise."""
        outputs = await super().update(identifier, old, new)
        await self._held(new, {"push": new["pushAccessLevel"], "force": _word(new["allowForcePush"])})
        return outputs

    async def delete(self, identifier: str) -> None:
        """The default branch stays protected against rewriting."""
        found = await self.read(identifier)
        await super().delete(identifier)
        if found is not None:
            await self._held(found, {})

    async def _held(self, inputs: Inputs, rules: Mapping[str, str]) -> None:
        await self.projects.repositories.protect(self.project(inputs)["id"], str(inputs["branch"]), rules)


class ProjectHook(DeliveryType):
    """``gitlab.ProjectHook``. https://docs.gitlab.com/api/project_webhooks/."""

    token = HOOK
    required = ("project", "url")
    replaced_by = frozenset({"project"})
    given: ClassVar[Mapping[str, Any]] = {"pushEvents": True, "enableSslVerification": True}
    number = "hookId"
    computed = frozenset({"hookId", "projectId", "alertStatus", "signingTokenPresent"})
    secrets = frozenset({"token", "signingToken"})
    hidden = frozenset({"token", "signingToken"})

    def refuse_content(self, inputs: Inputs, identifier: str | None) -> None:
        """An address, and a key as Standard Webhooks writes it."""
        del identifier
        if not re.fullmatch(r"https?://[^\s@]+", str(inputs["url"])):
            raise Refused("422 Invalid url given")
        if inputs.get("branchFilterStrategy") not in {None, "wildcard", "regex", "all_branches"}:
            raise Refused("422 Invalid branch filter strategy")
        if inputs.get("signingToken") and not _is_key(str(inputs["signingToken"])):
            raise Refused("400 {signing_token: [must be whsec_ and 32 bytes in base64]}")

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """Number, and that it is signed."""
        own = {"uuid": old["uuid"] if old else str(uuid.uuid4()), "alertStatus": "executable"}
        signed = {"projectId": self.project(inputs)["id"], "signingTokenPresent": bool(inputs.get("signingToken"))}
        return {**super().compute(identifier, inputs, old), **own, **signed}


class DeployKey(DeliveryType):
    """``gitlab.DeployKey``. https://docs.gitlab.com/api/deploy_keys/."""

    token = "gitlab:index/deployKey:DeployKey"  # noqa: S105 - the type's token
    required = ("project", "title", "key")
    replaced_by = frozenset({"project", "title", "key", "canPush"})
    given: ClassVar[Mapping[str, Any]] = {"canPush": False}
    number = "deployKeyId"
    computed = frozenset({"deployKeyId"})

    def refuse_content(self, inputs: Inputs, identifier: str | None) -> None:
        """A public key that the project has not yet."""
        if not is_public_key(str(inputs["key"])):
            raise Refused("400 {deploy_key.key: [is invalid]}")
        others = {key: found for key, found in self.of(self.project(inputs)).items() if key != identifier}
        if any(found["key"].split()[1] == inputs["key"].split()[1] for found in others.values()):
            raise Refused("400 {deploy_key.fingerprint: [has already been taken]}")


class ProjectEnvironment(DeliveryType):
    """``gitlab.ProjectEnvironment``. https://docs.gitlab.com/api/environments/."""

    token = ENVIRONMENT
    required = ("project", "name")
    replaced_by = frozenset({"project", "name"})
    computed = frozenset({"slug", "state", "createdAt", "updatedAt", "tier"})
    number = "environment_number"

    def refuse_content(self, inputs: Inputs, identifier: str | None) -> None:
        """A name of its own."""
        if not re.fullmatch(r"[\w /.{}()-]{1,255}", inputs["name"]) or inputs["name"].startswith("/"):
            raise Refused(
                "400 {name: [can contain only letters, digits, '-', '_', '/', '$', '{', '}', '.', and spaces]}"
            )
        others = {key: found for key, found in self.of(self.project(inputs)).items() if key != identifier}
        if any(found["name"] == inputs["name"] for found in others.values()):
            raise Refused("400 {name: [has already been taken]}")

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """Slug, tier and moments."""
        slug = re.sub(r"[^a-z0-9]+", "-", inputs["name"].lower()).strip("-")[:24]
        tier = next((tier for tier in ("production", "staging", "testing", "development") if tier in slug), "other")
        moments = {"createdAt": old["createdAt"] if old else iso(), "updatedAt": iso()}
        own = {"slug": slug, "state": "available", "tier": inputs.get("tier") or tier}
        return {**super().compute(identifier, inputs, old), **own, **moments}

    def at(self, project: Document, name: str) -> Document:
        """The environment of that name; a deployment makes one where there is none."""
        known = next((found for found in self.of(project).values() if found["name"] == name), None)
        if known is not None:
            return known
        inputs = {"project": str(project["id"]), "name": name}
        self.refuse(inputs, None)
        return self._write(self.identify(inputs), inputs, None)


class ProjectProtectedEnvironment(DeliveryType):
    """``gitlab.ProjectProtectedEnvironment``. https://docs.gitlab.com/api/protected_environments/."""

    token = "gitlab:index/projectProtectedEnvironment:ProjectProtectedEnvironment"  # noqa: S105 - the type's token
    required = ("project", "environment", "deployAccessLevelsAttributes")
    replaced_by = frozenset({"project", "environment"})

    def refuse_content(self, inputs: Inputs, identifier: str | None) -> None:
        """The plan has them, or not."""
        del inputs, identifier
        if NAMESPACE["plan"] == "free":
            raise Refused(
                "404 Not Found: protected environments need GitLab Premium, and this account has the plan Free"
            )

    def part(self, inputs: Inputs) -> str:
        """By its name."""
        return str(inputs["environment"])


TYPES: tuple[type[DeliveryType], ...] = (
    *(ProjectVariable, PipelineTrigger, PipelineSchedule, BranchProtection),
    *(ProjectHook, DeployKey, ProjectEnvironment, ProjectProtectedEnvironment),
)


def next_number(store: Store) -> int:
    """Numbers that are given once."""
    with store.transaction():
        number = int((store.get(NUMBERS, "next") or {"number": 1})["number"])
        store.put(NUMBERS, "next", {"number": number + 1})
    return number


def _is_key(text: str) -> bool:
    try:
        return text.startswith("whsec_") and len(base64.b64decode(text[6:], validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        return False


def _word(flag: Any) -> str:
    return "true" if flag else "false"
