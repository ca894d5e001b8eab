"""The setting ``delivery`` of a stack. Light to import: every preview reads it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.alias_generators import to_camel

from components.delivery.tokens import CLOUD_KEYS, TOKENS

_Owner = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}$")]
_Repository = Annotated[str, Field(pattern=r"^[\w.-]+$", max_length=100)]
_Project = Annotated[str, Field(pattern=r"^[\w.-]+(/[\w.-]+)+$")]
#: A wildcard would protect, and trust, more than the one branch.
_Branch = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][\w./@+-]*$", max_length=201)]
_Environment = Annotated[str, Field(pattern=r"^[\w-][\w .-]*$", max_length=100)]
_Address = Annotated[str, Field(pattern=r"^(https://[^\s@/?#]+|http://(127\.0\.0\.1|localhost)(:\d+)?)$")]
_Issuer = Annotated[str, Field(pattern=r"^https://[a-z0-9.-]+(:\d+)?$")]
_Uuid = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
_Count = Annotated[int, Field(ge=0, le=6)]
_Id = Annotated[int, Field(ge=1)]
_MOST_REVIEWERS = 6
_Cron = Annotated[str, Field(pattern=r"^$|^\S+( \S+){4}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, populate_by_name=True)


class Reviewers(_Strict):
    """Who must agree before a job may use the environment, by number."""

    users: tuple[_Id, ...] = ()
    teams: tuple[_Id, ...] = ()

    @model_validator(mode="after")
    def _are_few(self) -> Reviewers:
        """https://docs.github.com/en/rest/deployments/environments#create-or-update-an-environment."""
        if len(self.users) + len(self.teams) > _MOST_REVIEWERS:
            raise ValueError(
                f"GitHub takes {_MOST_REVIEWERS} users and teams together; name a team instead of its people"
            )
        return self


class GitHub(_Strict):
    """Repositories at GitHub. They are there already and are not made here."""

    owner: _Owner
    """Organisation or user that both repositories belong to."""
    infrastructure: _Repository
    """Repository with the program and its workflow."""
    content: _Repository | None = None
    """Repository with the site, where that is at GitHub."""
    owner_id: _Id | None = None
    repository_id: _Id | None = None
    """Numbers of the owner and of ``infrastructure``. Tokens of repositories made after 15 July 2026 name them:
    https://docs.github.com/en/actions/reference/security/oidc#immutable-subject-claims"""
    branch: _Branch = "main"
    """Branch of both repositories that is published."""
    environment: _Environment = "production"
    """Environment of ``infrastructure`` that the deploying job runs in."""
    reviewers: Reviewers = Reviewers()
    approvals: _Count = 1
    """Reviews that a pull request of ``infrastructure`` needs."""
    checks: tuple[str, ...] = ()
    """Checks that must pass before a pull request of ``infrastructure`` may be merged."""
    direct: bool = False
    """Let the content repository send ``repository_dispatch`` itself, without a coordinator."""

    @model_validator(mode="after")
    def _fits_together(self) -> GitHub:
        if (self.owner_id is None) != (self.repository_id is None):
            raise ValueError("give ownerId and repositoryId, or none of the two: a token names both or none")
        if self.direct and self.content is None:
            raise ValueError("direct needs content: it is that repository that sends the event")
        return self


class Approvers(_Strict):
    """Who must approve a deployment, by number."""

    users: tuple[_Id, ...] = ()
    groups: tuple[_Id, ...] = ()


class GitLab(_Strict):
    """Projects at GitLab. They are there already and are not made here."""

    url: _Issuer = "https://gitlab.com"
    """Address of the instance, which is also the issuer of its tokens."""
    infrastructure: _Project
    content: _Project | None = None
    branch: _Branch = "main"
    environment: _Environment = "production"
    approvers: Approvers = Approvers()
    """Needs the plan Premium; empty leaves the environment unprotected, as the plan Free must."""
    signed: bool = True
    """Webhooks are signed, which takes GitLab 19.0 or newer; else a plain token is sent along."""
    direct: bool = False
    """Let the content project start the pipeline itself by a trigger, without a coordinator."""
    schedule: _Cron = ""
    """When the pipeline of ``infrastructure`` runs without a push, as a cron line in UTC; empty means never."""

    @model_validator(mode="after")
    def _fits_together(self) -> GitLab:
        if self.direct and self.content is None:
            raise ValueError("direct needs content: it is that project that starts the pipeline")
        return self


