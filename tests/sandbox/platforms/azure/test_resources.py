from __future__ import annotations

import re

import pytest

from sandbox.platforms.azure.account import BLOB, BUILD, DEPLOYMENT, OPERATION, SUBSCRIPTION
from sandbox.provider.resource_type import UNKNOWN, Refused
from tests.sandbox.platforms.azure.conftest import ACCOUNT, CONTAINER, GROUP, SITE

WITHIN = {"resourceGroupName": "rg", "location": "westeurope"}
STANDARD = {"name": "Standard", "tier": "Standard"}


def kind(client, token):
    (twin,) = client.sandbox.twins
    return next(found for found in twin.resource_types if found.token == token)


async def test_automatic_names_are_the_logical_one_and_eight_hex_digits_for_good(client):
    site = kind(client, SITE)
    first = site.defaults("azure-site", dict(WITHIN), {})
    assert re.fullmatch(r"azure-site[0-9a-f]{8}", first["name"])
    assert site.defaults("azure-site", dict(WITHIN), first) == first
    assert site.defaults("azure-site", {**WITHIN, "name": "own"}, first)["name"] == "own"


async def test_ids_and_outputs_are_azures(client):
    base = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
    assert client.site_id == f"{base}/providers/Microsoft.Web/staticSites/Site"
    site = await kind(client, SITE).read(client.site_id)
    assert re.fullmatch(r"[a-z]+-[a-z]+-[0-9a-f]{9}\.\d\.azurestaticapps\.net", site["defaultHostname"])
    account = await kind(client, ACCOUNT).read(f"{base}/providers/Microsoft.Storage/storageAccounts/acc")
    assert account["primaryEndpoints"]["blob"] == "https://acc.blob.core.windows.net/"
    container = f"{base}/providers/Microsoft.Storage/storageAccounts/acc/blobServices/default/containers/packages"
    assert (await kind(client, CONTAINER).read(container))["publicAccess"] == "None"


async def test_two_sites_of_the_same_name_have_other_host_names(client):
    await client.sandbox.declare(GROUP, resourceGroupName="other", location="westeurope")
    _, site = await client.sandbox.declare(SITE, **{**WITHIN, "resourceGroupName": "other"}, name="Site", sku=STANDARD)
    assert site["defaultHostname"] != client.url.removeprefix("https://")


async def test_an_update_keeps_the_host_name_and_what_a_deployment_wrote(client):
    await client.deploy({"index.html": "x"})
    site = kind(client, SITE)
    before = await site.read(client.site_id)
    after = await site.update(client.site_id, before, {**WITHIN, "name": "Site", "sku": STANDARD})
    assert (after["defaultHostname"], after["provider"], after["sku"]) == (
        before["defaultHostname"],
        "tests",
        STANDARD,
    )


@pytest.mark.parametrize(
    ("token", "inputs", "words"),
    [
        (SITE, {"name": "s", "location": "northeurope"}, "LocationNotAvailableForResourceType"),
        (SITE, {"name": "s", "resourceGroupName": "none"}, "ResourceGroupNotFound"),
        (SITE, {"name": "Site"}, "cannot create already existing resource"),
        (GROUP, {}, "cannot create already existing resource"),
        (ACCOUNT, {"accountName": "Acc"}, "AccountNameInvalid"),
        (ACCOUNT, {"accountName": "a-b-c"}, "AccountNameInvalid"),
        (ACCOUNT, {"accountName": "a" * 25}, "AccountNameInvalid"),
        (ACCOUNT, {"accountName": "acc"}, "cannot create already existing resource"),
        (CONTAINER, {"accountName": "none", "containerName": "packages"}, "ResourceNotFound"),
        (CONTAINER, {"accountName": "acc", "containerName": "a--b"}, "InvalidResourceName"),
        (CONTAINER, {"accountName": "acc", "containerName": "open", "publicAccess": "Blob"}, "PublicAccessNotPermi"),
    ],
)
async def test_what_azure_refuses_is_refused_with_its_code(client, token, inputs, words):
    given = {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}} if token == ACCOUNT else {}
    with pytest.raises(Refused, match=words):
        await kind(client, token).create({**WITHIN, **given, **inputs})


async def test_an_account_name_is_taken_for_all_groups(client):
    await client.sandbox.declare(GROUP, resourceGroupName="other", location="westeurope")
    given = {"resourceGroupName": "other", "accountName": "acc", "kind": "StorageV2", "sku": {}}
    with pytest.raises(Refused, match="StorageAccountAlreadyTaken"):
        await kind(client, ACCOUNT).create(given)


async def test_a_subscription_has_ten_free_sites(client):
    for number in range(9):
        await kind(client, SITE).create({**WITHIN, "name": f"s{number}"})
    with pytest.raises(Refused, match="MaximumFreeStaticSites"):
        await kind(client, SITE).create({**WITHIN, "name": "eleventh"})
    await kind(client, SITE).create({**WITHIN, "name": "paid", "sku": STANDARD})


@pytest.mark.parametrize(
    ("token", "inputs", "failed"),
    [
        (SITE, {}, {"resourceGroupName"}),
        (SITE, {"resourceGroupName": "rg", "sku": {"name": "Free", "tier": "Standard"}}, {"sku"}),
        (SITE, {"resourceGroupName": "rg", "sku": {"name": "Dedicated", "tier": "Dedicated"}}, {"sku"}),
        (SITE, {"resourceGroupName": "rg", "stagingEnvironmentPolicy": "off"}, {"stagingEnvironmentPolicy"}),
        (SITE, {"resourceGroupName": UNKNOWN, "sku": UNKNOWN}, set()),
        (ACCOUNT, {"resourceGroupName": "rg", "sku": {}, "kind": "New"}, {"kind"}),
        (ACCOUNT, {"resourceGroupName": "rg", "sku": {}, "kind": "StorageV2", "minimumTlsVersion": "1.2"},
         {"minimumTlsVersion"}),
        (CONTAINER, {}, {"accountName", "resourceGroupName"}),
        (GROUP, {}, {"location"}),
    ],
)  # fmt: skip
async def test_wrong_inputs_are_named_at_preview(client, token, inputs, failed):
    assert {name for name, _ in kind(client, token).check(inputs)} == failed


async def test_what_is_deleted_takes_along_what_it_holds(client):
    await client.deploy({"index.html": "x"})
    store = client.sandbox.world.store
    await kind(client, SITE).delete(client.site_id)
    assert [store.all(found) for found in (BUILD, DEPLOYMENT, OPERATION)] == [{}, {}, {}]
    account = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/acc"
    assert store.all(BLOB)
    await kind(client, ACCOUNT).delete(account)
    assert store.all(BLOB) == {}
    assert list(client.sandbox.world.folder.glob("azure/blobs/*")) == []
    await kind(client, ACCOUNT).delete(account)
