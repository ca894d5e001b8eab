"""The resource types of ``pulumi-azure-native`` that the program declares."""

from __future__ import annotations

import re
import secrets
from typing import Any, ClassVar

from sandbox.platforms.azure.account import (
    BLOB_CONTAINER,
    BLOB_SUFFIX,
    RESOURCE_GROUP,
    SITE_SUFFIX,
    STATIC_SITE,
    STORAGE_ACCOUNT,
    group_id,
    within,
)
from sandbox.platforms.azure.blob_store import BlobStore
from sandbox.platforms.azure.deployments import Deployments
from sandbox.provider.resource_type import UNKNOWN, Inputs, Outputs, Refused
from sandbox.provider.stored import StoredType
from sandbox.store import Document, Store

#: https://learn.microsoft.com/azure/static-web-apps/overview, and the type's own error message
_SITE_LOCATIONS = ("westus2", "centralus", "eastus2", "westeurope", "eastasia")
#: https://learn.microsoft.com/azure/static-web-apps/quotas
_FREE_SITES = 10
_API_VERSIONS = {
    RESOURCE_GROUP: "2024-11-01",
    STORAGE_ACCOUNT: "2024-01-01",
    BLOB_CONTAINER: "2024-01-01",
    STATIC_SITE: "2025-05-01",
}
_WORDS = (
    ("happy", "lively", "polite", "purple", "brave", "calm"),
    ("sea", "field", "river", "stone", "forest", "coast"),
)


class AzureType(StoredType):
    """Named by one input; automatic names are the logical one and eight hex digits. A name that is taken is refused."""

    name_input: ClassVar[str]
    kind: ClassVar[str]
    api_version: ClassVar[str] = ""

    def defaults(self, name: str, inputs: Inputs, old: Inputs) -> Inputs:
        """Give an automatic name where none is given."""
        if inputs.get(self.name_input) is not None:
            return inputs
        kept = old.get(self.name_input)
        return {**inputs, self.name_input: kept if isinstance(kept, str) else f"{name}{secrets.token_hex(4)}"}

    def identify(self, inputs: Inputs) -> str:
        """Resource id."""
        return within(inputs["resourceGroupName"], self.kind, inputs[self.name_input])

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """The group must be there; what exists already is not created."""
        if self.store.get(RESOURCE_GROUP, group_id(inputs["resourceGroupName"])) is None:
            raise Refused(f"ResourceGroupNotFound: Resource group '{inputs['resourceGroupName']}' could not be found.")
        self.refuse_existing(inputs, identifier)

    def refuse_existing(self, inputs: Inputs, identifier: str | None) -> None:
        """https://github.com/pulumi/pulumi-azure-native (a resource that is there is not made, it can be imported)."""
        if identifier is None and self.store.get(self.token, self.identify(inputs)) is not None:
            raise Refused(f"cannot create already existing resource '{self.identify(inputs)}'")

    def version(self) -> Outputs:
        """What every resource of the provider says of itself."""
        return {"azureApiVersion": self.api_version or _API_VERSIONS[self.token]}


class ResourceGroup(AzureType):
    """``azure_native.resources.ResourceGroup``."""

    token = RESOURCE_GROUP
    named = "resourceGroupName"
    name_input = "resourceGroupName"
    replaced_by = frozenset({"resourceGroupName", "location"})
    computed = frozenset({"name", "type", "properties", "azureApiVersion"})
    required = ("location",)

    def identify(self, inputs: Inputs) -> str:
        """Resource id."""
        return group_id(inputs["resourceGroupName"])

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """A group that is there is not made."""
        self.refuse_existing(inputs, identifier)

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """Name and state."""
        properties = {"provisioningState": "Succeeded"}
        name = inputs["resourceGroupName"]
        return {"name": name, "type": "Microsoft.Resources/resourceGroups", "properties": properties, **self.version()}


