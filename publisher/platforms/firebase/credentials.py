"""Access tokens of the credentials that Pulumi's provider would take.

``GOOGLE_CREDENTIALS`` (key of a service account, or the path of its file) comes first:
https://www.pulumi.com/registry/packages/gcp/installation-configuration/. Else Google's application default credentials
count, a key file, gcloud's login, or a federated identity:
https://cloud.google.com/docs/authentication/application-default-credentials.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
KEY_VARIABLE = "GOOGLE_CREDENTIALS"
ADVICE = (
    f"Set {VARIABLE} to the key file of a service account (or {KEY_VARIABLE} to its content), or log in by "
    "`gcloud auth application-default login`."
)


class AccessTokens:
    """Headers that say who calls; refreshed in a thread, once for all calls that wait."""

    def __init__(self) -> None:
        self._credentials: Credentials | None = None
        self._refused: str | None = None
        self._lock = asyncio.Lock()

    async def headers(self) -> dict[str, str]:
        """Authorization, and the project that is charged where the credentials name one.

        Raises PlatformRefused without usable credentials, PlatformUnavailable where Google cannot be reached.
        """
        async with self._lock:
            if self._credentials is None or not self._credentials.valid or self._credentials.token == self._refused:
                await asyncio.to_thread(self._refresh)
        found: dict[str, str] = {}
        if self._credentials is not None:
            self._credentials.apply(found)  # type: ignore[no-untyped-call]
        return found

    def refused(self, headers: dict[str, str]) -> None:
        """The token of these headers was not accepted: get another one before the next call."""
        self._refused = headers.get("authorization", "").removeprefix("Bearer ")

    def _refresh(self) -> None:
        # Google's library takes 0.15 s to import: a run that signs in needs it, a preview does not.
        from publisher.platforms.firebase.sign_in import signed_in

        self._credentials = signed_in(self._credentials, ADVICE)
