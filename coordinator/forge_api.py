"""Requests to GitHub's and GitLab's APIs: what is wrong with an answer, and when to ask again."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

#: Real seconds for one answer.
_TIMEOUT = 15.0
#: A forge that asks for more patience than this is asked again all the same.
_LONGEST_PATIENCE = 3600.0
_SHOWN = 200
_LIMITED = {403, 429}
#: Answers to the same request that will not change by themselves. 401, 403 and 404 do, once somebody mends the token.
_FINAL = {400, 409, 410, 422}


class ForgeTrouble(Exception):
    """A forge does not answer, or refuses; the text is for people and holds no secret."""

    def __init__(self, text: str, *, final: bool = False, patience: float | None = None, status: int = 0) -> None:
        super().__init__(text)
        self.final = final
        """Asking again would not help."""
        self.patience = patience
        """Seconds that the forge asks to wait; None where it does not say."""
        self.status = status


class ForgeApi:
    """One forge's API. ``headers`` carry the token; ``hidden`` takes secrets out of what the forge says."""

    def __init__(self, name: str, address: str, headers: Mapping[str, str], secrets: tuple[str, ...] = ()) -> None:
        local = urlsplit(address).hostname in {"127.0.0.1", "localhost"}
        self.name = name
        self._secrets = secrets
        self._tags: dict[str, str] = {}
        self._client = httpx.AsyncClient(
            base_url=address, headers=dict(headers), timeout=_TIMEOUT, trust_env=not local, follow_redirects=False
        )

    async def ask(self, method: str, path: str, json: Any = None, **parameters: str | int) -> Any:
        """The answer's JSON, None where it is empty; raises ForgeTrouble."""
        return self._document(await self._sent(method, path, json=json, params=parameters or None))

    async def ask_for_news(self, path: str, **parameters: str | int) -> Any:
        """The answer's JSON to a GET, None where it is what it was the last time; raises ForgeTrouble.

        A forge that gives an ETag is asked with it: at GitHub an answer that nothing has changed costs nothing of the
        rate limit. https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
        """
        known = {"If-None-Match": tag} if (tag := self._tags.get(path)) else {}
        answer = await self._sent("GET", path, params=parameters or None, headers=known)
        if answer.status_code == httpx.codes.NOT_MODIFIED:
            return None
        found = self._document(answer)
        if tag := answer.headers.get("etag"):
            self._tags[path] = tag
        return found

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _sent(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return await self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise ForgeTrouble(f"{self.name} does not answer ({type(error).__name__})") from error

    def _document(self, answer: httpx.Response) -> Any:
        if not answer.is_success:
            raise self._trouble(answer)
        try:
            return answer.json() if answer.content else None
        except ValueError:
            raise ForgeTrouble(f"{self.name} answers {answer.status_code} with something else than JSON") from None

    def _trouble(self, answer: httpx.Response) -> ForgeTrouble:
        status, patience = answer.status_code, _patience(answer.headers) if answer.status_code in _LIMITED else None
        text = f"{self.name} answers {status}{self._said(answer)}"
        if status in {401, 403, 404} and patience is None:
            text += "; check the token, its scopes, and the name of the repository"
        return ForgeTrouble(text, final=status in _FINAL, patience=patience, status=status)

    def _said(self, answer: httpx.Response) -> str:
        try:
            found = answer.json()
        except ValueError:
            return ""
        said = found.get("message") or found.get("error") if isinstance(found, dict) else None
        text = "".join(char for char in str(said or "") if char.isprintable())
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return f" ({text[:_SHOWN]})" if text else ""


def field_of(answer: Any, name: str) -> Any:
    """A field of an answer; raises ForgeTrouble where there is none."""
    if not isinstance(answer, dict) or name not in answer:
        raise ForgeTrouble(f"the forge's answer has no field {name}, which it should by its documentation")
    return answer[name]


def github(address: str, token: str) -> ForgeApi:
    """GitHub's API. https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api."""
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
        "User-Agent": "peacefulrobot-infra",
    }
    return ForgeApi("GitHub", address, headers, (token,))


def gitlab(address: str, token: str, *more: str) -> ForgeApi:
    """GitLab's API; ``more`` are other secrets that requests carry. https://docs.gitlab.com/api/rest/."""
    return ForgeApi("GitLab", address, {"PRIVATE-TOKEN": token, "User-Agent": "peacefulrobot-infra"}, (token, *more))


def _patience(headers: httpx.Headers) -> float | None:
    """Seconds to wait, by ``Retry-After`` (a number or a date) or GitHub's ``X-RateLimit-Reset``."""
    given = headers.get("retry-after", "")
    if given.isascii() and given.isdigit():
        return min(float(given), _LONGEST_PATIENCE)
    moment = email.utils.parsedate_tz(given) if given else None
    if moment is not None:
        return _until(email.utils.mktime_tz(moment))
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isascii() and reset.isdigit():
        return _until(float(reset))
    return None


def _until(moment: float) -> float:
    return min(max(moment - time.time(), 0.0), _LONGEST_PATIENCE)
