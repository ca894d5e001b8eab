"""Tokens that pipelines are given, because what they open takes no OIDC: scope, expiry, and why.

Written out for people in docs/delivery-setup.md. Light to import: the settings check names against this list.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from components.delivery.settings import Token

#: Days before its end from which a token is warned of.
WARNED = datetime.timedelta(days=30)
#: Longest life that is taken for a date and not for "never". GitHub and GitLab allow no more by default.
#: https://docs.gitlab.com/user/profile/personal_access_tokens/#access-token-expiration
LONGEST = datetime.timedelta(days=366)
#: Masked in GitLab's logs only from this length on: https://docs.gitlab.com/ci/variables/#mask-a-cicd-variable
_SHORTEST = 8


@dataclass(frozen=True)
class Kind:
    """What is to be known of a token."""

    scope: str
    """Least that it needs."""
    why: str
    """Why no OIDC."""
    platform: str = ""
    """The platform that cannot be published to without it; empty where that is decided otherwise."""
    expires: bool = True


_NO_OIDC = "takes no token of another issuer for its API"
TOKENS: Mapping[str, Kind] = {
    "CLOUDFLARE_API_TOKEN": Kind(
        "the one account and the one zone, as in README.md", f"Cloudflare {_NO_OIDC}", platform="*"
    ),
    "VERCEL_API_TOKEN": Kind("the one team; there is no narrower one", f"Vercel {_NO_OIDC}", "vercel"),
    "NETLIFY_AUTH_TOKEN": Kind(
        "all that its user may; use a user of its own in one team", f"Netlify {_NO_OIDC}", "netlify"
    ),
    "GITLAB_TOKEN": Kind(
        "api, as Maintainer of a group that holds the Pages project only",
        "a CI job token can neither change settings nor wait for Pages",
        "gitlab",
    ),
    "UPTIMEROBOT_API_KEY": Kind(
        "the account's main key; there is no narrower one", f"UptimeRobot {_NO_OIDC}", expires=False
    ),
    "INFRA_DISPATCH_TOKEN": Kind(
        "fine-grained, the infrastructure repository only, Contents: write",
        "the token of a GitHub workflow ends at its own repository",
    ),
    "PULUMI_ACCESS_TOKEN": Kind("the one stack", "the pipeline may sign in by OIDC instead, where Pulumi Cloud does"),
    "PULUMI_CONFIG_PASSPHRASE": Kind("none: it decrypts the state", "it is no credential of a service", expires=False),
}
_ROLE = "leave it out, and trust the pipeline by "
#: Long-lived keys that are refused, and what stands in for each.
CLOUD_KEYS: Mapping[str, str] = {
    **dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), f"{_ROLE}delivery.aws"),
    **dict.fromkeys(("GOOGLE_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS", "FIREBASE_TOKEN"), f"{_ROLE}delivery.gcp"),
    **dict.fromkeys(("ARM_CLIENT_SECRET", "AZURE_CLIENT_SECRET"), f"{_ROLE}delivery.azure"),
}


#: Stands for a token that a pipeline does not have; what was handed over before stays.
KEPT = "kept"


def in_pipeline(environment: Mapping[str, str]) -> bool:
    """Whether this run is a pipeline's, which hands no tokens over: GitHub and GitLab both set ``CI``."""
    return environment.get("CI", "").lower() in {"1", "true"}


def mistakes(tokens: Mapping[str, Token], hosts: Collection[str], environment: Mapping[str, str]) -> Iterator[str]:
    """What is missing: a token that a host needs, or the value of one; no text holds a value."""
    for name, kind in TOKENS.items():
        if name not in tokens and (kind.platform == "*" or kind.platform in hosts):
            yield f"delivery.tokens.{name} is missing, and without it no pipeline can publish; add it with its expiry"
    for name in () if in_pipeline(environment) else tokens:
        value = environment.get(name, "")
        if not value:
            yield f"{name} is not set in the environment, so no pipeline can be given it; set it and run again"
        elif len(value) < _SHORTEST or value != value.strip() or not value.isprintable():
            yield f"{name} has {len(value)} characters, or a break in them, so logs would not mask it; copy it again"


def expired(tokens: Mapping[str, Token], today: datetime.date) -> Iterator[str]:
    """Tokens that do not work any more, or whose date is no real one."""
    for name, token in tokens.items():
        if token.expires is None:
            continue
        if token.expires < today:
            yield f"delivery.tokens.{name} expired on {token.expires}; make a new one, set it and write its date here"
        elif token.expires - today > LONGEST:
            yield (
                f"delivery.tokens.{name} expires on {token.expires}, in more than {LONGEST.days} days; make one that "
                "lives shorter"
            )


def ending(tokens: Mapping[str, Token], today: datetime.date) -> Iterator[str]:
    """Tokens that end soon."""
    for name, token in tokens.items():
        if token.expires is not None and datetime.timedelta() <= token.expires - today <= WARNED:
            left = (token.expires - today).days
            yield (
                f"{name} expires on {token.expires}, in {left} days: make a new one, set it and write its date in "
                "delivery.tokens"
            )
