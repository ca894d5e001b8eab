"""Signing in at Google by its own library."""

from __future__ import annotations

import json
import os

import google.auth
import google.auth.transport.requests
from google.auth.credentials import Credentials
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, RefreshError, TransportError
from google.oauth2 import service_account

from publisher.errors import PlatformRefused, PlatformUnavailable
from publisher.platforms.firebase.credentials import KEY_VARIABLE

_SCOPES = ("https://www.googleapis.com/auth/firebase.hosting", "https://www.googleapis.com/auth/cloud-platform")


def signed_in(credentials: Credentials | None, advice: str) -> Credentials:
    """The credentials, or those of the environment, with a new access token; ``advice`` ends the text of a refusal.

    Raises PlatformRefused and PlatformUnavailable.
    """
    try:
        found = credentials or _found()
        found.refresh(google.auth.transport.requests.Request())  # type: ignore[no-untyped-call]
    except DefaultCredentialsError as error:
        raise PlatformRefused(f"firebase: there are no usable credentials for Google. {advice}") from error
    except TransportError as error:
        raise PlatformUnavailable(
            "firebase: Google's token endpoint could not be reached. The release that was live before stays live; "
            "run again later to finish."
        ) from error
    except RefreshError as error:
        if error.retryable:
            raise PlatformUnavailable("firebase: Google gave no access token for now. Run again later.") from error
        raise PlatformRefused(f"firebase: Google gives no access token for the credentials. {advice}") from error
    except (GoogleAuthError, ValueError, OSError):
        raise PlatformRefused(f"firebase: the credentials of the environment cannot be read. {advice}") from None
    return found


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
