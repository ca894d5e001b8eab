"""What environment, date and hosts show to be wrong with ``delivery``; asked before anything is declared."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator, Mapping
from types import ModuleType

import pulumi

from components.delivery import aws, azure, gcp, tokens
from components.delivery.settings import DeliverySettings
from components.delivery.trust import trusted

CLOUDS: Mapping[str, ModuleType] = {"aws": aws, "gcp": gcp, "azure": azure}


class DeliveryError(pulumi.RunError):
    """Every mistake that shows only with the environment, the date and the hosts: one line each."""


def today_utc() -> datetime.date:
    """The day, everywhere the same."""
    return datetime.datetime.now(datetime.UTC).date()


def check(
    settings: DeliverySettings, hosts: Collection[str], today: datetime.date, environment: Mapping[str, str]
) -> None:
    """Raise DeliveryError with every mistake."""
    mistakes = [
        *tokens.mistakes(settings.tokens, hosts, environment),
        *tokens.expired(settings.tokens, today),
        *_cloud_mistakes(settings, hosts),
        *_owner_mistakes(settings, environment),
    ]
    if mistakes:
        lines = "\n".join(f"  - {mistake}" for mistake in mistakes)
        raise DeliveryError(f"delivery cannot be declared; nothing was changed:\n{lines}")


def _cloud_mistakes(settings: DeliverySettings, hosts: Collection[str]) -> Iterator[str]:
    for key, module in CLOUDS.items():
        wanted, there = getattr(settings, key) is not None, module.HOST in hosts
        if wanted and not there:
            yield f"delivery.{key}: {module.HOST} is not in hosts, so no pipeline needs to be trusted there; remove it"
        if there and not wanted:
            yield f"delivery.{key} is missing, and without it no pipeline can publish to {module.HOST}; add it"
    for pipeline in trusted(settings) if settings.gcp is not None else ():
        if len(pipeline.subject.encode()) > gcp.LONGEST_SUBJECT:
            yield (
                f"delivery.{pipeline.name}: the subject {pipeline.subject} has more than {gcp.LONGEST_SUBJECT} bytes, "
                "which Google refuses; shorten the environment's or the branch's name"
            )


def _owner_mistakes(settings: DeliverySettings, environment: Mapping[str, str]) -> Iterator[str]:
    """GitHub's provider finds repositories by their bare names, in the account that it is told."""
    if settings.github is None:
        return
    owner = pulumi.Config("github").get("owner") or environment.get("GITHUB_OWNER", "")
    if owner != settings.github.owner:
        yield (
            f"github:owner is {owner or 'not set'} and delivery.github.owner is {settings.github.owner}, so settings "
            "would go to repositories of another account; pulumi config set github:owner to the same"
        )