class Aws(_Strict):
    """Trust of the account that the stack runs in."""

    github_provider: Annotated[str, Field(pattern=r"^$|^arn:aws:iam::\d{12}:oidc-provider/[\w./-]+$")] = ""
    gitlab_provider: Annotated[str, Field(pattern=r"^$|^arn:aws:iam::\d{12}:oidc-provider/[\w./-]+$")] = ""
    """Providers that the account has already: there can be one for each issuer only. Empty makes one."""


class Gcp(_Strict):
    """Trust of the Google Cloud project that the site belongs to."""

    pool: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$")] = "peacefulrobot-delivery"
    """Id of the pool and of the service account. A deleted pool keeps its id for 30 days."""

    @field_validator("pool")
    @classmethod
    def _is_not_googles(cls, name: str) -> str:
        if name.startswith("gcp-"):
            raise ValueError("begins with gcp-, which Google keeps for itself; choose another word")
        return name


class Azure(_Strict):
    """Trust of the resource group that the site is in."""

    tenant: _Uuid
    subscription: _Uuid
    location: Annotated[str, Field(pattern=r"^[a-z0-9]+$")] = "westeurope"


class Token(_Strict):
    """A token that a pipeline is given because its platform takes no OIDC. Its value comes from the environment."""

    expires: datetime.date | None = None
    """Last day on which it works."""


class Rotation(_Strict):
    """Change a word, and what it stands for is made anew at the next run."""

    webhooks: Annotated[str, Field(pattern=r"^[\w.-]+$", max_length=40)] = "1"
    keys: Annotated[str, Field(pattern=r"^[\w.-]+$", max_length=40)] = "1"


class DeliverySettings(_Strict):
    """The setting ``delivery``."""

    coordinator: _Address | None = None
    """Public address of the coordinator, without a path; webhooks go to ``/hooks/github`` and ``/hooks/gitlab``."""
    github: GitHub | None = None
    gitlab: GitLab | None = None
    aws: Aws | None = None
    gcp: Gcp | None = None
    azure: Azure | None = None
    tokens: dict[str, Token] = Field(default_factory=dict)
    rotation: Rotation = Rotation()

    @property
    def on(self) -> bool:
        """Whether anything is declared."""
        return self.github is not None or self.gitlab is not None

    @model_serializer(mode="wrap")
    def _what_differs(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what has its default: that is how the setting is written in a stack's file."""
        written = {*self.model_fields_set, *(to_camel(name) for name in self.model_fields_set)}
        return {key: value for key, value in handler(self).items() if key in written}

    @model_validator(mode="after")
    def _fits_together(self) -> DeliverySettings:
        mistakes = [*self._forge_mistakes(), *self._token_mistakes()]
        if mistakes:
            raise ValueError("; ".join(mistakes))
        return self

    def _forge_mistakes(self) -> Iterator[str]:
        if not self.on and self.model_fields_set:
            yield "delivery has neither github nor gitlab, so there is nothing to join; add one, or remove delivery"
        contents = [forge.content for forge in (self.github, self.gitlab) if forge is not None and forge.content]
        if self.coordinator and not contents:
            yield "delivery.coordinator gets no webhook, for no forge has content; name the content repository"
        direct = any(forge.direct for forge in (self.github, self.gitlab) if forge is not None)
        if contents and not self.coordinator and not direct:
            yield (
                "delivery: a push of content would start nothing; set coordinator to its public address, or direct "
                "to let the content repository start the pipeline itself"
            )

    def _token_mistakes(self) -> Iterator[str]:
        for name, token in self.tokens.items():
            if name in CLOUD_KEYS:
                yield f"delivery.tokens.{name} opens a cloud that takes the pipeline's own token; {CLOUD_KEYS[name]}"
            elif name not in TOKENS:
                yield f"delivery.tokens.{name} is none that a pipeline needs; use some of {', '.join(sorted(TOKENS))}"
            elif TOKENS[name].expires and token.expires is None:
                yield f"delivery.tokens.{name} has no date of expiry; make the token with one, and write it in expires"
        if self.github is not None and self.github.direct and DISPATCH not in self.tokens:
            yield f"delivery.github.direct sends its events with {DISPATCH}; add it to delivery.tokens with its expiry"


#: With this the content repository sends its event.
DISPATCH = "INFRA_DISPATCH_TOKEN"
