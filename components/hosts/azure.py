"""Azure: a static web app, and a private container for the packages that it is deployed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

import pulumi

from components.origin import Origin
from components.sdk import lazily

if TYPE_CHECKING:
    from pulumi_azure_native import resources, storage, web
else:
    resources, storage, web = (lazily(f"pulumi_azure_native.{part}") for part in ("resources", "storage", "web"))

_GROUP = "/subscriptions/{ARM_SUBSCRIPTION_ID}/resourceGroups/{resourceGroupName}"
_ACCOUNT = f"{_GROUP}/providers/Microsoft.Storage/storageAccounts/{{accountName}}"
#: Type → how Azure makes its id of inputs and of variables of the environment: what a killed run made is found again.
#: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
IDENTIFIED_BY: Mapping[str, str] = {
    "azure-native:resources:ResourceGroup": _GROUP,
    "azure-native:web:StaticSite": f"{_GROUP}/providers/Microsoft.Web/staticSites/{{name}}",
    "azure-native:storage:StorageAccount": _ACCOUNT,
    "azure-native:storage:BlobContainer": f"{_ACCOUNT}/blobServices/default/containers/{{containerName}}",
}


@dataclass(frozen=True)
class AzureHostArgs:
    """Settings of the Azure host."""

    site: str
    """Name of the site; goes into tags."""
    protect: bool
    """Refuse to delete or replace the static web app and the storage account."""
    headers: Mapping[str, str]
    """Security headers; they travel with each release here."""
    plan: Literal["Free", "Standard"] = "Free"
    """Free: 250 MB, 100 GB of traffic a month, no SLA. Standard: 500 MB, paid by the month."""
    location: str = "westeurope"
    """Region of the resources; a static web app can be in westus2, centralus, eastus2, westeurope and eastasia."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags of everything that takes tags."""


class AzureHost(pulumi.ComponentResource):
    """One resource group, with one static web app and one storage account in it."""

    arguments: ClassVar[type[AzureHostArgs]] = AzureHostArgs
    origin: Origin
    target: dict[str, pulumi.Input[str]]
    scope: dict[str, pulumi.Input[str]]

    def __init__(self, name: str, args: AzureHostArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the host; nothing is published here."""
        super().__init__("peacefulrobot:hosts:AzureHost", name, {"site": args.site}, opts)
        self._name = name
        self._args = args
        group = resources.ResourceGroup(f"{name}-group", location=args.location, tags=self._tags(), opts=self._child())
        site = self._site(group)
        account = self._account(group)
        container = self._container(group, account)
        hostname = site.default_hostname
        url = hostname.apply(lambda found: f"https://{found}")
        self.origin = Origin("azure", hostname, hostname, url)
        self.target = {
            "site_id": site.id,
            "url": url,
            "account": account.name,
            "blob_endpoint": account.primary_endpoints.blob,
            "container": container.name,
            "plan": args.plan,
        }
        self.scope = {"group": group.name, "group_id": group.id}
        self.register_outputs({"hostname": hostname})

    def _child(self, *, protect: bool = False) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, protect=protect and self._args.protect)

    def _tags(self) -> dict[str, str]:
        return {"site": self._args.site, **self._args.tags}

    def _site(self, group: resources.ResourceGroup) -> web.StaticSite:
        """Without a repository: what is deployed comes from the container. Each deployment writes ``provider``."""
        return web.StaticSite(
            f"{self._name}-site",
            resource_group_name=group.name,
            location=self._args.location,
            sku=web.SkuDescriptionArgs(name=self._args.plan, tier=self._args.plan),
            staging_environment_policy=web.StagingEnvironmentPolicy.DISABLED,
            allow_config_file_updates=True,
            public_network_access="Enabled",
            tags=self._tags(),
            opts=pulumi.ResourceOptions.merge(
                self._child(protect=True),
                pulumi.ResourceOptions(ignore_changes=["provider", "repositoryUrl", "branch"]),
            ),
        )

    def _account(self, group: resources.ResourceGroup) -> storage.StorageAccount:
        """Nothing public, no keys, nothing without TLS. Its name has small letters and digits only."""
        return storage.StorageAccount(
            f"{self._name}packages",
            resource_group_name=group.name,
            location=self._args.location,
            kind=storage.Kind.STORAGE_V2,
            sku=storage.SkuArgs(name=storage.SkuName.STANDARD_LRS),
            allow_blob_public_access=False,
            allow_shared_key_access=False,
            allow_cross_tenant_replication=False,
            enable_https_traffic_only=True,
            minimum_tls_version=storage.MinimumTlsVersion.TLS1_2,
            tags=self._tags(),
            opts=self._child(protect=True),
        )

    def _container(self, group: resources.ResourceGroup, account: storage.StorageAccount) -> storage.BlobContainer:
        return storage.BlobContainer(
            f"{self._name}-packages",
            resource_group_name=group.name,
            account_name=account.name,
            container_name="packages",
            public_access=storage.PublicAccess.NONE,
            opts=self._child(),
        )


HOST = AzureHost
