from __future__ import annotations

import pytest

from sandbox.platforms.azure import deployments, resource_manager
from sandbox.platforms.azure.account import SUBSCRIPTION
from sandbox.platforms.azure.entra import Entra
from tests.sandbox.platforms.azure.conftest import ARM, STORAGE, zipped

HOME = {"index.html": "<p>home"}


def code(answer):
    status, body, _ = answer
    return status, body["error"]["code"]


async def test_without_a_token_nothing_is_shown(client):
    status, body, headers = await client.ask("GET", f"{ARM}{client.site_id}?api-version=2025-05-01")
    assert (status, body["error"]["code"]) == (401, "AuthenticationFailed")
    assert headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")


async def test_a_token_of_another_service_or_a_broken_one_is_refused(client):
    assert code(await client.arm("GET", token=client.tokens[STORAGE])) == (401, "InvalidAuthenticationToken")
    assert code(await client.arm("GET", token=f"{client.tokens[ARM]}x")) == (401, "InvalidAuthenticationToken")


async def test_an_expired_token_is_refused(client):
    token = Entra(client.sandbox.world.folder / "azure").token(ARM, lasts=-1)
    status, body, _ = await client.arm("GET", token=token)
    assert status == 401
    assert "expiry" in body["error"]["message"]


@pytest.mark.parametrize(
    ("path", "version", "answer"),
    [
        ("", None, (400, "MissingApiVersionParameter")),
        ("", "2018-01-01", (400, "NoRegisteredProviderFound")),
        ("/nothing", "2025-05-01", (404, "InvalidResourceType")),
        (f"/subscriptions/{SUBSCRIPTION}/resourceGroups/no/providers/Microsoft.Web/staticSites/Site", "2025-05-01",
         (404, "ResourceGroupNotFound")),
        (f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Web/staticSites/no", "2025-05-01",
         (404, "ResourceNotFound")),
        ("/subscriptions/other/resourceGroups/rg/providers/Microsoft.Web/staticSites/Site", "2025-05-01",
         (404, "SubscriptionNotFound")),
        ("/builds/preview", "2025-05-01", (404, "NotFound")),
    ],
)  # fmt: skip
async def test_what_is_asked_wrongly_is_refused_with_arms_code(client, path, version, answer):
    assert code(await client.arm("GET", path, version)) == answer


async def test_names_have_no_case(client):
    status, body, _ = await client.arm("GET", client.site_id.upper().replace("/SUBSCRIPTIONS/", "/subscriptions/"))
    assert (status, body["name"]) == (200, "Site")


async def test_a_site_is_shown_and_listed_with_its_own_host_name(client):
    _, body, headers = await client.arm("GET")
    assert body["properties"]["defaultHostname"] == client.url.removeprefix("https://")
    assert body["properties"]["provider"] == "None"
    assert int(headers["x-ms-ratelimit-remaining-subscription-reads"]) > 0
    for path in (f"/subscriptions/{SUBSCRIPTION}", f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"):
        _, listed, _ = await client.arm("GET", f"{path}/providers/Microsoft.Web/staticSites")
        assert [found["id"] for found in listed["value"]] == [client.site_id]


async def test_a_deployment_is_accepted_watched_and_in_place_at_its_end(client):
    status, body, headers = await client.begin(zipped(HOME))
    assert (status, body) == (202, b"")
    assert "Retry-After" in headers
    seen = [202]
    while seen[-1] == 202:
        seen.append((await client.arm("GET", headers["Location"]))[0])
    assert seen[-1] == 200
    _, operation, _ = await client.arm("GET", headers["Azure-AsyncOperation"])
    assert (operation["status"], operation["name"] in headers["Azure-AsyncOperation"]) == ("Succeeded", True)
    _, build, _ = await client.arm("GET", "/builds/default")
    assert build["properties"]["status"] == "Ready"
    assert (await client.page("/"))[:2] == (200, "<p>home")
    assert (await client.arm("GET"))[1]["properties"]["provider"] == "tests"
    _, builds, _ = await client.arm("GET", "/builds")
    assert builds["value"] == [build]


async def test_before_a_deployment_the_environment_waits(client):
    _, build, _ = await client.arm("GET", "/builds/default")
    assert build["properties"]["status"] == "WaitingForDeployment"
    status, text, _ = await client.page("/")
    assert (status, "waiting for your content" in text) == (200, True)
    assert (await client.page("/a.html"))[0] == 404


async def test_a_second_deployment_at_the_same_time_is_a_conflict(client, monkeypatch):
    monkeypatch.setattr(deployments, "_FETCHING", 2000.0 * 60)
    assert (await client.begin(zipped(HOME)))[0] == 202
    _, build, _ = await client.arm("GET", "/builds/default")
    assert build["properties"]["status"] == "Uploading"
    assert code(await client.begin(zipped(HOME), "q.zip")) == (409, "Conflict")


@pytest.mark.parametrize("link", [None, 7, "", "http://acc.blob.core.windows.net/packages/p.zip", "file:///etc/passwd"])
async def test_a_package_must_be_given_by_an_https_url(client, link):
    assert code(await client.arm("POST", "/zipdeploy", json={"properties": {"appZipUrl": link}})) == (400, "BadRequest")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"properties": []}', b"{}"])
async def test_a_body_that_is_none_is_refused(client, body):
    assert code(await client.arm("POST", "/zipdeploy", data=body)) == (400, "InvalidRequestContent")


async def test_previews_have_no_zip_deployment(client):
    status, body, _ = await client.arm("POST", "/builds/one/zipdeploy", json={"properties": {}})
    assert (status, body["Code"], body["Details"][2]["ErrorEntity"]["ExtendedCode"]) == (501, "NotImplemented", "51009")


async def test_the_sites_own_token_is_shown(client):
    status, body, _ = await client.arm("POST", "/listSecrets")
    assert status == 200
    assert len(body["properties"]["apiKey"]) >= 64


async def test_too_many_requests_are_throttled_with_the_time_to_wait(client, monkeypatch):
    monkeypatch.setitem(resource_manager._BUCKETS, "reads", (2.0, 1e-6))
    answers = [await client.arm("GET") for _ in range(3)]
    assert [status for status, _, _ in answers] == [200, 200, 429]
    assert answers[2][1]["error"]["code"] == "TooManyRequests"
    assert int(answers[2][2]["Retry-After"]) >= 1


async def test_an_operation_that_is_none_is_unknown(client):
    place = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Web/locations/westeurope/operationStatuses/{'0' * 32}"
    assert code(await client.arm("GET", place)) == (404, "OperationNotFound")
