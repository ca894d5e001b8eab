"""Signs a job in at AWS and Google by the forge's own short-lived token, so that no long-lived key is stored anywhere.

GitLab hands the tokens to the job as variables (``id_tokens``): https://docs.gitlab.com/ci/secrets/id_token_authentication/.
GitHub makes one for each audience on request, for jobs with ``id-token: write``:
https://docs.github.com/en/actions/reference/security/oidc. Azure needs nothing here: its client takes both by itself.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import stamina

from tools.deploy.errors import Refused

AWS_AUDIENCE = "sts.amazonaws.com"
_GOOGLE_STS = "https://sts.googleapis.com/v1/token"
_IMPERSONATION = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts"
_SECONDS = 15.0
_ATTEMPTS = 4


@dataclass(frozen=True)
class Cloud:
    """One cloud: who wants its token, where the token goes, and for whom it is made."""

    name: str
    wanted_by: str
    """Variable that says that the job signs in here."""
    file_variable: str
    """Variable with the path of the file that the cloud's client reads."""
    token_variable: str
    """Variable in which GitLab hands over the token."""
    audience: str


def clouds(environment: Mapping[str, str]) -> list[Cloud]:
    """The clouds that the environment asks to be signed in at."""
    provider = environment.get("GOOGLE_WORKLOAD_IDENTITY_PROVIDER", "")
    known = [
        Cloud("AWS", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ID_TOKEN", AWS_AUDIENCE),
        Cloud(
            "Google Cloud",
            "GOOGLE_WORKLOAD_IDENTITY_PROVIDER",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "GOOGLE_ID_TOKEN",
            f"https://iam.googleapis.com/{provider}",
        ),
    ]
    return [cloud for cloud in known if environment.get(cloud.wanted_by)]


def sign_in(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Write what the clients of the clouds read; returns the clouds' names. Raises Refused."""
    found = clouds(environment)
    mistakes = [
        f"{cloud.wanted_by} is set, so {cloud.file_variable} must name a file to write"
        for cloud in found
        if not environment.get(cloud.file_variable)
    ]
    if mistakes:
        raise Refused("; ".join(mistakes))
    for cloud in found:
        file, token = Path(environment[cloud.file_variable]), _token(cloud, environment)
        if cloud.name == "AWS":
            _write(file, token)
        else:
            source = file.with_suffix(".token")
            _write(source, token)
            _write(file, google_credentials(environment, source))
    return [cloud.name for cloud in found]


def google_credentials(environment: Mapping[str, str], token: Path) -> str:
    """Google's description of a federated sign-in; it names the file with the token and holds no secret itself.

    https://google.aip.dev/auth/4117
    """
    account = environment.get("GOOGLE_SERVICE_ACCOUNT")
    acting = {"service_account_impersonation_url": f"{_IMPERSONATION}/{account}:generateAccessToken"} if account else {}
    described = {
        "type": "external_account",
        "audience": f"//iam.googleapis.com/{environment['GOOGLE_WORKLOAD_IDENTITY_PROVIDER']}",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": _GOOGLE_STS,
        "credential_source": {"file": str(token), "format": {"type": "text"}},
        **acting,
    }
    return json.dumps(described)


def _token(cloud: Cloud, environment: Mapping[str, str]) -> str:
    given = environment.get(cloud.token_variable)
    if given:
        return given
    address, pass_word = (environment.get(f"ACTIONS_ID_TOKEN_REQUEST_{end}") for end in ("URL", "TOKEN"))
    if not address or not pass_word:
        raise Refused(
            f"{cloud.wanted_by} is set, and the job has no token to sign in at {cloud.name} with: at GitLab give it "
            f"{cloud.token_variable} under id_tokens, at GitHub the permission id-token: write"
        )
    return _from_github(address, pass_word, cloud)


def _from_github(address: str, pass_word: str, cloud: Cloud) -> str:
    headers, params = {"Authorization": f"Bearer {pass_word}"}, {"audience": cloud.audience}
    try:
        for attempt in stamina.retry_context(on=_passes, attempts=_ATTEMPTS):
            with attempt:
                url = httpx.URL(address).copy_merge_params(params)
                answer = httpx.get(url, headers=headers, timeout=_SECONDS).raise_for_status()
        return str(answer.json()["value"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        said = f" ({error.response.status_code})" if isinstance(error, httpx.HTTPStatusError) else ""
        raise Refused(
            f"GitHub gave no token for {cloud.name}: {type(error).__name__}{said}; give the job the permission "
            "id-token: write, and run it again"
        ) from None


def _passes(error: Exception) -> bool:
    """Whether asking again may help: GitHub's own troubles and the network's, not a refusal."""
    return error.response.status_code >= 500 if isinstance(error, httpx.HTTPStatusError) else True


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