class StorageAccount(AzureType):
    """``azure_native.storage.StorageAccount``; its name is part of a public host name."""

    token = STORAGE_ACCOUNT
    named = "accountName"
    name_input = "accountName"
    kind = "Microsoft.Storage/storageAccounts"
    replaced_by = frozenset({"accountName", "resourceGroupName", "location"})
    computed = frozenset(
        {"name", "type", "primaryEndpoints", "primaryLocation", "provisioningState", "azureApiVersion"}
    )
    required = ("kind", "resourceGroupName", "sku")

    def __init__(self, store: Store, blobs: BlobStore) -> None:
        super().__init__(store)
        self._blobs = blobs

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """Names, kinds and versions of TLS that there are."""
        failures = super().check(inputs)
        if inputs.get("kind") not in {
            None,
            UNKNOWN,
            "StorageV2",
            "BlobStorage",
            "BlockBlobStorage",
            "FileStorage",
            "Storage",
        }:
            failures.append(("kind", "is no kind of storage account"))
        if inputs.get("minimumTlsVersion") not in {None, UNKNOWN, "TLS1_0", "TLS1_1", "TLS1_2", "TLS1_3"}:
            failures.append(("minimumTlsVersion", "is no version of TLS"))
        return failures

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """Account names: https://learn.microsoft.com/azure/storage/common/storage-account-overview#storage-account-name."""
        name = inputs["accountName"]
        if not re.fullmatch(r"[a-z0-9]{3,24}", name):
            raise Refused(
                f"AccountNameInvalid: {name} is not a valid storage account name. Storage account name must be between "
                "3 and 24 characters in length and use numbers and lower-case letters only."
            )
        super().refuse(inputs, identifier)
        if identifier is None and self._blobs.account(name) is not None:
            raise Refused(f"StorageAccountAlreadyTaken: The storage account named {name} is already taken.")

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """Endpoints."""
        name = inputs["accountName"]
        services = ("blob", "dfs", "file", "queue", "table", "web")
        endpoints = {service: f"https://{name}.{service}.core.windows.net/" for service in services}
        endpoints["blob"] = f"https://{name}{BLOB_SUFFIX}/"
        location = inputs.get("location") or "westeurope"
        return {
            "name": name,
            "type": self.kind,
            "location": location,
            "primaryLocation": location,
            "primaryEndpoints": endpoints,
            "provisioningState": "Succeeded",
            **self.version(),
        }

    def in_use(self, identifier: str, document: Document) -> None:
        """Deleting an account deletes what it holds."""
        self._blobs.clear(f"{document['accountName']}/")


