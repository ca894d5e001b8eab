from __future__ import annotations

import pulumi
import pytest

from components.hosts.azure import IDENTIFIED_BY, AzureHost, AzureHostArgs
from tests.components.graph import Graph, settled

GROUP, SITE = "azure-native:resources:ResourceGroup", "azure-native:web:StaticSite"
ACCOUNT, CONTAINER = "azure-native:storage:StorageAccount", "azure-native:storage:BlobContainer"
COMPUTED = {
    GROUP: {"name": "group1"},
    SITE: {"defaultHostname": "calm-sea-1.2.azurestaticapps.net"},
    ACCOUNT: {"name": "account1", "primaryEndpoints": {"blob": "https://account1.blob.core.windows.net/"}},
    CONTAINER: {"name": "packages"},
}


async def declared(**changed):
    graph = Graph(COMPUTED)
    pulumi.runtime.set_mocks(graph, preview=False)
    given = {"site": "www.example.org", "protect": False, "headers": {}}
    host = AzureHost("azure", AzureHostArgs(**{**given, **changed}))
    found = await pulumi.Output.all(origin=[host.origin.hostname, host.origin.url], target=host.target).future()
    await settled()
    return graph, found


async def test_hostname_and_address_are_azures_own():
    _, found = await declared()
    assert found["origin"] == ["calm-sea-1.2.azurestaticapps.net", "https://calm-sea-1.2.azurestaticapps.net"]


async def test_the_publisher_is_told_of_site_account_and_container():
    _, found = await declared()
    assert found["target"] == {
        "site_id": "azure-site-id",
        "url": "https://calm-sea-1.2.azurestaticapps.net",
        "account": "account1",
        "blob_endpoint": "https://account1.blob.core.windows.net/",
        "container": "packages",
        "plan": "Free",
    }


async def test_everything_is_in_one_group_and_region_with_tags():
    graph, _ = await declared(location="eastus2", tags={"team": "web"})
    (group,) = graph.of(GROUP)
    assert (group["location"], group["tags"]) == ("eastus2", {"site": "www.example.org", "team": "web"})
    for kind in (SITE, ACCOUNT, CONTAINER):
        (found,) = graph.of(kind)
        assert found["resourceGroupName"] == "group1"
        assert found.get("location", "eastus2") == "eastus2"


async def test_the_storage_account_and_its_container_are_private():
    graph, _ = await declared()
    (account,), (container,) = graph.of(ACCOUNT), graph.of(CONTAINER)
    assert account["allowBlobPublicAccess"] is False
    assert account["allowSharedKeyAccess"] is False
    assert account["enableHttpsTrafficOnly"] is True
    assert account["minimumTlsVersion"] == "TLS1_2"
    assert (container["publicAccess"], container["accountName"]) == ("None", "account1")


@pytest.mark.parametrize("plan", ["Free", "Standard"])
async def test_the_plan_is_name_and_tier(plan):
    graph, found = await declared(plan=plan)
    (site,) = graph.of(SITE)
    assert site["sku"] == {"name": plan, "tier": plan}
    assert site["stagingEnvironmentPolicy"] == "Disabled"
    assert found["target"]["plan"] == plan


async def test_names_are_left_to_azure():
    graph, _ = await declared()
    assert "name" not in graph.of(SITE)[0]
    assert "accountName" not in graph.of(ACCOUNT)[0]


async def test_every_type_can_be_found_again_by_its_inputs():
    graph, _ = await declared()
    kinds = {found.typ for found in graph.resources if found.typ.startswith("azure-native:")}
    assert set(IDENTIFIED_BY) == kinds
    given = {"ARM_SUBSCRIPTION_ID": "s", "resourceGroupName": "g", "name": "n", "accountName": "a"}
    assert IDENTIFIED_BY[SITE].format_map(given) == (
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/staticSites/n"
    )
