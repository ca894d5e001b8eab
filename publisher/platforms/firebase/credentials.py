"""Access tokens of the credentials that Pulumi's provider would take.

``GOOGLE_CREDENTIALS`` (key of a service account, or the path of its file) comes first:
https://www.pulumi.com/registry/packages/gcp/installation-configuration/. Else Google's application default credentials
count, a key file, gcloud's login, or a federated identity:
https://cloud.google.com/docs/authentication/application-default-credentials.
"""

from __future__ import annotations

import asyncio
import json
import os

import google.auth
import google.auth.transport.requests
from google.auth.credentials import Credentials
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, RefreshError, TransportError
from google.oauth2 import service_account

from publisher.errors import PlatformRefused, PlatformUnavailable

VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
KEY_VARIABLE = "GOOGLE_CREDENTIALS"
ADVICE = (
    f"Set {VARIABLE} to the key file of a service account (or {KEY_VARIABLE} to its content), or log in by "
    "`gcloud auth application-default login`."
)
_SCOPES = ("https://www.googleapis.com/auth/firebase.hosting", "https://www.googleapis.com/auth/cloud-platform")


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
        try:
            if self._credentials is None:
                self._credentials = _found()
            self._credentials.refresh(google.auth.transport.requests.Request())  # type: ignore[no-untyped-call]
        except DefaultCredentialsError as error:
            raise PlatformRefused(f"firebase: there are no usable credentials for Google. {ADVICE}") from error
        except TransportError as error:
            raise PlatformUnavailable(
                "firebase: Google's token endpoint could not be reached. The release that was live before stays live; "
                "run again later to finish."
            ) from error
        except RefreshError as error:
            if error.retryable:
                raise PlatformUnavailable("firebase: Google gave no access token for now. Run again later.") from error
            raise PlatformRefused(f"firebase: Google gives no access token for the credentials. {ADVICE}") from error
        except (GoogleAuthError, ValueError, OSError):
            raise PlatformRefused(f"firebase: the credentials of the environment cannot be read. {ADVICE}") from None


def _found() -> Credentials:
    """The credentials of the environment."""
    given = os.environ.get(KEY_VARIABLE, "").strip()
    if not given:
        found: Credentials = google.auth.default(scopes=_SCOPES)[0]
    elif given.startswith("{"):
        found = service_account.Credentials.from_service_account_info(json.loads(given), scopes=_SCOPES)  # type: ignore[no-untyped-call]
    else:
        found = service_account.Credentials.from_service_account_file(given, scopes=_SCOPES)  # type: ignore[no-untyped-call]
    return found
