"""https://learn.microsoft.com/entra/identity-platform/reference-error-codes."""

from __future__ import annotations

import time

import pytest

from sandbox.platforms.azure.account import TENANT
from sandbox.platforms.azure.entra import Entra

SCOPE = "https://management.azure.com/.default"
BY_ASSERTION = {
    "client_secret": None,
    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
}


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"client_secret": "wrong"}, 401, 7000215),
        ({"client_secret": None}, 401, 7000215),
        ({"client_id": "other"}, 400, 700016),
        ({"grant_type": "password"}, 400, 70003),
        ({"scope": "https://elsewhere.example/.default"}, 400, 500011),
        ({"scope": None}, 400, 500011),
        ({"tenant": "other"}, 400, 90002),
        ({**BY_ASSERTION, "client_assertion": "no token"}, 401, 700027),
        ({**BY_ASSERTION, "client_assertion": "x", "client_assertion_type": "other"}, 400, 900144),
    ],
)
async def test_who_does_not_prove_himself_gets_no_token(client, changed, status, code):
    found = await client.sign_in(**{"scope": SCOPE, **changed})
    assert (found[0], found[1]["error_codes"]) == (status, [code])
    assert found[1]["error_description"].startswith(f"AADSTS{code}: ")
    assert "access_token" not in found[1]


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({}, None),
        ({"exp": int(time.time()) - 10}, 700024),
        ({"aud": "other"}, 700027),
        ({"iss": "https://other.example"}, 700027),
        ({"sub": "repo:other/site:ref:refs/heads/main"}, 700213),
    ],
)
async def test_a_pipelines_token_is_good_where_issuer_subject_audience_and_time_are(client, claims, code):
    assertion = Entra(client.sandbox.world.folder / "azure").assertion(**claims)
    status, body, _ = await client.sign_in(scope=SCOPE, client_assertion=assertion, **BY_ASSERTION)
    assert (status, body.get("error_codes", [None])[0]) == (200 if code is None else 401, code)


async def test_a_token_is_answered_as_oauth_says(client):
    _, body, headers = await client.sign_in(scope=SCOPE)
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3599)
    assert "no-store" in headers["Cache-Control"]


async def test_the_tenant_describes_itself(client):
    base = "https://login.microsoftonline.com"
    _, body, _ = await client.ask("GET", f"{base}/{TENANT}/v2.0/.well-known/openid-configuration")
    assert body["token_endpoint"] == f"{base}/{TENANT}/oauth2/v2.0/token"
    _, body, _ = await client.ask("GET", f"{base}/common/discovery/instance?api-version=1.1")
    assert body["metadata"][0]["aliases"] == ["login.microsoftonline.com"]
    assert (await client.ask("GET", f"{base}/{TENANT}/oauth2/v2.0/authorize"))[0] == 404


def test_tokens_stay_good_after_a_restart(tmp_path):
    token = Entra(tmp_path).token("https://storage.azure.com")
    Entra(tmp_path).check(f"Bearer {token}", "https://storage.azure.com")
