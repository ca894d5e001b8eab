"""Whose OIDC tokens the clouds trust: one issuer and one subject for each forge, without a wildcard."""

from __future__ import annotations

from dataclasses import dataclass

from components.delivery.settings import DeliverySettings, GitHub, GitLab

#: https://docs.github.com/en/actions/reference/security/oidc
GITHUB_ISSUER = "https://token.actions.githubusercontent.com"


@dataclass(frozen=True)
class Trusted:
    """One pipeline."""

    name: str
    """Of the forge: github or gitlab."""
    issuer: str
    """``https://…``, as the token's ``iss``."""
    subject: str
    """The token's whole ``sub``."""

    @property
    def host(self) -> str:
        """Issuer as AWS names it in conditions: without the scheme."""
        return self.issuer.removeprefix("https://")


def of_github(settings: GitHub) -> Trusted:
    """The job in the environment, on whatever branch the environment admits."""
    owner, repository = settings.owner, settings.infrastructure
    if settings.owner_id is not None:
        owner, repository = f"{owner}@{settings.owner_id}", f"{repository}@{settings.repository_id}"
    return Trusted("github", GITHUB_ISSUER, f"repo:{owner}/{repository}:environment:{settings.environment}")


def of_gitlab(settings: GitLab) -> Trusted:
    """A job of the branch. https://docs.gitlab.com/ci/secrets/id_token_authentication/#token-payload."""
    subject = f"project_path:{settings.infrastructure}:ref_type:branch:ref:{settings.branch}"
    return Trusted("gitlab", settings.url, subject)


def trusted(settings: DeliverySettings) -> list[Trusted]:
    """The pipeline of each forge that is set."""
    found = [of_github(settings.github)] if settings.github else []
    return [*found, of_gitlab(settings.gitlab)] if settings.gitlab else found
