"""What each service says of a token that is shown to it."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from components.delivery.settings import DISPATCH, DeliverySettings

_SECONDS = 20.0
_REFUSED = frozenset({401, 403, 404})


@dataclass(frozen=True)
class Known:
    """``wider`` says in words what the token can do beyond what it is for; empty where that is nothing known."""

    expires: datetime.date | None
    wider: str = ""


class NotAccepted(Exception):
    """The service does not take the token. The text holds nothing of it."""


class NotAsked(Exception):
    """The service cannot be asked, or did not answer as documented."""


Asked = Callable[[str, Mapping[str, str], DeliverySettings], Known]


def gitlab(token: str, environment: Mapping[str, str], _: DeliverySettings) -> Known:
    """https://docs.gitlab.com/api/personal_access_tokens/#get-details-on-a-personal-access-token (``self``)."""
    base = environment.get("GITLAB_BASE_URL") or "https://gitlab.com/api/v4/"
    found = _json(_asked("GitLab", f"{base.rstrip('/')}/personal_access_tokens/self", {"PRIVATE-TOKEN": token}))
    if not found.get("active", False):
        raise NotAccepted("GitLab says that it is revoked or has expired")
    more = sorted(set(found.get("scopes") or ()) - {"api"})
    return Known(_day(found.get("expires_at")), f"has the scopes {', '.join(more)} beside api" if more else "")


def cloudflare(token: str, environment: Mapping[str, str], _: DeliverySettings) -> Known:
    """https://developers.cloudflare.com/api/resources/user/subresources/tokens/methods/verify/."""
    base = environment.get("CLOUDFLARE_BASE_URL") or "https://api.cloudflare.com/client/v4"
    answer = _asked("Cloudflare", f"{base.rstrip('/')}/user/tokens/verify", {"Authorization": f"Bearer {token}"})
    found = _json(answer).get("result") or {}
    if found.get("status") != "active":
        raise NotAccepted(f"Cloudflare says that it is {found.get('status') or 'none'}")
    return Known(_day(found.get("expires_on")))


def vercel(token: str, environment: Mapping[str, str], _: DeliverySettings) -> Known:
    """https://vercel.com/docs/rest-api/reference/endpoints/authentication/get-auth-token-metadata (``current``)."""
    base = environment.get("VERCEL_API_URL") or "https://api.vercel.com"
    answer = _asked("Vercel", f"{base.rstrip('/')}/v5/user/tokens/current", {"Authorization": f"Bearer {token}"})
    found = _json(answer).get("token") or {}
    end, scopes = found.get("expiresAt"), found.get("scopes") or []
    day = datetime.datetime.fromtimestamp(end / 1000, datetime.UTC).date() if isinstance(end, int | float) else None
    whole = any(isinstance(scope, dict) and scope.get("type") == "user" for scope in scopes)
    return Known(day, "reaches all teams of its user; make one for the one team" if whole else "")


def github(token: str, environment: Mapping[str, str], settings: DeliverySettings) -> Known:
    """The date comes with every answer; scopes only where the token is a classic one.

    https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/token-expiration-and-revocation,
    https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps
    """
    if settings.github is None:
        raise NotAsked("delivery.github is not set, so there is no repository to ask for")
    base = (environment.get("GITHUB_BASE_URL") or "https://api.github.com").rstrip("/")
    path = f"/repos/{settings.github.owner}/{settings.github.infrastructure}"
    answer = _asked("GitHub", base + path, {"Authorization": f"Bearer {token}"})
    classic = answer.headers.get("X-OAuth-Scopes") is not None
    return Known(
        _day(answer.headers.get("GitHub-Authentication-Token-Expiration")),
        "is a classic token, which reaches every repository; make a fine-grained one" if classic else "",
    )


def netlify(token: str, environment: Mapping[str, str], _: DeliverySettings) -> Known:
    """There is no call that tells a token's end or rights: https://docs.netlify.com/api/get-started/#authentication."""
    base = (environment.get("NETLIFY_API_URL") or "https://api.netlify.com").rstrip("/")
    _asked("Netlify", f"{base}/api/v1/user", {"Authorization": f"Bearer {token}"})
    raise NotAsked("works, but Netlify tells nobody until when; trust the date that is written")


SERVICES: Mapping[str, Asked] = {
    "CLOUDFLARE_API_TOKEN": cloudflare,
    "VERCEL_API_TOKEN": vercel,
    "NETLIFY_AUTH_TOKEN": netlify,
    "GITLAB_TOKEN": gitlab,
    DISPATCH: github,
}


def _asked(service: str, url: str, headers: Mapping[str, str]) -> requests.Response:
    try:
        answer = requests.get(url, headers=dict(headers), timeout=_SECONDS, allow_redirects=False)
    except requests.RequestException as error:
        raise NotAsked(f"{service} does not answer ({type(error).__name__})") from error
    if answer.status_code in _REFUSED:
        raise NotAccepted(f"{service} answers {answer.status_code}: it has expired, was revoked, or may not look there")
    if not answer.ok:
        raise NotAsked(f"{service} answers {answer.status_code}")
    return answer


def _json(answer: requests.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise NotAsked("the service's answer is not as documented")
    return found


def _day(text: object) -> datetime.date | None:
    """The day in a moment as services write it: ``2027-05-31``, with or without a time behind."""
    if not text:
        return None
    try:
        return datetime.date.fromisoformat(str(text)[:10])
    except ValueError:
        raise NotAsked("the service's date is not as documented") from None
