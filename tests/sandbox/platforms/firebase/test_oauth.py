"""Google's token endpoint: https://developers.google.com/identity/protocols/oauth2/service-account."""

from __future__ import annotations

import json
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.platforms.firebase.oauth import REFRESH_TOKEN
from tests.sandbox.platforms.firebase.conftest import SCOPE

BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture
def key(client):
    return json.loads(Path(client.key_file).read_text())


async def ask(client, **form):
    async with client.http.post(f"{client.base}/token", data=form) as answer:
        return answer.status, await answer.json()


def claims(key, **changed):
    now = int(time.time())
    usual = {"iss": key["client_email"], "aud": "https://oauth2.googleapis.com/token", "scope": SCOPE}
    return {**usual, "iat": now, "exp": now + 3600, **changed}


def signed(key, private=None, kid=None, **changed):
    headers = {"kid": kid or key["private_key_id"]}
    return jwt.encode(claims(key, **changed), private or key["private_key"], "RS256", headers=headers)


async def test_a_signed_assertion_gives_a_token_that_opens_the_api(client, key):
    status, document = await ask(client, grant_type=BEARER, assertion=signed(key))
    assert (status, document["token_type"]) == (200, "Bearer")
    assert 0 < document["expires_in"] <= 3600
    assert (await client.call("GET", "sites/robot", token=document["access_token"]))[0] == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "https://example.org/token"},
        {"iss": "somebody@else.iam.gserviceaccount.com"},
        {"iat": 1_000_000_000, "exp": 1_000_003_600},
        {"exp": int(time.time()) + 7200},
        {"kid": "0" * 40},
        {"private": rsa.generate_private_key(65537, 2048)},
    ],
)
async def test_an_assertion_that_is_not_the_accounts_own_or_not_for_now_is_refused(client, key, changed):
    status, document = await ask(client, grant_type=BEARER, assertion=signed(key, **changed))
    assert (status, document["error"]) == (400, "invalid_grant")
    assert "access_token" not in document


async def test_other_grants(client):
    assert (await ask(client, grant_type="password"))[1]["error"] == "unsupported_grant_type"
    assert (await ask(client, grant_type=BEARER, assertion="no.jwt"))[1]["error"] == "invalid_grant"
    assert (await ask(client, grant_type="refresh_token", refresh_token="wrong"))[1]["error"] == "invalid_grant"
    status, document = await ask(client, grant_type="refresh_token", refresh_token=REFRESH_TOKEN)
    assert (status, document["access_token"].startswith("ya29.")) == (200, True)


def test_the_key_is_for_its_owner_only(client):
    assert Path(client.key_file).stat().st_mode & 0o077 == 0