class BlobContainer(AzureType):
    """``azure_native.storage.BlobContainer``."""

    token = BLOB_CONTAINER
    named = "containerName"
    name_input = "containerName"
    replaced_by = frozenset({"containerName", "accountName", "resourceGroupName"})
    computed = frozenset({"name", "type", "etag", "azureApiVersion"})
    required = ("accountName", "resourceGroupName")

    def __init__(self, store: Store, blobs: BlobStore) -> None:
        super().__init__(store)
        self._blobs = blobs

    def identify(self, inputs: Inputs) -> str:
        """Resource id."""
        account = within(inputs["resourceGroupName"], "Microsoft.Storage/storageAccounts", inputs["accountName"])
        return f"{account}/blobServices/default/containers/{inputs['containerName']}"

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """The account must be there, and agree to public access."""
        super().refuse(inputs, identifier)
        account = self._blobs.account(inputs["accountName"])
        if account is None:
            missing = f"Microsoft.Storage/storageAccounts/{inputs['accountName']}"
            raise Refused(f"ResourceNotFound: The Resource '{missing}' was not found.")
        if not re.fullmatch(r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", inputs["containerName"]):
            raise Refused("InvalidResourceName: The specified resource name contains invalid characters.")
        if inputs.get("publicAccess") not in (None, "None") and account.get("allowBlobPublicAccess") is not True:
            raise Refused("PublicAccessNotPermitted: Public access is not permitted on this storage account.")

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """Name."""
        kind = "Microsoft.Storage/storageAccounts/blobServices/containers"
        return {
            "name": inputs["containerName"],
            "type": kind,
            "publicAccess": inputs.get("publicAccess", "None"),
            **self.version(),
        }

    def in_use(self, identifier: str, document: Document) -> None:
        """Deleting a container deletes what it holds."""
        self._blobs.clear(f"{document['accountName']}/{document['containerName']}/")


class StaticSite(AzureType):
    """``azure_native.web.StaticSite``; Azure invents its host name."""

    token = STATIC_SITE
    named = "name"
    name_input = "name"
    kind = "Microsoft.Web/staticSites"
    replaced_by = frozenset({"name", "resourceGroupName", "location"})
    computed = frozenset({"type", "defaultHostname", "contentDistributionEndpoint", "customDomains", "azureApiVersion"})
    required = ("resourceGroupName",)

    def __init__(self, store: Store, deployments: Deployments) -> None:
        super().__init__(store)
        self._deployments = deployments

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """Plans and policies that there are."""
        failures = super().check(inputs)
        sku = inputs.get("sku")
        plan = (sku.get("name"), sku.get("tier")) if isinstance(sku, dict) else (UNKNOWN, UNKNOWN)
        if UNKNOWN not in plan and plan not in {("Free", "Free"), ("Standard", "Standard")}:
            failures.append(("sku", "name and tier must both be Free or both be Standard"))
        if inputs.get("stagingEnvironmentPolicy") not in {None, UNKNOWN, "Enabled", "Disabled"}:
            failures.append(("stagingEnvironmentPolicy", "is neither Enabled nor Disabled"))
        return failures

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """Few regions have the type, and a subscription has ten free sites."""
        super().refuse(inputs, identifier)
        location = str(inputs.get("location") or "").lower().replace(" ", "")
        if location not in _SITE_LOCATIONS:
            raise Refused(
                f"LocationNotAvailableForResourceType: The provided location '{location}' is not available for "
                f"resource type '{self.kind}'. List of available regions for the resource type is "
                f"'{','.join(_SITE_LOCATIONS)}'."
            )
        others = [found for key, found in self.store.all(STATIC_SITE).items() if key != identifier]
        free = [found for found in others if found["sku"]["name"] == "Free"]
        if _sku(inputs)["name"] == "Free" and len(free) >= _FREE_SITES:
            raise Refused(
                "MaximumFreeStaticSites: The maximum number of free static sites in the subscription is reached."
            )

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """A host name of two words and a random part, for good; a deployment's own provider stays."""
        number = secrets.randbelow(5) + 1
        words = "-".join(secrets.choice(choices) for choices in _WORDS)
        made: dict[str, Any] = {
            "defaultHostname": f"{words}-{secrets.token_hex(5)[:9]}.{number}{SITE_SUFFIX}",
            "contentDistributionEndpoint": f"https://content-{inputs.get('location')}.infrastructure.{number}{SITE_SUFFIX}",
        }
        kept = {key: old[key] for key in (*made, "provider") if key in old} if old else {}
        fixed = {"type": self.kind, "sku": _sku(inputs), "customDomains": [], **self.version()}
        return {**made, "provider": inputs.get("provider") or "None", **kept, **fixed}

    async def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        """Make it, with an environment that waits for a deployment."""
        identifier, outputs = await super().create(inputs)
        self._deployments.build(identifier)
        return identifier, outputs

    def in_use(self, identifier: str, document: Document) -> None:
        """Deleting a site deletes what was deployed."""
        self._deployments.forget(identifier)


def _sku(inputs: Inputs) -> dict[str, str]:
    found = inputs.get("sku") or {}
    return {"name": str(found.get("name", "Free")), "tier": str(found.get("tier", found.get("name", "Free")))}
